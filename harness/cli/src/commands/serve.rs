//! `fhirward serve`: the embedded server, for as long as it is wanted.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use fhirward_engine::diagnostic::Diagnostic;
use fhirward_server::{Config, Credentials};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use crate::commands::secret;
use crate::exit::Exit;
use crate::output::{Failure, Output};
use crate::signal::Signals;

/// Serve FHIR R4 with AccessPolicy enforcement, in memory, on this machine only.
///
/// When the server is ready, one line of JSON with its addresses is written to standard output.
/// Without --admin-client a client and a secret are made up and stand in that line. Ctrl-C or
/// SIGTERM ends it, with exit code 0; nothing is kept.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The port to listen on; 0 takes a free one.
    #[arg(long, default_value_t = 8103, value_name = "N")]
    port: u16,
    /// The id of the client that administers the server.
    #[arg(long, value_name = "ID", requires = "admin_secret_env")]
    admin_client: Option<String>,
    /// The environment variable that holds its secret.
    #[arg(long, value_name = "NAME", requires = "admin_client")]
    admin_secret_env: Option<String>,
}

/// Serves until somebody asks it to stop, which for a server is no failure.
pub fn run(args: &Args, output: Output) -> Result<Exit, Failure> {
    let (admin, made_up) = match (&args.admin_client, &args.admin_secret_env) {
        (Some(id), Some(variable)) => {
            let id = id.clone();
            let secret = secret::from_env(variable)?;
            (Credentials { id, secret }, false)
        }
        _ => {
            let admin = Credentials::random().map_err(|error| could_not(&error.to_string()))?;
            (admin, true)
        }
    };
    let shown_secret = made_up.then(|| admin.secret.clone());
    let mut config = Config::new(admin.clone());
    config.addr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), args.port);
    let runtime = tokio::runtime::Runtime::new().map_err(|error| could_not(&error.to_string()))?;
    runtime.block_on(serve(config, &admin.id, shown_secret.as_ref(), output))
}

async fn serve(
    config: Config,
    admin: &str,
    secret: Option<&SecretString>,
    output: Output,
) -> Result<Exit, Failure> {
    let unheard =
        |error: std::io::Error| could_not(&format!("signals cannot be waited for: {error}"));
    let mut signals = Signals::listen().map_err(unheard)?;
    let server = fhirward_server::start(config)
        .await
        .map_err(|error| could_not(&error.to_string()))?;
    let base = server.base_url.as_str();
    let mut ready = json!({
        "base_url": base,
        "fhir_url": format!("{base}fhir/R4/"),
        "token_url": format!("{base}oauth2/token"),
        "project": server.project,
        "admin_client": admin,
    });
    if let (Some(secret), Some(line)) = (secret, ready.as_object_mut()) {
        line.insert("admin_secret".to_owned(), secret.expose_secret().into());
    }
    output.result(&ready.to_string());
    output.say(&format!(
        "serving FHIR R4 at {base}fhir/R4/ until Ctrl-C; nothing is kept"
    ));
    signals.next().await.map_err(unheard)?;
    server
        .stop()
        .await
        .map_err(|error| could_not(&error.to_string()))?;
    Ok(Exit::Ok)
}

fn could_not(why: &str) -> Failure {
    Failure::new(
        Exit::CouldNotRun,
        Diagnostic::error("serve/not-started", why),
    )
}
