//! `scenario check|fmt|docs|new`: from a first scenario to one that plays.

use std::path::Path;

use crate::support::{Shown, command, run};
use insta::assert_snapshot;
use serde_json::Value;
use tempfile::TempDir;

fn scenario(folder: &Path, arguments: &[&str]) -> Shown {
    let mut all = vec!["scenario"];
    all.extend(arguments);
    run(command(folder, &all))
}

/// A suite with one mistake of each common kind.
fn broken() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let made = scenario(folder.path(), &["new", "first", "--page", "messages"]);
    assert_eq!(made.code, 0, "{made}");
    let file = folder.path().join("scenarios/messages/first.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    let text = text
        .replace("as: outsider", "as: outsidr")
        .replace("expect: hidden", "expct: hidden")
        .replace("status: in-progress", "status: 012");
    std::fs::write(&file, text).unwrap();
    folder
}

#[test]
fn a_starter_is_checked_formatted_described_and_played() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    assert_snapshot!("scenario_new", scenario(root, &["new", "first"]));
    let again = scenario(root, &["new", "first"]);
    assert_eq!(again.code, 1, "{again}");
    assert!(again.stderr.contains("is there already"), "{again}");
    let bad = scenario(root, &["new", "a/b"]);
    assert_eq!(bad.code, 1, "{bad}");

    let checked = scenario(root, &["check"]);
    assert_eq!(checked.code, 0, "{checked}");
    let formatted = scenario(root, &["fmt", "--check"]);
    assert_eq!(formatted.code, 0, "{formatted}");
    assert_snapshot!("scenario_docs", scenario(root, &["docs"]));
    let played = run(command(root, &["run"]));
    // The first time there is no snapshot, and nothing else is wrong.
    assert_eq!(played.code, 4, "{played}");
    assert!(
        played.stderr.contains("there is no snapshot yet"),
        "{played}"
    );
}

#[test]
fn mistakes_have_carets_and_every_format_has_them() {
    let folder = broken();
    let shown = scenario(folder.path(), &["check", "scenarios"]);
    assert_eq!(shown.code, 2, "{shown}");
    assert_snapshot!("scenario_check", shown);
    for format in ["json", "sarif", "github", "junit", "html"] {
        let shown = scenario(folder.path(), &["--format", format, "check"]);
        assert_eq!(shown.code, 2, "{format}: {shown}");
        assert!(shown.stdout.contains("expct"), "{format}: {shown}");
    }
    let json = scenario(folder.path(), &["--format", "json", "check"]);
    let document: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(document["command"], "scenario check");
    assert_eq!(document["summary"]["error"], 3);
}

#[test]
fn formatting_changes_only_what_it_must_and_check_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    assert_eq!(scenario(root, &["new", "first"]).code, 0);
    let file = root.join("scenarios/first-steps/first.yaml");
    let good = std::fs::read_to_string(&file).unwrap();
    let bad = good.replace(
        "    as: outsider\n    read: ${message}",
        "    readResource: ${message}\n    as: outsider",
    );
    assert_ne!(good, bad);
    std::fs::write(&file, &bad).unwrap();
    let checked = scenario(root, &["fmt", "--check"]);
    assert_eq!(checked.code, 4, "{checked}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), bad);
    let formatted = scenario(root, &["fmt"]);
    assert_eq!(formatted.code, 0, "{formatted}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), good);
    std::fs::write(&file, "a: [").unwrap();
    assert_eq!(scenario(root, &["fmt"]).code, 2);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "a: [");
}

#[test]
fn a_state_by_itself_and_nothing_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    std::fs::create_dir_all(root.join("s/states")).unwrap();
    std::fs::create_dir_all(root.join("empty")).unwrap();
    std::fs::write(root.join("s/states/base.yaml"), "state: base\nstepps: []\n").unwrap();
    let state = scenario(root, &["check", "s/states/base.yaml"]);
    assert_eq!(state.code, 2, "{state}");
    assert!(state.stderr.contains("did you mean `steps`?"), "{state}");
    let nothing = scenario(root, &["check", "empty"]);
    assert_eq!(nothing.code, 6, "{nothing}");
}

/// A suite of one starter that builds on a state.
fn with_state() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    assert_eq!(scenario(root, &["new", "first", "--page", "p"]).code, 0);
    std::fs::create_dir_all(root.join("scenarios/states")).unwrap();
    let state = "state: base\nabout: Nobody yet.\nsteps: []\n";
    std::fs::write(root.join("scenarios/states/base.yaml"), state).unwrap();
    let file = root.join("scenarios/p/first.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("page: p\n", "page: p\ngiven: base\n")).unwrap();
    folder
}

#[test]
fn a_folder_of_states_holds_states() {
    let folder = with_state();
    let root = folder.path();
    for (place, path) in [
        ("", "scenarios/states"),
        ("scenarios/states", "."),
        ("scenarios/p", "../states"),
    ] {
        let place = root.join(place);
        let checked = scenario(&place, &["check", path]);
        assert_eq!(checked.code, 0, "{path}: {checked}");
        assert!(
            checked.stdout.contains("0 scenarios, 1 state,")
                || checked.stderr.contains("0 scenarios, 1 state,"),
            "{checked}"
        );
        let docs = scenario(&place, &["docs", path]);
        let played = run(command(&place, &["run", path]));
        for shown in [docs, played] {
            assert_eq!(shown.code, 6, "{shown}");
            assert!(shown.stderr.contains("1 state is there"), "{shown}");
        }
    }
    // Its mistakes are those of a state.
    std::fs::write(
        root.join("scenarios/states/base.yaml"),
        "state: base\nstepps: []\n",
    )
    .unwrap();
    let wrong = scenario(root, &["check", "scenarios/states"]);
    assert_eq!(wrong.code, 2, "{wrong}");
    assert!(wrong.stderr.contains("did you mean `steps`?"), "{wrong}");
}

/// The states and policies are found from wherever the file is named.
#[test]
fn a_scenario_is_named_from_its_own_folder_or_a_neighbour() {
    let folder = with_state();
    for (place, path) in [
        ("scenarios/p", "first.yaml"),
        ("scenarios/p", "./first.yaml"),
        ("scenarios/p", "."),
        ("scenarios/p", "../p/first.yaml"),
        ("scenarios/states", "../p/first.yaml"),
        ("scenarios", "p/first.yaml"),
        ("scenarios", "."),
    ] {
        let place = folder.path().join(place);
        let checked = scenario(&place, &["check", path]);
        assert_eq!(checked.code, 0, "{path}: {checked}");
        let mut play = command(&place, &["run", path]);
        play.env("CI", "true");
        let played = run(play);
        assert_eq!(played.code, 4, "{path}: {played}");
        assert!(
            played.stderr.contains("there is no snapshot yet"),
            "{path}: {played}"
        );
    }
}

#[test]
fn words_for_a_refusal_lead_to_the_one_that_is_meant() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    assert_eq!(scenario(root, &["new", "first", "--page", "p"]).code, 0);
    let file = root.join("scenarios/p/first.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    for (word, meant) in [
        ("forbiden", "denied"),
        ("forbidden", "denied"),
        ("Forbidden", "denied"),
        ("refused", "denied"),
        ("'403'", "denied"),
        ("deneid", "denied"),
        ("hiden", "hidden"),
        ("not-found", "hidden"),
    ] {
        std::fs::write(
            &file,
            text.replace("expect: hidden", &format!("expect: {word}")),
        )
        .unwrap();
        let shown = scenario(root, &["check"]);
        assert_eq!(shown.code, 2, "{shown}");
        let help = format!("did you mean `{meant}`?");
        assert!(shown.stderr.contains(&help), "{word}: {shown}");
    }
}

#[test]
fn a_new_scenario_takes_no_name_that_the_suite_has() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    assert_eq!(scenario(root, &["new", "first", "--page", "p"]).code, 0);
    let again = scenario(root, &["new", "first", "--page", "other"]);
    assert_eq!(again.code, 1, "{again}");
    assert!(again.stderr.contains("p/first.yaml"), "{again}");
    assert!(!root.join("scenarios/other").exists());
    assert_eq!(
        scenario(root, &["new", "second", "--page", "other"]).code,
        0
    );
    assert_eq!(scenario(root, &["check"]).code, 0);
}
