//! "Did you mean …?"

use crate::words::nearest;

pub(super) fn did_you_mean<T: AsRef<str>>(
    name: &str,
    candidates: impl Iterator<Item = T>,
) -> Option<String> {
    nearest(name, candidates).map(|near| format!("did you mean `{}`?", near.as_ref()))
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
