//! The answer to a request: which checks, in which order, on which copy of the resource.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::compartments::{self, is_uuid, set_meta};
use super::constraint::{self, Verdict};
use super::operation::{Operation, ResourceVersion};
use super::policy::{AccessPolicy, NoPolicy};
use super::reply::{Answer, Flow, Reply, Stop};
use super::sql::{self, Row};
use super::stored::without_empties;
use super::world::{Stored, World};
use super::{fields, patch, validate};
use crate::policy::Interaction;

/// `meta.versionId` of what a write makes; a prediction cannot know the real one.
const NEW_VERSION: &str = "new";

/// A server, as one user meets it.
#[derive(Debug)]
pub struct Server<'w> {
    policy: Result<AccessPolicy, NoPolicy>,
    world: &'w World,
}

/// What an update replaces.
#[derive(Clone, Copy)]
struct Existing<'e> {
    /// As it is stored.
    stored: &'e Value,
    /// As the server's field rules left it.
    before: &'e Value,
}

/// What a read finds.
enum Found<'w> {
    Current(&'w Stored),
    Gone(&'w Stored),
}

impl<'w> Server<'w> {
    /// The server for a user whose policy is assembled, or whose sign-in fails.
    pub fn new(policy: Result<AccessPolicy, NoPolicy>, world: &'w World) -> Self {
        Self { policy, world }
    }

    /// The answer to a request; `cached` says whether a copy of the target is in the cache.
    pub fn answer(&self, operation: &Operation<'_>, cached: bool) -> Answer {
        let flow = match &self.policy {
            // A session from before the policy broke: every request fails.
            Err(NoPolicy::SignInFails(_)) => Ok(Reply::status(500)),
            Err(NoPolicy::Unknown(reason)) => Err(Stop::Unknown(reason.clone())),
            Ok(policy) => {
                let session = Session {
                    policy,
                    world: self.world,
                    cached,
                };
                session.run(operation)
            }
        };
        match flow {
            Ok(reply) => Answer::Reply(Box::new(reply)),
            Err(Stop::Refused(reply)) => Answer::Reply(reply),
            Err(Stop::Unknown(reason)) => Answer::Unknown(reason),
        }
    }
}

struct Session<'w, 'p> {
    policy: &'p AccessPolicy,
    world: &'w World,
    cached: bool,
}

impl<'w> Session<'w, '_> {
    fn run(&self, operation: &Operation<'_>) -> Flow<Reply> {
        match operation {
            Operation::Read { target } => match self.read(target)? {
                Found::Current(stored) => Ok(Reply::with_body(200, self.masked(&stored.resource)?)),
                Found::Gone(_) => Err(Stop::status(410)),
            },
            Operation::Reference { target } => self.reference(target),
            Operation::Revinclude { target } => self.revinclude(target),
            Operation::History { target } => self.history(target),
            Operation::Vread { target, version } => self.vread(target, *version),
            Operation::Search { resource_type } => self.search(resource_type),
            Operation::Create { input, id } => self.create(input, id),
            Operation::Update { target, input } => self.update(target, (*input).clone()),
            Operation::Patch { target, patch } => self.patch(target, patch),
            Operation::Delete { target } => self.delete(target),
        }
    }

    fn gate(&self, target: &str, interaction: Interaction) -> Flow<()> {
        let kind = target.split('/').next().unwrap_or_default();
        match self.policy.grants_type(kind, interaction) {
            true => Ok(()),
            false => Err(Stop::status(403)),
        }
    }

    /// Whether some entry allows the interaction on this content, in memory.
    fn allows(&self, resource: &Value, interaction: Interaction) -> Flow<bool> {
        Ok(self.policy.first(resource, interaction)?.is_some())
    }

    fn selects(&self, stored: &Stored, interaction: Interaction) -> Flow<bool> {
        let cleared;
        let row = if stored.deleted {
            cleared = json!({
                "resourceType": stored.resource.get("resourceType"),
                "id": stored.resource.get("id"),
                "meta": { "lastUpdated": self.world.now },
            });
            Row {
                resource: &cleared,
                compartments: &[],
                deleted: true,
            }
        } else {
            Row {
                resource: &stored.resource,
                compartments: &stored.compartments,
                deleted: false,
            }
        };
        Ok(sql::selects(self.policy, interaction, row, self.world)?)
    }

    fn stored(&self, target: &str) -> Flow<&'w Stored> {
        self.world
            .resources
            .get(target)
            .filter(|_| self.has_id(target))
            .ok_or_else(|| Stop::status(404))
    }

    /// From the cache if it is there and allowed, else from the database.
    fn read(&self, target: &str) -> Flow<Found<'w>> {
        if !self.has_id(target) {
            return Err(Stop::status(404));
        }
        self.gate(target, Interaction::Read)?;
        let stored = self.stored(target)?;
        if self.cached && !stored.deleted && self.allows(&stored.resource, Interaction::Read)? {
            return Ok(Found::Current(stored));
        }
        self.database(stored)
    }

    fn has_id(&self, target: &str) -> bool {
        let id = target.split('/').nth(1);
        id.is_some_and(|id| is_uuid(id) || (self.world.partial && !id.is_empty()))
    }

    /// What is in the cache is decided by memory alone.
    fn reference(&self, target: &str) -> Flow<Reply> {
        self.gate(target, Interaction::Read)?;
        let stored = self.stored(target)?;
        let found = match self.cached && !stored.deleted {
            true if self.allows(&stored.resource, Interaction::Read)? => stored,
            true => return Err(Stop::status(404)),
            false => match self.database(stored)? {
                Found::Current(stored) => stored,
                Found::Gone(_) => return Err(Stop::status(410)),
            },
        };
        Ok(Reply::with_body(200, self.masked(&found.resource)?))
    }

    fn revinclude(&self, target: &str) -> Flow<Reply> {
        let kind = target.split('/').next().unwrap_or_default();
        let stored = self.stored(target)?;
        if !self.policy.revincludes_type(kind)
            || stored.deleted
            || !self.selects(stored, Interaction::Search)?
        {
            return Err(Stop::status(404));
        }
        Ok(Reply::with_body(200, self.masked(&stored.resource)?))
    }

    fn database(&self, stored: &'w Stored) -> Flow<Found<'w>> {
        match (self.selects(stored, Interaction::Read)?, stored.deleted) {
            (false, _) => Err(Stop::status(404)),
            (true, true) => Ok(Found::Gone(stored)),
            (true, false) => Ok(Found::Current(stored)),
        }
    }

    /// A copy without what the first matching entry for reading hides.
    fn masked(&self, resource: &Value) -> Flow<Value> {
        let mut copy = resource.clone();
        if let Some(entry) = self.policy.first(resource, Interaction::Read)? {
            fields::mask(&mut copy, entry);
        }
        Ok(copy)
    }

    fn history(&self, target: &str) -> Flow<Reply> {
        let mut versions = Vec::new();
        let stored = match self.read(target)? {
            Found::Gone(stored) => {
                versions.push(None);
                stored
            }
            Found::Current(stored) => {
                if !self.allows(&stored.resource, Interaction::History)? {
                    return Err(Stop::status(403));
                }
                stored
            }
        };
        versions.push(Some(self.masked(&stored.resource)?));
        for older in stored.earlier.iter().rev() {
            versions.push(Some(self.masked(older)?));
        }
        Ok(Reply {
            versions: Some(versions),
            ..Reply::status(200)
        })
    }

    fn vread(&self, target: &str, version: ResourceVersion) -> Flow<Reply> {
        let stored = match self.read(target)? {
            Found::Gone(stored) => stored,
            Found::Current(stored) => {
                if !self.allows(&stored.resource, Interaction::Vread)? {
                    return Err(Stop::status(403));
                }
                stored
            }
        };
        let content = match version {
            ResourceVersion::Index(at) if at < stored.earlier.len() => stored.earlier.get(at),
            ResourceVersion::Current | ResourceVersion::Index(_) => Some(&stored.resource),
        };
        let content = content.ok_or_else(|| Stop::status(404))?;
        Ok(Reply::with_body(200, self.masked(content)?))
    }

    fn search(&self, resource_type: &str) -> Flow<Reply> {
        if resource_type == "Binary" {
            return Err(Stop::bad_request("Cannot search on Binary resource type"));
        }
        self.gate(resource_type, Interaction::Search)?;
        // The condition is built even where there is nothing to find.
        let probe = json!({ "resourceType": resource_type });
        let row = Row {
            resource: &probe,
            compartments: &[],
            deleted: false,
        };
        sql::selects(self.policy, Interaction::Search, row, self.world)?;
        let mut found = BTreeMap::new();
        for (reference, stored) in &self.world.resources {
            let kind = reference.split('/').next().unwrap_or_default();
            if kind == resource_type
                && !stored.deleted
                && self.selects(stored, Interaction::Search)?
            {
                found.insert(reference.clone(), self.masked(&stored.resource)?);
            }
        }
        Ok(Reply {
            found: Some(found),
            ..Reply::status(200)
        })
    }

    fn create(&self, input: &Value, id: &str) -> Flow<Reply> {
        let kind = input
            .get("resourceType")
            .and_then(Value::as_str)
            .unwrap_or_default();
        self.gate(kind, Interaction::Create)?;
        let mut result = without_empties(input);
        if let Some(members) = result.as_object_mut() {
            members.insert("id".to_owned(), Value::String(id.to_owned()));
        }
        if let Some(entry) = self.policy.first(&result, Interaction::Create)? {
            fields::strip(&mut result, entry);
        }
        self.write(result, None, Interaction::Create)
    }

    fn update(&self, target: &str, input: Value) -> Flow<Reply> {
        if !self.has_id(target) {
            return Err(Stop::bad_request("Invalid id"));
        }
        self.gate(target, Interaction::Update)?;
        let existing = match self.read(target)? {
            Found::Current(stored) => Some(stored),
            Found::Gone(_) => None,
        };
        let mut result = without_empties(&input);
        let Some(stored) = existing else {
            return self.write(result, None, Interaction::Update);
        };
        let Some(entry) = self.policy.first(&stored.resource, Interaction::Update)? else {
            return Err(Stop::status(403));
        };
        let mut before = stored.resource.clone();
        fields::restore(&mut result, &mut before, entry);
        let existing = Existing {
            stored: &stored.resource,
            before: &before,
        };
        self.write(result, Some(existing), Interaction::Update)
    }

    fn patch(&self, target: &str, patch: &Value) -> Flow<Reply> {
        let stored = self.stored(target)?;
        match self.database(stored)? {
            Found::Gone(_) => Err(Stop::status(410)),
            Found::Current(stored) => {
                let patched = patch::apply(&stored.resource, patch).map_err(Stop::bad_request)?;
                // In its transaction nothing is read from the cache.
                let uncached = Session {
                    cached: false,
                    ..*self
                };
                let part = |name: &str| patched.get(name).and_then(Value::as_str);
                let target = format!(
                    "{}/{}",
                    part("resourceType").unwrap_or_default(),
                    part("id").unwrap_or_default()
                );
                uncached.update(&target, patched)
            }
        }
    }

    fn delete(&self, target: &str) -> Flow<Reply> {
        match self.read(target)? {
            // Deleting what is deleted succeeds, with or without permission.
            Found::Gone(_) => Ok(Reply::status(200)),
            Found::Current(stored) => match self.allows(&stored.resource, Interaction::Delete)? {
                true => Ok(Reply::status(200)),
                false => Err(Stop::status(403)),
            },
        }
    }

    /// Validation, what the server computes, the checks on the result, and the answer.
    fn write(
        &self,
        mut result: Value,
        existing: Option<Existing<'_>>,
        interaction: Interaction,
    ) -> Flow<Reply> {
        if let Some(invalid) = validate::check(&result).filter(|_| !self.world.lenient) {
            return Err(invalid.into());
        }
        let account = match interaction {
            Interaction::Create => self.policy.compartment.as_deref(),
            _ => None,
        };
        let before = existing.map(|existing| existing.before);
        let inside = compartments::compute(&mut result, account, self.world);
        let status = match interaction {
            Interaction::Create => 201,
            _ => 200,
        };
        if let Some(same) = existing.filter(|existing| unchanged(existing.before, &result)) {
            return Ok(Reply {
                stored: Some(same.stored.clone()),
                compartments: Some(inside),
                ..Reply::with_body(status, self.masked(same.before)?)
            });
        }
        let now = Value::String(self.world.now.clone());
        set_meta(&mut result, "lastUpdated", now);
        let version = Value::String(NEW_VERSION.to_owned());
        set_meta(&mut result, "versionId", version);
        let Some(entry) = self.policy.first(&result, interaction)? else {
            return Err(Stop::status(403));
        };
        for expression in &entry.constraints {
            match constraint::evaluate(expression, before, &result) {
                Verdict::Holds => {}
                Verdict::Fails => return Err(Stop::status(403)),
                Verdict::Error(text) => return Err(Stop::bad_request(text)),
                Verdict::Unknown(reason) => return Err(Stop::Unknown(reason)),
            }
        }
        if result.get("id").is_none() {
            let kind = result.get("resourceType").and_then(Value::as_str);
            return Err(Stop::bad_request(format!(
                "null value in column \"id\" of relation \"{}\" violates not-null constraint",
                kind.unwrap_or_default()
            )));
        }
        // The data of a Binary is stored elsewhere.
        if let Some(members) = result.as_object_mut()
            && members.get("resourceType").and_then(Value::as_str) == Some("Binary")
        {
            members.shift_remove("data");
        }
        // What comes back from deletion is answered as it was sent.
        let revived = before.is_none() && interaction == Interaction::Update;
        let body = match revived {
            true => result.clone(),
            false => self.masked(&result)?,
        };
        Ok(Reply {
            body: Some(body),
            stored: Some(result),
            compartments: Some(inside),
            ..Reply::status(status)
        })
    }
}

/// Whether an update changes nothing but what the server sets at each write.
fn unchanged(before: &Value, result: &Value) -> bool {
    let plain = |resource: &Value| {
        let mut copy = resource.clone();
        if let Some(meta) = copy.get_mut("meta").and_then(Value::as_object_mut) {
            for name in [
                "versionId",
                "lastUpdated",
                "author",
                "compartment",
                "account",
            ] {
                meta.shift_remove(name);
            }
        }
        without_empties(&copy)
    };
    plain(before) == plain(result)
}
