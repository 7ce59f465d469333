//! "Did you mean …?"

/// Names beyond this are like none that exists.
const MAX_COMPARED: usize = 64;

/// The candidate that is nearest to a name, if one is near.
pub(super) fn nearest(name: &str, candidates: impl Iterator<Item = String>) -> Option<String> {
    if name.len() > MAX_COMPARED {
        return None;
    }
    let limit = (name.chars().count() / 3).clamp(1, 3);
    candidates
        .map(|candidate| (strsim::damerau_levenshtein(name, &candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

pub(super) fn did_you_mean(name: &str, candidates: impl Iterator<Item = String>) -> Option<String> {
    nearest(name, candidates).map(|near| format!("did you mean `{near}`?"))
}

/// Enough of a text to recognise it.
pub(super) fn shortened(text: &str) -> String {
    const MAX_SHOWN: usize = 60;
    match text.char_indices().nth(MAX_SHOWN) {
        Some((at, _)) => text
            .split_at_checked(at)
            .map(|(start, _)| format!("{start}…"))
            .unwrap_or_default(),
        None => text.to_owned(),
    }
}
