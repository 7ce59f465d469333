//! `serve`: the ready line, the data folder, seeds, the log.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Stdio};

use serde_json::{Value, json};

use crate::support::{command, run};

/// A server in a process of its own.
pub struct Server {
    process: Child,
    pub ready: Value,
    /// The administrator's.
    pub token: String,
}

impl Server {
    /// Starts it with the administrator `admin`, who signs in.
    pub fn start(folder: &Path, arguments: &[&str]) -> Self {
        Self::start_again(folder, arguments, "")
    }

    /// Starts it with the administrator `admin`, who signs in unless the token is still good.
    pub fn start_again(folder: &Path, arguments: &[&str], token: &str) -> Self {
        let mut all = vec!["serve", "--port", "0"];
        all.extend(["--admin-client", "admin", "--admin-secret-env", "SECRET"]);
        all.extend(arguments);
        let mut process = command(folder, &all)
            .env("SECRET", "a secret")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        if line.is_empty() {
            let mut from = process.stderr.take().unwrap();
            from.read_to_string(&mut line).unwrap();
        }
        let ready: Result<Value, _> = serde_json::from_str(&line);
        assert!(ready.is_ok(), "not ready: {line}");
        let mut server = Self {
            process,
            ready: ready.unwrap(),
            token: token.to_owned(),
        };
        if token.is_empty() || server.connect().send("GET", "Project", "").unwrap().0 == 401 {
            server.token = server.connect().sign_in();
        }
        server
    }

    /// A connection of the administrator.
    pub fn connect(&self) -> Connection {
        let base = self.ready["base_url"].as_str().unwrap();
        let address = base.trim_start_matches("http://").trim_end_matches('/');
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        Connection {
            stream: BufReader::new(stream),
            token: self.token.clone(),
        }
    }

    /// Ends it as the system does when there is no time to lose.
    pub fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Asks it to stop: the exit code, and the log.
    fn stop(mut self) -> (i32, String) {
        let stopped = std::process::Command::new("kill")
            .arg(self.process.id().to_string())
            .status()
            .unwrap();
        assert!(stopped.success());
        let mut stderr = String::new();
        let mut from = self.process.stderr.take().unwrap();
        from.read_to_string(&mut stderr).unwrap();
        (self.process.wait().unwrap().code().unwrap(), stderr)
    }
}

/// A test that fails leaves no server behind.
impl Drop for Server {
    fn drop(&mut self) {
        // One that has ended already cannot be killed.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// A kept-alive connection.
pub struct Connection {
    stream: BufReader<TcpStream>,
    token: String,
}

impl Connection {
    fn sign_in(mut self) -> String {
        self.token.clear();
        let form = "grant_type=client_credentials&client_id=admin&client_secret=a%20secret";
        let form_type = "application/x-www-form-urlencoded";
        let (status, answer) = self
            .answer("POST", "/oauth2/token", form_type, form)
            .unwrap();
        assert_eq!(status, 200, "{answer}");
        answer["access_token"].as_str().unwrap().to_owned()
    }

    /// Sends a request below the FHIR base and reads the answer: its status and body. Nothing when
    /// the connection ends before the answer does.
    pub fn send(&mut self, method: &str, path: &str, body: &str) -> Option<(u16, Value)> {
        let path = format!("/fhir/R4/{path}");
        self.answer(method, &path, "application/fhir+json", body)
    }

    fn answer(
        &mut self,
        method: &str,
        path: &str,
        content_type: &str,
        body: &str,
    ) -> Option<(u16, Value)> {
        let sign = match &*self.token {
            "" => String::new(),
            token => format!("authorization: Bearer {token}\r\n"),
        };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\n{sign}\
             content-type: {content_type}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        self.stream.get_mut().write_all(request.as_bytes()).ok()?;
        let mut length = 0;
        let mut status = 0;
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if let Some(rest) = line.strip_prefix("HTTP/1.1 ") {
                status = rest[..3].parse().unwrap();
            }
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.trim().parse().unwrap();
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).ok()?;
        Some((status, serde_json::from_slice(&body).unwrap_or_default()))
    }
}

#[test]
fn what_is_kept_is_there_at_the_next_start_and_a_folder_serves_one_process() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &["--data", "data", "--log", "off"]);
    let project = server.ready["project"].clone();
    let patient = json!({ "resourceType": "Patient", "birthDate": "1980-01-01" }).to_string();
    let (status, made) = server.connect().send("POST", "Patient", &patient).unwrap();
    assert_eq!(status, 201, "{made}");

    let second = run(command(
        folder.path(),
        &["serve", "--port", "0", "--data", "data"],
    ));
    assert_eq!(second.code, 3);
    assert!(
        second.stderr.contains("in use by another process"),
        "{second}"
    );
    assert_eq!(server.stop().0, 0);

    let server = Server::start(folder.path(), &["--data", "data", "--log", "off"]);
    assert_eq!(server.ready["project"], project);
    let path = format!("Patient/{}", made["id"].as_str().unwrap());
    let (status, read) = server.connect().send("GET", &path, "").unwrap();
    assert_eq!((status, read), (200, made));
    assert_eq!(server.stop().0, 0);

    std::fs::write(folder.path().join("data/fhirward.redb"), "nothing of ours").unwrap();
    let damaged = run(command(
        folder.path(),
        &["serve", "--port", "0", "--data", "data"],
    ));
    assert_eq!(damaged.code, 3);
    assert!(damaged.stderr.contains("is damaged"), "{damaged}");
}

#[test]
fn an_administrator_that_is_made_up_is_shown_once_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let start = || {
        let mut process = command(folder.path(), &["serve", "--port", "0", "--data", "data"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let ready = serde_json::from_str(&line).unwrap();
        Server {
            process,
            ready,
            token: String::new(),
        }
    };
    let first = start();
    let shown = first.ready.clone();
    assert!(shown["admin_secret"].is_string(), "{shown}");
    first.stop();
    let second = start();
    assert_eq!(second.ready["admin_client"], shown["admin_client"]);
    assert!(
        second.ready.get("admin_secret").is_none(),
        "{}",
        second.ready
    );
    second.stop();
}

#[test]
fn a_seed_is_there_from_the_first_request_on() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("one.json", r#"{ "resourceType": "Patient", "id": "p1" }"#);
    write(
        "lines.ndjson",
        "{\"resourceType\":\"Patient\",\"id\":\"p2\"}\n\n{\"resourceType\":\"Patient\",\"id\":\"p3\"}\n",
    );
    let mut packed = flate2::write::GzEncoder::new(
        std::fs::File::create(folder.path().join("bundle.json.gz")).unwrap(),
        flate2::Compression::fast(),
    );
    let bundle = json!({ "resourceType": "Bundle", "type": "collection", "entry": [
        { "fullUrl": "urn:uuid:4b9c1a3e-5a1f-4b7e-9d0c-0a1b2c3d4e5f",
          "resource": { "resourceType": "Communication", "id": "c", "status": "completed",
                        "subject": { "reference": "Patient/p1" } } } ] });
    writeln!(packed, "{bundle:#}").unwrap();
    packed.finish().unwrap();

    let seed = [
        "--data",
        "data",
        "--seed",
        "one.json",
        "lines.ndjson",
        "bundle.json.gz",
    ];
    for _ in 0..2 {
        let server = Server::start(folder.path(), &seed);
        let mut admin = server.connect();
        for path in ["Patient/p1", "Patient/p2", "Patient/p3", "Communication/c"] {
            let (status, resource) = admin.send("GET", path, "").unwrap();
            assert_eq!(status, 200, "{path}: {resource}");
        }
        // The same seed again is no change.
        let (_, history) = admin.send("GET", "Patient/p1/_history", "").unwrap();
        assert_eq!(history["total"], 1, "{history}");
        drop(admin);
        let (code, log) = server.stop();
        assert_eq!(code, 0);
        assert!(log.contains("4 resources read"), "{log}");
    }
}

#[test]
fn a_seed_with_a_fault_names_its_place_and_nothing_starts() {
    let folder = tempfile::tempdir().unwrap();
    let lines = "{\"resourceType\":\"Patient\",\"id\":\"p1\"}\n\n\
                 {\"resourceType\":\"Patient\",\"id\":\"p2\",\"birthDate\":\"yesterday\"}\n\
                 {\"resourceType\":\"Patient\",\"id\":\"p1\"}\n{\"resourceType\":\n";
    std::fs::write(folder.path().join("lines.ndjson"), lines).unwrap();
    let seeded = [
        "serve",
        "--port",
        "0",
        "--data",
        "data",
        "--seed",
        "lines.ndjson",
    ];
    let shown = run(command(folder.path(), &seeded));
    assert_eq!((shown.code, &*shown.stdout), (2, ""), "{shown}");
    for place in [
        "lines.ndjson:3:",
        "lines.ndjson:4:",
        "lines.ndjson:5:",
        "first in lines.ndjson:1",
    ] {
        assert!(shown.stderr.contains(place), "{place}: {shown}");
    }
    assert!(!folder.path().join("data").exists(), "nothing was stored");
}

#[test]
fn the_log_has_a_line_a_request_and_nothing_that_is_secret() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &["--log", "json"]);
    let mut admin = server.connect();
    let token = server.token.clone();
    let patient = json!({ "resourceType": "Patient", "name": [{ "family": "Swordfish" }] });
    let (_, made) = admin.send("POST", "Patient", &patient.to_string()).unwrap();
    let id = made["id"].as_str().unwrap().to_owned();
    admin.send("GET", &format!("Patient/{id}"), "").unwrap();
    admin.send("GET", "Patient?family=Swordfish", "").unwrap();
    admin.send("GET", "Patient/Swordfish", "").unwrap();
    drop(admin);
    let (code, log) = server.stop();
    assert_eq!(code, 0);
    let lines: Vec<Value> = log
        .lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let told: Vec<String> = lines
        .iter()
        .map(|line| format!("{} {} {}", line["method"], line["route"], line["status"]))
        .collect();
    assert_eq!(
        told,
        [
            r#""POST" "/oauth2/token" 200"#,
            r#""POST" "/fhir/R4/Patient" 201"#,
            r#""GET" "/fhir/R4/Patient/{id}" 200"#,
            r#""GET" "/fhir/R4/Patient" 200"#,
            r#""GET" "/fhir/R4/Patient/{id}" 404"#,
        ]
    );
    for line in &lines {
        assert!(
            line["ms"].is_number() && line["request"].is_string(),
            "{line}"
        );
    }
    // Whoever signs in is nobody yet.
    for line in &lines[1..] {
        let actor = line["actor"].as_str().unwrap();
        assert!(actor.starts_with("ProjectMembership/"), "{line}");
    }
    for secret in [
        "Swordfish",
        "a secret",
        "a%20secret",
        token.as_str(),
        id.as_str(),
    ] {
        assert!(!log.contains(secret), "{secret}: {log}");
    }
}

#[test]
fn an_address_in_use_is_said_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let shown = run(command(folder.path(), &["serve", "--port", &port]));
    assert_eq!(shown.code, 3);
    assert!(
        shown.stderr.contains("cannot listen on") && shown.stderr.contains("--port 0"),
        "{shown}"
    );
}

#[test]
fn to_listen_beyond_this_machine_is_warned_of() {
    let folder = tempfile::tempdir().unwrap();
    // An address of nobody's (RFC 5737), so that nothing is listened on.
    let elsewhere = ["serve", "--port", "0", "--host", "192.0.2.1"];
    let shown = run(command(folder.path(), &elsewhere));
    assert_eq!(shown.code, 3, "{shown}");
    assert!(
        shown.stderr.contains("warning: whoever reaches 192.0.2.1"),
        "{shown}"
    );
    assert!(shown.stderr.contains("not encrypted"), "{shown}");
}
