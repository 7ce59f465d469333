//! `clean`, and the options that say which server and who acts there.

use std::sync::Arc;

use crate::support::{Shown, command, fixtures, run};
use fhirward_harness::client::{
    Auth, Caller, Client, Credentials, Limits, Redactor, Request, ServerProfile, Target,
};
use fhirward_server::{Config, Running, start};
use rstest::rstest;
use secrecy::SecretString;
use serde_json::{Value, json};

const SECRET: &str = "s3cret-s3cret";
const RUN: &str = "0123456789abcdef0123456789abcdef";

struct World {
    runtime: tokio::runtime::Runtime,
    server: Running,
}

impl World {
    fn new() -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let admin = fhirward_server::Credentials {
            id: "admin".to_owned(),
            secret: SecretString::from(SECRET),
        };
        let server = runtime.block_on(start(Config::new(admin))).unwrap();
        World { runtime, server }
    }

    /// Somebody whose resources carry the tag of a run, or none.
    fn client(&self, of_run: Option<&str>) -> Client {
        let auth = Auth::client(Credentials {
            id: "admin".into(),
            secret: SecretString::from(SECRET),
        });
        let base = self.server.base_url.as_str();
        let target = Target::new(base, auth.clone(), ServerProfile::embedded()).unwrap();
        let caller = Caller::default();
        let redactor = Redactor::default();
        Client::of_run(
            &Arc::new(target),
            auth,
            Limits::default(),
            &redactor,
            caller,
            of_run,
        )
        .unwrap()
    }

    fn make(&self, client: &Client, body: Value) -> String {
        let kind = body["resourceType"].as_str().unwrap().to_owned();
        let request = Request::new("POST".parse().unwrap(), &kind).with_body(&body);
        let answer = self.runtime.block_on(client.send(request)).unwrap();
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.reference().unwrap()
    }

    fn status(&self, reference: &str) -> u16 {
        let client = self.client(None);
        let answer = self.runtime.block_on(client.send(Request::get(reference)));
        answer.unwrap().status
    }

    fn clean(&self, more: &[&str]) -> Shown {
        let arguments = [
            "--format",
            "json",
            "clean",
            "--server",
            self.server.base_url.as_str(),
            "--profile",
            "embedded",
            "--admin-client",
            "admin",
            "--admin-secret-env",
            "ADMIN",
        ];
        let mut command = command(&fixtures(), &[&arguments[..], more].concat());
        command.env("ADMIN", SECRET);
        let shown = run(command);
        assert!(!shown.to_string().contains(SECRET));
        shown
    }
}

#[test]
fn what_carries_the_tag_is_removed_and_nothing_else() {
    let world = World::new();
    let of_run = world.client(Some(RUN));
    let patient = world.make(&of_run, json!({ "resourceType": "Patient" }));
    let message = world.make(
        &of_run,
        json!({
            "resourceType": "Communication", "status": "in-progress",
            "subject": { "reference": patient },
        }),
    );
    let other_run = RUN.replace('0', "f");
    let other = world.client(Some(&other_run));
    let of_other = world.make(&other, json!({ "resourceType": "Patient" }));
    let untagged = world.make(&world.client(None), json!({ "resourceType": "Patient" }));

    let dry = world.clean(&["--run", RUN, "--dry-run"]);
    assert_eq!(dry.code, 0, "{dry}");
    assert_eq!(world.status(&patient), 200);

    let young = world.clean(&["--run", RUN, "--older-than", "1h"]);
    assert_eq!(young.code, 6, "{young}");

    let swept = world.clean(&["--run", RUN]);
    assert_eq!(swept.code, 0, "{swept}");
    let document: Value = serde_json::from_str(&swept.stdout).unwrap();
    // What refers goes first.
    assert_eq!(document["removed"], json!([message, patient]));
    assert_eq!(document["runs"], json!([RUN]));
    assert_eq!(world.status(&patient), 410);
    assert_eq!(world.status(&of_other), 200);
    assert_eq!(world.status(&untagged), 200);

    let again = world.clean(&["--run", RUN]);
    assert_eq!(again.code, 6, "{again}");

    let all = world.clean(&["--older-than", "0m"]);
    assert_eq!(all.code, 0, "{all}");
    assert_eq!(world.status(&of_other), 410);
    assert_eq!(world.status(&untagged), 200);
}

#[rstest]
#[case::neither(&[], 1, "--run")]
#[case::no_run(&["--run", "abc"], 1, "this is no id of a run")]
#[case::no_age(&["--older-than", "soon"], 1, "such as 12h")]
fn what_clean_does_not_take(#[case] more: &[&str], #[case] code: i32, #[case] says: &str) {
    let mut arguments = vec![
        "clean",
        "--server",
        "http://127.0.0.1:9",
        "--profile",
        "hapi",
    ];
    arguments.extend(more);
    let shown = run(command(&fixtures(), &arguments));
    assert_eq!(shown.code, code, "{shown}");
    assert!(shown.to_string().contains(says), "{shown}");
}

/// Everything that is wrong with the options is known before the first request.
#[rstest]
#[case::no_admin(&["--server", "http://127.0.0.1:9"], "the profile `generic` needs an admin")]
#[case::half_an_admin(&["--server", "http://127.0.0.1:9", "--admin-client", "a"], "--admin-secret-env")]
#[case::no_profile(&["--server", "http://127.0.0.1:9", "--profile", "happi"], "did you mean `hapi`?")]
#[case::no_scheme(&["--server", "fhir.example.com"], "write https://fhir.example.com")]
#[case::no_such_name(&["--server", "staging"], "`staging` is no address")]
#[case::no_server(&["--profile", "hapi"], "--server")]
#[case::no_ca(&["--server", "http://127.0.0.1:9", "--profile", "hapi", "--ca", "missing.pem"], "`missing.pem` of --ca cannot be read")]
#[case::half_an_identity(&["--server", "http://127.0.0.1:9", "--profile", "hapi", "--cert", "x"], "--key")]
#[case::no_kind(&["--server", "http://127.0.0.1:9", "--profile", "hapi", "--timeout-for", "reed=1"], "is no kind of request")]
#[case::no_actors(&["--server", "http://127.0.0.1:9", "--actors", "missing.yaml"], "missing.yaml")]
fn what_is_no_server(#[case] options: &[&str], #[case] says: &str) {
    let mut arguments = vec!["run"];
    arguments.extend(options);
    let folder = fixtures().join("suites/one");
    let mut command = command(&folder, &arguments);
    command.env("CI", "true");
    let shown = run(command);
    assert_eq!(shown.code, 1, "{shown}");
    assert!(shown.to_string().contains(says), "{shown}");
}

/// A certificate is not silently left out where its key is missing, nor a key.
#[rstest]
#[case::cert("cert", "`cert` without `key`")]
#[case::key("key", "`key` without `cert`")]
fn half_an_identity_of_a_section(#[case] key: &str, #[case] says: &str) {
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "[servers.here]\nurl = \"https://127.0.0.1:9\"\nprofile = \"hapi\"\n{key} = \"own.pem\"\n"
    );
    std::fs::write(folder.path().join("fhirward.toml"), text).unwrap();
    let arguments = ["clean", "--server", "here", "--run", RUN];
    let shown = run(command(folder.path(), &arguments));
    assert_eq!(shown.code, 1, "{shown}");
    for part in [says, "[servers.here]", "go together"] {
        assert!(shown.stderr.contains(part), "{part}: {shown}");
    }
}

/// A Binary that what was found refers to, and that could not be looked at, is not passed over: it
/// may be of the run.
#[rstest]
#[case::refused(403, 3)]
#[case::not_there(404, 0)]
#[case::deleted(410, 0)]
fn a_binary_that_cannot_be_looked_at(#[case] status: u16, #[case] code: i32) {
    let world = World::new();
    let address = crate::between::start(world.server.base_url.as_str(), move |_, path| {
        path.contains("/Binary/").then_some(status)
    });
    let attached = json!({
        "resourceType": "Communication", "status": "in-progress",
        "payload": [{ "contentAttachment": { "url": "Binary/somewhere" } }],
    });
    let message = world.make(&world.client(Some(RUN)), attached);
    let arguments = [
        "--format",
        "json",
        "clean",
        "--server",
        &address,
        "--profile",
        "embedded",
        "--admin-client",
        "admin",
        "--admin-secret-env",
        "ADMIN",
        "--run",
        RUN,
    ];
    let mut command = command(&fixtures(), &arguments);
    command.env("ADMIN", SECRET);
    let swept = run(command);
    assert_eq!(swept.code, code, "{swept}");
    let document: Value = serde_json::from_str(&swept.stdout).unwrap();
    assert_eq!(document["removed"], json!([message]));
    let unseen = match code {
        0 => json!([]),
        _ => json!(["Binary/somewhere: the server answers 403"]),
    };
    assert_eq!(document["not_looked_through"], unseen);
}

/// A server of `fhirward.toml`: its secrets are named there, and come from the environment.
#[test]
fn a_server_by_its_name() {
    let world = World::new();
    let folder = tempfile::tempdir().unwrap();
    let base = world.server.base_url.as_str();
    let write = |secret: &str| {
        let text = format!(
            "[servers.here]\nurl = \"{base}\"\nprofile = \"embedded\"\n\
             admin = {{ client-credentials = {{ id = \"admin\", secret = {secret} }} }}\n"
        );
        std::fs::write(folder.path().join("fhirward.toml"), text).unwrap();
    };
    let go = || {
        let mut command = command(folder.path(), &["clean", "--server", "here", "--run", RUN]);
        command.env("HERE", SECRET);
        run(command)
    };
    write("{ env = \"HERE\" }");
    let shown = go();
    assert_eq!(shown.code, 6, "{shown}");

    write("{ env = \"NOT_HERE\" }");
    let shown = go();
    assert_eq!(shown.code, 1, "{shown}");
    assert!(
        shown.to_string().contains("`NOT_HERE` is not set"),
        "{shown}"
    );

    write(&format!("\"{SECRET}\""));
    let shown = go();
    assert_eq!(shown.code, 1, "{shown}");
    assert!(
        shown.to_string().contains("does not stand in a file"),
        "{shown}"
    );
    assert!(!shown.to_string().contains(SECRET), "{shown}");
}

/// With bodies: what was asked and answered, without any secret, for nobody else to read.
#[rstest]
#[case::new(false)]
#[case::there_and_open_to_all(true)]
fn bodies_are_written_only_where_they_are_asked_for(#[case] is_there: bool) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bodies.jsonl");
    if is_there {
        std::fs::write(&file, "").unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let open = std::fs::Permissions::from_mode(0o644);
            std::fs::set_permissions(&file, open).unwrap();
        }
    }
    let suite = fixtures().join("suites/one");
    let path = file.display().to_string();
    let mut command = command(&suite, &["run", "--bodies", &path, "--no-snapshot-write"]);
    command.env("CI", "true");
    run(command);
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.lines().count() > 10);
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["event"], "exchanged");
    }
    assert!(text.contains("Communication"));
    assert!(
        !text.contains("access_token") && !text.contains("eyJ"),
        "a token"
    );
    for line in text.lines().filter(|line| line.contains("/client")) {
        assert!(
            !line.contains("\\\"secret\\\":\\\"") || line.contains("[redacted]"),
            "{line}"
        );
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0);
    }
}
