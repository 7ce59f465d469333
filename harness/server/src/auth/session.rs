//! From a membership to what it may do: who signed in, as whom, and the policy that it gives.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use fhirward_engine::policy::{Membership, Policy, PolicyDocument, Scopes, assemble};
use serde_json::Value;

use super::user::{self, text};
use crate::access::Rights;
use crate::app::App;
use crate::project::Partition;
use crate::store::{Version, View};

/// The policies within scopes that are kept. Beyond it those that were used longest ago go.
const LIMITED: usize = 1024;

/// Who a request is made as.
#[derive(Debug, Clone)]
pub(crate) struct Actor {
    /// The reference of who signed in: a User, a ClientApplication or a Bot.
    pub(crate) user: String,
    /// `Project/<id>`
    pub(crate) project: String,
    /// The resources of that project.
    pub(crate) partition: Partition,
    /// The reference of the profile: who is acted as.
    pub(crate) profile: String,
    /// The reference of the profile that writes: the same, but for who acts on behalf of another.
    pub(crate) author: String,
    /// The ProjectMembership.
    pub(crate) membership: Arc<Version>,
    /// Whether the membership administers the project.
    pub(crate) admin: bool,
    /// The scopes of the token, where they limit what is done; else empty.
    pub(crate) scope: String,
    /// Decides everything.
    pub(crate) rights: Rights,
}

/// The compiled policies of those who were here before.
///
/// A policy is compiled once for the versions of the membership and of the policies it was made
/// of. That those are still the newest is looked up only when anything that decides about access
/// was written since.
#[derive(Debug)]
pub(crate) struct Sessions {
    /// The client of the configuration, which has full access to the first project.
    root: String,
    /// By the id of the membership.
    members: Mutex<HashMap<String, Cached>>,
    /// The memberships of clients, by their reference.
    clients: Mutex<HashMap<String, (u64, Option<String>)>>,
    limited: Mutex<Limited>,
}

#[derive(Debug, Clone)]
struct Cached {
    generation: u64,
    made_of: MadeOf,
    actor: Arc<Actor>,
}

/// The versions that a policy was compiled from. A policy that was not found has none.
#[derive(Debug, Clone, PartialEq, Eq)]
struct MadeOf {
    membership: Box<str>,
    policies: Vec<(String, Option<Box<str>>)>,
}

/// Actors within the scopes of a token.
#[derive(Debug, Default)]
struct Limited {
    /// Counts the uses.
    clock: u64,
    /// By the id of the membership and the scopes.
    actors: HashMap<(Box<str>, String), LimitedActor>,
}

#[derive(Debug)]
struct LimitedActor {
    /// The actor without scopes. Another one has another policy.
    of: Arc<Actor>,
    actor: Arc<Actor>,
    used: u64,
}

impl Sessions {
    pub(crate) fn new(root: String) -> Self {
        Self {
            root,
            members: Mutex::default(),
            clients: Mutex::default(),
            limited: Mutex::default(),
        }
    }

    /// Who a ClientApplication or Bot acts as now. Nobody, when it is gone, or has not exactly one
    /// membership: with several it is not clear what it may do.
    pub(crate) fn of_client(&self, app: &App, reference: &str) -> Option<Arc<Actor>> {
        let generation = app.store.access_generation();
        let known = locked(&self.clients).get(reference).cloned();
        let membership = match known {
            Some((then, membership)) if then == generation => membership,
            _ => {
                let found = one(user::memberships(&app.store, reference));
                let id = found.map(|membership| membership.id.to_string());
                // Only of those that exist, so that asking for others does not fill the memory.
                if id.is_some() {
                    locked(&self.clients).insert(reference.to_owned(), (generation, id.clone()));
                }
                id
            }
        };
        self.member(app, &membership?)
    }

    /// Who a member acts as now. Nobody, when the membership is gone or not active, or its user,
    /// its project or, of a client, its being the only one.
    pub(crate) fn member(&self, app: &App, membership: &str) -> Option<Arc<Actor>> {
        // Taken first: what is written after this is seen by the next request at the latest.
        let generation = app.store.access_generation();
        let cached = locked(&self.members).get(membership).cloned();
        if let Some(cached) = &cached
            && cached.generation == generation
        {
            return Some(Arc::clone(&cached.actor));
        }
        let found = current(app, membership);
        let Some(membership) = found else {
            locked(&self.members).remove(membership);
            return None;
        };
        let made_of = made_of(app, &membership);
        let actor = match cached {
            Some(cached) if cached.made_of == made_of => cached.actor,
            _ => Arc::new(self.compile(app, Arc::clone(&membership))?),
        };
        let entry = Cached {
            generation,
            made_of,
            actor: Arc::clone(&actor),
        };
        locked(&self.members).insert(membership.id.to_string(), entry);
        Some(actor)
    }

    /// Who a profile acts as in a project: the author of a subscription, the one that an
    /// administrator acts for. Nobody, unless it has exactly one membership there.
    pub(crate) fn of_profile(
        &self,
        app: &App,
        partition: &Partition,
        profile: &str,
    ) -> Option<Arc<Actor>> {
        let members = app.store.scan("ProjectMembership").into_iter();
        let own = members.filter(|membership| {
            partition.holds(&membership.resource)
                && text(&membership.resource, "/profile/reference") == Some(profile)
        });
        self.member(app, &one(own)?.id)
    }

    /// The actor within the scopes of a token, which only take away.
    pub(crate) fn within(&self, app: &App, actor: Arc<Actor>, scope: &str) -> Arc<Actor> {
        if scope.is_empty() {
            return actor;
        }
        let key = (actor.membership.id.clone(), scope.to_owned());
        {
            let mut limited = locked(&self.limited);
            limited.clock += 1;
            let now = limited.clock;
            if let Some(known) = limited.actors.get_mut(&key)
                && Arc::ptr_eq(&known.of, &actor)
            {
                known.used = now;
                return Arc::clone(&known.actor);
            }
        }
        let (scopes, _) = Scopes::parse(scope);
        if !scopes.limit() {
            return actor;
        }
        // The patient of the launch of somebody who signs in as a patient is that patient.
        let patient = actor.profile.starts_with("Patient/");
        let patient = patient.then_some(actor.profile.as_str());
        let narrowed = Arc::new(Actor {
            rights: actor.rights.within(&scopes, patient, &app.options),
            scope: scope.to_owned(),
            ..Actor::clone(&actor)
        });
        locked(&self.limited).keep(key, &actor, &narrowed);
        narrowed
    }

    fn compile(&self, app: &App, membership: Arc<Version>) -> Option<Actor> {
        let read = Membership::from_value(&membership.resource).ok()?;
        let user = text(&membership.resource, "/user/reference")?.to_owned();
        let project = text(&membership.resource, "/project/reference")?.to_owned();
        let partition = Partition::of_project(project.strip_prefix("Project/")?, &app.project);
        let root = user.strip_prefix("ClientApplication/") == Some(&self.root);
        let policy = if root && partition == Partition::First {
            Policy::full_access()
        } else {
            let find = |reference: &str| {
                let stored = app.store.resolve(reference)?;
                (&*stored.resource_type == "AccessPolicy" && partition.holds(&stored.resource))
                    .then(|| Arc::new(PolicyDocument::from_value(&stored.resource).0))
            };
            assemble(&read, &find, &app.options).policy
        };
        Some(Actor {
            user,
            project,
            partition,
            author: read.profile.clone(),
            profile: read.profile,
            admin: read.admin,
            scope: String::new(),
            rights: Rights::new(policy),
            membership,
        })
    }
}

impl Limited {
    fn keep(&mut self, key: (Box<str>, String), of: &Arc<Actor>, actor: &Arc<Actor>) {
        if self.actors.len() >= LIMITED && !self.actors.contains_key(&key) {
            // Half at a time, so that the sorting is paid by many.
            let mut used: Vec<u64> = self.actors.values().map(|actor| actor.used).collect();
            used.sort_unstable();
            let median = used.get(used.len() / 2).copied().unwrap_or_default();
            self.actors.retain(|_, actor| actor.used > median);
        }
        let entry = LimitedActor {
            of: Arc::clone(of),
            actor: Arc::clone(actor),
            used: self.clock,
        };
        self.actors.insert(key, entry);
    }
}

/// The membership, while it holds.
fn current(app: &App, membership: &str) -> Option<Arc<Version>> {
    let membership = app.store.current("ProjectMembership", membership)?;
    let resource = &membership.resource;
    let project = app.store.resolve(text(resource, "/project/reference")?)?;
    let partition = Partition::of_project(&project.id, &app.project);
    // A membership of another project, that somebody wrote in their own, is none.
    let sound = &*project.resource_type == "Project"
        && partition.holds(resource)
        && user::is_active(resource);
    if !sound {
        return None;
    }
    let reference = text(resource, "/user/reference")?;
    let user = app.store.resolve(reference)?;
    match &*user.resource_type {
        "User" => Some(membership),
        "ClientApplication" | "Bot" => {
            let only = one(user::memberships(&app.store, reference))?;
            let on = text(&user.resource, "/status") != Some("off");
            (on && only.id == membership.id && partition.holds(&user.resource))
                .then_some(membership)
        }
        _ => None,
    }
}

fn made_of(app: &App, membership: &Version) -> MadeOf {
    let mut references: Vec<&str> = Vec::new();
    references.extend(text(&membership.resource, "/accessPolicy/reference"));
    let access = membership.resource.get("access").and_then(Value::as_array);
    references.extend(
        access
            .into_iter()
            .flatten()
            .filter_map(|access| text(access, "/policy/reference")),
    );
    let version = |reference: &str| {
        app.store
            .resolve(reference)
            .map(|policy| policy.version_id.clone())
    };
    MadeOf {
        membership: membership.version_id.clone(),
        policies: references
            .iter()
            .map(|&reference| (reference.to_owned(), version(reference)))
            .collect(),
    }
}

/// The only one.
fn one<T>(mut of: impl Iterator<Item = T>) -> Option<T> {
    let first = of.next()?;
    of.next().is_none().then_some(first)
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::store::{Draft, Store};

    fn actor() -> Arc<Actor> {
        let store = Store::default();
        let transaction = store.begin();
        let draft = Draft::new("ProjectMembership", "m".into(), json!({}));
        Arc::new(Actor {
            user: "User/u".into(),
            project: "Project/p".into(),
            partition: Partition::First,
            profile: "Practitioner/a".into(),
            author: "Practitioner/a".into(),
            membership: transaction.insert(draft),
            admin: false,
            scope: String::new(),
            rights: Rights::new(Policy::nothing("Practitioner/a")),
        })
    }

    #[test]
    fn what_is_kept_for_scopes_is_bounded_and_what_is_used_stays() {
        let (actor, mut limited) = (actor(), Limited::default());
        let key = |n: usize| ("m".into(), format!("scope {n}"));
        for n in 0..LIMITED * 3 {
            limited.clock += 1;
            let now = limited.clock;
            if let Some(first) = limited.actors.get_mut(&key(0)) {
                first.used = now;
            }
            limited.keep(key(n), &actor, &actor);
            assert!(limited.actors.len() <= LIMITED);
        }
        assert!(limited.actors.contains_key(&key(0)), "used all the time");
        assert!(limited.actors.contains_key(&key(LIMITED * 3 - 1)));
        assert!(!limited.actors.contains_key(&key(1)));
    }
}
