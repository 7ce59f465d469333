//! Everybody looks at everything: by id and by search, after a prediction and with a witness.

use std::collections::BTreeMap;

use serde_json::Value;
use tokio::task::JoinSet;

use super::options::Expectation;
use super::player::Player;
use super::request;
use crate::actor::{Session, indexed};
use crate::client::{Client, ClientError, Request, reference_of, search_path};
use crate::expect::{ActorSees, CellVerdict, KnownDeparture, Observed, Sight, Ways, accept, judge};
use crate::report::{Cell, Problem};
use crate::scenario::Claim;

/// Ids in one search, so that the address keeps a length that every server takes.
const IDS_PER_SEARCH: usize = 40;

/// A resource that everybody looks at.
#[derive(Debug, Clone)]
pub(super) struct Watched {
    pub(super) reference: String,
    pub(super) alias: String,
    /// Whether the scenario deleted it.
    pub(super) gone: bool,
}

/// What everybody saw.
#[derive(Debug, Clone)]
pub(super) struct Matrix {
    pub(super) cells: Vec<Cell>,
    /// For each cell, what the policies promise, whatever the server is held to.
    promised: Vec<Option<Sight>>,
    /// Whether a request had no answer at all.
    pub(super) transport: bool,
}

/// What the admin sees of a resource.
pub(super) enum Control {
    Copy(Value),
    /// Deleted by the scenario, and gone.
    Gone,
    /// Not to be seen, and why.
    Missing(String),
}

/// What one actor saw: read and search, for each resource.
struct Looked {
    seen: Vec<(Observed, Observed)>,
    transport: bool,
}

impl Player<'_> {
    /// Looks at every watched resource as every actor.
    pub(super) async fn observe(&mut self, after: &str) -> Matrix {
        let mut transport = false;
        let mut controls = Vec::new();
        for watched in &self.watched {
            let control = control(self.project.admin(), watched, &mut transport).await;
            controls.push(control);
        }
        self.copies.clear();
        for (watched, control) in self.watched.iter().zip(&controls) {
            if let Control::Copy(copy) = control {
                self.copies.insert(watched.reference.clone(), copy.clone());
            }
        }
        if self.project.enforces_policies().is_err() {
            // Who sees what is nobody's question here; the copies are needed all the same.
            return Matrix {
                cells: Vec::new(),
                promised: Vec::new(),
                transport,
            };
        }
        let lag = self.project.admin().target().profile.search.index_lag();
        let there: Vec<&str> = self.copies.keys().map(String::as_str).collect();
        let unindexed = indexed(self.project.admin(), &there, lag).await;
        let references: Vec<String> = self.watched.iter().map(|w| w.reference.clone()).collect();
        let hidden = self.project.admin().target().profile.hidden.clone();
        let mut tasks = JoinSet::new();
        for (index, session) in self.sessions.iter().enumerate() {
            let (client, references) = (session.client.clone(), references.clone());
            let hidden = hidden.clone();
            tasks.spawn(async move { (index, look(&client, &references, &hidden).await) });
        }
        let mut looked = BTreeMap::new();
        while let Some(done) = tasks.join_next().await {
            if let Ok((index, result)) = done {
                transport |= result.transport;
                looked.insert(index, result.seen);
            }
        }
        let scenario = format!("{}/{}", self.scenario.page, self.scenario.id);
        let (mut cells, mut promised) = (Vec::new(), Vec::new());
        for (index, session) in self.sessions.iter().enumerate() {
            let mut seen = looked.remove(&index).unwrap_or_default().into_iter();
            for (watched, control) in self.watched.iter().zip(&controls) {
                let nothing = || Observed::Error("the harness itself failed".into());
                let (read, search) = seen.next().unwrap_or_else(|| (nothing(), nothing()));
                let search = match search {
                    Observed::Hidden(_) if unindexed.contains(&watched.reference) => {
                        Observed::Error(
                            "the server's index does not show it to the admin either".into(),
                        )
                    }
                    search => search,
                };
                let asked = Asked {
                    session,
                    scenario: &scenario,
                    expectation: &self.options.expectation,
                    copies: &self.copies,
                };
                let (mut cell, promise) = asked.fill_in(watched, control, read, search);
                promised.push(promise);
                cell.after = after.to_owned();
                let texts = [
                    &mut cell.reason,
                    &mut cell.explanation,
                    &mut cell.nearest_miss,
                ];
                for text in texts.into_iter().flatten() {
                    *text = self.aliases.rewrite(&self.project.admin().clean(text));
                }
                cells.push(cell);
            }
        }
        Matrix {
            cells,
            promised,
            transport,
        }
    }
}

pub(super) async fn control(admin: &Client, watched: &Watched, transport: &mut bool) -> Control {
    // Policies may ask who wrote it, which Medplum shows only to those who ask.
    let extended = [("x-medplum".to_owned(), "extended".to_owned())];
    let request = Request {
        headers: &extended,
        ..Request::get(&watched.reference)
    };
    match admin.send(request).await {
        Ok(answer) if answer.is_success() => match answer.body {
            Some(body) => Control::Copy(body),
            None => Control::Missing("the admin gets an empty answer".into()),
        },
        Ok(answer) if watched.gone && matches!(answer.status, 404 | 410) => Control::Gone,
        Ok(answer) => Control::Missing(format!("the admin gets {}", answer.status)),
        Err(error) => {
            *transport |= error.is_transport();
            Control::Missing(format!("the admin gets no answer: {error}"))
        }
    }
}

/// Whose cells are filled in, and with what.
struct Asked<'a> {
    session: &'a Session,
    scenario: &'a str,
    expectation: &'a Expectation,
    copies: &'a BTreeMap<String, Value>,
}

impl Asked<'_> {
    /// The cell, and what the policies promise for it.
    fn fill_in(
        &self,
        watched: &Watched,
        control: &Control,
        read: Observed,
        search: Observed,
    ) -> (Cell, Option<Sight>) {
        let predictor = &self.session.predictor;
        let known = |reference: &str| self.copies.get(reference);
        let semantics = self.expectation.semantics;
        let (promised, ways, entry) = match control {
            Control::Copy(copy) => {
                let (promised, _) = predictor.sight(copy, &known);
                let prediction = predictor.predict(copy, semantics, &known);
                (Some(promised), Some(prediction.ways), prediction.entry)
            }
            Control::Gone => (Some(Sight::Hidden), Some(Sight::Hidden.into()), None),
            Control::Missing(_) => (None, None, None),
        };
        let mut verdict = judge(ways, &read, &search);
        let wrong = matches!(
            verdict,
            CellVerdict::UnexpectedAllow | CellVerdict::UnexpectedDeny
        );
        let mut departures = match (control, ways, self.expectation.known) {
            (Control::Copy(copy), Some(ways), Some(server)) if wrong => {
                predictor.recognise(copy, server, ways, &read, &search)
            }
            _ => Vec::new(),
        };
        if accept(&mut departures, &self.expectation.accepted, self.scenario) {
            verdict = CellVerdict::Departure;
        }
        let wrong = wrong && verdict != CellVerdict::Departure;
        let reason = match (verdict, control) {
            (CellVerdict::Inconclusive, Control::Missing(why)) => Some(why.clone()),
            (CellVerdict::Inconclusive, _) if read.problem().or(search.problem()).is_some() => {
                read.problem().or(search.problem()).map(str::to_owned)
            }
            (CellVerdict::Inconclusive, _) => {
                Some(format!("{semantics} does not say what to expect"))
            }
            (CellVerdict::Error | CellVerdict::Skipped, _) => {
                read.problem().or(search.problem()).map(str::to_owned)
            }
            (
                CellVerdict::UnexpectedAllow | CellVerdict::UnexpectedDeny | CellVerdict::Departure,
                _,
            ) => Some(not_as_predicted(
                ways,
                entry.as_deref(),
                &read,
                &search,
                &departures,
            )),
            (CellVerdict::ExpectedAllow | CellVerdict::ExpectedDeny, _) => None,
        };
        let explanation = match control {
            Control::Copy(copy) if wrong => Some(predictor.explain(copy, &known)),
            _ => None,
        };
        let nearest_miss = match (control, promised) {
            (Control::Copy(copy), Some(Sight::Hidden)) => predictor.nearest_miss(copy, &known),
            _ => None,
        };
        let cell = Cell {
            after: String::new(),
            actor: self.session.name.clone(),
            resource: watched.alias.clone(),
            predicted: ways.and_then(Ways::sight),
            read,
            search,
            verdict,
            departures,
            entry,
            nearest_miss,
            reason,
            explanation,
            policies: if wrong {
                self.session.policies.clone()
            } else {
                Vec::new()
            },
        };
        (cell, promised)
    }
}

fn not_as_predicted(
    ways: Option<Ways>,
    entry: Option<&str>,
    read: &Observed,
    search: &Observed,
    departures: &[KnownDeparture],
) -> String {
    let predicted = match ways.and_then(Ways::sight) {
        Some(sight) => sight.to_string(),
        None => "hidden in one way at least".to_owned(),
    };
    let by = entry
        .map(|entry| format!(" by {entry}"))
        .unwrap_or_default();
    let known = match departures {
        [] => String::new(),
        [first, ..] => {
            let ids: Vec<&str> = departures.iter().map(|known| known.id.as_str()).collect();
            format!(
                "; {} is known to answer so: {}",
                first.semantics,
                ids.join(", ")
            )
        }
    };
    format!("predicted {predicted}{by}; read {read}, search {search}{known}")
}

/// Looks as one actor. After the first request without an answer nobody asks any more.
async fn look(client: &Client, references: &[String], hidden: &[u16]) -> Looked {
    let mut dead = false;
    let gone = || Observed::NotAsked("the server is out of reach".into());
    let mut reads = Vec::new();
    for reference in references {
        if dead {
            reads.push(gone());
            continue;
        }
        let answer = client.send(Request::get(reference)).await;
        dead = answer.as_ref().is_err_and(ClientError::is_transport);
        reads.push(match answer {
            Err(error) => Observed::Error(error.to_string()),
            Ok(answer) if answer.is_success() => {
                if answer.body.as_ref().and_then(reference_of).as_ref() == Some(reference) {
                    Observed::Seen(answer.status.to_string())
                } else {
                    Observed::Error("the answer is another resource".into())
                }
            }
            Ok(answer) => refusal(answer.status, hidden),
        });
    }
    let mut by_type: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for reference in references {
        if let Some((kind, id)) = reference.split_once('/') {
            by_type.entry(kind).or_default().push(id);
        }
    }
    let mut searches: BTreeMap<String, Observed> = BTreeMap::new();
    for (kind, ids) in by_type {
        for ids in ids.chunks(IDS_PER_SEARCH) {
            let found = if dead {
                None
            } else {
                Some(request::search(client, &search_path(kind, ids)).await)
            };
            if let Some(Err(error)) = &found {
                dead = error.is_transport();
            }
            for id in ids {
                let reference = format!("{kind}/{id}");
                let observed = match &found {
                    None => gone(),
                    Some(Err(error)) => Observed::Error(error.to_string()),
                    Some(Ok((found, _))) if !found.is_success() => refusal(found.status, hidden),
                    Some(Ok((found, _))) if found.references().contains(&reference) => {
                        Observed::Seen("found".into())
                    }
                    Some(Ok((_, Some(truncated)))) => Observed::Truncated(truncated.to_string()),
                    Some(Ok((_, None))) => Observed::Hidden("absent".into()),
                };
                searches.insert(reference, observed);
            }
        }
    }
    let seen = references
        .iter()
        .zip(reads)
        .map(|(reference, read)| {
            let search = searches.remove(reference).unwrap_or_else(gone);
            (read, search)
        })
        .collect();
    Looked {
        seen,
        transport: dead,
    }
}

fn refusal(status: u16, hidden: &[u16]) -> Observed {
    if hidden.contains(&status) {
        Observed::Hidden(status.to_string())
    } else if status == 401 {
        Observed::Error("401: the server refuses the actor's token".into())
    } else {
        Observed::Error(format!(
            "the server answers {status}, which is neither yes nor no"
        ))
    }
}

impl Matrix {
    /// For the snapshot: who sees what. Nothing where a cell is not known.
    pub(super) fn sees(&self, sessions: &[Session]) -> Option<Vec<ActorSees>> {
        let mut sees: Vec<ActorSees> = sessions
            .iter()
            .map(|session| ActorSees {
                actor: session.name.clone(),
                ..ActorSees::default()
            })
            .collect();
        for cell in &self.cells {
            if cell.verdict == CellVerdict::Inconclusive {
                return None;
            }
            let sight = Sight::of(cell.read.seen()?, cell.search.seen()?);
            if let Some(row) = sees.iter_mut().find(|row| row.actor == cell.actor) {
                row.add(&cell.resource, sight);
            }
        }
        Some(sees)
    }

    fn cell_about(&self, claim: &Claim) -> Option<(&Cell, Option<Sight>)> {
        let mut cells = self.cells.iter().zip(&self.promised);
        let (cell, promised) = cells.find(|(cell, _)| is_about(cell, claim))?;
        Some((cell, *promised))
    }

    /// The claims about resources that nobody could look at.
    pub(super) fn unjudged(&self, claims: &[Claim]) -> Vec<String> {
        let mut names: Vec<String> = claims
            .iter()
            .filter(|claim| !self.cells.iter().any(|cell| is_about(cell, claim)))
            .map(|claim| claim.resource.clone())
            .collect();
        names.dedup();
        names
    }

    /// What the scenario itself says about who sees what. After a step that did not happen
    /// (`undone`), a claim that is not met is a leak only where the policies too forbid what is
    /// seen.
    pub(super) fn check_claims(&self, claims: &[Claim], undone: Option<&str>) -> Vec<Problem> {
        claims
            .iter()
            .filter_map(|claim| {
                let (cell, promised) = self.cell_about(claim)?;
                let mut problem = check_claim(claim, cell, promised)?;
                if let Some(undone) = undone
                    && problem.leak
                    && cell.verdict != CellVerdict::UnexpectedAllow
                {
                    problem.leak = false;
                    problem.help = Some(format!("step {undone} did not happen"));
                }
                Some(problem)
            })
            .collect()
    }

    /// The claims of a step that did not happen. That something is hidden would have been its doing.
    pub(super) fn check_claims_of_undone(&self, claims: &[Claim]) -> Vec<Problem> {
        let (visible, hidden): (Vec<Claim>, Vec<Claim>) =
            claims.iter().cloned().partition(|claim| claim.visible);
        let mut problems = self.check_claims(&visible, None);
        problems.extend(hidden.iter().filter_map(|claim| {
            let (cell, promised) = self.cell_about(claim)?;
            check_claim(claim, cell, promised)?;
            Some(Problem::remark(format!(
                "see: whether {} is hidden from {} is not judged: the step did not happen",
                claim.resource, claim.actor
            )))
        }));
        problems
    }
}

fn is_about(cell: &Cell, claim: &Claim) -> bool {
    cell.actor == claim.actor && cell.resource == claim.resource
}

/// What is seen is held against the claim; where the server is held to something else than the
/// policies' promise, and does as predicted, or its departure is accepted, only the promise is.
fn check_claim(claim: &Claim, cell: &Cell, promised: Option<Sight>) -> Option<Problem> {
    let wanted = if claim.visible {
        Sight::Visible
    } else {
        Sight::Hidden
    };
    let (actor, resource) = (&claim.actor, &claim.resource);
    let is_accepted = cell.verdict == CellVerdict::Departure
        || (cell.predicted != promised
            && matches!(
                cell.verdict,
                CellVerdict::ExpectedAllow | CellVerdict::ExpectedDeny
            ));
    if let (false, Some(read), Some(search)) = (is_accepted, cell.read.seen(), cell.search.seen()) {
        let is = Sight::of(read, search);
        if is != wanted {
            let message = format!(
                "see: {resource} is {is} for {actor} (read {}, search {}), expected {wanted}",
                cell.read, cell.search
            );
            return Some(Problem {
                leak: is.exceeds(wanted),
                ..Problem::new(message).about(actor, resource)
            });
        }
    }
    let promised = promised?;
    (promised != wanted).then(|| {
        let by = cell
            .entry
            .as_ref()
            .map(|entry| format!(" by {entry}"))
            .unwrap_or_default();
        Problem::new(format!(
            "see: the policies make {resource} {promised} for {actor}{by}, expected {wanted}"
        ))
        .about(actor, resource)
    })
}
