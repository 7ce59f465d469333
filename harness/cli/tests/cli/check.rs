//! `policy check`: what it reads, what it writes, and what a configuration changes.

use std::io::Write;
use std::process::Stdio;

use crate::support::{Shown, command, fhirward, fixtures, run};
use insta::assert_snapshot;
use serde_json::Value;

/// Runs `policy check` in the fixtures' folder.
fn check(arguments: &[&str]) -> Shown {
    let mut all = vec!["policy", "check"];
    all.extend(arguments);
    fhirward(&all)
}

/// Runs it in the folder that has a `fhirward.toml`.
fn configured(arguments: &[&str]) -> Shown {
    let mut all = vec!["policy", "check"];
    all.extend(arguments);
    run(command(&fixtures().join("configured"), &all))
}

/// Runs it with a text on standard input.
fn piped(text: &str, arguments: &[&str]) -> Shown {
    let mut all = vec!["policy", "check", "-"];
    all.extend(arguments);
    let mut command = command(&fixtures(), &all);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    Shown {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// What teams have written and published, one mistake a file.
#[test]
fn policies_of_the_wild() {
    let folder = fixtures().join("policies/wild");
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    for name in names {
        let shown = check(&[&format!("policies/wild/{name}")]);
        // Each has a finding, and none of them only a remark.
        assert!(
            shown.stderr.contains("error") || shown.stderr.contains("warning"),
            "{name}: {shown}"
        );
        assert_snapshot!(format!("wild_{name}"), shown);
    }
}

#[test]
fn ndjson_names_the_broken_line_and_checks_the_rest() {
    assert_snapshot!(check(&["policies/export.ndjson"]));
}

#[test]
fn a_bundle_may_hold_other_resources() {
    assert_snapshot!(check(&["policies/bundle.json"]));
}

#[test]
fn standard_input_may_be_ndjson() {
    let text = std::fs::read_to_string(fixtures().join("policies/export.ndjson")).unwrap();
    let shown = piped(&text, &["--format", "github"]);
    assert_eq!(shown.code, 2, "{shown}");
    assert!(shown.stdout.contains("line 2: "), "{shown}");
    assert!(!shown.stdout.contains("file="), "{shown}");
}

#[test]
fn a_single_resource_of_another_type_is_no_policy() {
    let shown = check(&["resources/message.json"]);
    assert_eq!(shown.code, 2, "{shown}");
    assert!(shown.stderr.contains("policy/not-a-policy"), "{shown}");
}

#[test]
fn a_folder_without_policies_says_what_else_is_there() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("policy.ts"), "export const a = {}").unwrap();
    std::fs::write(folder.path().join("package.json"), "{\"name\": \"app\"}").unwrap();
    let shown = run(command(folder.path(), &["policy", "check", "."]));
    assert_snapshot!(shown);
}

#[test]
fn a_misspelt_type_in_an_array_is_not_passed_over() {
    let text = r#"[{"resourceType": "AccesPolicy"}, {"resourceType": "Patient"}]"#;
    let shown = piped(text, &[]);
    assert_eq!(shown.code, 2, "{shown}");
    assert!(shown.stderr.contains("`AccesPolicy`"), "{shown}");
    assert!(!shown.stderr.contains("`Patient`"), "{shown}");
}

#[test]
fn a_file_over_the_limit_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = std::fs::File::create(folder.path().join("a.json")).unwrap();
    // Nothing is stored of the hundred megabytes.
    file.set_len(100 * 1024 * 1024).unwrap();
    let shown = run(command(folder.path(), &["policy", "check", "a.json"]));
    assert_eq!(shown.code, 1, "{shown}");
    assert!(shown.stderr.contains("limit of 64 MB"), "{shown}");
}

#[test]
fn absurd_nesting_ends_with_a_limit() {
    let text = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let shown = piped(&text, &[]);
    assert_eq!(shown.code, 2, "{shown}");
    assert!(shown.stderr.contains("json/too-deep"), "{shown}");
}

#[test]
fn sarif() {
    let shown = check(&[
        "policies/wild/sender-and-recipient.json",
        "--format",
        "sarif",
    ]);
    assert_eq!(shown.code, 0, "{shown}");
    assert!(
        shown.stderr.is_empty() || !shown.stderr.contains('×'),
        "{shown}"
    );
    let mut document: Value = serde_json::from_str(&shown.stdout).unwrap();
    // The page stands in its own file.
    for rule in document["runs"][0]["tool"]["driver"]["rules"]
        .as_array_mut()
        .unwrap()
    {
        for form in ["text", "markdown"] {
            assert!(rule["help"][form].as_str().unwrap().starts_with("# "));
            rule["help"][form] = "PAGE".into();
        }
    }
    assert_snapshot!(format!("{document:#}").replace(env!("CARGO_PKG_VERSION"), "VERSION"));
}

/// Whatever is found, the document is what OASIS says it is.
#[test]
fn sarif_of_everything_is_valid() {
    let text = std::fs::read_to_string(fixtures().join("sarif/sarif-schema-2.1.0.json")).unwrap();
    // See the unit tests of the writer: a bracket that only lax readers take for itself.
    let text = text.replace("[a-zA-Z]{2}]?$", "[a-zA-Z]{2}\\\\]?$");
    let schema: Value = serde_json::from_str(&text).unwrap();
    let validator = jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .unwrap();
    let shown = check(&["policies", "configured", "--format", "sarif"]);
    assert_eq!(shown.code, 2, "{shown}");
    let document: Value = serde_json::from_str(&shown.stdout).unwrap();
    let results = document["runs"][0]["results"].as_array().unwrap();
    assert!(results.len() > 15, "{}", results.len());
    let faults: Vec<String> = validator
        .iter_errors(&document)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn the_json_document_follows_its_schema() {
    let path = fixtures().join("../../../../docs/schema/findings.schema.json");
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for shown in [
        check(&["policies", "--format", "json"]),
        configured(&["policies", "--format", "json"]),
        check(&["policies/participant.json", "--format", "json"]),
    ] {
        let document: Value = serde_json::from_str(&shown.stdout).unwrap();
        let faults: Vec<String> = validator
            .iter_errors(&document)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert_eq!(faults, Vec::<String>::new());
    }
}

#[test]
fn github_annotations() {
    assert_snapshot!(check(&[
        "policies/wild/or-between-queries.json",
        "policies/wild/one-side.json",
        "--format",
        "github"
    ]));
}

#[test]
fn github_summary() {
    let folder = tempfile::tempdir().unwrap();
    let summary = folder.path().join("summary.md");
    std::fs::write(&summary, "before\n").unwrap();
    let mut command = command(
        &fixtures(),
        &[
            "policy",
            "check",
            "policies/wild/placeholder.json",
            "--format",
            "github",
        ],
    );
    command.env("GITHUB_STEP_SUMMARY", &summary);
    assert_eq!(run(command).code, 2);
    assert_snapshot!(std::fs::read_to_string(&summary).unwrap());
}

#[test]
fn junit() {
    assert_snapshot!(check(&[
        "policies/bundle.json",
        "policies/broken.json",
        "policies/wild/one-side.json",
        "--format",
        "junit"
    ]));
}

#[test]
fn a_file_gets_the_document_and_people_the_text() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("out.sarif");
    let shown = check(&[
        "policies/wild/placeholder.json",
        "--format",
        "sarif",
        "--output",
        file.to_str().unwrap(),
    ]);
    assert_eq!(shown.code, 2, "{shown}");
    assert_eq!(shown.stdout, "");
    assert!(shown.stderr.contains("W02 placeholder-value"), "{shown}");
    let text = std::fs::read_to_string(file).unwrap();
    assert!(text.contains("\"2.1.0\""), "{text}");
}

#[test]
fn a_file_that_cannot_be_written_is_an_error() {
    let shown = check(&[
        "policies/participant.json",
        "--format",
        "junit",
        "--output",
        "no/such/folder/a.xml",
    ]);
    assert_eq!(shown.code, 3, "{shown}");
    assert!(shown.stderr.contains("output/unwritable"), "{shown}");
}

#[test]
fn other_commands_refuse_formats_of_findings() {
    assert_snapshot!(fhirward(&["run", "--format", "sarif"]));
}

#[test]
fn levels_and_exceptions() {
    assert_snapshot!(configured(&["policies"]));
}

#[test]
fn excepted_findings_are_in_the_json() {
    let shown = configured(&["policies", "--format", "json"]);
    let document: Value = serde_json::from_str(&shown.stdout).unwrap();
    let excepted = document["excepted"].as_array().unwrap();
    assert_eq!(excepted.len(), 1);
    assert_eq!(excepted[0]["rule"]["id"], "L02");
    assert!(excepted[0]["reason"].as_str().unwrap().contains("research"));
}

#[test]
fn an_exception_is_for_its_policy_and_entry_only() {
    let folder = tempfile::tempdir().unwrap();
    let policy = r#"{"resourceType": "AccessPolicy", "id": "a", "resource": [
        {"resourceType": "Patient", "criteria": "Patient"},
        {"resourceType": "Task", "criteria": "Task"}]}"#;
    std::fs::write(folder.path().join("a.json"), policy).unwrap();
    for (more, left) in [
        ("", 0),
        ("policy = \"a\"", 0),
        ("policy = \"b\"", 2),
        ("entry = 1", 1),
        ("entry = 3", 2),
        ("file = \"*.json\"", 0),
        ("file = \"sub/*.json\"", 2),
        ("file = \"**/a.json\"", 0),
    ] {
        let config = format!("[[policy.except]]\nrule = \"L02\"\nreason = \"known\"\n{more}\n");
        std::fs::write(folder.path().join("fhirward.toml"), config).unwrap();
        let shown = run(command(
            folder.path(),
            &["policy", "check", "a.json", "--format", "json"],
        ));
        let document: Value = serde_json::from_str(&shown.stdout).unwrap();
        let found = document["diagnostics"].as_array().unwrap();
        let found = found.iter().filter(|f| f["rule"]["id"] == "L02");
        assert_eq!(found.count(), left, "{more}");
    }
}

#[test]
fn the_configuration_is_found_upward() {
    let shown = run(command(
        &fixtures().join("configured/policies"),
        &["policy", "check", "tasks.json"],
    ));
    assert!(shown.stderr.contains("for Medplum 5.0.0"), "{shown}");
    assert!(shown.stderr.contains("1 finding is excepted"), "{shown}");
}

#[test]
fn flags_win_over_the_configuration() {
    let shown = configured(&[
        "policies",
        "--server-version",
        "5.2",
        "--allow",
        "all",
        "--warn",
        "L36",
    ]);
    assert_eq!(shown.code, 0, "{shown}");
    assert!(shown.stderr.contains("⚠ searching `Patient`"), "{shown}");
    assert!(shown.stderr.contains("for Medplum 5.2.0"), "{shown}");
}

#[test]
fn a_rule_that_is_denied_fails_the_check() {
    let file = "policies/wild/sender-and-recipient.json";
    assert_eq!(check(&[file]).code, 0);
    assert_eq!(check(&[file, "--deny", "anded-roles"]).code, 2);
    assert_eq!(check(&[file, "--deny", "messaging"]).code, 2);
    let both = check(&[file, "--deny", "W03", "--allow", "anded-roles"]);
    assert_eq!(both.code, 1, "{both}");
}

#[test]
fn a_broken_configuration_is_shown_in_its_place() {
    assert_snapshot!(configured(&["policies", "--config", "broken.toml"]));
}

#[test]
fn a_configuration_that_is_no_toml() {
    assert_snapshot!(configured(&["policies", "--config", "syntax.toml"]));
}

#[test]
fn a_configuration_that_is_not_there() {
    let shown = configured(&["policies", "--config", "fhirward.tml"]);
    assert_eq!(shown.code, 1, "{shown}");
    assert!(
        shown.stderr.contains("did you mean `./fhirward.toml`?"),
        "{shown}"
    );
}

#[test]
fn a_version_that_is_none() {
    let shown = check(&["policies/participant.json", "--server-version", "newest"]);
    assert_eq!(shown.code, 1, "{shown}");
    assert!(
        shown
            .stderr
            .contains("Medplum `newest` is not known; known are 4.5"),
        "{shown}"
    );
}

#[test]
fn explain_prints_the_page() {
    let shown = check(&["--explain", "w03"]);
    assert_eq!(shown.code, 0, "{shown}");
    assert!(shown.stdout.starts_with("# W03 anded-roles\n"), "{shown}");
    assert_eq!(shown.stdout, check(&["--explain", "anded-roles"]).stdout);
}

#[test]
fn explain_knows_near_names() {
    let shown = check(&["--explain", "anded-role"]);
    assert_eq!(shown.code, 1, "{shown}");
    assert!(shown.stderr.contains("`anded-roles` (W03)"), "{shown}");
}

#[test]
fn all_rules_are_listed() {
    let shown = check(&["--list-rules"]);
    assert_eq!(shown.code, 0, "{shown}");
    assert_snapshot!(shown.stdout);
}
