//! The rules themselves: as data for reports, as a list, as pages.

use fhirward_engine::diagnostic::Diagnostic;
use fhirward_engine::lint::{self, catalogue};
use serde_json::json;

use crate::exit::Exit;
use crate::findings::Rule;
use crate::output::{Failure, Output};

/// Every rule, with its page where somebody reads it.
pub fn all(with_pages: bool) -> Vec<Rule> {
    catalogue::all()
        .iter()
        .map(|rule| Rule {
            id: rule.id.to_owned(),
            slug: rule.slug.to_owned(),
            category: rule.category.to_string(),
            severity: rule.level,
            summary: rule.summary.to_owned(),
            page: if with_pages {
                lint::page(rule)
            } else {
                String::new()
            },
        })
        .collect()
}

/// Prints the page of a rule.
pub fn explain(name: &str, output: Output) -> Result<Exit, Failure> {
    let Some(rule) = catalogue::find(name) else {
        let finding =
            Diagnostic::error("config/unknown-rule", format!("there is no rule `{name}`"));
        return Err(Failure::usage(finding.with_help(
            match catalogue::nearest(name) {
                Some(near) => format!("did you mean `{}` ({})?", near.slug, near.id),
                None => "`fhirward policy check --list-rules` lists the rules".to_owned(),
            },
        )));
    };
    if output.is_json() {
        output.document(&json!({
            "id": rule.id,
            "slug": rule.slug,
            "category": rule.category.as_str(),
            "level": rule.level.to_string(),
            "summary": rule.summary,
            "page": lint::page(rule),
        }))?;
    } else {
        output.result(&lint::page(rule))?;
    }
    Ok(Exit::Ok)
}

/// Prints a line for each rule.
pub fn list(output: Output) -> Result<Exit, Failure> {
    let rules = catalogue::all();
    if output.is_json() {
        let list: Vec<_> = rules
            .iter()
            .map(|rule| {
                json!({
                    "id": rule.id,
                    "slug": rule.slug,
                    "category": rule.category.as_str(),
                    "level": rule.level.to_string(),
                    "summary": rule.summary,
                })
            })
            .collect();
        output.document(&json!({ "rules": list }))?;
        return Ok(Exit::Ok);
    }
    let width = rules.iter().map(|rule| rule.slug.len()).max().unwrap_or(0);
    let lines: Vec<String> = rules
        .iter()
        .map(|rule| {
            format!(
                "{}  {:8}  {:width$}  {}",
                rule.id,
                rule.level.to_string(),
                rule.slug,
                rule.summary
            )
        })
        .collect();
    output.result(&lines.join("\n"))?;
    Ok(Exit::Ok)
}
