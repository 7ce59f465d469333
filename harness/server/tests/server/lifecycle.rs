//! Starting, stopping, limits, and what the server says about itself.

use std::io::ErrorKind;
use std::time::Duration;

use fhirward_server::{Config, Credentials, Running, StartError, start};
use rstest::rstest;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{PATIENCE, World, idle};

#[tokio::test]
async fn it_stops_and_frees_its_address() {
    let world = World::new().await;
    let addr = world.server.addr;
    assert!(addr.ip().is_loopback());
    assert_eq!(world.server.base_url.as_str(), format!("http://{addr}/"));
    world.server.stop().await.unwrap();
    let mut config = Config::new(Credentials::random().unwrap());
    config.addr = addr;
    start(config).await.unwrap().stop().await.unwrap();
}

#[tokio::test]
async fn it_serves_until_it_is_told_to_stop() {
    let world = World::new().await;
    let admin = world.admin;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(world.server.serve_until(async {
        stopped.await.unwrap();
    }));
    assert_eq!(admin.get("Patient").await.status, 200);
    stop.send(()).unwrap();
    serving.await.unwrap().unwrap();
}

#[tokio::test]
async fn an_address_in_use_is_named() {
    let world = World::new().await;
    let mut config = Config::new(Credentials::random().unwrap());
    config.addr = world.server.addr;
    let error = start(config).await.unwrap_err();
    assert!(matches!(error, StartError::Bind { .. }));
    assert!(
        error
            .to_string()
            .starts_with(&format!("cannot listen on {}: ", world.server.addr)),
        "{error}"
    );
}

#[rstest]
#[case::bad_id("no id", "p")]
#[case::bad_project("admin", "")]
#[tokio::test]
async fn a_configuration_that_makes_no_sense_is_refused(
    #[case] admin: &str,
    #[case] project: &str,
) {
    let mut config = Config::new(Credentials {
        id: admin.into(),
        secret: "x".into(),
    });
    config.project = project.into();
    assert!(matches!(
        start(config).await.unwrap_err(),
        StartError::Config(_)
    ));
}

#[tokio::test]
async fn a_body_that_never_arrives_ends_in_an_outcome() {
    let mut config = Config::new(Credentials::random().unwrap());
    config.limits.request_timeout = Duration::from_millis(20);
    let server = start(config).await.unwrap();
    let mut stream = TcpStream::connect(server.addr).await.unwrap();
    let head = "POST /oauth2/token HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 100\r\n\
                content-type: application/x-www-form-urlencoded\r\n\r\ng";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(
        answer.contains("OperationOutcome") && answer.contains("timeout"),
        "{answer}"
    );
}

/// A server that serves one connection at a time.
async fn narrow(idle_timeout: Duration) -> Running {
    let mut config = Config::new(Credentials::random().unwrap());
    config.limits.max_connections = 1;
    config.limits.idle_timeout = idle_timeout;
    start(config).await.unwrap()
}

/// Asks for the health on a connection that stays open.
async fn ask(stream: &mut TcpStream) {
    let head = b"GET /healthcheck HTTP/1.1\r\nhost: x\r\n\r\n";
    stream.write_all(head).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(br#"{"ok":true}"#) {
        answer.push(stream.read_u8().await.unwrap());
    }
}

/// Asks for the health on a connection of its own.
async fn asking(server: &Running) -> TcpStream {
    let mut stream = TcpStream::connect(server.addr).await.unwrap();
    let head = b"GET /healthcheck HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    stream.write_all(head).await.unwrap();
    stream
}

async fn answered(mut stream: TcpStream) {
    let mut answer = String::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_string(&mut answer)).await;
    read.unwrap_or_else(|_| panic!("the place is never given back"))
        .unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn connections_beyond_the_limit_wait() {
    let server = narrow(PATIENCE).await;
    let mut first = TcpStream::connect(server.addr).await.unwrap();
    ask(&mut first).await;
    let second = asking(&server).await;
    for _ in 0..20 {
        ask(&mut first).await;
    }
    let early = second.try_read(&mut [0]).map_err(|error| error.kind());
    assert_eq!(early, Err(ErrorKind::WouldBlock), "the server is full");
    drop(first);
    answered(second).await;
}

#[rstest]
#[case::silence(b"")]
#[case::half_a_line(b"GET /health")]
#[case::half_a_head(b"GET /healthcheck HTTP/1.1\r\nhost: x\r\n")]
#[case::after_a_request(b"GET /healthcheck HTTP/1.1\r\nhost: x\r\n\r\n")]
#[tokio::test]
async fn an_idle_connection_gives_its_place_back(#[case] sent: &[u8]) {
    let server = narrow(Duration::from_millis(200)).await;
    let mut idle = TcpStream::connect(server.addr).await.unwrap();
    idle.write_all(sent).await.unwrap();
    answered(asking(&server).await).await;
}

#[tokio::test]
async fn a_head_that_arrives_byte_by_byte_has_an_end() {
    let server = narrow(Duration::from_millis(200)).await;
    let mut slow = TcpStream::connect(server.addr).await.unwrap();
    slow.write_all(b"G").await.unwrap();
    let waiting = tokio::spawn(answered(asking(&server).await));
    while !waiting.is_finished() {
        // Fails once the connection has ended.
        let _: std::io::Result<()> = slow.write_all(b"G").await;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    waiting.await.unwrap();
}

/// A body that arrives after another connection was closed for being as idle.
#[tokio::test]
async fn a_request_under_way_is_no_idleness() {
    let mut config = Config::new(Credentials::random().unwrap());
    config.limits.idle_timeout = Duration::from_millis(200);
    let server = start(config).await.unwrap();
    let mut stream = TcpStream::connect(server.addr).await.unwrap();
    let head = "POST /oauth2/token HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 2\r\n\
                content-type: application/x-www-form-urlencoded\r\n\r\ng";
    stream.write_all(head.as_bytes()).await.unwrap();
    idle(server.addr).await;
    stream.write_all(b"=").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
}

/// A client that asks for much, more than a system keeps for a reader, and takes it byte by byte:
/// another one gets its place.
#[tokio::test]
async fn an_answer_that_is_hardly_taken_is_cut_off() {
    let world = World::with_limits(|limits| {
        limits.max_connections = 1;
        limits.idle_timeout = Duration::from_millis(300);
    })
    .await;
    let notes = vec![json!({ "text": "x".repeat(1_000_000) }); 12];
    let large = json!({
        "resourceType": "Task", "status": "draft", "intent": "order", "note": notes,
    });
    let reference = world.admin.make(large).await;
    let token = world.admin.token.clone();
    drop(world.admin);
    let mut slow = TcpStream::connect(world.server.addr).await.unwrap();
    let head = format!(
        "GET /fhir/R4/{reference} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n"
    );
    slow.write_all(head.as_bytes()).await.unwrap();
    assert_eq!(slow.read_u8().await.unwrap(), b'H');
    let waiting = tokio::spawn(answered(asking(&world.server).await));
    while !waiting.is_finished() {
        // What the system had already taken for it is still there.
        let _: std::io::Result<u8> = slow.read_u8().await;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    waiting.await.unwrap();
    // The rest never comes.
    let mut rest = Vec::new();
    let _: std::io::Result<usize> = slow.read_to_end(&mut rest).await;
    assert!(rest.len() < 12_000_000, "{}", rest.len());
}

#[tokio::test]
async fn the_capability_statement_tells_the_truth() {
    let world = World::new().await;
    let statement = world.nobody().get("metadata").await.json();
    assert_eq!(
        (&statement["resourceType"], &statement["fhirVersion"]),
        (&json!("CapabilityStatement"), &json!("4.0.1"))
    );
    assert_eq!(
        statement["implementation"]["url"],
        format!("{}fhir/R4/", world.server.base_url)
    );
    let rest = &statement["rest"][0];
    let token = &rest["security"]["extension"][0]["extension"][0]["valueUri"];
    assert_eq!(token, &format!("{}oauth2/token", world.server.base_url));
    let resources = rest["resource"].as_array().unwrap();
    let communication = resources
        .iter()
        .find(|r| r["type"] == "Communication")
        .unwrap();
    let includes = communication["searchInclude"].as_array().unwrap();
    assert!(includes.contains(&json!("Communication:part-of")));
    assert!(
        communication["searchRevInclude"]
            .as_array()
            .unwrap()
            .contains(&json!("Communication:part-of"))
    );
    for resource in resources {
        let name = resource["type"].as_str().unwrap();
        let search = resource["interaction"]
            .as_array()
            .unwrap()
            .contains(&json!({ "code": "search-type" }));
        assert_eq!(world.admin.get(name).await.status == 200, search, "{name}");
    }
    // Every parameter that is listed can be asked for.
    for name in [
        "AccessPolicy",
        "Communication",
        "Observation",
        "Patient",
        "Task",
    ] {
        let resource = resources.iter().find(|r| r["type"] == name).unwrap();
        for parameter in resource["searchParam"].as_array().unwrap() {
            let code = parameter["name"].as_str().unwrap();
            let answer = world
                .admin
                .get(&format!("{name}?{code}:missing=true"))
                .await;
            assert_eq!(answer.status, 200, "{name} {code}: {}", answer.text);
        }
    }
}
