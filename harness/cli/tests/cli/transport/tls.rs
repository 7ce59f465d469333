//! Certificates: whom to trust, whom not, and what is said about it.

use rstest::rstest;

use super::authority::Authority;
use super::{REACHED, World, tunnel};
use crate::support::{command, fixtures, run};

/// What the certificate of a server is.
#[derive(Debug, Clone, Copy)]
enum Shows {
    Good,
    OtherName,
    Expired,
    Early,
}

/// Whom the command is told to trust.
#[derive(Debug, Clone, Copy)]
enum Trusts {
    Nobody,
    Own,
    Another,
}

#[rstest]
#[case::own_authority(Shows::Good, Trusts::Own, REACHED, &["0 resources"])]
#[case::unknown_authority(Shows::Good, Trusts::Nobody, 3, &["nobody whom this machine trusts", "--ca FILE"])]
#[case::another_authority(Shows::Good, Trusts::Another, 3, &["nobody whom this machine trusts", "--ca FILE"])]
#[case::other_name(Shows::OtherName, Trusts::Own, 3, &["for another name than `localhost`", "elsewhere.example"])]
#[case::expired(Shows::Expired, Trusts::Own, 3, &["has expired", "renew"])]
#[case::early(Shows::Early, Trusts::Own, 3, &["not valid yet", "clock"])]
fn certificates_of_servers(
    #[case] shows: Shows,
    #[case] trusts: Trusts,
    #[case] code: i32,
    #[case] says: &[&str],
) {
    let world = World::new();
    let authority = Authority::new("our own");
    let identity = match shows {
        Shows::Good => authority.server(&["localhost", "127.0.0.1"]),
        Shows::OtherName => authority.server(&["elsewhere.example"]),
        Shows::Expired => authority.expired(&["localhost"]),
        Shows::Early => authority.early(&["localhost"]),
    };
    let port = tunnel::before(&world, &identity, None);
    let pem = match trusts {
        Trusts::Nobody => None,
        Trusts::Own => Some(authority.pem),
        Trusts::Another => Some(Authority::new("somebody else").pem),
    };
    let file = pem.map(|pem| world.file("ca.pem", &pem));
    let mut more = Vec::new();
    if let Some(file) = &file {
        more.extend(["--ca", file.as_str()]);
    }
    let shown = world.look(&format!("https://localhost:{port}"), &more, &[]);
    assert_eq!(shown.code, code, "{shown}");
    for word in says {
        super::says(&shown, word);
    }
}

/// A whole run, sign-in, set-up and clean-up included, and nothing of it without TLS.
#[test]
fn a_run_over_tls() {
    let world = World::new();
    let authority = Authority::new("our own");
    let port = tunnel::before(&world, &authority.server(&["localhost"]), None);
    let suite = crate::run::copied("one");
    let ca = world.file("ca.pem", &authority.pem);
    let server = format!("https://localhost:{port}");
    let mut command = command(
        suite.path(),
        &[
            "run",
            "--server",
            &server,
            "--profile",
            "embedded",
            "--ca",
            &ca,
            "--admin-client",
            "admin",
            "--admin-secret-env",
            "ADMIN",
        ],
    );
    command.env("ADMIN", super::SECRET);
    let shown = run(command);
    // Played to its end; only the snapshot is missing.
    assert_eq!(shown.code, 4, "{shown}");
    super::says(&shown, "there is no snapshot yet");
}

/// Live updates: the server says `wss://`, and the notifications come the same way as all else.
#[test]
fn a_websocket_over_tls() {
    let authority = Authority::new("our own");
    let world = World::behind_tls(&authority.server(&["localhost"]));
    let ca = world.file("ca.pem", &authority.pem);
    let server = world.server.base_url.to_string();
    assert!(server.starts_with("https://localhost:"), "{server}");
    let arguments = [
        "run",
        "../../scenarios",
        "--filter",
        "live-updates",
        "--no-snapshot-write",
        "--server",
        &server,
        "--profile",
        "embedded",
        "--admin-client",
        "admin",
        "--admin-secret-env",
        "ADMIN",
    ];
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    for (more, code, says) in [
        (&["--ca", ca.as_str()][..], 0, "1 passed"),
        (&[], 3, "nobody whom this machine trusts"),
    ] {
        let mut command = command(here, &[&arguments[..], more].concat());
        command.env("ADMIN", super::SECRET);
        let shown = run(command);
        assert_eq!(shown.code, code, "{shown}");
        super::says(&shown, says);
    }
}

/// The server wants to know who calls.
#[rstest]
#[case::shown(Some(true), REACHED, &["0 resources"])]
#[case::not_shown(None, 3, &["wants a certificate", "--cert FILE --key FILE"])]
#[case::of_somebody_else(Some(false), 3, &["refuses the certificate", "--cert"])]
fn certificates_of_callers(#[case] own: Option<bool>, #[case] code: i32, #[case] says: &[&str]) {
    let world = World::new();
    let authority = Authority::new("our own");
    let identity = authority.server(&["localhost"]);
    let port = tunnel::before(&world, &identity, Some(&authority));
    let ca = world.file("ca.pem", &authority.pem);
    let stranger = Authority::new("somebody else");
    let caller = own.map(|own| if own { &authority } else { &stranger }.caller());
    let files = caller.map(|caller| {
        (
            world.file("cert.pem", &caller.certificate_pem),
            world.file("key.pem", &caller.key_pem()),
        )
    });
    let mut more = vec!["--ca", ca.as_str()];
    if let Some((cert, key)) = &files {
        more.extend(["--cert", cert, "--key", key]);
    }
    let shown = world.look(&format!("https://localhost:{port}"), &more, &[]);
    assert_eq!(shown.code, code, "{shown}");
    for word in says {
        super::says(&shown, word);
    }
    assert!(!shown.to_string().contains("PRIVATE KEY"), "{shown}");
}

/// The token endpoint gets the secret: it proves who it is like everybody else.
#[test]
fn the_token_endpoint_is_verified_too() {
    let world = World::new();
    let (own, other) = (Authority::new("our own"), Authority::new("somebody else"));
    let server = tunnel::before(&world, &own.server(&["localhost"]), None);
    let impostor = tunnel::before(&world, &other.server(&["localhost"]), None);
    let ca = world.file("ca.pem", &own.pem);
    let both = world.file("both.pem", &format!("{}{}", own.pem, other.pem));
    let server = format!("https://localhost:{server}");
    let token = format!("https://localhost:{impostor}/oauth2/token");
    let shown = world.look(&server, &["--ca", &ca, "--token-url", &token], &[]);
    assert_eq!(shown.code, 3, "{shown}");
    super::says(&shown, "/oauth2/token");
    super::says(&shown, "nobody whom");
    let shown = world.look(&server, &["--ca", &both, "--token-url", &token], &[]);
    assert_eq!(shown.code, REACHED, "{shown}");
}

/// What other programs take for leave to verify nothing.
#[test]
fn verification_cannot_be_turned_off() {
    let world = World::new();
    let authority = Authority::new("our own");
    let port = tunnel::before(&world, &authority.server(&["localhost"]), None);
    let server = format!("https://localhost:{port}");
    for (name, value) in [
        ("NODE_TLS_REJECT_UNAUTHORIZED", "0"),
        ("PYTHONHTTPSVERIFY", "0"),
        ("GIT_SSL_NO_VERIFY", "1"),
        ("CURL_INSECURE", "1"),
        ("FHIRWARD_INSECURE", "1"),
    ] {
        let shown = world.look(&server, &[], &[(name, value)]);
        assert_eq!(shown.code, 3, "{name}: {shown}");
    }
    for option in ["--insecure", "-k", "--no-verify", "--tls-skip-verify"] {
        let shown = world.look(&server, &[option], &[]);
        assert_eq!(shown.code, 1, "{option}: {shown}");
    }
    for key in ["insecure", "verify"] {
        world.file(
            "fhirward.toml",
            &format!("[servers.here]\nurl = \"{server}\"\n{key} = true\n"),
        );
        let shown = world.look("here", &[], &[]);
        assert_eq!(shown.code, 1, "{key}: {shown}");
    }
}

/// The scheme is the other one than the server speaks.
#[test]
fn http_where_tls_is_and_the_other_way_round() {
    let world = World::new();
    let authority = Authority::new("our own");
    let port = tunnel::before(&world, &authority.server(&["localhost"]), None);
    let shown = world.look(&format!("http://localhost:{port}"), &[], &[]);
    assert_eq!(shown.code, 3, "{shown}");
    let shown = world.look(&format!("https://localhost:{}", world.port()), &[], &[]);
    assert_eq!(shown.code, 3, "{shown}");
    super::says(&shown, "speaks no TLS");
    super::says(&shown, "http://");
}

/// Files that hold something else than their option says, before the first request.
#[test]
fn what_is_no_certificate() {
    let world = World::new();
    let authority = Authority::new("our own");
    let caller = authority.caller();
    let empty = world.file("empty.pem", "");
    let words = world.file("words.pem", "no certificate\n");
    let cert = world.file("cert.pem", &caller.certificate_pem);
    let key = world.file("key.pem", &caller.key_pem());
    let other = world.file("other.pem", &authority.caller().key_pem());
    for (more, says) in [
        (vec!["--ca", empty.as_str()], "--ca"),
        (vec!["--ca", &words], "--ca"),
        (vec!["--ca", &key], "--ca"),
        (vec!["--cert", &words, "--key", &key], "--cert and --key"),
        (vec!["--cert", &cert, "--key", &cert], "--cert and --key"),
        (vec!["--cert", &cert, "--key", &other], "--cert and --key"),
    ] {
        let shown = world.look("https://localhost:9", &more, &[]);
        assert_eq!(shown.code, 1, "{more:?}: {shown}");
        super::says(&shown, says);
        assert!(!shown.stderr.contains("PRIVATE KEY"), "{shown}");
    }
}

/// What is refused says so wherever a server is named.
#[test]
fn thread_check_verifies_too() {
    let world = World::new();
    let authority = Authority::new("our own");
    let port = tunnel::before(&world, &authority.server(&["localhost"]), None);
    let server = format!("https://localhost:{port}");
    let arguments = ["thread", "check", "--profile", "embedded", "--server"];
    let shown = run(command(&fixtures(), &[&arguments[..], &[&server]].concat()));
    assert_eq!(shown.code, 3, "{shown}");
    super::says(&shown, "--ca FILE");
}
