//! Before the first step: sinks, actors, and what is shared.

use std::fmt;

use serde_json::Value;

use super::bindings::{Bound, Missing};
use super::matrix::{Control, control};
use super::player::Player;
use super::shared::{Ready, Shared};
use crate::actor::{Granted, SetupError};
use crate::scenario::{Access, Actor, ProfileType};

/// Why a scenario ended before its last step.
#[derive(Debug, Clone)]
pub(super) enum Stop {
    /// Nobody can tell.
    Error(String),
    /// Somebody stopped the run.
    Cancelled,
    /// The server does not offer what the scenario needs.
    NotOffered(String),
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(reason) | Self::NotOffered(reason) => f.write_str(reason),
            Self::Cancelled => f.write_str("the run was interrupted"),
        }
    }
}

impl From<SetupError> for Stop {
    fn from(error: SetupError) -> Self {
        Self::Error(if error.help.is_empty() {
            error.to_string()
        } else {
            format!("{error}; {}", error.help)
        })
    }
}

impl Player<'_> {
    /// The shared state where there is one, and what the scenario has of its own.
    pub(super) async fn begin(&mut self, shared: Option<&Shared>) -> Result<(), Stop> {
        let scenario = self.scenario;
        let there = match (shared, &scenario.shares) {
            (Some(shared), Some(state)) => {
                let ready = shared.enter(&scenario.id).await?;
                self.adopt(ready);
                state.actors.len()
            }
            _ => 0,
        };
        self.set_up(there).await
    }

    /// Sinks, and the actors that are not there yet: all but the first.
    pub(super) async fn set_up(&mut self, there: usize) -> Result<(), Stop> {
        let scenario = self.scenario;
        for sink in &scenario.sinks {
            if let Some(url) = self.sinks.open(sink).await? {
                self.bindings.put(&sink.name, Bound::Value(url.into()));
            }
        }
        // Patients first: a relative names theirs.
        let (patients, others): (Vec<_>, Vec<_>) = scenario
            .actors
            .iter()
            .skip(there)
            .partition(|actor| actor.patient.is_none());
        for actor in patients.into_iter().chain(others) {
            if self.options.cancel.is_cancelled() {
                return Err(Stop::Cancelled);
            }
            if let Some(credentials) = &actor.credentials {
                return Err(SetupError::new(
                    format!("signing in as {}", actor.name),
                    format!("there are no credentials `{credentials}` in this run"),
                    "name a `policy` instead, and the harness makes a login",
                )
                .into());
            }
            if actor.profile == ProfileType::ClientApplication {
                // It is its own profile, and there only with its login.
                continue;
            }
            let patient = actor
                .patient
                .as_ref()
                .and_then(|name| self.bindings.reference(name))
                .map(str::to_owned);
            let reference = self
                .project
                .create_profile(actor, patient.as_deref(), &mut self.trash)
                .await?;
            self.claim(&reference);
            self.aliases.name(&reference, &actor.name);
            self.bindings.bind(&actor.name, reference, None);
        }
        for actor in scenario.actors.iter().skip(there) {
            if self.options.cancel.is_cancelled() {
                return Err(Stop::Cancelled);
            }
            let granted = self.granted(&actor.access).map_err(|missing| {
                let doing = format!("granting policies to {}", actor.name);
                SetupError::new(doing, missing.why, "")
            })?;
            let reference = self.bindings.reference(&actor.name).map(str::to_owned);
            let session = self
                .project
                .sign_in(
                    &actor.name,
                    &scenario.id,
                    reference.as_deref(),
                    &granted,
                    &mut self.trash,
                )
                .await?;
            if reference.is_none() {
                self.aliases.name(&session.reference, &actor.name);
                self.bindings
                    .bind(&actor.name, session.reference.clone(), None);
            }
            self.sessions.push(session);
        }
        if there > 0 {
            self.aliases.put_first(&in_order(&scenario.actors));
        }
        Ok(())
    }

    /// Begins with what is there already.
    fn adopt(&mut self, ready: &Ready) {
        let scenario = &self.scenario.id;
        let own = ready.sessions.iter().map(|session| {
            let mut session = session.clone();
            session.client = session.client.in_scenario(scenario);
            session
        });
        self.sessions.extend(own);
        self.bindings = ready.bindings.clone();
        self.aliases = ready.aliases.clone();
        self.watched.clone_from(&ready.watched);
        self.unknown.extend(ready.unknown.iter().cloned());
    }

    /// What the admin sees of the watched resources.
    pub(super) async fn witnessed(&self) -> Vec<Option<Value>> {
        let mut copies = Vec::new();
        if self.stopped.is_some() {
            return copies;
        }
        for watched in &self.watched {
            let mut transport = false;
            copies.push(
                match control(self.project.admin(), watched, &mut transport).await {
                    Control::Copy(copy) => Some(copy),
                    Control::Gone | Control::Missing(_) => None,
                },
            );
        }
        copies
    }

    /// Policies with the values of their parameters.
    pub(super) fn granted(&self, access: &[Access]) -> Result<Vec<Granted>, Missing> {
        access
            .iter()
            .map(|access| {
                let parameters = access
                    .parameters
                    .iter()
                    .map(|(name, value)| Ok((name.clone(), self.bindings.fill(value)?)))
                    .collect::<Result<_, Missing>>()?;
                Ok((access.policy.clone(), parameters))
            })
            .collect()
    }
}

/// The actors in the order in which a scenario that shares nothing makes them: those without a
/// relative's patient first, and programs when they sign in.
fn in_order(actors: &[Actor]) -> Vec<&str> {
    let place = |actor: &&Actor| match (actor.profile, &actor.patient) {
        (ProfileType::ClientApplication, _) => 2,
        (_, Some(_)) => 1,
        (_, None) => 0,
    };
    let mut actors: Vec<&Actor> = actors.iter().collect();
    actors.sort_by_key(place);
    actors.iter().map(|actor| actor.name.as_str()).collect()
}
