//! Proxies: used where they are named, and by nobody else; their passwords are nobody's business.

use rstest::rstest;

use super::authority::Authority;
use super::forward::Forward;
use super::{REACHED, World, tunnel};
use crate::support::{Shown, command, run};

const LOGIN: &str = "me:pr0xy-pass/word";
/// As it stands in an address.
const ENCODED: &str = "me:pr0xy-pass%2Fword";

/// No form of the proxy's password.
fn is_silent(shown: &Shown) {
    let text = shown.to_string();
    for form in ["pr0xy", "cHIweHk", "bWU6cHIw"] {
        assert!(!text.contains(form), "{form}: {shown}");
    }
}

/// How the proxy is named.
#[derive(Debug, Clone, Copy)]
enum Named {
    Option,
    Environment,
}

/// Everything goes through it, the sign-in too: by absolute addresses without TLS, and by a tunnel
/// with it.
#[rstest]
#[case::plain(false, Named::Option)]
#[case::plain_by_the_environment(false, Named::Environment)]
#[case::tunnel(true, Named::Option)]
#[case::tunnel_by_the_environment(true, Named::Environment)]
fn a_proxy_that_is_named_is_used(#[case] tls: bool, #[case] named: Named) {
    let world = World::new();
    let proxy = Forward::start(&world, Some(LOGIN));
    let address = format!("http://{ENCODED}@127.0.0.1:{}", proxy.port);
    let authority = Authority::new("our own");
    let ca = world.file("ca.pem", &authority.pem);
    // This machine, by an address that is not known to be: proxies of the environment are never
    // asked for `localhost`.
    let (server, variable, mut more) = if tls {
        let port = tunnel::before(&world, &authority.server(&["0.0.0.0"]), None);
        let server = format!("https://0.0.0.0:{port}");
        (server, "HTTPS_PROXY", vec!["--ca", ca.as_str()])
    } else {
        let server = format!("http://0.0.0.0:{}", world.port());
        (server, "HTTP_PROXY", Vec::new())
    };
    let mut environment = Vec::new();
    match named {
        Named::Option => more.extend(["--proxy", &address]),
        Named::Environment => environment.push((variable, address.as_str())),
    }
    let shown = world.look(&server, &more, &environment);
    assert_eq!(shown.code, REACHED, "{shown}");
    is_silent(&shown);
    let seen = proxy.seen();
    if tls {
        assert!(!seen.is_empty());
        assert!(
            seen.iter().all(|line| line.starts_with("CONNECT 0.0.0.0:")),
            "{seen:?}"
        );
    } else {
        let token = format!("POST {server}/oauth2/token");
        assert!(seen.contains(&token), "{seen:?}");
        let metadata = format!("GET {server}/fhir/R4/metadata");
        assert!(seen.contains(&metadata), "{seen:?}");
    }

    if matches!(named, Named::Environment) {
        environment.push(("NO_PROXY", "0.0.0.0"));
        let before = proxy.seen().len();
        let shown = world.look(&server, &more, &environment);
        assert_eq!(shown.code, REACHED, "{shown}");
        assert_eq!(proxy.seen().len(), before, "NO_PROXY");
    }
}

/// A proxy of the environment has no business with a server on this machine.
#[test]
fn this_machine_is_reached_without_the_proxy_of_the_environment() {
    let world = World::new();
    let server = world.server.base_url.to_string();
    let dead = "http://127.0.0.1:9";
    let environment = [
        ("HTTP_PROXY", dead),
        ("HTTPS_PROXY", dead),
        ("ALL_PROXY", dead),
    ];
    let shown = world.look(&server, &[], &environment);
    assert_eq!(shown.code, REACHED, "{shown}");
}

#[rstest]
#[case::plain(false)]
#[case::tunnel(true)]
fn a_proxy_that_wants_another_password(#[case] tls: bool) {
    let world = World::new();
    let proxy = Forward::start(&world, Some("me:another"));
    let address = format!("http://{ENCODED}@127.0.0.1:{}", proxy.port);
    let scheme = if tls { "https" } else { "http" };
    let server = format!("{scheme}://localhost:{}", world.port());
    let shown = world.look(&server, &["--proxy", &address], &[]);
    assert_eq!(shown.code, 3, "{shown}");
    let said = format!("the proxy 127.0.0.1:{} wants a name", proxy.port);
    super::says(&shown, &said);
    super::says(&shown, "http://NAME:PASSWORD@");
    is_silent(&shown);
}

/// It is the proxy that is down, and not the server.
#[rstest]
#[case::plain("http", Named::Option)]
#[case::tunnel("https", Named::Option)]
#[case::plain_by_the_environment("http", Named::Environment)]
#[case::tunnel_by_the_environment("https", Named::Environment)]
fn a_proxy_that_is_down(#[case] scheme: &str, #[case] named: Named) {
    let world = World::new();
    let server = format!("{scheme}://0.0.0.0:{}", world.port());
    let dead = format!("http://{ENCODED}@127.0.0.1:9");
    let shown = match named {
        Named::Option => world.look(&server, &["--proxy", &dead], &[]),
        Named::Environment => {
            let environment = [("HTTP_PROXY", &*dead), ("HTTPS_PROXY", &*dead)];
            world.look(&server, &[], &environment)
        }
    };
    assert_eq!(shown.code, 3, "{shown}");
    super::says(&shown, "the proxy 127.0.0.1:9");
    is_silent(&shown);
}

/// An address that cannot be used is refused before the first request, and not repeated.
#[rstest]
#[case::no_port("http://me:pr0xy-pass@127.0.0.1:port")]
#[case::no_scheme("me:pr0xy-pass@127.0.0.1:3128")]
#[case::another_scheme("socks9://me:pr0xy-pass@127.0.0.1:3128")]
fn an_address_that_is_no_proxys(#[case] address: &str) {
    let world = World::new();
    let server = world.server.base_url.to_string();
    let shown = world.look(&server, &["--proxy", address], &[]);
    assert_eq!(shown.code, 1, "{shown}");
    super::says(&shown, "--proxy");
    is_silent(&shown);
    let entry = format!("[servers.here]\nurl = \"{server}\"\nproxy = \"{address}\"\n");
    world.file("fhirward.toml", &entry);
    let shown = world.look("here", &[], &[]);
    assert_eq!(shown.code, 1, "{shown}");
    is_silent(&shown);
}

/// The password of the proxy in everything that a run writes.
#[test]
fn reports_do_not_know_the_password_of_the_proxy() {
    let world = World::new();
    let proxy = Forward::start(&world, Some(LOGIN));
    let address = format!("http://{ENCODED}@127.0.0.1:{}", proxy.port);
    let suite = crate::run::copied("one");
    let kinds = [
        "json",
        "jsonl",
        "junit",
        "tap",
        "sarif",
        "github",
        "markdown",
        "html",
        "testreport",
        "text",
    ];
    let reports: Vec<String> = kinds
        .iter()
        .map(|kind| format!("{kind}=out.{kind}"))
        .collect();
    let server = format!("http://localhost:{}", world.port());
    let mut arguments = vec![
        "run",
        "--server",
        &server,
        "--profile",
        "embedded",
        "--proxy",
        &address,
        "--bodies",
        "out.bodies",
        "--admin-client",
        "admin",
        "--admin-secret-env",
        "ADMIN",
    ];
    for report in &reports {
        arguments.extend(["--report", report]);
    }
    let mut command = command(suite.path(), &arguments);
    command.env("ADMIN", super::SECRET);
    let shown = run(command);
    assert_eq!(shown.code, 4, "{shown}");
    is_silent(&shown);
    assert!(proxy.seen().len() > 20);
    for name in kinds.iter().chain(&["bodies"]) {
        let file = suite.path().join(format!("out.{name}"));
        let text = std::fs::read_to_string(file).unwrap();
        let written = Shown {
            code: 0,
            stdout: text,
            stderr: String::new(),
        };
        is_silent(&written);
        assert!(!written.stdout.contains(super::SECRET), "{name}");
    }
}
