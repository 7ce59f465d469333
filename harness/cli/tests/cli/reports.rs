//! Reports of `run`, `replay`, `--last-failed`, `--watch`, `init`, and what the documents say of
//! them.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::sync::mpsc;
use std::time::Duration;

use crate::run::copied;
use crate::support::{Shown, command, run};

/// Long enough for a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A suite whose only scenario passes.
fn accepted() -> tempfile::TempDir {
    let folder = copied("one");
    go(folder.path(), &["run"]);
    let shown = go(folder.path(), &["review", "--accept-all"]);
    assert_eq!(shown.code, 0, "{shown}");
    folder
}

fn go(folder: &Path, arguments: &[&str]) -> Shown {
    run(command(folder, arguments))
}

/// Everybody may read everything, and the scenario says otherwise.
fn open_the_policy(folder: &Path) {
    let policy = folder.join("scenarios/policies/participant.json");
    let open = fs::read_to_string(&policy).unwrap().replace(
        "Communication?recipient=%profile",
        "Communication?status=in-progress",
    );
    fs::write(policy, open).unwrap();
}

const FILES: [(&str, &str); 9] = [
    ("json", "run.json"),
    ("jsonl", "run.jsonl"),
    ("junit", "run.xml"),
    ("tap", "run.tap"),
    ("sarif", "run.sarif"),
    ("markdown", "run.md"),
    ("html", "run.html"),
    ("testreport", "run.fhir.json"),
    ("text", "run.txt"),
];

#[test]
fn several_reports_of_one_run_and_the_same_once_more_by_replay() {
    let folder = accepted();
    open_the_policy(folder.path());
    let wanted = |end: &str| -> Vec<String> {
        FILES
            .iter()
            .flat_map(|(kind, file)| ["--report".to_owned(), format!("{kind}={file}{end}")])
            .collect()
    };
    let first = wanted("");
    let mut arguments = vec!["run"];
    arguments.extend(first.iter().map(String::as_str));
    let played = go(folder.path(), &arguments);
    assert_eq!(played.code, 5, "{played}");
    assert_eq!(played.stdout, "");

    let second = wanted(".again");
    for source in [vec!["replay", "run.jsonl"], vec!["replay"]] {
        let mut arguments = source;
        arguments.extend(second.iter().map(String::as_str));
        let replayed = go(folder.path(), &arguments);
        assert_eq!(replayed.code, 5, "{replayed}");
        assert_eq!(replayed.stderr, played.stderr);
        for (kind, file) in FILES {
            let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
            assert_eq!(read(file), read(&format!("{file}.again")), "{kind}");
            assert!(!read(file).is_empty(), "{kind}");
        }
    }
}

/// Reports are made of events alone: a recording says the same in another folder, and its places lead
/// from the folder of the run.
#[test]
fn a_report_does_not_depend_on_where_it_is_made() {
    let (folder, elsewhere) = (accepted(), tempfile::tempdir().unwrap());
    open_the_policy(folder.path());
    let root = folder.path().canonicalize().unwrap();
    let wanted = |into: &Path| -> Vec<String> {
        let one = |(kind, file): &(&str, &str)| {
            let file = into.join(file).display().to_string();
            ["--report".to_owned(), format!("{kind}={file}")]
        };
        FILES.iter().flat_map(one).collect()
    };
    let scenarios = root.join("scenarios").display().to_string();
    let first = wanted(&root);
    let mut arguments = vec!["run", scenarios.as_str()];
    arguments.extend(first.iter().map(String::as_str));
    let played = go(&root, &arguments);
    assert_eq!(played.code, 5, "{played}");
    let recording = root.join("run.jsonl").display().to_string();
    let second = wanted(elsewhere.path());
    let mut arguments = vec!["replay", recording.as_str()];
    arguments.extend(second.iter().map(String::as_str));
    let replayed = go(elsewhere.path(), &arguments);
    assert_eq!(replayed.code, 5, "{replayed}");
    for (kind, file) in FILES {
        let read = |folder: &Path| fs::read_to_string(folder.join(file)).unwrap();
        let text = read(&root);
        assert_eq!(text, read(elsewhere.path()), "{kind}");
        assert!(!text.contains(root.to_str().unwrap()), "{kind}: {text}");
    }
}

#[test]
fn one_report_may_go_to_standard_output() {
    let folder = accepted();
    let shown = go(folder.path(), &["run", "--report", "tap=-"]);
    assert_eq!(shown.code, 0, "{shown}");
    assert!(shown.stdout.starts_with("TAP version 14\n1.."), "{shown}");
    let shown = go(folder.path(), &["run", "--report", "jsonl=-"]);
    assert!(
        shown
            .stdout
            .lines()
            .all(|line| line.starts_with("{\"fhirward-events\":1,"))
    );
    let whole = shown
        .stdout
        .lines()
        .last()
        .unwrap()
        .contains("run-finished");
    assert!(whole, "{shown}");
    for arguments in [
        vec!["run", "--report", "tap=-", "--report", "junit=-"],
        vec!["run", "--report", "tap=-", "--format", "json"],
        vec!["run", "--report", "tap=x", "--report", "junit=x"],
    ] {
        let shown = go(folder.path(), &arguments);
        assert_eq!(shown.code, 1, "{shown}");
        assert!(!folder.path().join("x").exists());
    }
}

#[test]
fn a_format_of_findings_is_a_report_of_a_run() {
    let shown = go(accepted().path(), &["run", "--format", "junit"]);
    assert_eq!(shown.code, 1, "{shown}");
    assert!(shown.stderr.contains("--report junit=-"), "{shown}");
}

#[test]
fn github_gets_annotations_and_a_summary() {
    let folder = accepted();
    open_the_policy(folder.path());
    let mut command = command(folder.path(), &["run", "--report", "github=-"]);
    command
        .env("CI", "true")
        .env("GITHUB_STEP_SUMMARY", folder.path().join("summary.md"));
    fs::write(folder.path().join("summary.md"), "before\n").unwrap();
    let shown = run(command);
    assert_eq!(shown.code, 5, "{shown}");
    let first = shown.stdout.lines().next().unwrap();
    assert!(
        first.starts_with("::error file=scenarios/page/two-people.yaml,line="),
        "{shown}"
    );
    let summary = fs::read_to_string(folder.path().join("summary.md")).unwrap();
    assert!(
        summary.starts_with("before\n### fhirward run: leak"),
        "{summary}"
    );
    assert!(summary.contains("| **outsider** |"), "{summary}");
}

#[test]
fn a_file_that_is_no_recorded_run_is_named_with_its_line() {
    let folder = accepted();
    fs::write(folder.path().join("x.jsonl"), "{\"a\": 1}\n").unwrap();
    let shown = go(folder.path(), &["replay", "x.jsonl"]);
    assert_eq!(shown.code, 2, "{shown}");
    assert!(shown.stderr.contains("x.jsonl:1: no event"), "{shown}");
    let shown = go(folder.path(), &["replay", "none.jsonl"]);
    assert_eq!(shown.code, 1, "{shown}");
}

#[test]
fn only_what_failed_is_played_again() {
    let folder = copied("one");
    let scenario = folder.path().join("scenarios/page/two-people.yaml");
    let other = fs::read_to_string(&scenario)
        .unwrap()
        .replace("scenario: two-people", "scenario: others");
    fs::write(folder.path().join("scenarios/page/others.yaml"), other).unwrap();
    let unknown = go(folder.path(), &["run", "--last-failed"]);
    assert_eq!(unknown.code, 1, "{unknown}");
    assert!(unknown.stderr.contains("nothing is known"), "{unknown}");

    go(folder.path(), &["run"]);
    go(folder.path(), &["review", "--accept", "others"]);
    let both = go(folder.path(), &["run", "--last-failed"]);
    assert!(
        both.stderr.contains("2 scenarios: 1 passed, 1 failed"),
        "{both}"
    );
    // What was not played is remembered as it was.
    go(folder.path(), &["run", "--filter", "others"]);
    let one = go(folder.path(), &["run", "--last-failed"]);
    assert_eq!(one.code, 4, "{one}");
    assert!(one.stderr.contains("1 scenario: 1 failed"), "{one}");
    go(folder.path(), &["review", "--accept-all"]);
    assert_eq!(go(folder.path(), &["run", "--last-failed"]).code, 0);
    let none = go(folder.path(), &["run", "--last-failed"]);
    assert_eq!(none.code, 6, "{none}");
    assert!(none.stderr.contains("everything passed"), "{none}");
}

/// A snapshot without its scenario fails a run like anything else, and is not forgotten.
#[test]
fn an_obsolete_snapshot_is_among_what_did_not_pass() {
    let folder = accepted();
    let snapshot = folder.path().join("scenarios/page/two-people.snap.yaml");
    let gone = folder.path().join("scenarios/page/gone.snap.yaml");
    let text = fs::read_to_string(&snapshot).unwrap();
    fs::write(&gone, text.replace("two-people", "gone")).unwrap();
    assert_eq!(go(folder.path(), &["run"]).code, 4);
    let again = go(folder.path(), &["run", "--last-failed"]);
    assert_eq!(again.code, 4, "{again}");
    assert!(
        again.stderr.contains("gone.snap.yaml has no scenario"),
        "{again}"
    );
    // A run that does not look at it changes nothing about it.
    assert_eq!(
        go(folder.path(), &["run", "--filter", "two-people"]).code,
        0
    );
    assert_eq!(go(folder.path(), &["run", "--last-failed"]).code, 4);
    fs::remove_file(&gone).unwrap();
    let passed = go(folder.path(), &["run", "--last-failed"]);
    assert_eq!(passed.code, 6, "{passed}");
    assert!(passed.stderr.contains("everything passed"), "{passed}");
}

#[test]
fn a_ci_job_remembers_nothing() {
    let folder = accepted();
    fs::remove_dir_all(folder.path().join(".fhirward")).unwrap();
    let mut command = command(folder.path(), &["run"]);
    command.env("CI", "true");
    assert_eq!(run(command).code, 0);
    assert!(!folder.path().join(".fhirward").exists());
}

#[test]
fn the_starter_is_green_and_overwrites_nothing() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("fhirward.toml"), "# mine\n").unwrap();
    let shown = go(folder.path(), &["init"]);
    assert_eq!(shown.code, 0, "{shown}");
    let config = fs::read_to_string(folder.path().join("fhirward.toml")).unwrap();
    assert_eq!(config, "# mine\n");
    assert!(shown.stderr.contains("kept  fhirward.toml"), "{shown}");
    assert!(shown.stderr.contains("fhirward run"), "{shown}");

    let mut command = command(folder.path(), &["run"]);
    command.env("CI", "true");
    let played = run(command);
    assert_eq!(played.code, 0, "{played}");
    let again = go(folder.path(), &["init", "--format", "json"]);
    let document: serde_json::Value = serde_json::from_str(&again.stdout).unwrap();
    assert_eq!(document["written"], serde_json::json!([]));
}

#[test]
fn the_whole_starter_is_valid() {
    let folder = tempfile::tempdir().unwrap();
    let shown = go(folder.path(), &["init", "a/b"]);
    assert_eq!(shown.code, 0, "{shown}");
    let project = folder.path().join("a/b");
    let checked = go(&project, &["policy", "check", "scenarios/policies"]);
    assert_eq!(checked.code, 0, "{checked}");
    let workflow = fs::read_to_string(project.join(".github/workflows/fhirward.yml")).unwrap();
    assert_workflow(&workflow);
}

/// The parts that GitHub wants, and commands that exist.
fn assert_workflow(text: &str) {
    let value: serde_json::Value = serde_saphyr::from_str(text).unwrap();
    assert!(value["on"].is_object(), "{text}");
    let jobs = value["jobs"].as_object().unwrap();
    for job in jobs.values() {
        assert!(job["runs-on"].is_string());
        for step in job["steps"].as_array().unwrap() {
            assert!(
                step["uses"].is_string() != step["run"].is_string(),
                "{step}"
            );
            if let Some(script) = step["run"].as_str() {
                assert_commands(script);
            }
        }
    }
}

/// Every `fhirward …` of a script is understood by the command line, up to its last option.
fn assert_commands(script: &str) {
    let folder = tempfile::tempdir().unwrap();
    let script = script.replace("\\\n", " ");
    for line in script.lines().map(str::trim) {
        let line = line.strip_prefix("if ! ").unwrap_or(line);
        let Some(rest) = line.strip_prefix("fhirward ") else {
            continue;
        };
        let words: Vec<&str> = rest
            .split(" #")
            .next()
            .unwrap()
            .split(" || ")
            .next()
            .unwrap()
            .split(';')
            .next()
            .unwrap()
            .split_whitespace()
            .filter(|word| !word.starts_with('>'))
            .chain(["--help"])
            .collect();
        let shown = go(folder.path(), &words);
        assert_eq!(shown.code, 0, "{line}: {shown}");
    }
}

#[test]
fn every_block_of_the_page_on_ci_is_valid() {
    let page =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/ci.md")).unwrap();
    let mut blocks = 0;
    for block in page.split("\n```").skip(1).step_by(2) {
        let (kind, text) = block.split_once('\n').unwrap();
        blocks += 1;
        match kind {
            "yaml" if text.contains("runs-on") => assert_workflow(text),
            "yaml" => {
                let value: serde_json::Value = serde_saphyr::from_str(text).unwrap();
                let job = &value["fhirward"];
                for line in job["script"].as_array().unwrap() {
                    assert_commands(line.as_str().unwrap());
                }
                assert!(job["artifacts"]["reports"]["junit"].is_string());
            }
            "bash" => assert_commands(text),
            other => assert_eq!(other, "yaml or bash"),
        }
    }
    assert!(blocks >= 4, "{blocks}");
}

/// Lines of standard error, as they come.
struct Lines(mpsc::Receiver<String>);

impl Lines {
    fn of(error: impl std::io::Read + Send + 'static) -> Self {
        let (tell, heard) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(error).lines().map_while(Result::ok) {
                if tell.send(line).is_err() {
                    break;
                }
            }
        });
        Self(heard)
    }

    /// All lines up to the one with this in it.
    fn until(&self, part: &str) -> String {
        let mut all = String::new();
        loop {
            let line = self.0.recv_timeout(PATIENCE);
            assert!(line.is_ok(), "no `{part}` after\n{all}");
            let line = line.unwrap_or_default();
            all.push_str(&line);
            all.push('\n');
            if line.contains(part) {
                return all;
            }
        }
    }
}

#[cfg(unix)]
#[test]
fn a_watch_plays_what_a_change_touches() {
    const WAITING: &str = "watching for changes";
    let folder = accepted();
    let scenario = folder.path().join("scenarios/page/two-people.yaml");
    let text = fs::read_to_string(&scenario).unwrap();
    let mut watch = command(folder.path(), &["run", "--watch"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = Lines::of(watch.stderr.take().unwrap());
    let first = lines.until(WAITING);
    assert!(first.contains("1 scenario: 1 passed"), "{first}");

    open_the_policy(folder.path());
    let leak = lines.until(WAITING);
    assert!(leak.contains("changed: participant.json"), "{leak}");
    assert!(leak.contains("1 scenario with a leak"), "{leak}");

    fs::write(&scenario, text.replace("see:", "sea:")).unwrap();
    let broken = lines.until(WAITING);
    assert!(broken.contains("two-people.yaml"), "{broken}");
    assert!(!broken.contains("1 scenario:"), "{broken}");

    fs::write(&scenario, text).unwrap();
    let whole = lines.until(WAITING);
    assert!(whole.contains("playing 1 of 1"), "{whole}");

    let sent = std::process::Command::new("kill")
        .args(["-INT", &watch.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
    assert_eq!(watch.wait().unwrap().code(), Some(0));
}
