//! `_include` and `_revinclude`.
//!
//! Each resource that is added is one that the actor could find by a search of its own. What it
//! could not is left out without a word, as it is from any search.

use std::collections::HashSet;
use std::sync::Arc;

use axum::http::StatusCode;
use fhirward_engine::values::reference::local;
use fhirward_spec::{ParamType, SearchParam, spec};
use serde_json::Value;

use super::params::Parameters;
use crate::http::outcome::{Failure, Issue};
use crate::http::query::nearest;
use crate::rest::Context;
use crate::store::Version;

/// `Type:param[:Target]`
#[derive(Debug)]
pub(crate) struct Include {
    /// The type that has the reference.
    pub(crate) source: Box<str>,
    /// The search parameter that reads the reference.
    pub(crate) code: Box<str>,
    parameter: &'static SearchParam,
    target: Option<Box<str>>,
}

impl Include {
    /// Reads an `_include` of a search on `resource_type`.
    ///
    /// # Errors
    /// 400 that names what is wrong with it.
    pub(crate) fn parse_include(resource_type: &str, value: &str) -> Result<Self, Failure> {
        let include = Self::parse("_include", value)?;
        if *include.source == *resource_type {
            return Ok(include);
        }
        Err(Failure::invalid(format!(
            "`_include={value}` starts from {}, but the search is on {resource_type}",
            include.source
        )))
    }

    /// Reads a `_revinclude` of a search on `resource_type`.
    ///
    /// # Errors
    /// 400 that names what is wrong with it.
    pub(crate) fn parse_revinclude(resource_type: &str, value: &str) -> Result<Self, Failure> {
        let include = Self::parse("_revinclude", value)?;
        if include
            .target
            .as_deref()
            .is_none_or(|target| target == resource_type)
        {
            return Ok(include);
        }
        Err(Failure::invalid(format!(
            "`_revinclude={value}` leads to another type than {resource_type}"
        )))
    }

    fn parse(name: &str, value: &str) -> Result<Self, Failure> {
        if value == "*" || value.ends_with(":*") {
            return Err(Failure::not_supported(
                format!("`{name}={value}` is not supported"),
                "name the search parameter",
            ));
        }
        let mut parts = value.split(':');
        let (Some(source), Some(code), target, None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Failure::invalid(format!(
                "`{name}={value}` is not of the form Type:parameter or Type:parameter:Target"
            )));
        };
        for resource_type in [Some(source), target].into_iter().flatten() {
            if spec().resource(resource_type).is_none() {
                return Err(Failure::invalid(format!(
                    "`{name}={value}`: there is no resource type `{resource_type}`"
                )));
            }
        }
        let parameter = spec()
            .search_param(source, code)
            .filter(|parameter| parameter.param_type == ParamType::Reference);
        let Some(parameter) = parameter else {
            let references = spec()
                .search_params(source)
                .filter(|parameter| parameter.param_type == ParamType::Reference);
            let near = nearest(code, references.map(|parameter| &*parameter.code));
            let issue = Issue::error(
                "invalid",
                format!("`{name}={value}`: {source} has no reference parameter `{code}`"),
            );
            return Err(Failure::new(
                StatusCode::BAD_REQUEST,
                vec![match near {
                    Some(near) => issue.with_diagnostics(format!("did you mean `{near}`?")),
                    None => issue,
                }],
            ));
        };
        Ok(Self {
            source: source.into(),
            code: code.into(),
            parameter,
            target: target.map(Into::into),
        })
    }

    /// The local references of a resource, as `Type/id`.
    fn references<'v>(&self, resource: &'v Value, base: &str) -> Vec<&'v str> {
        let found = self.parameter.program.collect(resource);
        found
            .iter()
            .filter_map(|extracted| local_reference(extracted.value, base))
            .collect()
    }
}

/// `Type/id` of a reference to this server, without a version.
fn local_reference<'v>(value: &'v Value, base: &str) -> Option<&'v str> {
    let text = value
        .as_str()
        .or_else(|| value.get("reference")?.as_str())?;
    local(text, Some(base))
}

/// The entries that the includes add to a page.
///
/// # Errors
/// 400 when they would be more than a page may have.
pub(super) fn entries(
    context: &Context<'_>,
    parameters: &Parameters,
    page: &[Arc<Version>],
) -> Result<Vec<Value>, Failure> {
    let mut known: HashSet<String> = page.iter().map(|version| version.reference()).collect();
    let matches = known.clone();
    let mut entries = Vec::new();
    let mut add = |version: &Version| {
        if known.contains(&version.reference()) {
            return Ok(());
        }
        let Some(entry) = super::entry(context, version, "include") else {
            return Ok(());
        };
        known.insert(version.reference());
        entries.push(entry);
        let limit = context.app.limits.max_included;
        if entries.len() > limit {
            let text =
                format!("the includes add more than {limit} resources; ask for a smaller page");
            return Err(Failure::new(
                StatusCode::BAD_REQUEST,
                vec![Issue::error("too-costly", text)],
            ));
        }
        Ok(())
    };
    let base = &context.app.fhir_base;
    for include in &parameters.includes {
        for version in page {
            for reference in include.references(&version.resource, base) {
                let wanted = reference.split('/').next();
                if include
                    .target
                    .as_deref()
                    .is_some_and(|target| wanted != Some(target))
                {
                    continue;
                }
                if let Some(version) = context.view.resolve(reference) {
                    add(&version)?;
                }
            }
        }
    }
    for include in &parameters.revincludes {
        for version in context.view.scan(&include.source) {
            if include
                .references(&version.resource, base)
                .iter()
                .any(|reference| matches.contains(*reference))
            {
                add(&version)?;
            }
        }
    }
    Ok(entries)
}
