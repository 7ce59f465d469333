//! `docs/contradictions.md` says where each contradiction of the documentation shows. All that it
//! links to is there: files, headings, steps, rules, and the facts of server profiles.

use std::fs;
use std::path::{Path, PathBuf};

use rstest::rstest;
use serde_json::Value;

/// How many points the page has.
const POINTS: usize = 27;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs")
}

fn page() -> String {
    fs::read_to_string(folder().join("contradictions.md")).unwrap()
}

/// Text and target of each link of a line.
fn links(line: &str) -> Vec<(&str, &str)> {
    line.match_indices("](")
        .map(|(at, between)| {
            let (before, after) = (&line[..at], &line[at + between.len()..]);
            let (_, text) = before.rsplit_once('[').unwrap();
            let (target, _) = after.split_once(')').unwrap();
            (text, target)
        })
        .collect()
}

/// The cells of a row of the table.
fn cells(row: &str) -> Vec<&str> {
    row.trim_matches('|').split(" | ").map(str::trim).collect()
}

/// What GitHub makes of a heading.
fn anchor(heading: &str) -> String {
    heading
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

fn headings(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| {
        line.trim_start_matches('#')
            .strip_prefix(' ')
            .filter(|_| line.starts_with('#'))
    })
}

/// The steps of a scenario or state.
fn steps(text: &str) -> Vec<String> {
    let file: Value = serde_saphyr::from_str(text).unwrap();
    let steps = file["steps"].as_array().unwrap();
    steps
        .iter()
        .map(|step| step["step"].as_str().unwrap().to_owned())
        .collect()
}

/// What is wrong with a link, if anything is.
fn fault(text: &str, target: &str) -> Option<String> {
    let (file, heading) = match target.split_once('#') {
        Some((file, heading)) => (file, Some(heading)),
        None => (target, None),
    };
    let path = folder().join(file);
    let Ok(content) = fs::read_to_string(&path) else {
        return Some("there is no such file".to_owned());
    };
    if let Some(heading) = heading
        && !headings(&content).any(|found| anchor(found) == heading)
    {
        return Some("there is no such heading".to_owned());
    }
    let name = text.trim_matches('`');
    let stem = path.file_stem().unwrap().to_str().unwrap();
    if file.starts_with("../scenarios/") {
        let (scenario, step) = name.split_once('/').unwrap_or((name, ""));
        if scenario != stem {
            return Some(format!("the file is that of `{stem}`"));
        }
        let steps = steps(&content);
        let found = steps.iter().any(|known| known == step);
        return (!found).then(|| format!("it has the steps {}", steps.join(", ")));
    }
    if file == "thread-rules.md" {
        let named =
            heading.is_some_and(|heading| heading.starts_with(&anchor(&format!("{name} "))));
        return (!named).then(|| "the heading is that of another rule".to_owned());
    }
    if file.starts_with("rules/") {
        let first = content.lines().next().unwrap_or_default();
        let named = first == format!("# {name} {stem}");
        return (!named).then(|| format!("the page begins with `{first}`"));
    }
    if file.starts_with("../harness/runner/profiles/") {
        let known = content
            .lines()
            .any(|line| line.split_once(" = ").is_some_and(|(key, _)| key == name));
        return (!known).then(|| "the profile has no such fact".to_owned());
    }
    None
}

#[test]
fn whatever_the_page_links_to_is_there() {
    let page = page();
    let mut faults = Vec::new();
    let mut followed = 0;
    for (number, line) in page.lines().enumerate() {
        for (text, target) in links(line) {
            followed += 1;
            if let Some(fault) = fault(text, target) {
                faults.push(format!(
                    "docs/contradictions.md:{}: [{text}]({target}): {fault}",
                    number + 1
                ));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(followed > 3 * POINTS, "{followed}");
}

/// No point is left out, and none without an answer to where it shows and what to do instead.
#[test]
fn each_point_says_where_it_shows_and_what_to_do() {
    let page = page();
    let rows: Vec<Vec<&str>> = page
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| |"))
        .map(cells)
        .collect();
    let numbers: Vec<String> = rows.iter().map(|row| row[0].to_owned()).collect();
    let expected: Vec<String> = (1..=POINTS).map(|number| number.to_string()).collect();
    assert_eq!(numbers, expected);
    for row in rows {
        assert_eq!(row.len(), 5, "{row:?}");
        let (said, shown) = ([row[1], row[2], row[4]], row[3]);
        assert!(!said.contains(&""), "{row:?}");
        let reason = shown.strip_prefix("nothing: ");
        assert_eq!(reason.is_some(), links(shown).is_empty(), "{row:?}");
        assert_ne!(reason, Some(""), "{row:?}");
    }
}

/// A link that leads nowhere is found, whatever it should lead to.
#[rstest]
#[case::file("x", "no-such-page.md", "no such file")]
#[case::heading("x", "thread-check.md#no-such-heading", "no such heading")]
#[case::scenario(
    "`claim/x`",
    "../scenarios/message-response-tracking-and-routing/claim-task.yaml",
    "that of `claim-task`"
)]
#[case::step(
    "`claim-task/no-such-step`",
    "../scenarios/message-response-tracking-and-routing/claim-task.yaml",
    "it has the steps"
)]
#[case::no_step(
    "`claim-task`",
    "../scenarios/message-response-tracking-and-routing/claim-task.yaml",
    "it has the steps"
)]
#[case::step_of_a_state(
    "`pool-task/claim`",
    "../scenarios/states/pool-task.yaml",
    "it has the steps given-header, given-task"
)]
#[case::rule(
    "H-11",
    "thread-rules.md#h-10-header-lists-participants",
    "another rule"
)]
#[case::rule_without_heading("H-10", "thread-rules.md", "another rule")]
#[case::no_such_rule("H-99", "thread-rules.md#h-99-nothing", "no such heading")]
#[case::lint("L33", "rules/encoded-value.md", "begins with `# L34 encoded-value`")]
#[case::fact(
    "`no-such-fact`",
    "../harness/runner/profiles/medplum.toml",
    "no such fact"
)]
fn a_link_that_leads_nowhere_is_found(
    #[case] text: &str,
    #[case] target: &str,
    #[case] says: &str,
) {
    let fault = fault(text, target).unwrap();
    assert!(fault.contains(says), "{fault}");
}

/// What leads somewhere is none.
#[rstest]
#[case::step(
    "`claim-task/claim-as-documented`",
    "../scenarios/message-response-tracking-and-routing/claim-task.yaml"
)]
#[case::step_of_a_state("`pool-task/given-task`", "../scenarios/states/pool-task.yaml")]
#[case::rule("H-10", "thread-rules.md#h-10-header-lists-participants")]
#[case::lint("L34", "rules/encoded-value.md")]
#[case::fact("`versioned-patch`", "../harness/runner/profiles/medplum.toml")]
#[case::section("the same section", "thread-check.md#what-is-checked")]
fn a_link_that_leads_somewhere_is_no_fault(#[case] text: &str, #[case] target: &str) {
    assert_eq!(fault(text, target), None);
}
