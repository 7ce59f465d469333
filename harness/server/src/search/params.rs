//! The parameters of a search: what filters, and what shapes the result.

use super::cursor::Cursor;
use super::include::{Direction, Include};
use super::page;
use super::scope::Scope;
use super::sort::SortKey;
use crate::config::Limits;
use crate::http::outcome::Failure;
use crate::http::query::take_common;

/// A search request, checked but for its filters.
#[derive(Debug)]
pub(crate) struct Parameters {
    /// The filters: name and value.
    pub(crate) filters: Vec<(String, String)>,
    pub(crate) sort: Vec<SortKey>,
    /// The entries of a page; 0 asks only for the total.
    pub(crate) count: usize,
    pub(crate) offset: usize,
    pub(crate) cursor: Option<Cursor>,
    pub(crate) total: bool,
    pub(crate) includes: Vec<Include>,
    /// What the links repeat: everything but the place of the page.
    pub(crate) kept: Vec<(String, String)>,
}

impl Parameters {
    /// Sorts the pairs of a search on some types into filters and result parameters.
    ///
    /// # Errors
    /// 400 that names the parameter, and what is near or why it is not offered; 403 for an order
    /// or an include by what is hidden from the actor.
    pub(crate) fn parse(
        scope: &Scope<'_>,
        types: &[&'static str],
        mut pairs: Vec<(String, String)>,
        limits: &Limits,
    ) -> Result<Self, Failure> {
        take_common(&mut pairs)?;
        let mut parsed = Self {
            filters: Vec::new(),
            sort: Vec::new(),
            count: limits.default_page,
            offset: 0,
            cursor: None,
            total: false,
            includes: Vec::new(),
            kept: Vec::new(),
        };
        let mut only_count = false;
        for (name, value) in pairs {
            let (code, modifier) = name
                .split_once(':')
                .map_or((&*name, None), |(code, modifier)| (code, Some(modifier)));
            let direction = match code {
                "_include" => Some(Direction::Forward),
                "_revinclude" => Some(Direction::Reverse),
                _ => None,
            };
            if let Some(direction) = direction {
                let include = Include::parse(scope, types, direction, modifier, &value)?;
                parsed.includes.push(include);
                parsed.kept.push((name, value));
                continue;
            }
            if modifier.is_some() && is_result_parameter(code) {
                return Err(Failure::not_supported(
                    format!("`{name}` is not supported"),
                    format!("`{code}` takes no modifier here"),
                ));
            }
            match code {
                "_count" => parsed.count = page::count(&value, limits)?,
                "_offset" => parsed.offset = offset(&value)?,
                "_cursor" => parsed.cursor = Some(Cursor::parse(&value)?),
                "_sort" => parsed.sort.extend(SortKey::parse_all(types, &value)?),
                "_total" => parsed.total = total(&value)?,
                "_summary" => only_count = summary(&value)?,
                "_contained" if value == "false" => {}
                "_contained" | "_containedType" => {
                    return Err(Failure::not_supported(
                        format!("`{name}={value}` is not supported"),
                        "only resources of their own are found, not contained ones",
                    ));
                }
                _ => parsed.filters.push((name.clone(), value.clone())),
            }
            if !matches!(code, "_count" | "_offset" | "_cursor") {
                parsed.kept.push((name, value));
            }
        }
        if only_count {
            parsed.count = 0;
        }
        for resource_type in types {
            let keys = parsed.sort.iter().map(|key| &*key.code);
            scope.access.may_search(resource_type, keys)?;
        }
        Ok(parsed)
    }

    /// Leaves a filter that was not understood out of the links as well.
    pub(crate) fn forget(&mut self, name: &str) {
        self.kept.retain(|(kept, _)| kept != name);
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
            | "_contained"
            | "_containedType"
    )
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

/// Whether only the number is asked for. The other summaries are made of what is found.
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
