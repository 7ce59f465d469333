//! Starting, stopping, limits, and what the server says about itself.

use std::time::Duration;

use fhirward_server::{Config, Credentials, StartError, start};
use rstest::rstest;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::World;

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

#[tokio::test]
async fn connections_beyond_the_limit_wait() {
    let world = World::with_limits(|limits| limits.max_connections = 1).await;
    // The one place is taken by the kept-alive connection that signed the admin in; another
    // connection is answered once that one ends.
    let addr = world.server.addr;
    let mut waiting = TcpStream::connect(addr).await.unwrap();
    waiting
        .write_all(b"GET /healthcheck HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut byte = [0];
    let early = tokio::time::timeout(Duration::from_millis(50), waiting.read(&mut byte)).await;
    assert!(early.is_err(), "answered although the server is full");
    drop(world.admin);
    let mut answer = String::new();
    waiting.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[rstest]
#[case::silence(b"")]
#[case::half_a_line(b"GET /health")]
#[case::half_a_head(b"GET /healthcheck HTTP/1.1\r\nhost: x\r\n")]
#[case::after_a_request(b"GET /healthcheck HTTP/1.1\r\nhost: x\r\n\r\n")]
#[tokio::test]
async fn an_idle_connection_gives_its_place_back(#[case] sent: &[u8]) {
    let mut config = Config::new(Credentials::random().unwrap());
    config.limits.max_connections = 1;
    config.limits.idle_timeout = Duration::from_millis(200);
    let server = start(config).await.unwrap();
    let mut idle = TcpStream::connect(server.addr).await.unwrap();
    idle.write_all(sent).await.unwrap();
    let mut waiting = TcpStream::connect(server.addr).await.unwrap();
    waiting
        .write_all(b"GET /healthcheck HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    let answered = waiting.read_to_string(&mut answer);
    let answered = tokio::time::timeout(Duration::from_secs(5), answered).await;
    answered.expect("the place is never given back").unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn a_head_that_arrives_byte_by_byte_has_an_end() {
    let mut config = Config::new(Credentials::random().unwrap());
    config.limits.idle_timeout = Duration::from_millis(200);
    let server = start(config).await.unwrap();
    let mut stream = TcpStream::connect(server.addr).await.unwrap();
    let mut ended = false;
    for _ in 0..100 {
        let mut byte = [0];
        let read = tokio::time::timeout(Duration::from_millis(20), stream.read(&mut byte)).await;
        ended = stream.write_all(b"G").await.is_err() || matches!(read, Ok(Ok(0) | Err(_)));
        if ended {
            break;
        }
    }
    assert!(ended, "a head without an end holds the connection");
}

#[tokio::test]
async fn a_request_under_way_is_no_idleness() {
    let mut config = Config::new(Credentials::random().unwrap());
    config.limits.idle_timeout = Duration::from_millis(50);
    let server = start(config).await.unwrap();
    let mut stream = TcpStream::connect(server.addr).await.unwrap();
    let head = "POST /oauth2/token HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 2\r\n\
                content-type: application/x-www-form-urlencoded\r\n\r\ng";
    stream.write_all(head.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    stream.write_all(b"=").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
}

/// More than 12 MB, which no system keeps for a reader.
fn large() -> serde_json::Value {
    let notes = vec![json!({ "text": "x".repeat(1_000_000) }); 12];
    json!({ "resourceType": "Task", "status": "draft", "intent": "order", "note": notes })
}

/// A client that asks for much and takes it byte by byte.
#[tokio::test]
async fn an_answer_that_is_hardly_taken_is_cut_off() {
    let world = World::with_limits(|limits| {
        limits.idle_timeout = Duration::from_millis(300);
    })
    .await;
    let reference = world.admin.make(large()).await;
    let mut slow = TcpStream::connect(world.server.addr).await.unwrap();
    let head = format!(
        "GET /fhir/R4/{reference} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\r\n",
        world.admin.token
    );
    slow.write_all(head.as_bytes()).await.unwrap();
    let mut byte = [0; 1];
    for _ in 0..30 {
        slow.read_exact(&mut byte).await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // What the system had already taken for it is still there; the rest never comes.
    let mut rest = Vec::new();
    drop(slow.read_to_end(&mut rest).await);
    assert!(rest.len() < 12_000_000, "{}", rest.len());
}

/// A client that is slow, but not that slow, has its answer.
#[tokio::test]
async fn an_answer_that_is_taken_slowly_arrives() {
    let world = World::with_limits(|limits| {
        limits.idle_timeout = Duration::from_millis(300);
    })
    .await;
    let reference = world.admin.make(large()).await;
    let mut slow = TcpStream::connect(world.server.addr).await.unwrap();
    let head = format!(
        "GET /fhir/R4/{reference} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {}\r\n\r\n",
        world.admin.token
    );
    slow.write_all(head.as_bytes()).await.unwrap();
    let (mut taken, mut part) = (0, vec![0; 512 * 1024]);
    loop {
        let read = slow.read(&mut part).await.unwrap();
        if read == 0 {
            break;
        }
        taken += read;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(taken > 12_000_000, "{taken}");
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
