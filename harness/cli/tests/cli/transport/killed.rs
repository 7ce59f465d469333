//! A run that is killed while it makes its actors, and what `clean` finds of it.

use std::process::Stdio;
use std::time::{Duration, Instant};

use rstest::rstest;
use serde_json::Value;

use super::forward::Forward;
use super::{SECRET, World};
use crate::support::{Shown, command, run};

/// How long a run may take to get where it is killed.
const PATIENCE: Duration = Duration::from_secs(60);

impl World {
    fn clean(&self, server: &str, more: &[&str]) -> Shown {
        let arguments = [
            "--format",
            "json",
            "clean",
            "--server",
            server,
            "--profile",
            "embedded",
            "--admin-client",
            "admin",
            "--admin-secret-env",
            "ADMIN",
        ];
        let mut command = command(self.folder.path(), &[&arguments[..], more].concat());
        command.env("ADMIN", SECRET);
        run(command)
    }
}

/// The references in a list of the document.
fn listed(shown: &Shown, list: &str) -> Vec<String> {
    let document: Value = serde_json::from_str(&shown.stdout).unwrap();
    let items = document[list].as_array().unwrap();
    items
        .iter()
        .map(|item| item.as_str().unwrap().to_owned())
        .collect()
}

/// Nothing of it has the tag of the run yet: the endpoints that make logins take none.
#[rstest]
#[case::programs("embedded", "ClientApplication/")]
#[case::people("medplum", "User/")]
fn a_login_that_was_not_finished_is_found_by_its_name(#[case] profile: &str, #[case] login: &str) {
    let world = World::new();
    let server = world.server.base_url.to_string();
    // The login is there; its membership is not yet that of the actor.
    let proxy = Forward::stalling(&world, "/fhir/R4/ProjectMembership/");
    let address = format!("http://127.0.0.1:{}", proxy.port);
    let suite = crate::run::copied("one");
    let mut command = command(
        suite.path(),
        &[
            "run",
            "--server",
            &server,
            "--profile",
            profile,
            "--proxy",
            &address,
            "--admin-client",
            "admin",
            "--admin-secret-env",
            "ADMIN",
        ],
    );
    command.env("ADMIN", SECRET);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let begun = Instant::now();
    while !proxy
        .seen()
        .iter()
        .any(|line| line.contains("PUT") && line.contains("/ProjectMembership/"))
    {
        assert!(begun.elapsed() < PATIENCE, "{:?}", proxy.seen());
        assert!(child.try_wait().unwrap().is_none(), "{:?}", proxy.seen());
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();

    let dry = world.clean(&server, &["--older-than", "0m", "--dry-run"]);
    assert_eq!(dry.code, 0, "{dry}");
    let found = listed(&dry, "removed");
    let of = |kind: &str| found.iter().filter(|one| one.starts_with(kind)).count();
    assert_eq!((of(login), of("ProjectMembership/")), (1, 1), "{found:?}");
    let runs = listed(&dry, "runs");
    assert_eq!(runs.len(), 1, "{runs:?}");

    // The admin has a membership and a login too, and keeps them.
    let swept = world.clean(&server, &["--run", &runs[0]]);
    assert_eq!(swept.code, 0, "{swept}");
    assert_eq!(listed(&swept, "removed"), found);
    let again = world.clean(&server, &["--older-than", "0m"]);
    assert_eq!(again.code, 6, "{again}");
}
