//! What differs between two runs for no reason that anybody cares about.
//!
//! ```yaml
//! noise:
//!   - step: alice-lists
//!     of: order
//!     reason: "the server sorts by time of writing"
//! ```

use std::fmt;

use super::diff::Difference;

/// The key under which noise stands in a snapshot.
pub const NOISE: &str = "noise";

/// Something of a step that a comparison does not look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Noise {
    /// The step.
    pub step: String,
    /// What of it.
    pub of: NoiseOf,
    /// Why it does not matter.
    pub reason: String,
}

/// What of a step may differ. Never who sees what: that is what a run is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoiseOf {
    /// The status and the code of the answer.
    Outcome,
    /// The order of what a search finds.
    Order,
    /// The value that an assertion selects.
    Field(String),
}

impl NoiseOf {
    /// Reads what [`fmt::Display`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "outcome" => Some(Self::Outcome),
            "order" => Some(Self::Order),
            _ => text
                .strip_prefix("field ")
                .map(|path| Self::Field(path.to_owned())),
        }
    }
}

impl fmt::Display for NoiseOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Outcome => f.write_str("outcome"),
            Self::Order => f.write_str("order"),
            Self::Field(path) => write!(f, "field {path}"),
        }
    }
}

/// The noise that would cover a difference between two equal runs; nothing where none may: who sees
/// what, and which steps there are, do not differ by chance.
pub fn proposed(difference: &Difference) -> Option<Noise> {
    if difference.is_widening() {
        return None;
    }
    let of = match difference {
        Difference::Outcome { .. } => NoiseOf::Outcome,
        Difference::Order { .. } => NoiseOf::Order,
        Difference::Field { path, .. } => NoiseOf::Field(path.clone()),
        _ => return None,
    };
    Some(Noise {
        step: difference.step().to_owned(),
        of,
        reason: "differs between two runs of the same suite".to_owned(),
    })
}

/// Whether a difference is covered.
pub(super) fn covers(noise: &[Noise], difference: &Difference) -> bool {
    proposed(difference).is_some_and(|wanted| {
        noise
            .iter()
            .any(|known| known.step == wanted.step && known.of == wanted.of)
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::expect::Sight;

    fn outcome(was: &str, is: &str) -> Difference {
        Difference::Outcome {
            step: "s".into(),
            was: was.into(),
            is: is.into(),
        }
    }

    #[rstest]
    #[case::status(outcome("200", "204"), Some("outcome"))]
    #[case::other_refusal(outcome("404", "403"), Some("outcome"))]
    #[case::a_denial_that_got_through(outcome("404", "200"), None)]
    #[case::order(Difference::Order { step: "s".into(), is: vec![] }, Some("order"))]
    #[case::found_more(Difference::Matches { step: "s".into(), gained: vec!["m".into()], lost: vec![] }, None)]
    #[case::found_less(Difference::Matches { step: "s".into(), gained: vec![], lost: vec!["m".into()] }, None)]
    #[case::sees_less(Difference::Sight {
        step: "s".into(), actor: "a".into(), resource: "m".into(), was: Sight::Visible, is: Sight::Hidden,
    }, None)]
    fn only_what_proves_nothing_is_noise(
        #[case] difference: Difference,
        #[case] expected: Option<&str>,
    ) {
        let noise = proposed(&difference);
        let of = noise.as_ref().map(|noise| noise.of.to_string());
        assert_eq!(of.as_deref(), expected);
        let noise: Vec<Noise> = noise.into_iter().collect();
        assert_eq!(covers(&noise, &difference), expected.is_some());
        assert!(!covers(&[], &difference));
    }
}
