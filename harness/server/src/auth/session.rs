//! From a client to what it may do: its membership, and the policy that the membership gives.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use fhirward_engine::policy::{Membership, Policy, PolicyDocument, Scopes, assemble};
use serde_json::Value;

use crate::app::App;
use crate::store::{Version, View as _};

/// Who a request is made as.
#[derive(Debug, Clone)]
pub(crate) struct Actor {
    /// The id of the ClientApplication.
    pub(crate) client: String,
    /// `Project/<id>`
    pub(crate) project: String,
    /// The reference of the profile: who the client acts as.
    pub(crate) profile: String,
    /// The ProjectMembership.
    pub(crate) membership: Arc<Version>,
    /// Whether the membership administers the project.
    pub(crate) admin: bool,
    /// Decides everything.
    pub(crate) policy: Arc<Policy>,
}

/// The compiled policies of those who were here before.
///
/// A policy is compiled once for the versions of the membership and of the policies it was made
/// of. That those are still the newest is looked up only when anything that decides about access
/// was written since.
#[derive(Debug)]
pub(crate) struct Sessions {
    /// The client of the configuration, which has full access.
    root: String,
    cache: Mutex<HashMap<String, Cached>>,
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

impl Sessions {
    pub(crate) fn new(root: String) -> Self {
        Self {
            root,
            cache: Mutex::default(),
        }
    }

    /// Who the client acts as now. Nobody, when the client is gone, or has not exactly one
    /// membership.
    pub(crate) fn actor(&self, app: &App, client: &str) -> Option<Arc<Actor>> {
        // Taken first: what is written after this is seen by the next request at the latest.
        let generation = app.store.access_generation();
        let cached = self
            .cache
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(client)
            .cloned();
        if let Some(cached) = &cached
            && cached.generation == generation
        {
            return Some(Arc::clone(&cached.actor));
        }
        app.store.current("ClientApplication", client)?;
        let membership = membership_of(app, client)?;
        let made_of = made_of(app, &membership);
        let actor = match cached {
            Some(cached) if cached.made_of == made_of => cached.actor,
            _ => Arc::new(self.compile(app, client, membership)?),
        };
        let entry = Cached {
            generation,
            made_of,
            actor: Arc::clone(&actor),
        };
        self.cache
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(client.to_owned(), entry);
        Some(actor)
    }

    /// The same within the scopes of a token, which only take away.
    pub(crate) fn within(&self, app: &App, client: &str, scope: &str) -> Option<Arc<Actor>> {
        let actor = self.actor(app, client)?;
        let (scopes, _) = Scopes::parse(scope);
        if !scopes.limit() {
            return Some(actor);
        }
        let limited = Policy::clone(&actor.policy).within(&scopes, None, &app.options);
        Some(Arc::new(Actor {
            policy: Arc::new(limited.policy),
            ..Actor::clone(&actor)
        }))
    }

    fn compile(&self, app: &App, client: &str, membership: Arc<Version>) -> Option<Actor> {
        let read = Membership::from_value(&membership.resource).ok()?;
        let policy = if client == self.root {
            Policy::full_access()
        } else {
            let find = |reference: &str| {
                let stored = app.store.resolve(reference)?;
                (&*stored.resource_type == "AccessPolicy")
                    .then(|| Arc::new(PolicyDocument::from_value(&stored.resource).0))
            };
            assemble(&read, &find, &app.options).policy
        };
        Some(Actor {
            client: client.to_owned(),
            project: text(&membership.resource, "/project/reference")?.to_owned(),
            profile: read.profile,
            admin: read.admin,
            policy: Arc::new(policy),
            membership,
        })
    }
}

/// The one membership of a client. With none or several it is not clear what it may do.
fn membership_of(app: &App, client: &str) -> Option<Arc<Version>> {
    let user = format!("ClientApplication/{client}");
    let mut found = app
        .store
        .scan("ProjectMembership")
        .into_iter()
        .filter(|membership| text(&membership.resource, "/user/reference") == Some(&user));
    let membership = found.next()?;
    found.next().is_none().then_some(membership)
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

fn text<'v>(value: &'v Value, pointer: &str) -> Option<&'v str> {
    value.pointer(pointer)?.as_str()
}
