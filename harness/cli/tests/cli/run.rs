//! `run`, `review` and `serve` as a shell sees them.

use std::fs;
use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::Stdio;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::support::{Shown, command, fixtures, run};
use insta::assert_snapshot;

/// Plays in a suite of the fixtures, as a CI job: nothing is written beside the scenarios.
fn in_suite(suite: &str, arguments: &[&str]) -> Shown {
    let mut command = command(&fixtures().join("suites").join(suite), arguments);
    command.env("CI", "true");
    run(command)
}

/// A copy of a suite that may be written to.
pub fn copied(suite: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy(&fixtures().join("suites").join(suite), folder.path());
    folder
}

/// Copies a folder and all that is in it.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

/// The snapshot of a run, without its durations.
macro_rules! assert_run {
    ($shown:expr) => {
        insta::with_settings!({filters => vec![(r"\d+(\.\d+)? m?s\b", "[time]")]}, {
            assert_snapshot!($shown);
        });
    };
}

#[test]
fn an_unknown_actor_is_shown_in_its_place() {
    assert_snapshot!(in_suite("unknown-actor", &["run"]));
}

#[test]
fn broken_yaml_is_shown_in_its_place() {
    assert_snapshot!(in_suite("broken-yaml", &["run"]));
}

#[test]
fn an_invalid_policy_stops_the_run() {
    assert_snapshot!(in_suite("invalid-policy", &["run"]));
}

#[test]
fn a_path_that_does_not_exist() {
    assert_snapshot!(in_suite("one", &["run", "scenarios/pages"]));
}

#[test]
fn no_scenarios_here_or_above() {
    let folder = tempfile::tempdir().unwrap();
    let shown = run(command(folder.path(), &["run"]));
    assert_eq!(shown.code, 1, "{shown}");
}

#[test]
fn a_filter_that_leaves_nothing() {
    let shown = in_suite("one", &["run", "--filter", "no-such-flow"]);
    assert_eq!(shown.code, 6, "{shown}");
}

#[test]
fn a_server_that_refuses_the_connection() {
    let mut command = command(
        &fixtures().join("suites/one"),
        &[
            "run",
            "--server",
            "http://127.0.0.1:9/",
            "--admin-client",
            "a",
            "--admin-secret-env",
            "FHIRWARD_TEST_SECRET",
        ],
    );
    command
        .env("CI", "true")
        .env("FHIRWARD_TEST_SECRET", "s3cret-s3cret");
    let shown = run(command);
    assert!(!shown.to_string().contains("s3cret"), "{shown}");
    assert_run!(shown);
}

#[test]
fn without_a_snapshot_a_ci_job_fails_and_writes_nothing() {
    let folder = copied("one");
    let mut command = command(folder.path(), &["run"]);
    command.env("CI", "true");
    assert_run!(run(command));
    assert!(
        !folder
            .path()
            .join("scenarios/page/two-people.snap.yaml.new")
            .exists()
    );
}

#[test]
fn from_the_first_run_to_a_leak() {
    let folder = copied("one");
    let go = |arguments: &[&str]| run(command(folder.path(), arguments));

    let first = go(&["run"]);
    assert_eq!(first.code, 4, "{first}");
    let waiting = go(&["review"]);
    assert_eq!(waiting.code, 4, "{waiting}");
    let accepted = go(&["review", "--accept", "two-people"]);
    assert_eq!(accepted.code, 0, "{accepted}");

    let report = folder.path().join("report.json");
    let again = go(&["run", "--report", &format!("json={}", report.display())]);
    assert_eq!(again.code, 0, "{again}");
    assert_eq!(again.stdout, "", "people read standard error");
    let text = fs::read_to_string(&report).unwrap();
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["summary"]["passed"], 1);
    assert_eq!(document["scenarios"][0]["id"], "two-people");

    // Everybody may read everything: the engine agrees, the claim and the snapshot do not.
    let policy = folder.path().join("scenarios/policies/participant.json");
    let open = fs::read_to_string(&policy).unwrap().replace(
        "Communication?recipient=%profile",
        "Communication?status=in-progress",
    );
    fs::write(&policy, open).unwrap();
    let kinds = [
        "github", "markdown", "sarif", "html", "junit", "tap", "text",
    ];
    let wanted = kinds.map(|kind| format!("--report={kind}={}/r.{kind}", folder.path().display()));
    let mut arguments = vec!["run"];
    arguments.extend(wanted.iter().map(String::as_str));
    let leak = go(&arguments);
    assert_run!(leak);
    // Whatever somebody reads, it says which entry of which policy did it.
    for kind in kinds {
        let text = fs::read_to_string(folder.path().join(format!("r.{kind}"))).unwrap();
        for part in [
            "participant #1 (Communication?status=in-progress)",
            "scenarios/policies/participant.json",
        ] {
            assert!(text.contains(part), "{kind}: {part}: {text}");
        }
        assert!(
            text.contains("participant.json:5") || kind == "sarif",
            "{kind}: {text}"
        );
    }
    let sarif = fs::read_to_string(folder.path().join("r.sarif")).unwrap();
    let sarif: serde_json::Value = serde_json::from_str(&sarif).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    assert_eq!(results.len(), 2, "the step and the snapshot: {results:?}");
    for result in results {
        let place = &result["relatedLocations"][0]["physicalLocation"];
        assert_eq!(place["region"]["startLine"], 5, "{result}");
    }
    let waiting = go(&["review"]);
    assert!(
        waiting.stderr.contains(
            "! outsider gained note (was hidden) after step write\n      \
             allowed by participant #1 (Communication?status=in-progress) — \
             scenarios/policies/participant.json:5\n"
        ),
        "{waiting}"
    );

    let unexplained = go(&["review", "--accept-all"]);
    assert_eq!(unexplained.code, 1, "{unexplained}");
    let explained = go(&["review", "--accept-all", "--accept-widening", "open ward"]);
    assert_eq!(explained.code, 0, "{explained}");
    let snapshot = folder.path().join("scenarios/page/two-people.snap.yaml");
    assert!(fs::read_to_string(snapshot).unwrap().contains("open ward"));
}

/// The common snapshot belongs to the server that it was accepted from.
#[test]
fn what_another_server_does_otherwise_is_kept_apart_from_the_common_snapshot() {
    let folder = copied("one");
    let go = |arguments: &[&str]| run(command(folder.path(), arguments));
    go(&["run"]);
    assert_eq!(go(&["review", "--accept-all"]).code, 0);
    let file = |name: &str| folder.path().join("scenarios/page").join(name);
    let common = fs::read_to_string(file("two-people.snap.yaml")).unwrap();
    assert!(common.starts_with("profile: embedded\n"), "{common}");

    // As if it came from a server that answers one step in another way.
    let other = common
        .replace("profile: embedded", "profile: hapi")
        .replacen("outcome: 201", "outcome: 200", 1);
    assert_ne!(common.replace("embedded", "hapi"), other);
    fs::write(file("two-people.snap.yaml"), &other).unwrap();
    let run = go(&["run"]);
    assert_eq!(run.code, 4, "{run}");
    assert!(
        run.stderr.contains("two-people@embedded.snap.yaml.new"),
        "{run}"
    );
    let shown = go(&["review"]);
    let words = "embedded differs here from the server that the common snapshot was accepted from";
    assert!(shown.stderr.contains(words), "{shown}");
    for option in ["--for-profile", "--for-all"] {
        let shown = go(&["review", option]);
        assert_eq!(shown.code, 1, "{shown}");
        assert!(
            shown.stderr.contains("applies to what --accept ID"),
            "{shown}"
        );
    }
    assert_eq!(go(&["review", "--accept", "two-people@embedded"]).code, 0);
    assert_eq!(
        fs::read_to_string(file("two-people.snap.yaml")).unwrap(),
        other
    );
    let own = fs::read_to_string(file("two-people@embedded.snap.yaml")).unwrap();
    assert_eq!(own, common);
    assert_eq!(go(&["run"]).code, 0);

    // Decided otherwise: it is the common one after all, and its own file says nothing more.
    fs::rename(
        file("two-people@embedded.snap.yaml"),
        file("two-people@embedded.snap.yaml.new"),
    )
    .unwrap();
    let accepted = go(&["review", "--accept-all", "--for-all"]);
    assert_eq!(accepted.code, 0, "{accepted}");
    assert!(
        accepted.stderr.contains("accepted two-people\n"),
        "{accepted}"
    );
    assert_eq!(
        fs::read_to_string(file("two-people.snap.yaml")).unwrap(),
        common
    );
    fs::write(file("two-people@hapi.snap.yaml"), &common).unwrap();
    let obsolete = go(&["run"]);
    assert_eq!(obsolete.code, 4, "{obsolete}");
    assert!(
        obsolete.stderr.contains("says the same as the common one"),
        "{obsolete}"
    );
    assert!(obsolete.stderr.contains("delete it: git rm"), "{obsolete}");
}

/// What was accepted and is lost in conflict markers is no first snapshot: accepting is guarded.
#[test]
fn a_snapshot_with_conflict_markers_takes_a_reason() {
    let folder = copied("one");
    let go = |arguments: &[&str]| run(command(folder.path(), arguments));
    go(&["run"]);
    assert_eq!(go(&["review", "--accept-all"]).code, 0);
    let file = folder.path().join("scenarios/page/two-people.snap.yaml");
    let good = fs::read_to_string(&file).unwrap();
    let torn = format!("<<<<<<< ours\n{good}=======\n{good}>>>>>>> theirs\n");
    fs::write(&file, &torn).unwrap();
    assert_eq!(go(&["run"]).code, 4);

    let shown = go(&["review"]);
    assert_eq!(shown.code, 4, "{shown}");
    assert!(shown.stderr.contains("cannot be read"), "{shown}");
    assert!(shown.stderr.contains("two-people.snap.yaml:2:"), "{shown}");
    assert!(!shown.stderr.contains("no accepted snapshot"), "{shown}");
    assert!(shown.stderr.contains("--accept-widening"), "{shown}");
    let document: serde_json::Value =
        serde_json::from_str(&go(&["--format", "json", "review"]).stdout).unwrap();
    assert_eq!(document["pending"][0]["first"], false);

    for arguments in [
        &["review", "--accept", "two-people"][..],
        &["review", "--accept-all"],
    ] {
        let refused = go(arguments);
        assert_eq!(refused.code, 1, "{refused}");
        assert!(
            refused.stderr.contains("two-people.snap.yaml:2:"),
            "{refused}"
        );
        assert_eq!(fs::read_to_string(&file).unwrap(), torn);
    }
    let explained = go(&[
        "review",
        "--accept-all",
        "--accept-widening",
        "merged by hand",
    ]);
    assert_eq!(explained.code, 0, "{explained}");
    assert!(
        fs::read_to_string(&file)
            .unwrap()
            .contains("merged by hand")
    );
    assert_eq!(go(&["run"]).code, 0);
}

#[test]
fn a_report_that_cannot_be_written_is_known_before_the_run() {
    let folder = copied("one");
    let go = |arguments: &[&str]| run(command(folder.path(), arguments));
    go(&["run"]);
    go(&["review", "--accept-all"]);
    let shown = go(&["run", "--report", "json=no/such/folder/report.json"]);
    assert_eq!(shown.code, 1, "{shown}");
    assert!(shown.stderr.contains("no/such/folder"), "{shown}");
    assert!(!shown.stderr.contains("passed"), "{shown}");
}

#[test]
fn as_json_standard_output_is_one_document_also_when_files_are_invalid() {
    let shown = in_suite("unknown-actor", &["run", "--format", "json"]);
    let document: serde_json::Value = serde_json::from_str(&shown.stdout).unwrap();
    assert_eq!(document["exit_code"], 2);
    assert_eq!(document["diagnostics"][0]["code"], "scenario/unknown-actor");
    assert_eq!(shown.stderr, "");
}

#[test]
fn a_ci_job_cannot_accept_its_own_result() {
    let shown = in_suite("one", &["review", "--accept-all"]);
    assert_eq!(shown.code, 1, "{shown}");
}

#[test]
fn serve_says_where_it_is_and_can_be_tested() {
    let mut server = command(
        &fixtures(),
        &[
            "serve",
            "--port",
            "0",
            "--admin-client",
            "admin",
            "--admin-secret-env",
            "FHIRWARD_TEST_SECRET",
        ],
    )
    .env("FHIRWARD_TEST_SECRET", "s3cret-s3cret")
    .stdout(Stdio::piped())
    .stderr(Stdio::null())
    .spawn()
    .unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let ready: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert!(
        ready.get("admin_secret").is_none(),
        "a secret that the caller knows is not repeated"
    );

    let folder = copied("one");
    let play = |secret: &str| {
        let mut client = command(
            folder.path(),
            &[
                "run",
                "--server",
                ready["base_url"].as_str().unwrap(),
                "--admin-client",
                "admin",
                "--admin-secret-env",
                "FHIRWARD_TEST_SECRET",
            ],
        );
        client.env("FHIRWARD_TEST_SECRET", secret);
        run(client)
    };
    let refused = play("wrong-wrong-wrong");
    let first = play("s3cret-s3cret");
    server.kill().unwrap();
    server.wait().unwrap();
    assert_eq!(refused.code, 3, "{refused}");
    // Played to its end; only the snapshot is missing.
    assert_eq!(first.code, 4, "{first}");
    assert!(first.stderr.contains("1 scenario: 1 failed"), "{first}");
}

/// Sends a signal.
#[cfg(unix)]
pub fn send(signal: &str, child: &std::process::Child) {
    let sent = std::process::Command::new("kill")
        .args([signal, &child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
}

#[test]
#[cfg(unix)]
fn ctrl_c_ends_with_130_after_the_request_under_way() {
    assert_eq!(code_of_a_run_that_gets("-INT"), (Some(130), 130));
}

#[test]
#[cfg(unix)]
fn sigterm_does_the_same_and_ends_with_143() {
    assert_eq!(code_of_a_run_that_gets("-TERM"), (Some(143), 143));
}

#[test]
#[cfg(unix)]
fn a_server_that_is_asked_to_stop_has_not_failed() {
    for signal in ["-INT", "-TERM"] {
        let mut server = command(&fixtures(), &["serve", "--port", "0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut ready = String::new();
        BufReader::new(server.stdout.take().unwrap())
            .read_line(&mut ready)
            .unwrap();
        send(signal, &server);
        assert_eq!(server.wait().unwrap().code(), Some(0), "{signal}");
    }
}

/// The exit code, and the one in the report.
#[cfg(unix)]
fn code_of_a_run_that_gets(signal: &str) -> (Option<i32>, u64) {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/", silent.local_addr().unwrap());
    let child = command(
        &fixtures().join("suites/one"),
        &[
            "run",
            "--format",
            "json",
            "--timeout",
            "1",
            "--server",
            &address,
            "--admin-client",
            "a",
            "--admin-secret-env",
            "FHIRWARD_TEST_SECRET",
        ],
    )
    .env("CI", "true")
    .env("FHIRWARD_TEST_SECRET", "s3cret-s3cret")
    .stdout(Stdio::piped())
    .stderr(Stdio::null())
    .spawn()
    .unwrap();
    let connection = silent.accept().unwrap();
    send(signal, &child);
    let ended = child.wait_with_output().unwrap();
    drop(connection);
    let report: serde_json::Value = serde_json::from_slice(&ended.stdout).unwrap();
    (
        ended.status.code(),
        report
            .pointer("/summary/exit_code")
            .and_then(serde_json::Value::as_u64)
            .unwrap(),
    )
}

/// Reading the suite touches its files, and none of that is a change.
#[test]
fn a_watch_of_an_invalid_file_says_so_once_and_goes_on_when_it_is_mended() {
    let folder = copied("one");
    let file = folder.path().join("scenarios/page/two-people.yaml");
    let good = fs::read_to_string(&file).unwrap();
    let bad = format!("{good}\nnonsense: 1\n");
    fs::write(&file, "scenario: two-people\n").unwrap();
    let mut command = command(folder.path(), &["run", "--watch"]);
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let (tell, heard) = mpsc::channel();
    let stderr = BufReader::new(child.stderr.take().unwrap());
    let listening = thread::spawn(move || {
        for line in stderr.lines() {
            tell.send(line.unwrap()).unwrap();
        }
    });
    let until = |word: &str| {
        let mut before = Vec::new();
        loop {
            let line = heard.recv_timeout(Duration::from_secs(60)).unwrap();
            if line.contains(word) {
                return before.join("\n");
            }
            before.push(line);
        }
    };
    until("watching for changes");
    fs::write(&file, &bad).unwrap();
    let told = until("watching for changes");
    assert!(told.contains("changed: two-people.yaml"), "{told}");
    // The same again: an editor that saves what it holds.
    fs::write(&file, &bad).unwrap();
    // There is nothing to wait for where nothing may happen; the fault came five times a second.
    let silence = heard.recv_timeout(Duration::from_secs(2));
    assert!(silence.is_err(), "{silence:?}");
    fs::write(&file, &good).unwrap();
    let played = until("watching for changes");
    assert!(played.contains("there is no snapshot yet"), "{played}");
    child.kill().unwrap();
    child.wait().unwrap();
    listening.join().unwrap();
}

/// Where nothing speaks FHIR nothing is skipped: there is nothing that a scenario could need.
#[test]
fn a_web_server_that_is_no_fhir_stops_the_run() {
    let folder = copied("one");
    let file = folder.path().join("scenarios/page/two-people.yaml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(
        &file,
        text.replace("page: page\n", "page: page\nneeds: [batch]\n"),
    )
    .unwrap();
    for (answer, kind, body) in [
        (
            "404 Not Found",
            "text/html",
            "<html><title>404</title></html>",
        ),
        ("200 OK", "text/html", "<html><title>Welcome</title></html>"),
        ("404 Not Found", "text/plain", "no such page"),
        ("404 Not Found", "text/plain", ""),
        ("200 OK", "application/json", "{\"hello\": 1}"),
        ("200 OK", "application/json", "not json"),
    ] {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        // Ends with the process of the tests.
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let head = BufReader::new(&stream).lines();
                head.map_while(Result::ok).find(String::is_empty);
                let length = body.len();
                let text = format!(
                    "HTTP/1.1 {answer}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
                );
                stream.write_all(text.as_bytes()).unwrap();
            }
        });
        let address = format!("http://127.0.0.1:{port}/fhir");
        let at = ["run", "--server", &address, "--profile"];
        for profile in ["hapi", "helios"] {
            let shown = run(command(folder.path(), &[&at[..], &[profile]].concat()));
            assert_eq!(shown.code, 3, "{profile} {answer} {body}: {shown}");
            assert!(shown.stderr.contains("no FHIR server"), "{shown}");
        }
        // Whoever has to sign in first gets no further than that.
        let admin = [
            "generic",
            "--admin-client",
            "x",
            "--admin-secret-env",
            "FHIRWARD_TEST_SECRET",
        ];
        let mut signing_in = command(folder.path(), &[&at[..], &admin].concat());
        signing_in.env("FHIRWARD_TEST_SECRET", "s3cret-s3cret");
        let shown = run(signing_in);
        assert_eq!(shown.code, 3, "generic {answer} {body}: {shown}");
    }
}
