//! What a text that is no JSON probably is, so that the message says what to do about it.
//!
//! Policies live in code bases, and are written there as code writes data: with comments, without
//! quotes around keys, as a typed constant. Those are not read: what a server gets is JSON, and a
//! reader that guesses would check something else than is uploaded.

mod scan;

use std::sync::Arc;

use fhirward_engine::diagnostic::Diagnostic;
use fhirward_engine::source::{Source, Span};

use scan::{Kind, Sign};

/// What begins a statement of a program, at the start of a line.
const STATEMENTS: [&str; 11] = [
    "export ",
    "import ",
    "const ",
    "let ",
    "var ",
    "type ",
    "interface ",
    "module.exports",
    "exports.",
    "'use strict'",
    "\"use strict\"",
];

/// The error for a text that the JSON reader refuses: what it is instead, where that is clear; else
/// the reader's own.
pub fn explain(file: &Arc<Source>, fault: Diagnostic) -> Diagnostic {
    if fault.code != "json/syntax" {
        return fault;
    }
    if let Some((span, statement)) = statement(&file.text) {
        return program(file, span, statement);
    }
    if let Some(span) = first_line_like(&file.text, |line| line.starts_with('<')) {
        return not_json(file, span, "XML", "markup").with_help(
            "ask the server for JSON (`Accept: application/fhir+json`), and check that",
        );
    }
    if let Some(span) = yaml(file) {
        return not_json(
            file,
            span,
            "YAML",
            "a key without quotes, outside of braces",
        )
        .with_help(
            "convert it to JSON and check that, for example: \
             `yq -o json resource.yaml > resource.json`",
        );
    }
    let signs = scan::signs(&file.text);
    // A slip in a JSON file is better named by the reader, which knows the repair.
    if signs.iter().all(|sign| sign.kind == Kind::TrailingComma) {
        return fault;
    }
    match signs.first() {
        None => fault,
        Some(first) => relaxed(file, &signs, first),
    }
}

fn not_json(file: &Arc<Source>, span: Span, what: &str, label: &str) -> Diagnostic {
    Diagnostic::error("file/not-json", format!("this is {what}, not JSON"))
        .with_label(span, label)
        .with_source(file)
}

fn statement(text: &str) -> Option<(Span, &'static str)> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let indent = line.len() - line.trim_start().len();
        let found = STATEMENTS
            .into_iter()
            .find(|word| line.trim_start().starts_with(word));
        if let Some(word) = found {
            let start = at + indent;
            let end = start + line.trim_end().len().saturating_sub(indent);
            return Some((Span::new(start, end), word));
        }
        // A program says so before its data begins.
        if line.trim_start().starts_with(['{', '[']) {
            return None;
        }
        at += line.len();
    }
    None
}

fn program(file: &Arc<Source>, span: Span, statement: &str) -> Diagnostic {
    let line = file.slice(span);
    let typed = file.name.ends_with("ts")
        || file.name.ends_with(".tsx")
        || ["import type", "satisfies ", " as const", ": AccessPolicy"]
            .iter()
            .any(|mark| file.text.contains(mark));
    let what = if typed { "TypeScript" } else { "JavaScript" };
    let runner = if typed {
        "npx tsx"
    } else {
        "node --input-type=module"
    };
    let name = exported(&file.text);
    let module = match file.name.as_str() {
        "<stdin>" => "./resource.ts".to_owned(),
        name if name.starts_with(['/', '.']) => name.to_owned(),
        name => format!("./{name}"),
    };
    let from = match &name {
        Some(name) if name == "resource" => format!("import {{ resource }} from '{module}'"),
        Some(name) => format!("import {{ {name} as resource }} from '{module}'"),
        None => format!("import resource from '{module}'"),
    };
    let label = if line.trim_end().ends_with(['{', '[']) {
        "a program that makes the resource"
    } else {
        match statement {
            "import " => "a program begins",
            _ => "a statement of a program",
        }
    };
    not_json(file, span, what, label).with_help(format!(
        "what a server gets is JSON: print that and check it.\n\
         {runner} -e \"{from}; console.log(JSON.stringify(resource))\" > resource.json"
    ))
}

/// The name of the first exported constant.
fn exported(text: &str) -> Option<String> {
    let after = text.split("export const ").nth(1)?;
    let name: String = after
        .chars()
        .take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '$'))
        .collect();
    (!name.is_empty()).then_some(name)
}

fn first_line_like(text: &str, is: impl Fn(&str) -> bool) -> Option<Span> {
    let start = text.len()
        - text
            .trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n'])
            .len();
    let line = text.get(start..)?.lines().next()?;
    is(line).then(|| Span::new(start, start + line.trim_end().len()))
}

fn yaml(file: &Source) -> Option<Span> {
    let named = file.name.ends_with(".yaml") || file.name.ends_with(".yml");
    first_line_like(&file.text, |line| {
        line.starts_with("---")
            || line.starts_with("resourceType:")
            || line.starts_with("- resourceType:")
            || (named && !line.starts_with(['{', '[']))
    })
}

/// JSON with comments, JSON5, or the literal of a program.
fn relaxed(file: &Arc<Source>, signs: &[Sign], first: &Sign) -> Diagnostic {
    let count = |kind| signs.iter().filter(|sign| sign.kind == kind).count();
    let mut found = Vec::new();
    for kind in Kind::ALL {
        let n = count(kind);
        if n > 0 {
            found.push(crate::render::counted(n, kind.one(), kind.many()));
        }
    }
    let only_comments = signs
        .iter()
        .all(|sign| matches!(sign.kind, Kind::Comment | Kind::TrailingComma));
    let what = if only_comments {
        "JSON with comments"
    } else {
        "JSON5 or JavaScript"
    };
    let name = if file.name == "<stdin>" {
        "resource.json5"
    } else {
        &file.name
    };
    not_json(file, first.span, what, first.kind.one()).with_help(format!(
        "found: {}. JSON has double quotes around keys and texts, no comments, and no comma before \
         a bracket.\n`npx json5 {name}` prints it as JSON",
        found.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use fhirward_engine::source::json::Document;

    fn told(name: &str, text: &str) -> String {
        let file = Source::new(name, text);
        let fault = Document::parse(&file).unwrap_err();
        let finding = explain(&file, fault);
        let place = finding.labels.first().map(|label| file.slice(label.span));
        format!(
            "{}\n  at: {}\n  help: {}",
            finding.message,
            place.unwrap_or("-"),
            finding.help.unwrap_or_default()
        )
    }

    #[test]
    fn each_notation_is_named() {
        let cases = [
            (
                "policy.ts",
                "import type { AccessPolicy } from '@medplum/fhirtypes';\n\nexport const policy: AccessPolicy = {\n  resourceType: 'AccessPolicy',\n};\n",
            ),
            (
                "policy.js",
                "module.exports = { resourceType: \"AccessPolicy\" };\n",
            ),
            (
                "policy.json5",
                "// who may read\n{\n  resourceType: 'AccessPolicy', /* x */\n  resource: [],\n}\n",
            ),
            (
                "policy.jsonc",
                "{\n  // who may read\n  \"resourceType\": \"AccessPolicy\",\n}\n",
            ),
            ("policy.yaml", "resourceType: AccessPolicy\nresource: []\n"),
            ("policy.xml", "<AccessPolicy/>\n"),
        ];
        let all: Vec<String> = cases
            .iter()
            .map(|(name, text)| format!("== {name}\n{}", told(name, text)))
            .collect();
        insta::assert_snapshot!(all.join("\n\n"));
    }

    #[test]
    fn one_slip_in_json_is_the_readers() {
        assert!(told("a.json", "{\"a\": 1,}").starts_with("a key is missing"));
        assert!(told("a.json", "{\"a\": 1").starts_with("the text ends"));
        assert!(told("a.json", "").starts_with("there is no text"));
    }

    #[test]
    fn signs_inside_texts_are_no_signs() {
        let text = "{\"a\": \"// no comment, 'no quote' , }\", \"b\" 1}";
        assert!(!told("a.json", text).contains("not JSON"));
    }
}
