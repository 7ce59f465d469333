//! Six words for a cell of the matrix, and a seventh for the one that proves nothing.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Through which ways an actor sees a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sight {
    /// By id and by search.
    Visible,
    /// By id only.
    ReadOnlyById,
    /// By search only.
    SearchOnly,
    /// Not at all.
    Hidden,
}

impl Sight {
    /// From the two ways.
    pub fn of(read: bool, search: bool) -> Self {
        match (read, search) {
            (true, true) => Self::Visible,
            (true, false) => Self::ReadOnlyById,
            (false, true) => Self::SearchOnly,
            (false, false) => Self::Hidden,
        }
    }

    /// Whether a read by id shows it.
    pub fn by_id(self) -> bool {
        matches!(self, Self::Visible | Self::ReadOnlyById)
    }

    /// Whether a search finds it.
    pub fn by_search(self) -> bool {
        matches!(self, Self::Visible | Self::SearchOnly)
    }

    /// Whether there is a way here that the other does not have.
    pub fn exceeds(self, other: Self) -> bool {
        (self.by_id() && !other.by_id()) || (self.by_search() && !other.by_search())
    }
}

impl fmt::Display for Sight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Visible => "visible",
            Self::ReadOnlyById => "visible by id only",
            Self::SearchOnly => "visible by search only",
            Self::Hidden => "hidden",
        })
    }
}

/// What is expected of one way of looking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Way {
    /// It shows the resource.
    Seen,
    /// It does not.
    Hidden,
    /// It may or may not: a server answers it from its cache or from its database, and they differ.
    Either,
    /// The semantics does not say.
    Unknown,
}

impl Way {
    /// From a decision.
    pub fn of(seen: bool) -> Self {
        if seen { Self::Seen } else { Self::Hidden }
    }

    /// Whether an answer is another than this.
    pub(super) fn differs(self, observed: &Observed) -> bool {
        match (self, observed.seen()) {
            (Self::Seen, Some(seen)) => !seen,
            (Self::Hidden, Some(seen)) => seen,
            _ => false,
        }
    }
}

/// What is expected of both ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ways {
    /// Of a read by id.
    pub read: Way,
    /// Of a search.
    pub search: Way,
}

impl Ways {
    /// As one word, where it is certain.
    pub fn sight(self) -> Option<Sight> {
        let certain = |way| match way {
            Way::Seen => Some(true),
            Way::Hidden => Some(false),
            Way::Either | Way::Unknown => None,
        };
        Some(Sight::of(certain(self.read)?, certain(self.search)?))
    }
}

impl From<Sight> for Ways {
    fn from(sight: Sight) -> Self {
        Self {
            read: Way::of(sight.by_id()),
            search: Way::of(sight.by_search()),
        }
    }
}

/// What came of one way of looking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Observed {
    /// It was there: `200`, or `found`.
    Seen(String),
    /// It was not: `404`, or `absent`.
    Hidden(String),
    /// There was no usable answer, and why.
    Error(String),
    /// Nobody asked, and why.
    NotAsked(String),
    /// It was not on the pages that were read, and there are more.
    Truncated(String),
}

impl Observed {
    /// Whether it was seen, where that is known.
    pub fn seen(&self) -> Option<bool> {
        match self {
            Self::Seen(_) => Some(true),
            Self::Hidden(_) => Some(false),
            Self::Error(_) | Self::NotAsked(_) | Self::Truncated(_) => None,
        }
    }

    /// Why it is not known.
    pub fn problem(&self) -> Option<&str> {
        match self {
            Self::Error(why) | Self::NotAsked(why) | Self::Truncated(why) => Some(why),
            Self::Seen(_) | Self::Hidden(_) => None,
        }
    }
}

impl fmt::Display for Observed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Seen(how) | Self::Hidden(how) => f.write_str(how),
            Self::Error(_) => f.write_str("error"),
            Self::NotAsked(_) => f.write_str("not asked"),
            Self::Truncated(_) => f.write_str("truncated"),
        }
    }
}

/// The verdict of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CellVerdict {
    /// Predicted and seen.
    ExpectedAllow,
    /// Predicted hidden, and hidden.
    ExpectedDeny,
    /// A leak.
    UnexpectedAllow,
    /// Predicted visible, and hidden.
    UnexpectedDeny,
    /// Not as predicted, but as servers of this kind are known to answer, and the run accepts that.
    Departure,
    /// No usable answer.
    Error,
    /// Not asked.
    Skipped,
    /// The admin could not see it either, so nothing follows from a denial; or the semantics does
    /// not say what to expect; or the search has more pages than the run reads.
    Inconclusive,
}

impl CellVerdict {
    /// All of them, in the order of reports.
    pub const ALL: [Self; 8] = [
        Self::ExpectedAllow,
        Self::ExpectedDeny,
        Self::UnexpectedAllow,
        Self::UnexpectedDeny,
        Self::Departure,
        Self::Error,
        Self::Skipped,
        Self::Inconclusive,
    ];

    /// Whether it is to be mended or looked into. A departure that the run accepts is not.
    pub fn is_wrong(self) -> bool {
        !self.is_expected() && self != Self::Departure
    }

    /// Whether it is as predicted.
    pub fn is_expected(self) -> bool {
        matches!(self, Self::ExpectedAllow | Self::ExpectedDeny)
    }

    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::ExpectedAllow => "expected-allow",
            Self::ExpectedDeny => "expected-deny",
            Self::UnexpectedAllow => "unexpected-allow",
            Self::UnexpectedDeny => "unexpected-deny",
            Self::Departure => "departure",
            Self::Error => "error",
            Self::Skipped => "skipped",
            Self::Inconclusive => "inconclusive",
        }
    }
}

impl fmt::Display for CellVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// The verdict of a cell. `predicted` is nothing where the admin could not see the resource: then
/// there is nothing to predict from, and no positive control.
///
/// A leak is a leak whatever else went wrong in the cell.
pub fn judge(predicted: Option<Ways>, read: &Observed, search: &Observed) -> CellVerdict {
    let Some(predicted) = predicted else {
        return CellVerdict::Inconclusive;
    };
    let ways = [(predicted.read, read), (predicted.search, search)];
    let any = |is: &dyn Fn(Way, &Observed) -> bool| ways.iter().any(|(way, seen)| is(*way, seen));
    if any(&|way, seen| way == Way::Hidden && way.differs(seen)) {
        CellVerdict::UnexpectedAllow
    } else if any(&|_, seen| matches!(seen, Observed::Error(_))) {
        CellVerdict::Error
    } else if any(&|_, seen| matches!(seen, Observed::NotAsked(_))) {
        CellVerdict::Skipped
    } else if any(&|way, seen| way.differs(seen)) {
        CellVerdict::UnexpectedDeny
    } else if any(&|way, seen| way == Way::Unknown || matches!(seen, Observed::Truncated(_))) {
        CellVerdict::Inconclusive
    } else if any(&|_, seen| seen.seen() == Some(true)) {
        CellVerdict::ExpectedAllow
    } else {
        CellVerdict::ExpectedDeny
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn look(word: &str) -> Observed {
        match word {
            "200" | "found" => Observed::Seen(word.into()),
            "error" => Observed::Error("500".into()),
            "not asked" => Observed::NotAsked("gone".into()),
            "truncated" => Observed::Truncated("more pages".into()),
            _ => Observed::Hidden(word.into()),
        }
    }

    #[rstest]
    #[case(Some(Sight::Visible), "200", "found", CellVerdict::ExpectedAllow)]
    #[case(Some(Sight::Hidden), "404", "absent", CellVerdict::ExpectedDeny)]
    #[case(Some(Sight::Hidden), "403", "403", CellVerdict::ExpectedDeny)]
    #[case(Some(Sight::Hidden), "200", "absent", CellVerdict::UnexpectedAllow)]
    #[case(Some(Sight::Hidden), "404", "found", CellVerdict::UnexpectedAllow)]
    #[case(Some(Sight::Hidden), "error", "found", CellVerdict::UnexpectedAllow)]
    #[case(Some(Sight::Visible), "404", "found", CellVerdict::UnexpectedDeny)]
    #[case(Some(Sight::Visible), "200", "absent", CellVerdict::UnexpectedDeny)]
    #[case(Some(Sight::ReadOnlyById), "200", "absent", CellVerdict::ExpectedAllow)]
    #[case(
        Some(Sight::ReadOnlyById),
        "200",
        "found",
        CellVerdict::UnexpectedAllow
    )]
    #[case(Some(Sight::SearchOnly), "404", "found", CellVerdict::ExpectedAllow)]
    #[case(Some(Sight::Hidden), "error", "absent", CellVerdict::Error)]
    #[case(Some(Sight::Visible), "200", "error", CellVerdict::Error)]
    #[case(Some(Sight::Visible), "404", "error", CellVerdict::Error)]
    #[case(Some(Sight::Hidden), "404", "not asked", CellVerdict::Skipped)]
    #[case(Some(Sight::Visible), "200", "truncated", CellVerdict::Inconclusive)]
    #[case(Some(Sight::Hidden), "404", "truncated", CellVerdict::Inconclusive)]
    #[case(Some(Sight::Hidden), "200", "truncated", CellVerdict::UnexpectedAllow)]
    #[case(Some(Sight::Visible), "404", "truncated", CellVerdict::UnexpectedDeny)]
    #[case(Some(Sight::Visible), "error", "truncated", CellVerdict::Error)]
    #[case(None, "404", "absent", CellVerdict::Inconclusive)]
    #[case(None, "200", "found", CellVerdict::Inconclusive)]
    fn verdicts(
        #[case] predicted: Option<Sight>,
        #[case] read: &str,
        #[case] search: &str,
        #[case] verdict: CellVerdict,
    ) {
        let predicted = predicted.map(Ways::from);
        assert_eq!(judge(predicted, &look(read), &look(search)), verdict);
    }

    /// A way that may go either way is never wrong; one that nobody can predict proves nothing.
    #[rstest]
    #[case(Way::Either, Way::Hidden, "200", "absent", CellVerdict::ExpectedAllow)]
    #[case(Way::Either, Way::Hidden, "404", "absent", CellVerdict::ExpectedDeny)]
    #[case(Way::Either, Way::Hidden, "404", "found", CellVerdict::UnexpectedAllow)]
    #[case(Way::Either, Way::Seen, "200", "absent", CellVerdict::UnexpectedDeny)]
    #[case(Way::Unknown, Way::Hidden, "404", "absent", CellVerdict::Inconclusive)]
    #[case(
        Way::Unknown,
        Way::Hidden,
        "404",
        "found",
        CellVerdict::UnexpectedAllow
    )]
    #[case(Way::Unknown, Way::Seen, "200", "absent", CellVerdict::UnexpectedDeny)]
    #[case(Way::Unknown, Way::Either, "error", "absent", CellVerdict::Error)]
    fn uncertain_predictions(
        #[case] by_id: Way,
        #[case] by_search: Way,
        #[case] read: &str,
        #[case] search: &str,
        #[case] verdict: CellVerdict,
    ) {
        let predicted = Ways {
            read: by_id,
            search: by_search,
        };
        let judged = judge(Some(predicted), &look(read), &look(search));
        assert_eq!(judged, verdict);
    }
}
