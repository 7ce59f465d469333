//! `fhirward serve`: the embedded server, for as long as it is wanted.

mod log;
mod seed;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use fhirward_engine::diagnostic::Diagnostic;
use fhirward_server::{Config, Credentials, DataError, Origins, Running, StartError, Validation};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use url::Url;

use crate::commands::secret;
use crate::exit::Exit;
use crate::output::{Failure, Output};
use crate::render;
use crate::signal::Signals;
use log::Log;

/// Serve FHIR R4 with AccessPolicy enforcement, on this machine only unless told otherwise.
///
/// When the server is ready, one line of JSON with its addresses is written to standard output.
/// Without --admin-client a client and a secret are made up and stand in that line; with --data
/// only at the first start, since the folder keeps them. Ctrl-C or SIGTERM ends it, with exit code
/// 0, after requests under way are answered. Without --data nothing is kept.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The port to listen on; 0 takes a free one.
    #[arg(long, default_value_t = 8103, value_name = "N")]
    port: u16,
    /// The address to listen on. Any but a loopback address opens the server to the network.
    #[arg(long, alias = "listen", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST), value_name = "IP")]
    host: IpAddr,
    /// What links start with, where clients reach the server by another address.
    #[arg(long, value_name = "URL")]
    public_url: Option<Url>,
    /// Keep everything in this folder, which is made if it is not there.
    ///
    /// What is acknowledged is on the disk. One process at a time can use the folder.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Begin with the resources of these files or folders: Bundles, single resources, NDJSON; each
    /// may be packed by gzip. All are stored, with their ids, or the server does not start.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    seed: Vec<PathBuf>,
    /// The id of the client that administers the server.
    #[arg(long, value_name = "ID", requires = "admin_secret_env")]
    admin_client: Option<String>,
    /// The environment variable that holds its secret.
    #[arg(long, value_name = "NAME", requires = "admin_client")]
    admin_secret_env: Option<String>,
    /// What a resource must satisfy to be stored, where its Project does not say it by `strictMode`.
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    validation: Checks,
    /// Let the program at this URL answer for the Bot of this name or id; may repeat.
    #[arg(long, value_name = "NAME=URL", value_parser = bot)]
    bot: Vec<(String, Url)>,
    /// Let Subscriptions and Bots call this host besides this machine; may repeat.
    #[arg(long, value_name = "HOST[:PORT]")]
    allow_hook: Vec<String>,
    /// Let only the pages of this origin use the server from a browser; may repeat. Without it the
    /// pages of all may: a token is needed in any case.
    #[arg(long, value_name = "ORIGIN", value_parser = origin)]
    allow_origin: Vec<String>,
    /// The log on standard error: a line a request, without ids, queries, bodies and tokens.
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    log: Log,
    /// The longest request body, in MB.
    #[arg(long, default_value_t = 16, value_name = "MB", value_parser = clap::value_parser!(u16).range(1..=64))]
    max_body: u16,
    /// The most connections at a time; others wait.
    #[arg(long, default_value_t = 512, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    max_connections: u16,
    /// The most entries of a page, however large `_count` is.
    #[arg(long, default_value_t = 1000, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    max_page: u16,
    /// The longest that a request may take, in seconds.
    #[arg(long, default_value_t = 60, value_name = "S", value_parser = clap::value_parser!(u16).range(1..))]
    request_timeout: u16,
}

/// How strictly resources are checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
enum Checks {
    /// All that the validator knows of R4.
    #[default]
    Strict,
    /// Elements, types, formats and what is required; not codes, targets and invariants.
    Structural,
    /// Nothing.
    Off,
}

impl From<Checks> for Validation {
    fn from(checks: Checks) -> Self {
        match checks {
            Checks::Strict => Self::Strict,
            Checks::Structural => Self::Structural,
            Checks::Off => Self::Off,
        }
    }
}

impl Args {
    fn config(&self, admin: Credentials, keep_admin: bool) -> Config {
        let mut config = Config::new(admin);
        config.keep_admin = keep_admin;
        config.addr = SocketAddr::new(self.host, self.port);
        config.public_url.clone_from(&self.public_url);
        config.data.clone_from(&self.data);
        config.validation = self.validation.into();
        config.messaging.bots.clone_from(&self.bot);
        config.messaging.allowed_hosts.clone_from(&self.allow_hook);
        if !self.allow_origin.is_empty() {
            config.sign_in.origins = Origins::Only(self.allow_origin.clone());
        }
        config.limits.body_bytes = usize::from(self.max_body) * 1024 * 1024;
        config.limits.max_connections = usize::from(self.max_connections);
        config.limits.max_page = usize::from(self.max_page);
        config.limits.request_timeout = Duration::from_secs(u64::from(self.request_timeout));
        config
    }
}

/// Reads `NAME=URL`.
fn bot(text: &str) -> Result<(String, Url), String> {
    let (name, url) = text
        .split_once('=')
        .filter(|(name, _)| !name.is_empty())
        .ok_or("give the name or id of the Bot, `=`, and a URL")?;
    let url = Url::parse(url).map_err(|error| format!("`{url}` is no URL: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("`{url}` is neither http nor https"));
    }
    Ok((name.to_owned(), url))
}

/// Reads what a browser calls the origin of a page.
fn origin(text: &str) -> Result<String, String> {
    let url = Url::parse(text).map_err(|error| format!("`{text}` is no URL: {error}"))?;
    let origin = url.origin();
    let web = matches!(url.scheme(), "http" | "https");
    if !web || origin.ascii_serialization() != text.trim_end_matches('/') {
        return Err(format!(
            "`{text}` is no origin: give scheme, host and port only, as in `http://localhost:3000`"
        ));
    }
    Ok(origin.ascii_serialization())
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
    args.log.start(output.style().color());
    let mut config = args.config(admin.clone(), made_up);
    if !args.seed.is_empty() {
        config.seed = seed::read(&args.seed, config.validation, output)?;
    }
    if !args.host.is_loopback() {
        output.say(&format!(
            "warning: whoever reaches {} reaches the server, and what is sent is not encrypted; \
             let a proxy with TLS stand before it",
            args.host
        ));
    }
    let runtime = tokio::runtime::Runtime::new().map_err(|error| could_not(&error.to_string()))?;
    let made_up = made_up.then_some(&admin);
    runtime.block_on(serve(config, made_up, output))
}

async fn serve(
    config: Config,
    made_up: Option<&Credentials>,
    output: Output,
) -> Result<Exit, Failure> {
    let unheard =
        |error: std::io::Error| could_not(&format!("signals cannot be waited for: {error}"));
    let mut signals = Signals::listen().map_err(unheard)?;
    let (data, seeded) = (config.data.clone(), config.seed.len());
    let server = tokio::select! {
        started = fhirward_server::start(config) => started.map_err(not_started)?,
        // A large folder takes its time, and nothing has been promised to anybody yet.
        signal = signals.next() => return signal.map(|_| Exit::Ok).map_err(unheard),
    };
    // Of an administrator that a folder keeps, the secret was shown when it was made.
    let secret = made_up
        .filter(|admin| admin.id == server.admin_client)
        .map(|admin| &admin.secret);
    output.result(&ready(&server, secret).to_string())?;
    let base = &server.base_url;
    output.say(&match &data {
        None => format!("serving FHIR R4 at {base}fhir/R4/ until Ctrl-C; nothing is kept"),
        Some(folder) => format!(
            "serving FHIR R4 at {base}fhir/R4/ until Ctrl-C; everything is kept in `{}`",
            folder.display()
        ),
    });
    if seeded > 0 {
        output.say(&format!(
            "it begins with {}",
            render::plural(seeded, "resource")
        ));
    }
    signals.next().await.map_err(unheard)?;
    server
        .stop()
        .await
        .map_err(|error| could_not(&error.to_string()))?;
    Ok(Exit::Ok)
}

/// What a program needs to know to use the server.
fn ready(server: &Running, secret: Option<&SecretString>) -> serde_json::Value {
    let base = server.base_url.as_str();
    let mut ready = json!({
        "base_url": base,
        "fhir_url": format!("{base}fhir/R4/"),
        "token_url": format!("{base}oauth2/token"),
        "project": server.project,
        "admin_client": server.admin_client,
    });
    if let (Some(secret), Some(line)) = (secret, ready.as_object_mut()) {
        line.insert("admin_secret".to_owned(), secret.expose_secret().into());
    }
    ready
}

fn not_started(error: StartError) -> Failure {
    let code = match &error {
        StartError::Bind { .. } => "serve/address",
        StartError::Data(DataError::InUse { .. }) => "serve/data-in-use",
        StartError::Data(DataError::Damaged { .. }) => "serve/data-damaged",
        StartError::Data(DataError::Format { .. }) => "serve/data-format",
        StartError::Data(_) => "serve/data",
        _ => "serve/not-started",
    };
    let finding = Diagnostic::error(code, error.to_string());
    let finding = match &error {
        StartError::Bind { .. } => {
            finding.with_help("`--port 0` takes a free port, and says which")
        }
        _ => finding,
    };
    Failure::new(Exit::CouldNotRun, finding)
}

fn could_not(why: &str) -> Failure {
    Failure::new(
        Exit::CouldNotRun,
        Diagnostic::error("serve/not-started", why),
    )
}
