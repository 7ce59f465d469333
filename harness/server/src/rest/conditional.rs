//! Conditional interactions: those that name a resource by a search.
//! Source: <http://hl7.org/fhir/R4/http.html#ccreate>, `#cond-update`, `#cdelete`.
//!
//! They search and write inside one transaction, so of identical ones that come at the same time
//! the first creates and the others find what it made. What the actor's searches do not find is no
//! match.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use fhirward_engine::policy::{Conditional, Match};
use fhirward_engine::search::Query;
use serde_json::Value;

use super::call::Body;
use super::{Context, create, delete as deletion, input, patch as patching, update as replacing};
use crate::http::outcome::{Failure, Issue};
use crate::http::query::{pairs, take_common};
use crate::http::reply::ResourceReply;
use crate::store::Version;

/// The parameters of a search that filter nothing.
const RESULT_PARAMETERS: [&str; 13] = [
    "_contained",
    "_containedType",
    "_count",
    "_cursor",
    "_elements",
    "_include",
    "_maxresults",
    "_offset",
    "_revinclude",
    "_score",
    "_sort",
    "_summary",
    "_total",
];

/// A search that names one resource.
#[derive(Debug)]
pub(crate) struct Criteria<'a> {
    pub(crate) text: &'a str,
    pairs: Vec<(String, String)>,
}

impl<'a> Criteria<'a> {
    /// Reads the criteria of a conditional interaction or reference: what is behind the `?`.
    ///
    /// # Errors
    /// 400 when there are none, or when they ask for something about the result.
    pub(crate) fn parse(text: &'a str) -> Result<Self, Failure> {
        let mut pairs = pairs(text)?;
        take_common(&mut pairs)?;
        let shapes = |name: &str| {
            let code = name.split_once(':').map_or(name, |(code, _)| code);
            RESULT_PARAMETERS.contains(&code)
        };
        if let Some((name, _)) = pairs.iter().find(|(name, _)| shapes(name)) {
            return Err(Failure::invalid(format!(
                "`{name}` names no resource; criteria take search parameters only"
            )));
        }
        if pairs.is_empty() {
            return Err(Failure::invalid(
                "the criteria are empty: they would match every resource of the type",
            ));
        }
        if pairs
            .iter()
            .any(|(_, value)| value.contains("urn:uuid:") || value.contains("urn:oid:"))
        {
            return Err(Failure::not_supported(
                "criteria cannot refer to another entry of the Bundle",
                "criteria are looked up before the entries have ids; search by an identifier",
            ));
        }
        Ok(Self { text, pairs })
    }

    /// The resources of the type that match, visible or not.
    ///
    /// # Errors
    /// 400 when they are no search.
    pub(crate) fn matching(
        &self,
        context: &Context<'_>,
        resource_type: &str,
    ) -> Result<Vec<Arc<Version>>, Failure> {
        if resource_type == "Binary" {
            return Err(Failure::not_supported(
                "Binary cannot be searched",
                "name it by its id",
            ));
        }
        let query =
            Query::compile(resource_type, &self.pairs, &context.app.options).map_err(|found| {
                Failure::new(
                    StatusCode::BAD_REQUEST,
                    found.iter().map(Issue::from).collect(),
                )
            })?;
        let mut found = context.view.scan(resource_type);
        found.retain(|version| query.matches(&version.resource));
        Ok(found)
    }

    /// The names of the parameters, each as `code` or `code:modifier`.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.pairs.iter().map(|(name, _)| name.as_str())
    }

    /// The one resource that the actor finds, or none.
    ///
    /// # Errors
    /// 403 where the policy does not grant what the interaction may need, 412 for several.
    pub(crate) fn find(
        &self,
        context: &Context<'_>,
        conditional: Conditional,
        resource_type: &str,
    ) -> Result<Option<Arc<Version>>, Failure> {
        context.access.gate(resource_type, conditional.gates())?;
        context.access.may_search(resource_type, self.names())?;
        let matching = self.matching(context, resource_type)?;
        let resources = matching.iter().map(|version| &*version.resource);
        let found =
            context
                .access
                .find_match(conditional, resource_type, self.names(), resources)?;
        match found {
            Match::None => Ok(None),
            Match::Several => Err(Failure::multiple_matches(&format!(
                "{resource_type}?{}",
                self.text
            ))),
            Match::One(one) => Ok(matching
                .iter()
                .find(|version| std::ptr::eq(&*version.resource, one))
                .map(Arc::clone)),
        }
    }
}

fn criteria<'a>(context: &Context<'a>) -> Result<Criteria<'a>, Failure> {
    Criteria::parse(context.query.unwrap_or_default())
}

/// `PUT Type?criteria`: replaces the one match, or creates.
pub(crate) fn update(
    context: &Context<'_>,
    resource_type: &str,
    body: Body<'_>,
) -> Result<Response, Failure> {
    let mut content = body.object(context)?;
    input::check_type(&content, resource_type)?;
    let given = input::id(&content)?.map(str::to_owned);
    match criteria(context)?.find(context, Conditional::Upsert, resource_type)? {
        Some(existing) => {
            if let Some(given) = given.filter(|given| **given != *existing.id) {
                return Err(Failure::bad_request(
                    Issue::error(
                        "invalid",
                        format!("`id` is `{given}`, but the criteria match another resource"),
                    )
                    .at("id")
                    .with_diagnostics("leave `id` out: the match keeps its own"),
                ));
            }
            content.insert("id".into(), Value::from(&*existing.id));
            replacing::replace(context, &existing, content)
        }
        None => create::or_update_as_create(context, resource_type, given.as_deref(), content),
    }
}

/// `PATCH Type?criteria`: patches the one match.
pub(crate) fn patch(
    context: &Context<'_>,
    resource_type: &str,
    body: Body<'_>,
) -> Result<Response, Failure> {
    let patch = patching::Patch::read(context, body)?;
    match criteria(context)?.find(context, Conditional::Patch, resource_type)? {
        Some(existing) => patch.apply_to(context, &existing),
        None => Err(Failure::not_found()),
    }
}

/// `DELETE Type?criteria`: deletes the one match. Without one it answers as the delete of a
/// resource that is not there; of several none is deleted.
pub(crate) fn delete(context: &Context<'_>, resource_type: &str) -> Result<Response, Failure> {
    match criteria(context)?.find(context, Conditional::Delete, resource_type)? {
        Some(existing) => deletion::one(context, &existing),
        None => Err(Failure::not_found()),
    }
}

/// The answer of a conditional create that found what it was to make.
pub(super) fn found(context: &Context<'_>, existing: &Version) -> Response {
    ResourceReply {
        status: StatusCode::OK,
        version: existing,
        visible: context.access.changed(&existing.resource),
        location: None,
        prefer: context.prefer(),
    }
    .into_response()
}
