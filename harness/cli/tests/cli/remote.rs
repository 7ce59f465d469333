//! `thread check --server`: what an actor sees on a server.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::Arc;

use crate::support::{Shown, command, fixtures, run};
use fhirward_harness::client::{
    Client, Credentials, Limits, Redactor, Request, ServerProfile, Target,
};
use fhirward_server::{Config, Running, start};
use rstest::rstest;
use secrecy::SecretString;
use serde_json::{Value, json};
use url::Url;

const SECRET: &str = "s3cret-s3cret";

/// The embedded server with its admin.
struct World {
    runtime: tokio::runtime::Runtime,
    server: Running,
    admin: Client,
}

fn credentials(id: &str, secret: &str) -> Credentials {
    Credentials {
        id: id.to_owned(),
        secret: SecretString::from(secret),
    }
}

impl World {
    fn new() -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let admin = fhirward_server::Credentials {
            id: "admin".to_owned(),
            secret: SecretString::from(SECRET),
        };
        let server = runtime.block_on(start(Config::new(admin))).unwrap();
        let target = Target::new(
            server.base_url.as_str(),
            credentials("admin", SECRET),
            ServerProfile::embedded(),
        );
        let admin = Client::new(
            &Arc::new(target.unwrap()),
            Some(credentials("admin", SECRET)),
            Limits::default(),
            &Redactor::default(),
        );
        World {
            runtime,
            server,
            admin: admin.unwrap(),
        }
    }

    fn base(&self) -> &str {
        self.server.base_url.as_str()
    }

    fn post_to(&self, url: Url, path: &str, body: &Value) -> Value {
        let request = Request::new("POST".parse().unwrap(), path).with_body(body);
        let place = fhirward_harness::client::Place::new(&request.method, path);
        let answer = self
            .runtime
            .block_on(self.admin.send_to(url, place, request))
            .unwrap();
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.body.unwrap()
    }

    fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let mut request = Request::new(method.parse().unwrap(), path);
        request.body = body;
        let answer = self.runtime.block_on(self.admin.send(request)).unwrap();
        assert!(answer.is_success(), "{method} {path}: {answer:?}");
        answer.body.unwrap()
    }

    fn make(&self, body: Value) -> String {
        let kind = body["resourceType"].as_str().unwrap().to_owned();
        let made = self.send("POST", &kind, Some(&body));
        format!("{kind}/{}", made["id"].as_str().unwrap())
    }

    /// Somebody under a policy: who it is, the client and its secret.
    fn actor(&self, entries: &Value) -> (String, String, String) {
        let policy =
            self.make(json!({"resourceType": "AccessPolicy", "name": "p", "resource": entries}));
        let profile = self.make(json!({"resourceType": "Practitioner"}));
        let project = self.server.project.to_string();
        let path = format!("admin/projects/{project}/client");
        let url = self.server.base_url.join(&path).unwrap();
        let client = self.post_to(url, &path, &json!({"name": "actor"}));
        let id = client["id"].as_str().unwrap().to_owned();
        let path = format!("ProjectMembership?user=ClientApplication/{id}");
        let found = self.send("GET", &path, None);
        let mut membership = found["entry"][0]["resource"].clone();
        membership["profile"] = json!({"reference": profile});
        membership["accessPolicy"] = json!({"reference": policy});
        let path = format!("ProjectMembership/{}", membership["id"].as_str().unwrap());
        self.send("PUT", &path, Some(&membership));
        (profile, id, client["secret"].as_str().unwrap().to_owned())
    }

    /// A thread with so many messages, the last of which has a status that no message has.
    fn thread(&self, messages: usize) -> String {
        let patient = self.make(json!({"resourceType": "Patient"}));
        let alice = self.make(json!({"resourceType": "Practitioner"}));
        let header = self.make(json!({
            "resourceType": "Communication", "status": "in-progress",
            "topic": {"text": "planted topic"}, "subject": {"reference": patient},
            "sender": {"reference": alice},
            "recipient": [{"reference": patient}, {"reference": alice}],
        }));
        for n in 0..messages {
            let status = if n + 1 == messages {
                "on-hold"
            } else {
                "in-progress"
            };
            self.make(json!({
                "resourceType": "Communication", "status": status,
                "partOf": [{"reference": header}], "subject": {"reference": patient},
                "sender": {"reference": alice}, "recipient": [{"reference": patient}],
                "payload": [{"contentString": "planted text"}],
                "sent": format!("2024-04-10T10:{:02}:{:02}Z", n / 60, n % 60),
            }));
        }
        header
    }

    fn check(&self, client: &str, secret: &str, more: &[&str]) -> Shown {
        let arguments = [
            "thread",
            "check",
            "--server",
            self.base(),
            "--client",
            client,
            "--secret-env",
            "ACTOR",
        ];
        let mut command = command(&fixtures(), &[&arguments[..], more].concat());
        command.env("ACTOR", secret);
        run(command)
    }
}

fn resources(shown: &Shown) -> u64 {
    let document: Value = serde_json::from_str(&shown.stdout).unwrap();
    document["resources"].as_u64().unwrap()
}

/// Pages are followed to the end, the finding names the resource, and nobody's text or secret is
/// shown. An actor whose policy hides a thread has less to check.
#[test]
fn an_actor_checks_what_its_policy_shows() {
    let world = World::new();
    let shown_thread = world.thread(24);
    world.thread(5);
    let all = world.check("admin", SECRET, &["--format", "json", "--page-size", "7"]);
    assert_eq!(resources(&all), 25 + 6, "{all}");
    assert_eq!(all.code, 0, "{all}");
    let document: Value = serde_json::from_str(&all.stdout).unwrap();
    let statuses: Vec<&Value> = document["diagnostics"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["code"] == "M-06")
        .collect();
    assert_eq!(statuses.len(), 2, "{all}");
    assert!(
        statuses[0]["file"]
            .as_str()
            .unwrap()
            .starts_with("Communication/"),
        "{all}"
    );
    for secret in ["planted", SECRET] {
        assert!(!all.to_string().contains(secret), "{all}");
    }

    let id = shown_thread.split_once('/').unwrap().1;
    let (profile, client, secret) = world.actor(&json!([
        {"resourceType": "Communication", "criteria": format!("Communication?_id={id}")},
        {"resourceType": "Communication", "criteria": format!("Communication?part-of={shown_thread}")},
    ]));
    let some = world.check(&client, &secret, &["--format", "json", "--actor", &profile]);
    assert_eq!(resources(&some), 25, "{some}");
    assert!(!some.to_string().contains(&secret), "{some}");
    // Its policy does not mention Tasks.
    let people = world.check(&client, &secret, &[]);
    assert!(
        people
            .stderr
            .contains("25 resources, 1 thread on http://127.0.0.1"),
        "{people}"
    );

    let other = world.check(&client, &secret, &["--actor", "Practitioner/house"]);
    assert_eq!(other.code, 3, "{other}");
    assert!(other.stderr.contains(&profile), "{other}");
    let junit = world.check(&client, &secret, &["--format", "junit"]);
    // One for each resource, and one for what the policy keeps from the check.
    assert_eq!(junit.stdout.matches("<testcase").count(), 26, "{junit}");
}

#[test]
fn older_versions_are_fetched_when_asked_for() {
    let world = World::new();
    let header = world.thread(2);
    let mut resource = world.send("GET", &header, None);
    for status in ["completed", "in-progress"] {
        resource["status"] = status.into();
        world.send("PUT", &header, Some(&resource));
    }
    let newest = world.check("admin", SECRET, &["--format", "json"]);
    let all = world.check("admin", SECRET, &["--format", "json", "--history"]);
    assert_eq!((resources(&newest), resources(&all)), (3, 5), "{all}");
}

#[test]
fn credentials_that_are_wrong_are_no_empty_result() {
    let world = World::new();
    let shown = world.check("admin", "wrong-wrong", &[]);
    assert_eq!(shown.code, 3, "{shown}");
    assert!(!shown.to_string().contains("wrong-wrong"), "{shown}");

    let base = world.base();
    let token = ["thread", "check", "--server", base, "--token-env", "TOKEN"];
    let mut with_token = command(&fixtures(), &token);
    with_token.env("TOKEN", "no-token-of-yours");
    let shown = run(with_token);
    assert_eq!(shown.code, 3, "{shown}");
    assert!(shown.stderr.contains("401"), "{shown}");
    assert!(!shown.to_string().contains("no-token-of-yours"), "{shown}");
    let shown = run(command(&fixtures(), &["thread", "check", "--server", base]));
    assert_eq!(shown.code, 3, "nobody is signed in: {shown}");
}

/// The section of a server says who may act there; whom the check goes as is always said.
#[test]
fn the_check_goes_as_whom_it_says() {
    let world = World::new();
    world.thread(2);
    let everything = json!([{"resourceType": "Patient"}]);
    let (profile, client, secret) = world.actor(&everything);
    let folder = tempfile::tempdir().unwrap();
    let base = format!("{}fhir/R4", world.base());
    let write = |url: &str| {
        let text = format!(
            "[servers.here]\nurl = \"{url}\"\nprofile = \"embedded\"\n\
             [servers.here.admin.client-credentials]\nid = \"admin\"\nsecret.env = \"ADMIN\"\n\
             [servers.here.actors.alice]\nreference = \"{profile}\"\n\
             [servers.here.actors.alice.auth.client-credentials]\nid = \"{client}\"\nsecret.env = \"ALICE\"\n\
             [servers.here.actors.bob]\nreference = \"Practitioner/bob\"\n\
             [servers.here.actors.bob.auth]\nbearer.env = \"NOT_SET_ANYWHERE\"\n",
        );
        std::fs::write(folder.path().join("fhirward.toml"), text).unwrap();
    };
    let check = |more: &[&str]| {
        let arguments = [&["thread", "check", "--server", "here"], more].concat();
        let mut command = command(folder.path(), &arguments);
        command.env("ADMIN", SECRET).env("ALICE", &secret);
        run(command)
    };
    // The root and the FHIR base are one address, as they are to `run`.
    for url in [world.base(), base.as_str()] {
        write(url);
        let admin = check(&["--as-admin", "--format", "json"]);
        assert_eq!((admin.code, resources(&admin)), (0, 3), "{admin}");
        let document: Value = serde_json::from_str(&admin.stdout).unwrap();
        let who = document["signed_in_as"].as_str().unwrap();
        assert!(who.starts_with("the admin of"), "{who}");
        let admin = check(&["--as-admin"]);
        assert!(
            admin.stderr.contains("signed in as the admin of"),
            "{admin}"
        );
        let alice = check(&["--as-actor", "alice"]);
        assert!(alice.stderr.contains("signed in as `alice`"), "{alice}");
        assert_eq!(alice.code, 3, "her policy shows no Communications: {alice}");
        let nobody = check(&[]);
        assert_eq!(nobody.code, 3, "{nobody}");
        for part in [
            "nobody is signed in",
            "--as-admin",
            "--as-actor alice",
            "--as-actor bob",
        ] {
            assert!(nobody.stderr.contains(part), "{part}: {nobody}");
        }
    }
    let table: [(&[&str], &str); 4] = [
        (&["--as-actor", "carol"], "alice, bob"),
        (&["--as-actor", "bob"], "NOT_SET_ANYWHERE"),
        (
            &["--as-admin", "--as-actor", "alice"],
            "cannot be used with",
        ),
        (
            &["--as-admin", "--token-env", "ADMIN"],
            "cannot be used with",
        ),
    ];
    for (arguments, wanted) in table {
        let shown = check(arguments);
        assert_eq!(shown.code, 1, "{arguments:?}: {shown}");
        assert!(shown.stderr.contains(wanted), "{arguments:?}: {shown}");
    }
    let address = ["thread", "check", "--server", world.base(), "--as-admin"];
    let shown = run(command(&fixtures(), &address));
    assert_eq!(shown.code, 1, "{shown}");
    assert!(
        shown.stderr.contains("does not say how the admin signs in"),
        "{shown}"
    );
}

/// Somebody else's credentials under an actor's name are refused before anything is checked, and
/// nobody is said to be signed in. Without a way to ask, that is said.
#[test]
fn an_actor_is_who_the_server_says() {
    let world = World::new();
    world.thread(2);
    let (profile, client, secret) = world.actor(&json!([{"resourceType": "Communication"}]));
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "[servers.here]\nurl = \"{}\"\nprofile = \"embedded\"\n\
         [servers.here.admin.client-credentials]\nid = \"admin\"\nsecret.env = \"ADMIN\"\n\
         [servers.here.actors.alice]\nreference = \"{profile}\"\n\
         [servers.here.actors.alice.auth.client-credentials]\nid = \"{client}\"\nsecret.env = \"ALICE\"\n\
         [servers.here.actors.mistaken]\nreference = \"{profile}\"\n\
         [servers.here.actors.mistaken.auth.client-credentials]\nid = \"admin\"\nsecret.env = \"ADMIN\"\n",
        world.base(),
    );
    std::fs::write(folder.path().join("fhirward.toml"), text).unwrap();
    let check = |alice: &str, admin: &str, more: &[&str]| {
        let arguments = [&["thread", "check", "--server", "here"], more].concat();
        let mut command = command(folder.path(), &arguments);
        command.env("ADMIN", admin).env("ALICE", alice);
        run(command)
    };

    let alice = check(&secret, SECRET, &["--as-actor", "alice"]);
    assert_eq!(alice.code, 0, "{alice}");
    let line = format!("signed in as `alice`, {profile}\n");
    assert!(alice.stderr.contains(&line), "{alice}");
    let alice = check(
        &secret,
        SECRET,
        &["--as-actor", "alice", "--format", "json"],
    );
    let document: Value = serde_json::from_str(&alice.stdout).unwrap();
    assert_eq!(
        document["signed_in_as"],
        format!("`alice`, {profile}"),
        "{alice}"
    );

    let refused: [(&str, &str, &[&str], &str); 4] = [
        (&secret, SECRET, &["--as-actor", "mistaken"], &profile),
        (
            &secret,
            SECRET,
            &["--as-actor", "alice", "--actor", "Practitioner/house"],
            "Practitioner/house",
        ),
        ("wrong-wrong", SECRET, &["--as-actor", "alice"], "sign"),
        (&secret, "wrong-wrong", &["--as-admin"], "sign"),
    ];
    for (alice, admin, arguments, wanted) in refused {
        for format in ["human", "json"] {
            let arguments = [arguments, &["--format", format]].concat();
            let shown = check(alice, admin, &arguments);
            assert_eq!(shown.code, 3, "{arguments:?}: {shown}");
            let text = shown.to_string();
            assert!(text.contains(wanted), "{arguments:?}: {shown}");
            assert!(!text.contains("signed in as"), "{arguments:?}: {shown}");
            assert!(!text.contains("signed_in_as"), "{arguments:?}: {shown}");
        }
    }
}

/// Whom `run` refuses is refused here: of an admin no policy says what they see, so that what is
/// checked would be nobody's view. Declared, they may.
#[rstest]
#[case::by_name("", &["--as-actor", "alice"], 3)]
#[case::declared("bypass = true", &["--as-actor", "alice"], 0)]
#[case::by_client("", &["--client", "CLIENT", "--secret-env", "ALICE", "--actor", "PROFILE"], 3)]
#[case::by_client_unnamed("", &["--client", "CLIENT", "--secret-env", "ALICE"], 0)]
fn an_admin_is_no_actor(#[case] more: &str, #[case] how: &[&str], #[case] code: i32) {
    let world = World::new();
    world.thread(2);
    let (profile, client, secret) = world.actor(&json!([{"resourceType": "Communication"}]));
    let found = format!("ProjectMembership?user=ClientApplication/{client}");
    let found = world.send("GET", &found, None);
    let mut membership = found["entry"][0]["resource"].clone();
    membership["admin"] = true.into();
    let path = format!("ProjectMembership/{}", membership["id"].as_str().unwrap());
    world.send("PUT", &path, Some(&membership));
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "[servers.here]\nurl = \"{}\"\nprofile = \"embedded\"\n\
         [servers.here.actors.alice]\nreference = \"{profile}\"\n{more}\n\
         [servers.here.actors.alice.auth.client-credentials]\nid = \"{client}\"\nsecret.env = \"ALICE\"\n",
        world.base(),
    );
    std::fs::write(folder.path().join("fhirward.toml"), text).unwrap();
    let mut arguments = vec!["thread", "check", "--server", "here"];
    arguments.extend(how.iter().map(|word| match *word {
        "CLIENT" => client.as_str(),
        "PROFILE" => profile.as_str(),
        other => other,
    }));
    let mut command = command(folder.path(), &arguments);
    command.env("ALICE", &secret);
    let shown = run(command);
    assert_eq!(shown.code, code, "{shown}");
    let refused = shown.stderr.contains("thread/admin");
    assert_eq!(refused, code == 3, "{shown}");
}

/// What a server cannot be asked, and what it does not answer, is said and not claimed.
#[rstest]
#[case("hapi", vec![], "not asked who that is: the profile `hapi`")]
#[case("generic", vec![(404, "application/json", "{}".to_owned())], "asked who that is and does not say")]
fn who_an_actor_is_may_not_be_known(
    #[case] profile: &str,
    #[case] before: Vec<(u16, &'static str, String)>,
    #[case] wanted: &str,
) {
    let resource = page("").2.replace("next", "self");
    let after = (200, "application/fhir+json", resource);
    let base = scripted([before, vec![after]].concat());
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "[servers.here]\nurl = \"{base}\"\nprofile = \"{profile}\"\n\
         [servers.here.actors.alice]\nreference = \"Practitioner/alice\"\nauth.bearer.env = \"ALICE\"\n",
    );
    std::fs::write(folder.path().join("fhirward.toml"), text).unwrap();
    let arguments = ["thread", "check", "--server", "here", "--as-actor", "alice"];
    let arguments = [&arguments[..], &["--format", "json"]].concat();
    let mut command = command(folder.path(), &arguments);
    command.env("ALICE", "t0ken-t0ken");
    let shown = run(command);
    let document: Value = serde_json::from_str(&shown.stdout).unwrap();
    let who = document["signed_in_as"].as_str().unwrap();
    assert!(who.starts_with("`alice`, Practitioner/alice; "), "{who}");
    assert!(who.contains(wanted), "{who}");
}

/// An option that does nothing is a mistake of whoever gave it: they think that it did something.
#[rstest]
fn options_for_servers_need_a_server(
    #[values(
        &["--as-admin"],
        &["--as-actor", "bob"],
        &["--as-actor", "bob", "--actors", "nofile"],
        &["--actor", "Practitioner/x"],
        &["--client", "a", "--secret-env", "B"],
        &["--client", "a", "--secret-env", "B", "--token-url", "http://x"],
        &["--token-env", "X"],
        &["--history"],
        &["--page-size", "7"],
        &["--max-pages", "7"],
        &["--timeout", "7"],
        &["--profile", "hapi"],
        &["--ca", "nofile"],
        &["--cert", "nofile", "--key", "nofile"],
        &["--proxy", "http://x"],
        &["--rate", "7"],
        &["--parallel", "7"]
    )]
    options: &[&str],
    #[values(&["file.json"], &["--list-rules"], &["--explain", "H-05"])] instead: &[&str],
) {
    let arguments = [&["thread", "check"], options, instead].concat();
    let shown = run(command(&fixtures(), &arguments));
    assert_eq!(shown.code, 1, "{shown}");
    assert!(shown.stderr.contains("--server <URL|NAME>"), "{shown}");
}

#[rstest]
#[case(&["file.json"], "files")]
#[case(&["--list-rules"], "--list-rules")]
#[case(&["--explain", "H-05"], "--explain")]
fn a_server_stands_instead_of_files(#[case] beside: &[&str], #[case] name: &str) {
    let arguments = [&["thread", "check", "--server", "http://x"], beside].concat();
    let shown = run(command(&fixtures(), &arguments));
    assert_eq!(shown.code, 1, "{shown}");
    let wanted = format!("--server cannot be used with {name}");
    assert!(shown.stderr.contains(&wanted), "{shown}");
}

#[test]
fn a_command_line_that_makes_no_sense() {
    let table: [&[&str]; 4] = [
        &["--server", "ftp://x"],
        &["--server", "http://me:pass@x"],
        &["--server", "http://x", "--token-env", "NOT_SET_ANYWHERE"],
        &["--client", "a", "--secret-env", "B"],
    ];
    for arguments in table {
        let shown = run(command(
            &fixtures(),
            &[&["thread", "check"], arguments].concat(),
        ));
        assert_eq!(shown.code, 1, "{arguments:?}: {shown}");
        assert!(!shown.to_string().contains(":pass@"), "{shown}");
    }
}

/// A server that answers each request in turn with status, type and body; what is asked beyond is
/// answered with an empty Bundle. `BASE` in a body is its address. It lives as long as the test.
fn scripted(answers: Vec<(u16, &'static str, String)>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}/", listener.local_addr().unwrap());
    let address = base.clone();
    std::thread::spawn(move || {
        let mut answers = answers.into_iter();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).unwrap() == 0 || line.trim().is_empty() {
                    break;
                }
            }
            let empty = r#"{"resourceType":"Bundle","type":"searchset"}"#.to_owned();
            let (status, kind, body) =
                answers
                    .next()
                    .unwrap_or((200, "application/fhir+json", empty));
            let body = body.replace("BASE", &address);
            let length = body.len();
            let head = format!(
                "HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
            );
            stream
                .write_all(format!("{head}{body}").as_bytes())
                .unwrap();
        }
    });
    base
}

fn page(next: &str) -> (u16, &'static str, String) {
    let body = json!({
        "resourceType": "Bundle", "type": "searchset",
        "link": [{"relation": "next", "url": next}],
        "entry": [{"resource": {"resourceType": "Communication", "id": "a", "status": "completed"}}],
    });
    (200, "application/fhir+json", body.to_string())
}

/// What is incomplete is no result: the check does not happen, and the message says why.
#[test]
fn servers_that_misbehave_end_with_3() {
    let json = "application/fhir+json";
    let table = [
        ("an error", vec![(500, json, "{}".to_owned())], "500"),
        (
            "too many requests",
            vec![(429, json, "{}".to_owned()); 3],
            "429",
        ),
        ("forbidden", vec![(403, json, "{}".to_owned())], "403"),
        (
            "a page",
            vec![(200, "text/html", "<html>log in</html>".to_owned())],
            "web page",
        ),
        (
            "no JSON",
            vec![(200, json, "{\"resourceType\":".to_owned())],
            "not JSON",
        ),
        (
            "no Bundle",
            vec![(200, json, "{\"resourceType\":\"Patient\"}".to_owned())],
            "Bundle",
        ),
        (
            "another server",
            vec![page("http://elsewhere.example/x")],
            "elsewhere.example",
        ),
        (
            "a circle",
            vec![
                page("BASEfhir/R4/x?p=2"),
                page("BASEfhir/R4/x?p=2"),
                page("BASEfhir/R4/x?p=2"),
            ],
            "truncated",
        ),
        (
            "a second page that fails",
            vec![page("BASEfhir/R4/x?p=2"), (404, json, "{}".to_owned())],
            "404",
        ),
    ];
    for (name, answers, wanted) in table {
        let base = scripted(answers);
        let shown = run(command(
            &fixtures(),
            &["thread", "check", "--server", &base],
        ));
        assert_eq!(shown.code, 3, "{name}: {shown}");
        assert!(shown.stderr.contains(wanted), "{name}: {shown}");
    }
    let base = scripted(vec![page("BASEfhir/R4/x?p=2"), page("BASEfhir/R4/x?p=3")]);
    let limited = ["thread", "check", "--server", &base, "--max-pages", "1"];
    assert_eq!(run(command(&fixtures(), &limited)).code, 3);
    let shown = run(command(
        &fixtures(),
        &["thread", "check", "--server", "http://127.0.0.1:9"],
    ));
    assert_eq!(shown.code, 3, "{shown}");
    assert!(shown.stderr.contains("refuses the connection"), "{shown}");
}

/// A resource that moved from one page to the next while they were turned is one resource; a type
/// that the actor may not search is said.
#[test]
fn what_stands_on_two_pages_is_one_resource() {
    let json = "application/fhir+json";
    let last = page("").2.replace("next", "self");
    let base = scripted(vec![
        page("BASEfhir/R4/x?p=2"),
        (200, json, last),
        (403, json, "{}".to_owned()),
    ]);
    let shown = run(command(
        &fixtures(),
        &["thread", "check", "--server", &base],
    ));
    assert!(shown.stderr.contains("1 resource, 1 thread"), "{shown}");
    assert!(
        shown.stderr.contains("what needs a Task is not checked"),
        "{shown}"
    );
}

/// What the server refused to give is in every format: rules that said nothing for want of it have
/// approved of nothing.
#[rstest]
#[case::people("human", "thread/not-given")]
#[case::json("json", "\"code\": \"thread/not-given\"")]
#[case::sarif("sarif", "\"thread/not-given\"")]
#[case::github("github", "::warning")]
#[case::junit("junit", "what needs a Task is not checked")]
#[case::html("html", "thread/not-given")]
fn what_is_not_given_is_in_every_format(#[case] format: &str, #[case] sign: &str) {
    let world = World::new();
    world.thread(3);
    let address = crate::between::start(world.base(), |_, path| {
        let refused = path.contains("/Task?") || path.ends_with("/_history");
        refused.then_some(403)
    });
    let arguments = [
        "thread",
        "check",
        "--server",
        &address,
        "--client",
        "admin",
        "--secret-env",
        "ACTOR",
        "--history",
        "--format",
        format,
    ];
    let mut command = command(&fixtures(), &arguments);
    command.env("ACTOR", SECRET);
    let shown = run(command);
    assert_eq!(shown.code, 0, "{shown}");
    let text = match format {
        "human" => &shown.stderr,
        _ => &shown.stdout,
    };
    let tasks =
        "GET Task?_count=200: the server answers 403, forbidden; what needs a Task is not checked";
    let histories = "4 of 4 histories are not given to this actor";
    for part in [sign, tasks, histories] {
        assert!(text.contains(part), "{part}: {shown}");
    }
    if format == "json" {
        let document: Value = serde_json::from_str(text).unwrap();
        let not_checked = document["not_checked"].as_array().unwrap();
        assert_eq!(not_checked.len(), 2, "{shown}");
        assert_eq!(not_checked[0], tasks);
        let schema = include_str!("../../../../docs/schema/findings.schema.json");
        let schema: Value = serde_json::from_str(schema).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        assert!(validator.is_valid(&document), "{shown}");
    }
}
