//! Where a server does not answer as the policies mean, but as servers of its kind are known to.

use fhirward_engine::policy::Interaction;
use fhirward_engine::semantics::{Path, Question, Semantics, Verdict};
use serde::{Deserialize, Serialize};

use super::verdict::{Observed, Way, Ways};

/// A known departure that explains an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownDeparture {
    /// Its name, `departure/…`; where the semantics predicts the answer and has no name for the
    /// cause, `departure/unnamed`.
    pub id: String,
    /// Why, in one line.
    pub why: String,
    /// The page that says more, from the project's root.
    pub page: Option<String>,
    /// The semantics that predicts the answer, such as `medplum-5.0`.
    pub semantics: String,
    /// Why the run accepts it, where it does.
    pub accepted: Option<String>,
}

/// A departure that a run accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedDeparture {
    /// Its name.
    pub id: String,
    /// The only scenario in which it is accepted; in all without one.
    pub scenario: Option<String>,
    /// Why.
    pub reason: String,
}

/// The kind of server that a name stands for.
///
/// # Errors
/// A name of none, or of a semantics that is no server's.
pub fn departing_server(name: &str) -> Result<Semantics, String> {
    match name.parse() {
        Ok(Semantics::Medplum(version)) => Ok(Semantics::Medplum(version)),
        Ok(Semantics::Documented | Semantics::R4) => {
            Err("only servers depart: write medplum-VERSION".to_owned())
        }
        Err(unknown) => Err(unknown.to_string()),
    }
}

/// The name of an answer that the semantics predicts without a named cause.
pub const UNNAMED: &str = "departure/unnamed";

/// What a semantics expects of a read by id. A server that answers from a cache or from its
/// database is expected to do either where the two differ.
pub(super) fn expected(question: &Question, semantics: Semantics, interaction: Interaction) -> Way {
    let verdicts: Vec<Verdict> = question
        .answers(semantics)
        .into_iter()
        .filter(|(path, _)| is_asked(*path, interaction))
        .map(|(_, answer)| answer.verdict)
        .collect();
    let way = |verdict: &Verdict| match verdict {
        Verdict::Allowed => Way::Seen,
        Verdict::Hidden | Verdict::Forbidden | Verdict::Error => Way::Hidden,
        Verdict::Unknown => Way::Unknown,
    };
    let mut ways = verdicts.iter().map(way);
    let Some(first) = ways.next() else {
        return Way::Unknown;
    };
    ways.fold(first, |all, next| match (all, next) {
        (Way::Unknown, _) | (_, Way::Unknown) => Way::Unknown,
        (all, next) if all == next => all,
        _ => Way::Either,
    })
}

/// The paths that the harness takes: it reads by id, and searches the type itself.
fn is_asked(path: Path, interaction: Interaction) -> bool {
    match interaction {
        Interaction::Search => path == Path::Search,
        _ => matches!(path, Path::CachedRead | Path::DatabaseRead),
    }
}

/// The departures of a semantics by which each wrong answer is as that semantics predicts; nothing
/// where there is a wrong answer that it does not predict either.
pub(super) fn recognise(
    ask: &dyn Fn(Interaction) -> Question,
    semantics: Semantics,
    predicted: Ways,
    read: &Observed,
    search: &Observed,
) -> Vec<KnownDeparture> {
    let mut known: Vec<KnownDeparture> = Vec::new();
    let ways = [
        (Interaction::Read, predicted.read, read),
        (Interaction::Search, predicted.search, search),
    ];
    for (interaction, way, observed) in ways {
        if !way.differs(observed) {
            continue;
        }
        let wanted = observed.seen() == Some(true);
        let question = ask(interaction);
        let mut explained = false;
        for departed in question.departures(semantics) {
            let is_so = (departed.answer.verdict == Verdict::Allowed) == wanted
                && departed.answer.verdict != Verdict::Unknown;
            if !is_so || !is_asked(departed.path, interaction) {
                continue;
            }
            explained = true;
            let named = departed.causes.iter().map(|cause| KnownDeparture {
                id: cause.id.to_owned(),
                why: cause.why.to_owned(),
                page: Some(cause.page()),
                semantics: semantics.to_string(),
                accepted: None,
            });
            let mut named: Vec<KnownDeparture> = named.collect();
            if named.is_empty() {
                named.push(KnownDeparture {
                    id: UNNAMED.to_owned(),
                    why: format!(
                        "{} answers so on the path `{}`",
                        semantics,
                        departed.path.name()
                    ),
                    page: None,
                    semantics: semantics.to_string(),
                    accepted: None,
                });
            }
            for departure in named {
                if !known.iter().any(|known| known.id == departure.id) {
                    known.push(departure);
                }
            }
        }
        if !explained {
            return Vec::new();
        }
    }
    known
}

/// Marks what the run accepts in a scenario. Whether all of them are.
pub fn accept(
    known: &mut [KnownDeparture],
    accepted: &[AcceptedDeparture],
    scenario: &str,
) -> bool {
    for departure in known.iter_mut() {
        departure.accepted = accepted
            .iter()
            .find(|accepted| {
                accepted.id == departure.id
                    && accepted
                        .scenario
                        .as_deref()
                        .is_none_or(|only| only == scenario)
            })
            .map(|accepted| accepted.reason.clone());
    }
    !known.is_empty() && known.iter().all(|departure| departure.accepted.is_some())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use fhirward_engine::policy::PolicyDocument;
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;
    use crate::expect::{Predictor, Sight};

    fn predictor(criteria: &str) -> Predictor {
        let policy = json!({
            "resourceType": "AccessPolicy",
            "resource": [{ "resourceType": "Patient", "criteria": criteria }],
        });
        let membership = json!({
            "resourceType": "ProjectMembership",
            "profile": { "reference": "Practitioner/house" },
            "accessPolicy": { "reference": "AccessPolicy/p" },
        });
        let document = Arc::new(PolicyDocument::from_value(&policy).0);
        let ids = BTreeMap::from([("AccessPolicy/p".to_owned(), document)]);
        Predictor::new(&membership, &ids, "http://127.0.0.1/fhir/R4/").unwrap()
    }

    fn homer() -> Value {
        json!({ "resourceType": "Patient", "id": "homer", "gender": "male" })
    }

    fn medplum() -> Semantics {
        "medplum-5.0".parse().unwrap()
    }

    fn look(seen: bool) -> Observed {
        if seen {
            Observed::Seen("200".into())
        } else {
            Observed::Hidden("404".into())
        }
    }

    /// The server folds case in memory and not in the database: policy-semantics 5.3.
    #[rstest]
    #[case::as_promised("Patient?gender=male", Way::Seen, Way::Seen)]
    #[case::cache_and_database_differ("Patient?gender=MALE", Way::Either, Way::Hidden)]
    #[case::nobody_knows("Patient?name=homer", Way::Hidden, Way::Hidden)]
    fn what_a_server_is_expected_to_do(
        #[case] criteria: &str,
        #[case] read: Way,
        #[case] search: Way,
    ) {
        let predictor = predictor(criteria);
        let prediction = predictor.predict(&homer(), medplum(), &|_| None);
        assert_eq!(prediction.ways, Ways { read, search });
    }

    #[rstest]
    #[case::known("Patient?gender=MALE", true, false, true)]
    #[case::unknown_search("Patient?gender=MALE", false, true, false)]
    #[case::one_way_is_not_enough("Patient?gender=MALE", true, true, false)]
    #[case::no_departure("Patient?gender=female", true, false, false)]
    fn a_leak_is_recognised_only_if_the_server_is_known_to_answer_so(
        #[case] criteria: &str,
        #[case] read: bool,
        #[case] search: bool,
        #[case] is_known: bool,
    ) {
        let known = predictor(criteria).recognise(
            &homer(),
            medplum(),
            Sight::Hidden.into(),
            &look(read),
            &look(search),
        );
        assert_eq!(!known.is_empty(), is_known, "{known:?}");
        for departure in known {
            assert!(departure.id.starts_with("departure/"), "{departure:?}");
            assert!(departure.accepted.is_none());
        }
    }

    #[test]
    fn all_departures_of_a_cell_must_be_accepted() {
        let departure = |id: &str| KnownDeparture {
            id: id.to_owned(),
            why: "why".into(),
            page: None,
            semantics: "medplum-5.0".into(),
            accepted: None,
        };
        let accepted = |id: &str, scenario: Option<&str>| AcceptedDeparture {
            id: id.to_owned(),
            scenario: scenario.map(str::to_owned),
            reason: "we know".into(),
        };
        let mut both = vec![departure("departure/a"), departure("departure/b")];
        assert!(!accept(&mut both, &[accepted("departure/a", None)], "s"));
        let elsewhere = [
            accepted("departure/a", None),
            accepted("departure/b", Some("t")),
        ];
        assert!(!accept(&mut both, &elsewhere, "s"));
        assert!(accept(&mut both, &elsewhere, "t"));
        assert_eq!(both[1].accepted.as_deref(), Some("we know"));
        assert!(!accept(&mut [], &elsewhere, "t"));
    }
}
