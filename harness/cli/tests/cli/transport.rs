//! How a server is reached: TLS, certificates of both sides, proxies. All on this machine.

mod authority;
mod forward;
mod killed;
mod proxy;
mod tls;
mod tunnel;

use std::path::Path;

use fhirward_server::{Config, Credentials, Running, start};
use secrecy::SecretString;

use crate::support::{Shown, command, run};

/// The admin's secret.
pub const SECRET: &str = "s3cret-of-the-admin";
/// A run of which nothing is left: `clean` signs in, looks through everything, and ends with 6.
const RUN: &str = "0123456789abcdef0123456789abcdef";
/// How a command ends that reached the server by token and by FHIR, and found nothing.
pub const REACHED: i32 = 6;

/// The embedded server, and a runtime for what stands before it.
pub struct World {
    pub runtime: tokio::runtime::Runtime,
    pub server: Running,
    pub folder: tempfile::TempDir,
}

impl World {
    pub fn new() -> Self {
        Self::of(tokio::runtime::Runtime::new().unwrap(), |_| {})
    }

    /// A server that knows that it stands behind TLS, and says so in the addresses that it gives.
    pub fn behind_tls(identity: &authority::Identity) -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        // Each has to know the port of the other; this one is free now.
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let inside = free.local_addr().unwrap();
        drop(free);
        let port = tunnel::to(&runtime, inside.to_string(), identity, None);
        Self::of(runtime, |config| {
            config.addr = inside;
            config.public_url = Some(format!("https://localhost:{port}/").parse().unwrap());
        })
    }

    fn of(runtime: tokio::runtime::Runtime, set: impl FnOnce(&mut Config)) -> Self {
        let admin = Credentials {
            id: "admin".to_owned(),
            secret: SecretString::from(SECRET),
        };
        let mut config = Config::new(admin);
        set(&mut config);
        let server = runtime.block_on(start(config)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        World {
            runtime,
            server,
            folder,
        }
    }

    /// Where the server listens, without TLS.
    pub fn address(&self) -> String {
        let base = self.server.base_url.as_str();
        base.trim_start_matches("http://")
            .trim_end_matches('/')
            .to_owned()
    }

    pub fn port(&self) -> u16 {
        self.server.base_url.port().unwrap()
    }

    /// Writes a file for the command line to name.
    pub fn file(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    /// Signs in at an address and looks through everything.
    pub fn look(&self, server: &str, more: &[&str], environment: &[(&str, &str)]) -> Shown {
        look_from(self.folder.path(), server, more, environment)
    }
}

fn look_from(folder: &Path, server: &str, more: &[&str], environment: &[(&str, &str)]) -> Shown {
    let arguments = [
        "clean",
        "--run",
        RUN,
        "--server",
        server,
        "--profile",
        "embedded",
        "--retries",
        "0",
        "--admin-client",
        "admin",
        "--admin-secret-env",
        "ADMIN",
    ];
    let mut command = command(folder, &[&arguments[..], more].concat());
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
    command.env("ADMIN", SECRET);
    command.envs(environment.iter().copied());
    let shown = run(command);
    assert!(!shown.to_string().contains(SECRET), "{shown}");
    shown
}

/// Standard error says so, in one line or in several.
pub fn says(shown: &Shown, words: &str) {
    let text: Vec<&str> = shown.stderr.split([' ', '\n', '│']).collect();
    let text: Vec<&str> = text.into_iter().filter(|word| !word.is_empty()).collect();
    assert!(text.join(" ").contains(words), "{words}: {shown}");
}
