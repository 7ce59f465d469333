//! The same policies and resources for Cedar: an entry is a `permit`, what its criteria reads is an
//! attribute, who is written to is a set of entities.

use std::collections::{HashMap, HashSet};
use std::error::Error;
use std::str::FromStr;

use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid,
    PolicySet, Request, RestrictedExpression,
};
use serde_json::Value;

type Fallible<T> = Result<T, Box<dyn Error>>;

/// A policy set, and the questions that are asked of it.
pub struct Cedar {
    authorizer: Authorizer,
    policies: PolicySet,
}

/// One question, with everything ready.
pub struct Question {
    request: Request,
    entities: Entities,
}

impl Cedar {
    /// The `permit`s for the entries of an AccessPolicy.
    pub fn new(entries: &[Value]) -> Fallible<Self> {
        Ok(Self {
            authorizer: Authorizer::new(),
            policies: PolicySet::from_str(&source(entries)?)?,
        })
    }

    pub fn allows(&self, question: &Question) -> bool {
        let response =
            self.authorizer
                .is_authorized(&question.request, &self.policies, &question.entities);
        response.decision() == Decision::Allow
    }
}

/// The policy set as text.
pub fn source(entries: &[Value]) -> Fallible<String> {
    let mut text = String::new();
    for entry in entries {
        let criteria = entry["criteria"]
            .as_str()
            .ok_or("an entry without criteria")?;
        let (kind, filter) = criteria.split_once('?').ok_or("no filter")?;
        let condition = match filter.split_once('=') {
            Some(("recipient", reference)) => {
                let (kind, id) = reference.split_once('/').ok_or("no reference")?;
                format!("resource has recipient && resource.recipient.contains({kind}::\"{id}\")")
            }
            Some(("_id", id)) => format!("resource.id == \"{id}\""),
            _ => return Err(format!("no Cedar for `{criteria}`").into()),
        };
        text.push_str(&format!(
            "permit(principal, action == Action::\"read\", resource is {kind}) when {{ {condition} }};\n"
        ));
    }
    Ok(text)
}

fn uid(kind: &str, id: &str) -> Fallible<EntityUid> {
    Ok(EntityUid::from_type_name_and_id(
        EntityTypeName::from_str(kind)?,
        EntityId::from_str(id)?,
    ))
}

fn reference(value: &Value) -> Fallible<RestrictedExpression> {
    let text = value["reference"].as_str().ok_or("no reference")?;
    let (kind, id) = text.split_once('/').ok_or("no reference")?;
    Ok(RestrictedExpression::new_entity_uid(uid(kind, id)?))
}

impl Question {
    /// May `Practitioner/p0` read the Communication?
    pub fn new(resource: &Value) -> Fallible<Self> {
        let id = resource["id"].as_str().ok_or("no id")?;
        let resource_uid = uid("Communication", id)?;
        let recipients = resource["recipient"].as_array().ok_or("no recipients")?;
        let recipients: Vec<RestrictedExpression> =
            recipients.iter().map(reference).collect::<Fallible<_>>()?;
        let attributes = HashMap::from([
            (
                "id".to_owned(),
                RestrictedExpression::new_string(id.to_owned()),
            ),
            ("sender".to_owned(), reference(&resource["sender"])?),
            (
                "recipient".to_owned(),
                RestrictedExpression::new_set(recipients),
            ),
        ]);
        let entity = Entity::new(resource_uid.clone(), attributes, HashSet::new())?;
        Ok(Self {
            request: Request::new(
                uid("Practitioner", "p0")?,
                uid("Action", "read")?,
                resource_uid,
                Context::empty(),
                None,
            )?,
            entities: Entities::from_entities([entity], None)?,
        })
    }
}
