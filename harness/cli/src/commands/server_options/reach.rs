//! A server for somebody who makes no actors on it: who acts there, of those that files have the
//! credentials of.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use fhirward_engine::diagnostic::Diagnostic;
use fhirward_harness::actor::{ActorsFile, StaticAuth, Surroundings};
use fhirward_harness::client::{Auth, Target};

use super::{TransportOptions, actors_file, find};
use crate::config;
use crate::output::Failure;

/// Who shall act, of those that files have the credentials of.
#[derive(Debug, Clone, Copy)]
pub enum Wanted<'a> {
    /// None of them.
    Nobody,
    /// The server's admin.
    Admin,
    /// An actor of this name.
    Actor(&'a str),
}

/// A server, and how somebody signs in there.
#[derive(Debug)]
pub struct Reached {
    /// The server; its admin is known where the actor signs in through them.
    pub target: Target,
    /// How they sign in.
    pub auth: StaticAuth,
    /// Who they are, for people; nobody where nobody was wanted.
    pub who: Option<String>,
    /// Who an actor has to be for the server, `Type/id`.
    pub reference: Option<String>,
    /// Whether they may be an admin of the project, for whom no policy counts.
    pub bypass: bool,
    /// Where nobody was wanted: the options that would have named somebody.
    pub could_be: Vec<String>,
}

impl TransportOptions {
    /// A server for somebody who makes no actors on it, and who acts there of those that its
    /// section in `fhirward.toml`, or a file of actors, has the credentials of.
    ///
    /// # Errors
    /// As [`super::ServerOptions::target`]; somebody whose credentials are nowhere.
    pub fn reach(
        &self,
        server: &str,
        wanted: &Wanted<'_>,
        actors: Option<&Path>,
    ) -> Result<Reached, Failure> {
        config::check_nearest()?;
        let named = find(server)?;
        let environment = |name: &str| std::env::var(name).ok();
        let here = PathBuf::new();
        let around = Surroundings {
            environment: &environment,
            folder: named.as_ref().map_or(&here, |named| &named.folder),
        };
        let place = named
            .as_ref()
            .map_or("the address", |named| named.place.as_str());
        let admin = |file: Option<&ActorsFile>| -> Result<Option<Auth>, Failure> {
            match (file.and_then(|file| file.admin.clone()), &named) {
                (Some(admin), _) => Ok(Some(admin)),
                (None, Some(named)) => {
                    let admin = named.entry.admin(&named.place, &around);
                    admin.map_err(Failure::usage)
                }
                (None, None) => Ok(None),
            }
        };
        let file = actors.map(actors_file).transpose()?;
        let mut reached = Reached {
            target: self.target(server, Auth::Nobody, named.as_ref())?,
            auth: StaticAuth::Own(Auth::Nobody),
            who: None,
            reference: None,
            bypass: false,
            could_be: Vec::new(),
        };
        match wanted {
            Wanted::Nobody => {
                let entry = named.as_ref().map(|named| &named.entry);
                if entry.is_some_and(|entry| entry.admin.is_some()) {
                    reached.could_be.push("--as-admin".to_owned());
                }
                let names = entry.into_iter().flat_map(|entry| entry.actors.keys());
                let names = names.map(|name| format!("--as-actor {name}"));
                reached.could_be.extend(names);
            }
            Wanted::Admin => {
                let Some(auth) = admin(file.as_ref())? else {
                    return Err(nobody_known("admin", place, &[]));
                };
                reached.auth = StaticAuth::Own(auth);
                reached.who = Some(format!("the admin of {place}"));
            }
            Wanted::Actor(name) => {
                let known = match (&file, &named) {
                    (Some(file), _) => file.actors.clone(),
                    (None, Some(named)) => {
                        // The secrets of the others need not be at hand.
                        let mut entry = named.entry.clone();
                        if !entry.actors.contains_key(*name) {
                            let names: Vec<&str> =
                                entry.actors.keys().map(String::as_str).collect();
                            return Err(nobody_known(&format!("actor `{name}`"), place, &names));
                        }
                        entry.actors.retain(|other, _| other == name);
                        let read = entry.actors(&named.place, &around);
                        let read = read.map_err(Failure::usage)?;
                        read.map(|file| file.actors).unwrap_or_default()
                    }
                    (None, None) => BTreeMap::new(),
                };
                let Some(actor) = known.get(*name) else {
                    let names: Vec<&str> = known.keys().map(String::as_str).collect();
                    return Err(nobody_known(&format!("actor `{name}`"), place, &names));
                };
                reached.auth = actor.auth.clone();
                reached.who = Some(format!("`{name}`, {}", actor.reference));
                reached.reference = Some(actor.reference.clone());
                reached.bypass = actor.bypass;
                if let StaticAuth::Behind(_) = reached.auth {
                    let Some(auth) = admin(file.as_ref())? else {
                        return Err(nobody_known("admin", place, &[]));
                    };
                    reached.target.admin = auth;
                }
            }
        }
        Ok(reached)
    }
}

fn nobody_known(who: &str, place: &str, others: &[&str]) -> Failure {
    let finding = Diagnostic::error(
        "server/nobody",
        format!("{place} does not say how the {who} signs in"),
    );
    Failure::usage(
        finding.with_help(match others {
            [] => "name a server of fhirward.toml whose section says it, or a file with --actors; \
               docs/servers.md has the keys"
                .to_owned(),
            names => format!("it has {}", names.join(", ")),
        }),
    )
}
