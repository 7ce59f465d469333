//! The parameters of a search: what filters, and what shapes the result.

use super::include::Include;
use super::page::{self, Position};
use super::sort::SortKey;
use crate::config::Limits;
use crate::http::outcome::Failure;
use crate::http::query::take_common;

/// A search request, checked.
#[derive(Debug)]
pub(crate) struct Parameters {
    /// The filters, for the engine.
    pub(crate) filters: Vec<(String, String)>,
    pub(crate) sort: Vec<SortKey>,
    /// The entries of a page; 0 asks only for the total.
    pub(crate) count: usize,
    pub(crate) offset: usize,
    pub(crate) after: Option<Position>,
    pub(crate) total: bool,
    pub(crate) includes: Vec<Include>,
    pub(crate) revincludes: Vec<Include>,
    /// What the links repeat: everything but the place of the page.
    pub(crate) kept: Vec<(String, String)>,
}

impl Parameters {
    /// Sorts the pairs into filters and result parameters.
    ///
    /// # Errors
    /// 400 that names the parameter, and what is near or why it is not offered.
    pub(crate) fn parse(
        resource_type: &str,
        mut pairs: Vec<(String, String)>,
        limits: &Limits,
    ) -> Result<Self, Failure> {
        take_common(&mut pairs)?;
        let mut parsed = Self {
            filters: Vec::new(),
            sort: Vec::new(),
            count: limits.default_page,
            offset: 0,
            after: None,
            total: false,
            includes: Vec::new(),
            revincludes: Vec::new(),
            kept: Vec::new(),
        };
        let mut only_count = false;
        for (name, value) in pairs {
            let (code, modifier) = name
                .split_once(':')
                .map_or((&*name, None), |(code, modifier)| (code, Some(modifier)));
            if modifier.is_some() && is_result_parameter(code) {
                return Err(Failure::not_supported(
                    format!("`{name}` is not supported"),
                    format!("`{code}` takes no modifier here"),
                ));
            }
            let placed = match code {
                "_count" => {
                    parsed.count = page::count(&value, limits)?;
                    false
                }
                "_offset" => {
                    parsed.offset = offset(&value)?;
                    false
                }
                "_cursor" => {
                    parsed.after = Some(Position::parse(&value)?);
                    false
                }
                "_sort" => {
                    parsed
                        .sort
                        .extend(SortKey::parse_all(resource_type, &value)?);
                    true
                }
                "_total" => {
                    parsed.total = total(&value)?;
                    true
                }
                "_summary" => {
                    only_count = summary(&value)?;
                    true
                }
                "_include" => {
                    parsed
                        .includes
                        .push(Include::parse_include(resource_type, &value)?);
                    true
                }
                "_revinclude" => {
                    parsed
                        .revincludes
                        .push(Include::parse_revinclude(resource_type, &value)?);
                    true
                }
                _ => {
                    check_filter(&name, code)?;
                    parsed.filters.push((name.clone(), value.clone()));
                    true
                }
            };
            if placed {
                parsed.kept.push((name, value));
            }
        }
        if only_count {
            parsed.count = 0;
        }
        Ok(parsed)
    }

    /// The search parameters that the result depends on, with their modifiers.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let filters = self.filters.iter().map(|(name, _)| name.as_str());
        filters.chain(self.sort.iter().map(|key| &*key.code))
    }

    /// The ids that the result is limited to, when that can be told without the engine.
    pub(crate) fn ids(&self) -> Option<Vec<&str>> {
        let (_, value) = self.filters.iter().find(|(name, _)| name == "_id")?;
        (!value.contains(['|', '\\'])).then(|| value.split(',').collect())
    }
}

fn is_result_parameter(code: &str) -> bool {
    matches!(
        code,
        "_count"
            | "_offset"
            | "_cursor"
            | "_sort"
            | "_total"
            | "_summary"
            | "_include"
            | "_revinclude"
    )
}

/// Refuses what the resource alone cannot answer, naming the parameter. Whatever else may be wrong
/// with a filter the engine says when it compiles it.
fn check_filter(name: &str, code: &str) -> Result<(), Failure> {
    let unsupported = |reason: &str| {
        Err(Failure::not_supported(
            format!("`{name}` is not supported"),
            reason,
        ))
    };
    if code == "_has" {
        return unsupported(
            "reverse chains are not offered; search the other type and use its references",
        );
    }
    if name.contains('.') {
        return unsupported(
            "chains are not offered; search the other type first and name the resources found",
        );
    }
    if matches!(code, "_elements" | "_contained" | "_containedType") {
        return unsupported("whole resources are returned");
    }
    Ok(())
}

fn offset(value: &str) -> Result<usize, Failure> {
    if value.is_empty() || !value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Failure::invalid(format!(
            "`_offset` must be a number, not `{value}`"
        )));
    }
    Ok(value.parse().unwrap_or(usize::MAX))
}

fn total(value: &str) -> Result<bool, Failure> {
    match value {
        "none" => Ok(false),
        "accurate" | "estimate" => Ok(true),
        _ => Err(Failure::invalid(format!(
            "`_total` must be none, estimate or accurate, not `{value}`"
        ))),
    }
}

fn summary(value: &str) -> Result<bool, Failure> {
    match value {
        "count" => Ok(true),
        "false" => Ok(false),
        _ => Err(Failure::not_supported(
            format!("`_summary={value}` is not supported"),
            "only count and false are",
        )),
    }
}
