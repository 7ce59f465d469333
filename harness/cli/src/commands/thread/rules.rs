//! The rules themselves: as data for reports, as a list, as pages.

use fhirward_engine::diagnostic::Diagnostic;
use fhirward_engine::thread::{self, Rule};
use fhirward_engine::words::nearest;
use serde_json::{Value, json};

use crate::exit::Exit;
use crate::findings;
use crate::output::{Failure, Output};

/// Every rule, with its page where somebody reads it.
pub fn all(with_pages: bool) -> Vec<findings::Rule> {
    thread::rules()
        .iter()
        .map(|rule| findings::Rule {
            id: rule.id.to_owned(),
            slug: rule.slug.to_owned(),
            category: rule.subject.as_str().to_lowercase(),
            severity: rule.level.severity(),
            summary: rule.summary.to_owned(),
            page: if with_pages {
                thread::page(rule)
            } else {
                String::new()
            },
        })
        .collect()
}

/// Prints the page of a rule.
pub fn explain(name: &str, output: Output) -> Result<Exit, Failure> {
    let Some(rule) = thread::rule(name) else {
        return Err(Failure::usage(unknown(name)));
    };
    if output.is_json() {
        let mut value = data(rule);
        if let Value::Object(members) = &mut value {
            members.insert("why".to_owned(), rule.why.into());
            members.insert("help".to_owned(), rule.help.into());
            members.insert("fhirpath".to_owned(), json!(rule.fhirpath));
            members.insert("fails".to_owned(), rule.failing().into());
            members.insert("passes".to_owned(), rule.passing().into());
        }
        output.document(&value)?;
    } else {
        output.result(&thread::page(rule))?;
    }
    Ok(Exit::Ok)
}

fn unknown(name: &str) -> Diagnostic {
    let finding = Diagnostic::error("config/unknown-rule", format!("there is no rule `{name}`"));
    let point = thread::ELSEWHERE
        .iter()
        .find(|point| point.id.eq_ignore_ascii_case(name));
    let slugs = thread::rules().iter().map(|rule| rule.slug);
    let near = nearest(name, slugs).and_then(thread::rule);
    finding.with_help(match (point, near) {
        (Some(point), _) => format!("{}; see {}", point.why, point.instead),
        (None, Some(near)) => format!("did you mean `{}` ({})?", near.slug, near.id),
        (None, None) => "`fhirward thread check --list-rules` lists the rules".to_owned(),
    })
}

fn data(rule: &Rule) -> Value {
    json!({
        "id": rule.id,
        "slug": rule.slug,
        "level": rule.level.as_str(),
        "severity": rule.level.severity().to_string(),
        "subject": rule.subject.as_str(),
        "needs": rule.kind.as_str(),
        "page": rule.page,
        "summary": rule.summary,
    })
}

/// Prints a line for each rule.
pub fn list(output: Output) -> Result<Exit, Failure> {
    let rules = thread::rules();
    if output.is_json() {
        let list: Vec<Value> = rules.iter().map(data).collect();
        output.document(&json!({ "rules": list }))?;
        return Ok(Exit::Ok);
    }
    let width = rules.iter().map(|rule| rule.slug.len()).max().unwrap_or(0);
    let lines: Vec<String> = rules
        .iter()
        .map(|rule| {
            let (level, slug) = (rule.level.as_str(), rule.slug);
            format!("{}  {level:6}  {slug:width$}  {}", rule.id, rule.summary)
        })
        .collect();
    output.result(&lines.join("\n"))?;
    Ok(Exit::Ok)
}
