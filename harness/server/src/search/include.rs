//! `_include` and `_revinclude`.
//!
//! Each resource that is added is one that the actor could find by a search of its own. What it
//! could not is left out without a word, as it is from any search.
//! Source: hl7.org/fhir/R4/search.html, 3.1.1.5.4.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use axum::http::StatusCode;
use fhirward_engine::policy::Interaction;
use fhirward_spec::{Extracted, ParamType, SearchParam, spec};

use super::filter::{not_a_reference, reference, resource_name};
use super::index::{Key, Lookup, Narrow};
use super::scope::Scope;
use crate::http::outcome::{Failure, Issue};
use crate::store::Version;

/// `Type:param[:Target]`, `Type:*` or `*`.
#[derive(Debug)]
pub(crate) struct Include {
    direction: Direction,
    /// Whether it goes on from what was included.
    iterate: bool,
    /// What is followed: the type that has the reference, and the parameter that reads it.
    links: Vec<(&'static str, &'static SearchParam)>,
    target: Option<&'static str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// `_include`
    Forward,
    /// `_revinclude`
    Reverse,
}

impl Direction {
    fn name(self) -> &'static str {
        match self {
            Self::Forward => "_include",
            Self::Reverse => "_revinclude",
        }
    }
}

impl Include {
    /// Reads an include of a search on some types.
    ///
    /// # Errors
    /// 400 that names what is wrong with it, 403 where it follows a reference that the actor may
    /// not see.
    pub(crate) fn parse(
        scope: &Scope<'_>,
        types: &[&'static str],
        direction: Direction,
        modifier: Option<&str>,
        value: &str,
    ) -> Result<Self, Failure> {
        let iterate = match modifier {
            None => false,
            // The name that STU3 had for it.
            Some("iterate" | "recurse") => true,
            Some(other) => {
                return Err(Failure::not_supported(
                    format!("`{}:{other}` is not supported", direction.name()),
                    "its modifier is `:iterate`",
                ));
            }
        };
        let name = format!("{}={value}", direction.name());
        let bad = |issue| Failure::new(StatusCode::BAD_REQUEST, vec![issue]);
        let of_value = |name: &str| {
            resource_name(name).map_err(|_| {
                Failure::invalid(format!(
                    "`{}={value}`: there is no resource type `{name}`",
                    direction.name()
                ))
            })
        };
        let mut parts = value.split(':');
        let (source, code, target) = match (parts.next(), parts.next(), parts.next(), parts.next())
        {
            (Some("*"), None, None, None) => (None, "*", None),
            (Some(source), Some(code), target, None) => (
                Some(of_value(source)?),
                code,
                target.map(of_value).transpose()?,
            ),
            _ => {
                return Err(Failure::invalid(format!(
                    "`{name}` is not of the form Type:parameter, Type:parameter:Target, Type:* or *"
                )));
            }
        };
        if let (Direction::Forward, Some(source), false) = (direction, source, iterate)
            && !types.contains(&source)
        {
            return Err(Failure::invalid(format!(
                "`{name}` starts from {source}, but the search is on {}; from what is included goes on `_include:iterate`",
                types.join(", ")
            )));
        }
        if let (Direction::Reverse, Some(target), false) = (direction, target, iterate)
            && !types.contains(&target)
        {
            return Err(Failure::invalid(format!(
                "`{name}` leads to another type than {}",
                types.join(", ")
            )));
        }
        let mut links = Vec::new();
        match (source, code) {
            (Some(source), code) if code != "*" => {
                let parameter = spec()
                    .search_param(source, code)
                    .filter(|parameter| is_followed(parameter))
                    .ok_or_else(|| bad(not_a_reference(&name, source, code)))?;
                scope.access.may_include(source, code)?;
                links.push((source, parameter));
            }
            (source, _) => {
                let sources: Vec<&'static str> = match (source, direction) {
                    (Some(source), _) => vec![source],
                    (None, Direction::Forward) if !iterate => types.to_vec(),
                    (None, _) => spec().resource_types().collect(),
                };
                for source in sources {
                    // A wildcard means what the actor may follow.
                    let followed = spec().search_params(source).filter(|parameter| {
                        is_followed(parameter)
                            && scope.access.may_include(source, &parameter.code).is_ok()
                    });
                    links.extend(followed.map(|parameter| (source, parameter)));
                }
            }
        }
        Ok(Self {
            direction,
            iterate,
            links,
            target,
        })
    }

    /// What the include leads to from one resource.
    fn follow(&self, scope: &Scope<'_>, from: &Version) -> Vec<Arc<Version>> {
        match self.direction {
            Direction::Forward => self.forward(scope, from),
            Direction::Reverse => self.reverse(scope, from),
        }
    }

    fn forward(&self, scope: &Scope<'_>, from: &Version) -> Vec<Arc<Version>> {
        let mut found = Vec::new();
        let links = self
            .links
            .iter()
            .filter(|(source, _)| **source == *from.resource_type);
        for (_, parameter) in links {
            let _all = parameter.program.each(&from.resource, &mut |element| {
                found.extend(resolve(scope, parameter, element).filter(|found| {
                    self.target
                        .is_none_or(|target| *found.resource_type == *target)
                }));
                ControlFlow::Continue(())
            });
        }
        found
    }

    fn reverse(&self, scope: &Scope<'_>, from: &Version) -> Vec<Arc<Version>> {
        if self
            .target
            .is_some_and(|target| *target != *from.resource_type)
        {
            return Vec::new();
        }
        let own = from.reference();
        let mut found = Vec::new();
        for (source, parameter) in &self.links {
            if !reference::targets(parameter).contains(&&*from.resource_type)
                || scope.access.gate(source, &[Interaction::Search]).is_err()
            {
                continue;
            }
            let lookup = Lookup {
                narrow: vec![Narrow {
                    keys: vec![Key::new(&parameter.code, &own)],
                    spans: Vec::new(),
                }],
                ..Lookup::default()
            };
            let rows = scope.view.candidates(source, &lookup);
            let rows = rows.unwrap_or_else(|| scope.view.scan(source));
            found.extend(rows.into_iter().filter(|row| {
                let points =
                    parameter
                        .program
                        .each(&row.resource, &mut |element| match reference::target(
                            element, scope.base,
                        ) == Some(&*own)
                        {
                            true => ControlFlow::Break(()),
                            false => ControlFlow::Continue(()),
                        });
                points.is_break()
            }));
        }
        found
    }
}

fn is_followed(parameter: &SearchParam) -> bool {
    parameter.param_type == ParamType::Reference && &*parameter.code != "_compartment"
}

/// The resource that a reference names, or a canonical by its URL.
fn resolve(
    scope: &Scope<'_>,
    parameter: &'static SearchParam,
    element: Extracted<'_>,
) -> Option<Arc<Version>> {
    if let Some(local) = reference::target(element, scope.base) {
        return scope.view.resolve(local);
    }
    let canonical = element.value.as_str()?;
    let (url, version) = match canonical.split_once('|') {
        Some((url, version)) => (url, Some(version)),
        None => (canonical, None),
    };
    let text = |row: &Version, name: &str| -> Option<String> {
        Some(row.resource.get(name)?.as_str()?.to_owned())
    };
    parameter
        .targets
        .iter()
        .filter(|target| spec().search_param(target, "url").is_some())
        .find_map(|target| {
            let lookup = Lookup {
                narrow: vec![Narrow {
                    keys: vec![Key::new("url", url)],
                    spans: Vec::new(),
                }],
                ..Lookup::default()
            };
            let rows = scope.view.candidates(target, &lookup);
            let rows = rows.unwrap_or_else(|| scope.view.scan(target));
            rows.into_iter().rev().find(|row| {
                text(row, "url").as_deref() == Some(url)
                    && version
                        .is_none_or(|version| text(row, "version").as_deref() == Some(version))
            })
        })
}

/// The resources that the includes add to a page, in the order in which they are met.
///
/// # Errors
/// 400 when they would be more than a page may have.
pub(super) fn added(
    scope: &Scope<'_>,
    includes: &[Include],
    page: &[Arc<Version>],
    limit: usize,
) -> Result<Vec<Arc<Version>>, Failure> {
    let mut known: HashSet<u64> = page.iter().map(|row| row.sequence).collect();
    let mut added: Vec<Arc<Version>> = Vec::new();
    let mut collect = |from: &[Arc<Version>], includes: &[&Include]| {
        let mut new = Vec::new();
        for include in includes {
            for row in from {
                for found in include.follow(scope, row) {
                    if known.contains(&found.sequence) || !scope.access.finds(&found.resource) {
                        continue;
                    }
                    known.insert(found.sequence);
                    new.push(found);
                    if known.len() > limit.saturating_add(page.len()) {
                        let text = format!(
                            "the includes add more than {limit} resources; ask for a smaller page"
                        );
                        return Err(Failure::new(
                            StatusCode::BAD_REQUEST,
                            vec![Issue::error("too-costly", text)],
                        ));
                    }
                }
            }
        }
        Ok(new)
    };
    let all: Vec<&Include> = includes.iter().collect();
    let iterated: Vec<&Include> = includes.iter().filter(|include| include.iterate).collect();
    let mut new = collect(page, &all)?;
    while !new.is_empty() {
        let further = if iterated.is_empty() {
            Vec::new()
        } else {
            collect(&new, &iterated)?
        };
        added.extend(new);
        new = further;
    }
    Ok(added)
}
