//! A question to a server of a version.

use serde_json::{Value, json};

use super::{Answer, Path, Question, Verdict};
use crate::medplum::policy::{SignIn, assemble_for};
use crate::medplum::{
    self, AccessPolicy, NoPolicy, Operation, ResourceVersion, Server, Stored, Version, World,
    compartments,
};
use crate::policy::Interaction;

/// The id of a resource that has none yet.
const NEW: &str = "new";

pub(super) fn answers(
    question: &Question,
    version: Version,
    paths: &'static [Path],
) -> Vec<(Path, Answer)> {
    let world = world(question);
    let server = Server::new(policy(question, version), &world);
    let one = |path: &Path| (*path, answer(question, &server, *path));
    paths.iter().map(one).collect()
}

/// The member's entries as the server puts them together.
pub(super) fn policy(question: &Question, version: Version) -> Result<AccessPolicy, NoPolicy> {
    let find = |reference: &str| {
        let id = reference.strip_prefix("AccessPolicy/")?;
        let of_id = |policy: &&Value| policy.get("id").and_then(Value::as_str) == Some(id);
        question.policies.iter().find(of_id)
    };
    assemble_for(&question.membership, &find, &SignIn::at(version))
}

/// A server that holds nothing but the resource.
pub(super) fn world(question: &Question) -> World {
    let project = question
        .resource
        .pointer("/meta/project")
        .and_then(Value::as_str)
        .unwrap_or("project");
    let mut world = World {
        project: format!("Project/{project}"),
        lenient: true,
        partial: true,
        ..World::default()
    };
    if question.interaction == Interaction::Create {
        return world;
    }
    let stored = stored(question, &world);
    let earlier = match question.interaction {
        Interaction::Vread | Interaction::History => question.other.iter().cloned().collect(),
        _ => Vec::new(),
    };
    let stored = Stored { earlier, ..stored };
    world.resources.insert(target(question), stored);
    world
}

/// The resource as the server would hold it: with its compartments, those that it names or those
/// that follow from its content.
pub(super) fn stored(question: &Question, world: &World) -> Stored {
    let mut resource = question.resource.clone();
    if let Some(members) = resource.as_object_mut() {
        members.entry("id").or_insert_with(|| json!(NEW));
    }
    let named: Vec<String> = resource
        .pointer("/meta/compartment")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|inside| inside.get("reference")?.as_str())
        .map(str::to_owned)
        .collect();
    let compartments = match named.is_empty() {
        true => compartments::compute(&mut resource, None, world),
        false => named,
    };
    Stored {
        resource,
        compartments,
        ..Stored::default()
    }
}

fn target(question: &Question) -> String {
    let text = |name: &str| question.resource.get(name).and_then(Value::as_str);
    format!(
        "{}/{}",
        text("resourceType").unwrap_or_default(),
        text("id").unwrap_or(NEW)
    )
}

fn answer(question: &Question, server: &Server<'_>, path: Path) -> Answer {
    let target = target(question);
    let target = target.as_str();
    let kind = target.split('/').next().unwrap_or_default();
    let result = question.other.as_ref().unwrap_or(&question.resource);
    let patch = json!([{ "op": "add", "path": "", "value": result }]);
    let version = match question.other {
        Some(_) => ResourceVersion::Index(0),
        None => ResourceVersion::Current,
    };
    let operation = match path {
        Path::CachedRead | Path::DatabaseRead => Operation::Read { target },
        Path::Reference => Operation::Reference { target },
        Path::Search => Operation::Search {
            resource_type: kind,
        },
        Path::Revinclude => Operation::Revinclude { target },
        Path::Vread => Operation::Vread { target, version },
        Path::History => Operation::History { target },
        Path::Create => Operation::Create {
            input: &question.resource,
            id: NEW,
        },
        Path::CachedUpdate | Path::DatabaseUpdate => Operation::Update {
            target,
            input: result,
        },
        Path::Patch => Operation::Patch {
            target,
            patch: &patch,
        },
        Path::CachedDelete | Path::DatabaseDelete => Operation::Delete { target },
    };
    match server.answer(&operation, path.is_cached()) {
        medplum::Answer::Unknown(reason) => Answer::because(Verdict::Unknown, reason),
        medplum::Answer::Reply(reply) => match reply.status {
            200 | 201 => match &reply.found {
                Some(found) if !found.contains_key(target) => Answer::plain(Verdict::Hidden),
                _ => Answer::plain(Verdict::Allowed),
            },
            403 => Answer::plain(Verdict::Forbidden),
            404 | 410 => Answer::plain(Verdict::Hidden),
            status => Answer::because(
                Verdict::Error,
                reply.text.clone().unwrap_or_else(|| {
                    format!("the server answers {status}: nobody can sign in with this membership")
                }),
            ),
        },
    }
}
