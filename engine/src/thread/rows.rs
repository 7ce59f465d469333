//! What the documentation says about the data, point by point, and what became of each point.

use super::rules::rule;
#[cfg(test)]
use super::rules::rules;

/// A point that is no rule, because no check of resources can tell whether it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Elsewhere {
    /// Its id.
    pub id: &'static str,
    /// What it says.
    pub says: &'static str,
    /// Why it is no rule.
    pub why: &'static str,
    /// Where it is looked after instead: a documented flow, or a command.
    pub instead: &'static str,
}

/// How many points there are of each letter.
pub const POINTS: [(char, u8); 6] = [
    ('H', 26),
    ('M', 30),
    ('C', 8),
    ('T', 16),
    ('E', 5),
    ('A', 6),
];

/// The points that are no rules.
pub const ELSEWHERE: [Elsewhere; 8] = [
    Elsewhere {
        id: "H-25",
        says: "changing a header's recipients does not touch its messages",
        why: "it is said of the server; a person may well take somebody out of each message, which is how a removal is made complete",
        instead: "the flow remove-participant, which compares the versions of the messages",
    },
    Elsewhere {
        id: "M-22",
        says: "a file that must be searchable is a DocumentReference",
        why: "whether it must be is not in the data",
        instead: "the flow attach-document-reference",
    },
    Elsewhere {
        id: "C-01",
        says: "where the record matters, retract and correct instead of editing in place",
        why: "whether it matters is not in the data; C-07 shows each edit in place",
        instead: "the flows retract-message and post-correction",
    },
    Elsewhere {
        id: "C-08",
        says: "a query that shall hide retracted messages says so",
        why: "it is said of queries",
        instead: "the flow hide-and-replace-view",
    },
    Elsewhere {
        id: "T-11",
        says: "only messages that need an answer get a Task",
        why: "whether one needs an answer is not in the data",
        instead: "the flow create-pool-task",
    },
    Elsewhere {
        id: "A-03",
        says: "criteria have no modifiers but `:not` and `:missing`, and no chains",
        why: "it is said of policies, where it has a place and a repair",
        instead: "`fhirward policy check`",
    },
    Elsewhere {
        id: "A-05",
        says: "who changes recipients guards the version",
        why: "it is said of requests; what is stored does not show how it was written",
        instead: "the flow remove-participant-version-guarded",
    },
    Elsewhere {
        id: "A-06",
        says: "webhooks and bots each have a narrow policy",
        why: "it is said of the project's members, not of conversations",
        instead: "the flows webhook-endpoint-authenticated and webhook-endpoint-unauthenticated",
    },
];

/// All ids of points, in order, with what became of them: a rule's name, or a reason.
pub fn rows() -> impl Iterator<Item = (String, Result<&'static str, &'static Elsewhere>)> {
    let ids = POINTS
        .into_iter()
        .flat_map(|(letter, count)| (1..=count).map(move |n| format!("{letter}-{n:02}")));
    ids.filter_map(|id| {
        let became = match rule(&id) {
            Some(rule) => Ok(rule.slug),
            None => Err(ELSEWHERE.iter().find(|point| point.id == id)?),
        };
        Some((id, became))
    })
}

#[cfg(test)]
mod tests {
    use super::{ELSEWHERE, rows, rules};

    #[test]
    fn each_of_the_91_points_is_a_rule_or_says_why_not() {
        assert_eq!(rows().count(), 91);
        assert_eq!(rules().len() + ELSEWHERE.len(), 91);
    }
}
