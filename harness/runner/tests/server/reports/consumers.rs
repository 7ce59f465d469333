//! Each report as its consumer reads it.

use fhirward_engine::diagnostic::Severity;
use fhirward_engine::resource::validate;
use quick_junit::{NonSuccessKind, TestCaseStatus};
use serde_json::Value;

/// Whether a run with this exit code has found or failed something.
fn is_bad(exit: u8) -> bool {
    exit != 0
}

fn faults(schema: &str, document: &Value) -> Vec<String> {
    let schema: Value = serde_json::from_str(schema).unwrap();
    // Through text, as a reader gets it.
    let document: Value = serde_json::from_str(&document.to_string()).unwrap();
    jsonschema::validator_for(&schema)
        .unwrap()
        .iter_errors(&document)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

pub fn events(text: &str) {
    let schema = include_str!("../../../../../docs/schema/events.schema.json");
    let schema: Value = serde_json::from_str(schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for line in text.lines() {
        let value: Value = serde_json::from_str(line).unwrap();
        let errors: Vec<String> = validator
            .iter_errors(&value)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert_eq!(errors, Vec::<String>::new(), "{line}");
        // What begins says only what it is.
        let name = value["event"].as_str().unwrap();
        if name.ends_with("-started") {
            assert!(line.len() < 600, "{line}");
        }
    }
}

/// What events and the report have in common is described in the same way.
#[test]
fn the_schemas_agree() {
    let schema = |text: &str| -> Value { serde_json::from_str(text).unwrap() };
    let events = schema(include_str!(
        "../../../../../docs/schema/events.schema.json"
    ));
    let report = schema(include_str!(
        "../../../../../docs/schema/report.schema.json"
    ));
    for part in ["count", "cleanup", "policy", "step", "snapshot"] {
        assert!(events["$defs"][part].is_object(), "{part}");
        assert_eq!(events["$defs"][part], report["$defs"][part], "{part}");
    }
}

pub fn json(document: &Value) {
    let schema = include_str!("../../../../../docs/schema/report.schema.json");
    assert_eq!(faults(schema, document), Vec::<String>::new());
}

/// As github.com/testmoapp/junitxml and Jenkins' schema want it.
pub fn junit(text: &str, exit: u8) {
    let report = quick_junit::Report::deserialize_from_str(text).unwrap();
    let (mut tests, mut failures, mut errors) = (0, 0, 0);
    for suite in &report.test_suites {
        assert!(!suite.name.as_str().is_empty());
        assert!(
            !suite.test_cases.is_empty(),
            "{} is empty",
            suite.name.as_str()
        );
        assert_eq!(suite.tests, suite.test_cases.len());
        let mut names: Vec<_> = suite
            .test_cases
            .iter()
            .map(|case| (case.classname.clone(), case.name.clone()))
            .collect();
        names.sort_by_key(|name| format!("{name:?}"));
        let all = names.len();
        names.dedup();
        assert_eq!(
            names.len(),
            all,
            "names are unique in {}",
            suite.name.as_str()
        );
        for phase in ["setup", "cleanup"] {
            let has = suite.test_cases.iter().any(|c| c.name.as_str() == phase);
            assert!(has, "{}: no {phase}", suite.name.as_str());
        }
        for case in &suite.test_cases {
            tests += 1;
            assert!(
                case.classname
                    .as_ref()
                    .is_some_and(|name| !name.as_str().is_empty())
            );
            if case.extra.contains_key("line") {
                assert!(case.extra.contains_key("file"));
            }
            match &case.status {
                TestCaseStatus::NonSuccess {
                    kind,
                    message,
                    ty,
                    description,
                    ..
                } => {
                    match kind {
                        NonSuccessKind::Failure => failures += 1,
                        NonSuccessKind::Error => errors += 1,
                    }
                    let message = message.as_ref().unwrap().as_str();
                    assert!(!message.is_empty() && !message.contains('\n'), "{message}");
                    assert!(!ty.as_ref().unwrap().as_str().is_empty());
                    // GitLab shows the text alone.
                    let text = description.as_ref().unwrap().as_str();
                    assert!(text.contains(message), "{text}");
                    assert!(text.contains(case.name.as_str()) || text.contains("given"));
                }
                TestCaseStatus::Skipped { message, .. } => {
                    assert!(!message.as_ref().unwrap().as_str().is_empty());
                }
                TestCaseStatus::Success { .. } => {}
            }
        }
    }
    assert_eq!(
        (report.tests, report.failures, report.errors),
        (tests, failures, errors)
    );
    match exit {
        // Only the cleanup: visible, and no failure of the server.
        0 => assert_eq!(failures, 0),
        4 | 5 => assert!(failures > 0),
        _ => assert!(errors > 0),
    }
}

/// A small reader of TAP version 14.
pub fn tap(text: &str, exit: u8) {
    let mut lines = text.lines().peekable();
    assert_eq!(lines.next(), Some("TAP version 14"));
    let plan = lines.next().unwrap().strip_prefix("1..").unwrap();
    let planned: usize = plan.parse().unwrap();
    let (mut points, mut bad, mut bailed) = (0, 0, false);
    while let Some(line) = lines.next() {
        if line.starts_with('#') {
            continue;
        }
        if let Some(reason) = line.strip_prefix("Bail out!") {
            assert!(!reason.trim().is_empty());
            bailed = true;
            continue;
        }
        assert!(!bailed, "nothing comes after the bail out: {line}");
        let rest = match line.strip_prefix("not ok ") {
            Some(rest) => {
                bad += 1;
                rest
            }
            None => line.strip_prefix("ok ").unwrap(),
        };
        points += 1;
        let (number, description) = rest.split_once(" - ").unwrap();
        assert_eq!(number.parse::<usize>().unwrap(), points);
        // A `#` that is not escaped begins a directive.
        let bare = description.replace("\\\\", "").replace("\\#", "");
        if let Some((_, directive)) = bare.split_once('#') {
            let reason = directive.strip_prefix(" SKIP ").unwrap();
            assert!(!reason.is_empty());
            assert!(line.starts_with("ok "));
        }
        if lines.peek() == Some(&"  ---") {
            lines.next();
            let mut block = String::new();
            loop {
                match lines.next().unwrap() {
                    "  ..." => break,
                    line => {
                        block.push_str(line.strip_prefix("  ").unwrap());
                        block.push('\n');
                    }
                }
            }
            let value: Value = serde_saphyr::from_str(&block).unwrap();
            assert!(value["severity"].is_string(), "{block}");
        } else {
            assert!(!line.starts_with("not ok"), "no reason: {line}");
        }
    }
    assert_eq!(points, planned);
    if is_bad(exit) {
        assert!(bad > 0 || bailed, "{text}");
    }
}

/// A name, the attributes that are allowed, those that must be there, and the elements in it.
type Element = (
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
    &'static [&'static str],
);

/// What `junit-10.xsd` of github.com/jenkinsci/xunit-plugin (MIT) allows in an element. It is also what Surefire and pytest's `xunit2` write.
const STRICT: [Element; 11] = [
    (
        "testsuites",
        &["name", "time", "tests", "failures", "errors"],
        &[],
        &["testsuite"],
    ),
    (
        "testsuite",
        &[
            "name",
            "tests",
            "failures",
            "errors",
            "group",
            "time",
            "skipped",
            "timestamp",
            "hostname",
            "id",
            "package",
            "file",
            "log",
            "url",
        ],
        &["name", "tests", "failures", "errors"],
        &[
            "testsuite",
            "properties",
            "testcase",
            "system-out",
            "system-err",
        ],
    ),
    ("properties", &[], &[], &["property"]),
    ("property", &["name", "value"], &["name", "value"], &[]),
    (
        "testcase",
        &["name", "time", "classname", "group"],
        &["name"],
        &[
            "skipped",
            "error",
            "failure",
            "rerunFailure",
            "rerunError",
            "flakyFailure",
            "flakyError",
            "system-out",
            "system-err",
        ],
    ),
    ("failure", &["type", "message"], &[], &[]),
    ("error", &["type", "message"], &[], &[]),
    ("skipped", &["type", "message"], &[], &[]),
    (
        "flakyError",
        &["type", "message"],
        &["type"],
        &["stackTrace", "system-out", "system-err"],
    ),
    ("system-out", &[], &[], &[]),
    ("system-err", &[], &[], &[]),
];

/// What a strict schema refuses in a document, without repetitions.
pub fn refused(text: &str) -> Vec<String> {
    let mut faults = std::collections::BTreeSet::new();
    let mut open: Vec<String> = Vec::new();
    for tag in text.split('<').skip(1) {
        // A `>` in a value is escaped, so the first ends the tag.
        let inside = tag.split('>').next().unwrap();
        if inside.starts_with('?') {
            continue;
        }
        if inside.starts_with('/') {
            open.pop();
            continue;
        }
        let (inside, closed) = match inside.strip_suffix('/') {
            Some(inside) => (inside, true),
            None => (inside, false),
        };
        let name = inside.split_whitespace().next().unwrap().to_owned();
        // Between quotes stand the values, and before each of them its name.
        let names: Vec<&str> = inside
            .strip_prefix(name.as_str())
            .unwrap()
            .split('"')
            .step_by(2)
            .filter_map(|part| part.trim().strip_suffix('='))
            .collect();
        match STRICT.iter().find(|(known, ..)| *known == name) {
            None => {
                faults.insert(format!("<{name}>"));
            }
            Some((_, allowed, required, _)) => {
                for one in names.iter().filter(|one| !allowed.contains(one)) {
                    faults.insert(format!("{name}/@{one}"));
                }
                for one in required.iter().filter(|one| !names.contains(one)) {
                    faults.insert(format!("{name} without @{one}"));
                }
            }
        }
        let parent = open
            .last()
            .and_then(|p| STRICT.iter().find(|(known, ..)| known == p));
        if parent.is_some_and(|(.., children)| !children.contains(&name.as_str())) {
            faults.insert(format!("{}/{name}", open.last().unwrap()));
        }
        if !closed {
            open.push(name);
        }
    }
    assert_eq!(open, Vec::<String>::new());
    faults.into_iter().collect()
}

/// The schema of OASIS, and what GitHub asks for beyond it.
pub fn sarif(text: &str, exit: u8) {
    let document: Value = serde_json::from_str(text).unwrap();
    assert_eq!(sarif_faults(&document), Vec::<String>::new());
    let results = document["runs"][0]["results"].as_array().unwrap();
    let mut prints = Vec::new();
    for result in results {
        let at = &result["locations"][0]["physicalLocation"];
        assert!(at["artifactLocation"]["uri"].is_string(), "{result}");
        prints.push(result["partialFingerprints"]["primaryLocationLineHash"].to_string());
        let rule = result["ruleIndex"].as_u64().unwrap() as usize;
        let rule = &document["runs"][0]["tool"]["driver"]["rules"][rule];
        assert_eq!(rule["id"], result["ruleId"]);
    }
    let all = prints.len();
    prints.sort();
    prints.dedup();
    assert_eq!(prints.len(), all, "fingerprints are unique");
    let notes = document["runs"][0]["invocations"][0]["toolExecutionNotifications"]
        .as_array()
        .unwrap();
    match exit {
        4 | 5 => assert!(all > 0),
        3 => assert!(!notes.is_empty()),
        _ => assert_eq!(all, 0),
    }
    if exit == 5 {
        let policy = results
            .iter()
            .flat_map(|result| result["relatedLocations"].as_array().into_iter().flatten())
            .any(|place| place["physicalLocation"]["region"]["startLine"].is_u64());
        assert!(policy, "a leak names the policy's entry: {text}");
    }
}

/// The schema alone.
pub fn sarif_shape(text: &str) {
    let document: Value = serde_json::from_str(text).unwrap();
    assert_eq!(sarif_faults(&document), Vec::<String>::new());
}

fn sarif_faults(document: &Value) -> Vec<String> {
    let schema = include_str!("../../../../cli/tests/fixtures/sarif/sarif-schema-2.1.0.json");
    // The published pattern for languages has a bracket that only a lax reader of regular
    // expressions takes for itself; escaped it means the same.
    let schema = schema.replace("[a-zA-Z]{2}]?$", "[a-zA-Z]{2}\\\\]?$");
    faults(&schema, document)
}

pub fn github(text: &str, exit: u8) {
    for command in ["::error ", "::warning "] {
        let count = text
            .lines()
            .filter(|line| line.starts_with(command))
            .count();
        assert!(count <= 10, "GitHub shows no more than ten");
    }
    for line in text.lines() {
        assert!(
            line.starts_with("::error ") || line.starts_with("::warning "),
            "{line}"
        );
        assert_eq!(line.matches("title=fhirward").count(), 1, "{line}");
    }
    if matches!(exit, 3..=5) {
        assert!(text.contains("::error "), "{text}");
    }
}

pub fn markdown(text: &str) {
    assert!(text.starts_with("### fhirward run: "));
    assert_eq!(
        text.matches("<details").count(),
        text.matches("</details>").count()
    );
    for table in text.split("\n\n").filter(|part| part.starts_with('|')) {
        let columns = |line: &str| line.replace("\\|", "").matches('|').count();
        let mut lines = table.lines();
        let head = columns(lines.next().unwrap());
        for line in lines {
            assert_eq!(columns(line), head, "{table}");
        }
    }
}

/// Balanced tags, and nothing that a page could load or run.
pub fn html(text: &str) {
    for part in [
        "http-equiv=\"refresh",
        "src=",
        "url(",
        "@import",
        "<script",
        "onload=",
        "javascript:",
    ] {
        assert!(!text.contains(part), "{part}");
    }
    for link in text.split("href=\"").skip(1) {
        assert!(link.starts_with('#'), "a link leaves the page");
    }
    let body = text.split_once("<body>").unwrap().1;
    let mut open: Vec<&str> = Vec::new();
    for tag in body.split('<').skip(1) {
        let (inside, _) = tag.split_once('>').unwrap();
        let name = inside.split([' ', '\n']).next().unwrap();
        match name.strip_prefix('/') {
            Some("body" | "html") => {}
            Some(name) => assert_eq!(open.pop(), Some(name), "{tag}"),
            None => open.push(name),
        }
    }
    assert_eq!(open, Vec::<&str>::new());
}

/// R4, by the project's own validator.
pub fn test_report(text: &str, exit: u8) {
    let bundle: Value = serde_json::from_str(text).unwrap();
    let mut resources = vec![&bundle];
    let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
    resources.extend(entries.iter().map(|entry| &entry["resource"]));
    for resource in resources {
        let faults: Vec<String> = validate(resource)
            .into_iter()
            .filter(|finding| finding.severity >= Severity::Warning)
            .map(|finding| format!("{}: {}", finding.expression, finding.message))
            .collect();
        assert_eq!(faults, Vec::<String>::new(), "{resource:#}");
    }
    for entry in &entries {
        let report = &entry["resource"];
        assert_eq!(report["resourceType"], "TestReport");
        let wanted = match exit {
            0 => "pass",
            4 | 5 => "fail",
            _ => "pending",
        };
        assert_eq!(report["result"], wanted);
        assert!(report["setup"]["action"].is_array());
        assert!(report["teardown"]["action"].is_array());
    }
    assert!(!entries.is_empty());
}
