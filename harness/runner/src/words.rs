//! Names in messages.

/// How alike two names must be for the one to be offered for the other.
const LIKENESS: f64 = 0.72;

/// How alike they must be for the one to be read as the other.
const SAMENESS: f64 = 0.88;

/// How alike two names are, at the least, of which one is the other with one slip of the pen: a
/// letter too many, too few, another, or two in the wrong order. In short words no other measure
/// sees it.
const ONE_SLIP: f64 = 0.9;

/// The known name that was probably meant.
pub(crate) fn near<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    nearest(wrong, known, LIKENESS)
}

/// The known name of which a wrong one can only be a misspelling.
pub(crate) fn surely<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    nearest(wrong, known, SAMENESS)
}

fn nearest<'a>(
    wrong: &str,
    known: impl IntoIterator<Item = &'a str>,
    least: f64,
) -> Option<&'a str> {
    known
        .into_iter()
        .map(|name| (likeness(wrong, name), name))
        .filter(|(likeness, _)| *likeness >= least)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

fn likeness(wrong: &str, name: &str) -> f64 {
    let likeness = strsim::jaro_winkler(wrong, name);
    let is_slip = name.chars().count() > 1 && strsim::osa_distance(wrong, name) == 1;
    if is_slip {
        ONE_SLIP + likeness * (1.0 - ONE_SLIP)
    } else {
        likeness
    }
}

/// `a`, `b` and `c`.
pub(crate) fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        None => "none".to_owned(),
        Some((only, [])) => only.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}
