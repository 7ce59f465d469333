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

/// Enough of a text to recognise it, in backticks: it has none of its own, so that it is known where
/// it ends.
pub(super) fn shortened(text: &str) -> String {
    const MAX_SHOWN: usize = 60;
    let start = text.char_indices().nth(MAX_SHOWN);
    let start = start.and_then(|(at, _)| text.split_at_checked(at));
    let shown = match start {
        Some((start, _)) => format!("{start}…"),
        None => text.to_owned(),
    };
    shown.replace('`', "'")
}
