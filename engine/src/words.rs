//! Names that somebody wrote, and the names that there are: one measure for every "did you mean".
//!
//! Two names are as far apart as the fewest slips that make the one of the other: a character too
//! many, too few or wrong, or two neighbours exchanged (the optimal string alignment distance).
//! Upper and lower case do not count, as nobody means two things by them. Of names that are as far
//! away, the one that begins alike for longest is nearer: who writes gets the beginning right.

use std::cmp::Reverse;

/// Characters of the longest name that is compared with others: none that there is is as long, and
/// comparing takes as long as both lengths multiplied.
pub const MAX_COMPARED: usize = 128;

/// The known name that was probably meant, if one is near: of a short name one slip is forgiven,
/// and one more for every four characters of the shorter of the two. Of several as near it is the
/// first one.
///
/// ```
/// use fhirward_engine::words::nearest;
///
/// let known = ["sender", "sent", "recipient"];
/// assert_eq!(nearest("Recipeint", known), Some("recipient"));
/// assert_eq!(nearest("author", known), None);
/// ```
pub fn nearest<T: AsRef<str>>(word: &str, known: impl IntoIterator<Item = T>) -> Option<T> {
    Typed::new(word)?
        .measured(known, |shorter| 1 + shorter / 4)
        .min_by_key(|(apart, _)| *apart)
        .map(|(_, name)| name)
}

/// The known name of which a word can only be a misspelling, for who reads the one as the other: a
/// slip for every four characters of the shorter of the two, at least one, and no other known name
/// that is as near.
///
/// ```
/// use fhirward_engine::words::surely;
///
/// assert_eq!(surely("recipeint", ["recipient", "sender"]), Some("recipient"));
/// assert_eq!(surely("ste", ["set", "step"]), Some("step"));
/// assert_eq!(surely("sende", ["sender", "sended"]), None);
/// ```
pub fn surely<T: AsRef<str>>(word: &str, known: impl IntoIterator<Item = T>) -> Option<T> {
    let mut near: Vec<(Apart, T)> = Typed::new(word)?
        .measured(known, |shorter| (shorter / 4).max(1))
        .collect();
    let least = near.iter().map(|(apart, _)| *apart).min()?;
    near.retain(|(apart, _)| *apart == least);
    let (_, meant) = near.pop()?;
    let one = near
        .iter()
        .all(|(_, other)| other.as_ref() == meant.as_ref());
    one.then_some(meant)
}

/// `a`, `b` and `c`, as a message lists names; `none` without any.
///
/// ```
/// use fhirward_engine::words::listed;
///
/// assert_eq!(listed(["a", "b", "c"]), "`a`, `b` and `c`");
/// assert_eq!(listed::<&str>([]), "none");
/// ```
pub fn listed<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> String {
    let names = names.into_iter();
    let quoted: Vec<String> = names.map(|name| format!("`{}`", name.as_ref())).collect();
    match quoted.split_last() {
        None => "none".to_owned(),
        Some((only, [])) => only.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

/// How far apart two names are: the slips, and how many characters they begin alike.
type Apart = (usize, Reverse<usize>);

/// A word that is held against names.
struct Typed {
    lower: String,
    length: usize,
}

impl Typed {
    /// Nothing for what is like no name: it is empty or too long.
    fn new(word: &str) -> Option<Self> {
        let length = word.chars().count();
        (1..=MAX_COMPARED).contains(&length).then(|| Self {
            lower: word.to_lowercase(),
            length,
        })
    }

    /// The names that are within so many slips, which depends on the length of the shorter.
    fn measured<T: AsRef<str>>(
        self,
        known: impl IntoIterator<Item = T>,
        limit: impl Fn(usize) -> usize,
    ) -> impl Iterator<Item = (Apart, T)> {
        known.into_iter().filter_map(move |name| {
            let length = name.as_ref().chars().count();
            let limit = limit(self.length.min(length));
            if length == 0 || self.length.abs_diff(length) > limit {
                return None;
            }
            let lower = name.as_ref().to_lowercase();
            let slips = strsim::osa_distance(&self.lower, &lower);
            let pairs = self.lower.chars().zip(lower.chars());
            let alike = pairs.take_while(|(own, other)| own == other).count();
            (slips <= limit).then_some(((slips, Reverse(alike)), name))
        })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::missing_letter("Comunication", Some("Communication"))]
    #[case::exchanged("stauts", Some("status"))]
    #[case::other_case("patient", Some("Patient"))]
    #[case::one_of_a_short_one("nto", Some("not"))]
    #[case::two_of_three("nxx", None)]
    #[case::two_of_five("statt", Some("status"))]
    #[case::four_of_long_ones("Comuniktion", Some("Communication"))]
    #[case::unlike("zebra", None)]
    #[case::no_word("", None)]
    fn what_is_near(#[case] word: &str, #[case] expected: Option<&str>) {
        let known = ["Communication", "status", "not", "Patient", ""];
        assert_eq!(nearest(word, known), expected);
    }

    #[test]
    fn of_names_that_are_as_far_the_one_that_begins_alike_is_nearer() {
        assert_eq!(nearest("note", ["bote", "nose"]), Some("nose"));
        assert_eq!(nearest("note", ["nose", "notb"]), Some("notb"));
        assert_eq!(nearest("note", ["nose", "nobe"]), Some("nose"));
    }

    #[test]
    fn characters_count_and_not_bytes() {
        assert_eq!(nearest("ÄÖÜ", ["äöü"]), Some("äöü"));
        assert_eq!(nearest("äöü", ["xyz"]), None);
    }

    #[test]
    fn what_is_longer_than_any_name_is_like_none() {
        let name = "a".repeat(MAX_COMPARED);
        let longer = "a".repeat(MAX_COMPARED + 1);
        assert_eq!(nearest(&name, [&*name]), Some(&*name));
        assert_eq!(nearest(&longer, [&*name]), None);
        assert_eq!(surely(&longer, [&*name]), None);
    }

    #[rstest]
    #[case::one_slip("recpient", &["recipient", "sender"], Some("recipient"))]
    #[case::two_of_nine("recpeint", &["recipient", "sender"], Some("recipient"))]
    #[case::one_of_three("nto", &["not", "missing"], Some("not"))]
    #[case::two_of_five("statt", &["status"], None)]
    #[case::two_as_near("asks", &["asko", "aska"], None)]
    #[case::two_that_begin_otherwise("as", &["is", "at"], Some("at"))]
    #[case::one_nearer("sendr", &["send", "sender", "send-to"], None)]
    #[case::one_that_is_nearest("actors", &["actor", "act"], Some("actor"))]
    #[case::twice_the_same("actors", &["actor", "actor"], Some("actor"))]
    fn what_is_surely_meant(
        #[case] word: &str,
        #[case] known: &[&str],
        #[case] expected: Option<&str>,
    ) {
        assert_eq!(surely(word, known.iter().copied()), expected);
    }
}
