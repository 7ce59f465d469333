//! What a search is on: a type, several types, or a compartment.
//!
//! Source: hl7.org/fhir/R4/http.html#search, hl7.org/fhir/R4/search.html, 3.1.1.1.

use fhirward_engine::policy::Interaction;
use fhirward_spec::spec;

use super::filter::{Compartment, Filter, resource_name};
use super::scope::Scope;
use crate::app::is_id;
use crate::http::outcome::{Failure, Issue};

/// The resources among which is searched.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target<'a> {
    /// `Communication?…`
    Type(&'static str),
    /// `?…`: the types that `_type` names, or all that the actor may search.
    System,
    /// `Patient/x/Communication?…`, or `Patient/x/*?…` without a type.
    Compartment {
        name: &'a str,
        id: &'a str,
        resource_type: Option<&'static str>,
    },
}

impl<'a> Target<'a> {
    /// A search on one type.
    ///
    /// # Errors
    /// 400 for what is no type, or one that cannot be searched.
    pub(crate) fn of_type(name: &str) -> Result<Self, Failure> {
        searchable(name).map(Self::Type)
    }

    /// A search in a compartment, on one type or with `*` on all.
    ///
    /// # Errors
    /// 400 for what is no compartment of R4, no id, or no type that is part of it.
    pub(crate) fn in_compartment(name: &'a str, id: &'a str, kind: &str) -> Result<Self, Failure> {
        if spec().compartment(name).is_none() {
            let names: Vec<&str> = spec().compartments().map(|c| &*c.name).collect();
            return Err(Failure::invalid(format!(
                "{name} has no compartment; those of R4 are {}",
                names.join(", ")
            )));
        }
        if !is_id(id) {
            return Err(Failure::not_found());
        }
        let resource_type = match kind {
            "*" => None,
            kind => Some(searchable(kind)?),
        };
        if let Some(kind) = resource_type
            && !Compartment::holds_type(name, kind)
        {
            return Err(Failure::invalid(format!(
                "{kind} is not part of the compartment of a {name}"
            )));
        }
        Ok(Self::Compartment {
            name,
            id,
            resource_type,
        })
    }

    /// The types, as far as the actor may search them, and the pairs that named them, which are
    /// taken out.
    ///
    /// # Errors
    /// 403 for a type that was named and is not granted, or when none is; 400 for a bad `_type`.
    pub(super) fn types(
        &self,
        scope: &Scope<'_>,
        pairs: &mut Pairs,
    ) -> Result<(Vec<&'static str>, Pairs), Failure> {
        let (named, taken) = match self {
            Self::Type(kind)
            | Self::Compartment {
                resource_type: Some(kind),
                ..
            } => (Some(vec![*kind]), Vec::new()),
            Self::System | Self::Compartment { .. } => named_types(pairs)?,
        };
        let is_part = |kind: &str| match self {
            Self::Compartment { name, .. } => Compartment::holds_type(name, kind),
            Self::Type(_) | Self::System => true,
        };
        if let Some(named) = named {
            for kind in &named {
                scope.access.gate(kind, &[Interaction::Search])?;
                if !is_part(kind) {
                    return Err(Failure::invalid(format!(
                        "{kind} is not part of the compartment"
                    )));
                }
            }
            return Ok((named, taken));
        }
        let granted: Vec<&'static str> = spec()
            .resource_types()
            .filter(|kind| *kind != "Binary" && is_part(kind))
            .filter(|kind| scope.access.gate(kind, &[Interaction::Search]).is_ok())
            .collect();
        if granted.is_empty() {
            return Err(Failure::forbidden(
                "your access policy grants no `search` on any type",
            ));
        }
        Ok((granted, taken))
    }

    /// The filter of the compartment, for one type.
    pub(super) fn compartment(
        &self,
        scope: &Scope<'_>,
        resource_type: &str,
    ) -> Result<Option<Filter>, Failure> {
        match self {
            Self::Type(_) | Self::System => Ok(None),
            Self::Compartment { name, id, .. } => {
                let compartment = Compartment::of_path(scope, name, id, resource_type)?;
                Ok(Some(Filter::Compartment(compartment)))
            }
        }
    }

    /// The path of the search, below the FHIR base.
    pub(super) fn path(&self) -> String {
        match self {
            Self::Type(kind) => (*kind).to_owned(),
            Self::System => String::new(),
            Self::Compartment {
                name,
                id,
                resource_type,
            } => format!("{name}/{id}/{}", resource_type.unwrap_or("*")),
        }
    }
}

fn searchable(name: &str) -> Result<&'static str, Failure> {
    // A Binary has no search parameters; only knowing its id leads to it.
    if name == "Binary" {
        return Err(Failure::not_supported(
            "Binary cannot be searched",
            "read it by its id",
        ));
    }
    resource_name(name).map_err(bad)
}

fn bad(issue: Issue) -> Failure {
    Failure::new(axum::http::StatusCode::BAD_REQUEST, vec![issue])
}

type Pairs = Vec<(String, String)>;

/// The types that `_type` names, and the pairs that do it.
fn named_types(pairs: &mut Pairs) -> Result<(Option<Vec<&'static str>>, Pairs), Failure> {
    let taken: Pairs = pairs.extract_if(.., |(name, _)| name == "_type").collect();
    let mut named: Option<Vec<&'static str>> = None;
    for name in taken.iter().flat_map(|(_, value)| value.split(',')) {
        let kind = searchable(name)?;
        let named = named.get_or_insert_default();
        if !named.contains(&kind) {
            named.push(kind);
        }
    }
    Ok((named, taken))
}
