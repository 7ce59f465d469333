//! "Did you mean …?"

use crate::words::nearest;

pub(super) fn did_you_mean<T: AsRef<str>>(
    name: &str,
    candidates: impl Iterator<Item = T>,
) -> Option<String> {
    nearest(name, candidates).map(|near| format!("did you mean `{}`?", near.as_ref()))
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
