//! The rules as pages for people, in Markdown.

use std::fmt::Write;

use serde_json::Value;

use super::rows::ELSEWHERE;
use super::rule::Rule;
use super::rules::rules;

/// Everything about a rule: what it says, why, what to do, and resources that break and keep it.
pub fn page(rule: &Rule) -> String {
    let mut text = format!("# {} {}\n\n", rule.id, rule.slug);
    body(rule, &mut text);
    text
}

/// All rules on one page.
pub fn catalogue() -> String {
    let mut text = String::from(
        "# Thread rules\n\n\
         What `fhirward thread check` looks for, from Medplum's messaging documentation. MUST is an\n\
         error, SHOULD a warning, MAY advice. `fhirward thread check --explain H-05` prints one of\n\
         these pages. The examples are NDJSON: each can be given to `fhirward thread check -` as it\n\
         stands.\n\n\
         This page is written by `FHIRWARD_BLESS=1 cargo test -p fhirward-engine --test thread_docs`.\n\n\
         | rule | | about | needs | says |\n|---|---|---|---|---|\n",
    );
    for rule in rules() {
        line(
            &mut text,
            format_args!(
                "| [{id}](#{anchor}) | {level} | {subject} | {kind} | {summary} |",
                id = rule.id,
                anchor = anchor(rule),
                level = rule.level.as_str(),
                subject = rule.subject.as_str(),
                kind = rule.kind.as_str(),
                summary = rule.summary,
            ),
        );
    }
    text.push_str("\n## Points that are no rules\n\n| point | says | why no rule | instead |\n|---|---|---|---|\n");
    for point in &ELSEWHERE {
        line(
            &mut text,
            format_args!(
                "| {} | {} | {} | {} |",
                point.id, point.says, point.why, point.instead
            ),
        );
    }
    for rule in rules() {
        line(&mut text, format_args!("\n## {} {}\n", rule.id, rule.slug));
        body(rule, &mut text);
    }
    text
}

fn body(rule: &Rule, text: &mut String) {
    let sentence = |sentence: &str| {
        let mut letters = sentence.chars();
        letters.next().map_or_else(String::new, |first| {
            format!("{}{}.", first.to_uppercase(), letters.as_str())
        })
    };
    line(text, format_args!("{}\n", sentence(rule.summary)));
    line(text, format_args!("{}\n", rule.why));
    line(text, format_args!("**To mend it:** {}.\n", rule.help));
    line(
        text,
        format_args!(
            "{level}, checked on each {subject} with {kind}; from {page}.\n",
            level = rule.level.as_str(),
            subject = rule.subject.as_str(),
            kind = rule.kind.as_str(),
            page = rule.page,
        ),
    );
    if let Some(fhirpath) = rule.fhirpath {
        line(text, format_args!("As FHIRPath: `{fhirpath}`\n"));
    }
    for (who, policy) in rule.example_policies() {
        line(text, format_args!("With this policy of {who}:\n"));
        resources(text, &[policy]);
    }
    line(text, format_args!("Broken:\n"));
    resources(text, &rule.failing());
    line(text, format_args!("Kept:\n"));
    resources(text, &rule.passing());
    // One newline at the end, however the parts end.
    text.truncate(text.trim_end().len());
    text.push('\n');
}

fn resources(text: &mut String, resources: &[Value]) {
    text.push_str("```json\n");
    for resource in resources {
        line(text, format_args!("{resource}"));
    }
    text.push_str("```\n\n");
}

/// How Markdown's readers name a heading.
fn anchor(rule: &Rule) -> String {
    format!("{}-{}", rule.id.to_lowercase(), rule.slug)
}

fn line(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{arguments}");
}
