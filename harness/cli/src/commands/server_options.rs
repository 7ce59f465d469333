//! Which server, how to reach it and who acts there: options that `run`, `clean` and `thread check`
//! share.

mod reach;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use fhirward_engine::diagnostic::Diagnostic;
use fhirward_harness::actor::{ActorsFile, ServerEntry, Surroundings, servers};
use fhirward_harness::client::{
    Auth, Credentials, InvitedSignIn, Limits, Provisioning, ServerProfile, Target, Traffic,
};
use secrecy::SecretString;
use url::Url;

use super::secret;
use crate::config;
use crate::input;
use crate::output::Failure;

pub use reach::{Reached, Wanted};

/// Which server, and who acts there.
#[derive(Debug, clap::Args)]
pub struct ServerOptions {
    /// The server: its address, or the name of one in `fhirward.toml`. The profile says how the
    /// address is read; for Medplum it is the root, for others the FHIR base.
    #[arg(long, value_name = "URL|NAME", help_heading = "Server")]
    pub server: Option<String>,
    /// The id of the client that administers the project on it.
    #[arg(long, value_name = "ID", requires_all = ["server", "admin_secret_env"], help_heading = "Server")]
    admin_client: Option<String>,
    /// The environment variable that holds the client's secret.
    #[arg(long, value_name = "NAME", requires_all = ["server", "admin_client"], help_heading = "Server")]
    admin_secret_env: Option<String>,
    /// The token endpoint, where it is not where the profile says.
    #[arg(long, value_name = "URL", requires = "server", help_heading = "Server")]
    token_url: Option<Url>,
    /// A file that says who the actors are, YAML or TOML; then the harness makes none.
    #[arg(
        long,
        value_name = "FILE",
        requires = "server",
        help_heading = "Server"
    )]
    actors: Option<PathBuf>,
    /// How invited actors sign in: password or on-behalf-of.
    #[arg(long, value_name = "HOW", requires = "server", value_parser = sign_in, help_heading = "Server")]
    sign_in: Option<InvitedSignIn>,
    #[command(flatten)]
    pub transport: TransportOptions,
    #[command(flatten)]
    pub patience: PatienceOptions,
}

/// How to reach a server.
#[derive(Debug, clap::Args)]
pub struct TransportOptions {
    /// What is known of the server: embedded, medplum, medplum-memory, hapi, helios, generic, or a
    /// .toml file. Without: generic.
    #[arg(
        long,
        value_name = "NAME|FILE",
        requires = "server",
        help_heading = "Server"
    )]
    profile: Option<String>,
    /// Certificates of authorities to trust beside those of this machine, PEM.
    #[arg(
        long,
        value_name = "FILE",
        requires = "server",
        help_heading = "Connection"
    )]
    ca: Option<PathBuf>,
    /// The certificate to show to the server, PEM.
    #[arg(long, value_name = "FILE", requires_all = ["server", "key"], help_heading = "Connection")]
    cert: Option<PathBuf>,
    /// Its private key, PEM.
    #[arg(long, value_name = "FILE", requires_all = ["server", "cert"], help_heading = "Connection")]
    key: Option<PathBuf>,
    /// The proxy. Without: that of the environment (HTTPS_PROXY, HTTP_PROXY, NO_PROXY).
    #[arg(
        long,
        value_name = "URL",
        requires = "server",
        help_heading = "Connection"
    )]
    proxy: Option<String>,
    /// At most so many requests a second.
    #[arg(long, value_name = "N", requires = "server", value_parser = clap::value_parser!(u32).range(1..=100_000), help_heading = "Connection")]
    rate: Option<u32>,
    /// At most so many requests at once.
    #[arg(long, value_name = "N", requires = "server", value_parser = clap::value_parser!(u32).range(1..=10_000), help_heading = "Connection")]
    parallel: Option<u32>,
}

/// How long to wait and how often to try.
#[derive(Debug, clap::Args)]
pub struct PatienceOptions {
    /// How long to wait for an answer.
    #[arg(long, value_name = "SECS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600), help_heading = "Connection")]
    timeout: u64,
    /// How long to wait for answers of a kind, read, search, write, operation or sign-in, or for a
    /// connection: connect. May be repeated.
    #[arg(long, value_name = "KIND=SECS", value_parser = timeout_for, help_heading = "Connection")]
    timeout_for: Vec<(TimeKind, Duration)>,
    /// How often to try again after a broken connection, 429 or 503. What might have been carried
    /// out is never sent twice.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(0..=20), help_heading = "Connection")]
    retries: u32,
    /// The largest answer to take.
    #[arg(long, value_name = "MB", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=4096), help_heading = "Connection")]
    max_response: u32,
}

/// A kind of request with a time of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TimeKind {
    Connect,
    Read,
    Search,
    Write,
    Operation,
    SignIn,
}

const TIME_KINDS: [(&str, TimeKind); 6] = [
    ("connect", TimeKind::Connect),
    ("read", TimeKind::Read),
    ("search", TimeKind::Search),
    ("write", TimeKind::Write),
    ("operation", TimeKind::Operation),
    ("sign-in", TimeKind::SignIn),
];

fn timeout_for(text: &str) -> Result<(TimeKind, Duration), String> {
    let (word, seconds) = text.split_once('=').ok_or("write KIND=SECS")?;
    let known: Vec<&str> = TIME_KINDS.iter().map(|(word, _)| *word).collect();
    let (_, kind) = TIME_KINDS
        .iter()
        .find(|(known, _)| *known == word)
        .ok_or_else(|| format!("`{word}` is no kind of request: {}", known.join(", ")))?;
    match seconds.parse::<f64>() {
        Ok(seconds) if seconds > 0.0 && seconds <= 3600.0 => {
            Ok((*kind, Duration::from_secs_f64(seconds)))
        }
        _ => Err("seconds, more than 0 and at most 3600".to_owned()),
    }
}

fn sign_in(text: &str) -> Result<InvitedSignIn, String> {
    match text {
        "password" => Ok(InvitedSignIn::Password),
        "on-behalf-of" => Ok(InvitedSignIn::OnBehalfOf),
        _ => Err("password or on-behalf-of".to_owned()),
    }
}

impl PatienceOptions {
    /// As the harness takes them.
    pub fn limits(&self) -> Limits {
        let mut limits = Limits {
            request: Duration::from_secs(self.timeout),
            response_bytes: usize::try_from(self.max_response).unwrap_or(16) * 1024 * 1024,
            ..Limits::default()
        };
        limits.retries.most = self.retries;
        for (kind, time) in &self.timeout_for {
            let time = *time;
            match kind {
                TimeKind::Connect => limits.connect = time,
                TimeKind::Read => limits.timeouts.read = Some(time),
                TimeKind::Search => limits.timeouts.search = Some(time),
                TimeKind::Write => limits.timeouts.write = Some(time),
                TimeKind::Operation => limits.timeouts.operation = Some(time),
                TimeKind::SignIn => limits.timeouts.sign_in = Some(time),
            }
        }
        limits
    }
}

/// A server of `fhirward.toml`, and the folder that its files are relative to.
struct Named {
    entry: ServerEntry,
    /// For messages: the file and the section.
    place: String,
    folder: PathBuf,
}

impl ServerOptions {
    /// A server of `fhirward.toml` and nothing else.
    ///
    /// # Errors
    /// When it is an address, which alone does not say who acts there.
    pub fn named(name: &str) -> Result<Self, Failure> {
        if name.contains("://") {
            return Err(Failure::usage(
                Diagnostic::error("run/against", format!("`{name}` is an address"))
                    .with_help("name a server of fhirward.toml: its section `[servers.NAME]` says who acts there"),
            ));
        }
        Ok(Self {
            server: Some(name.to_owned()),
            admin_client: None,
            admin_secret_env: None,
            token_url: None,
            actors: None,
            sign_in: None,
            transport: TransportOptions {
                profile: None,
                ca: None,
                cert: None,
                key: None,
                proxy: None,
                rate: None,
                parallel: None,
            },
            patience: PatienceOptions {
                timeout: 30,
                timeout_for: Vec::new(),
                retries: 2,
                max_response: 16,
            },
        })
    }

    /// The server that is named; `None` where none is.
    ///
    /// # Errors
    /// What cannot be used of the options and of the files that they name.
    pub fn target(&self) -> Result<Option<Target>, Failure> {
        config::check_nearest()?;
        let Some(server) = &self.server else {
            return Ok(None);
        };
        let named = find(server)?;
        let environment = |name: &str| std::env::var(name).ok();
        let here = PathBuf::new();
        let around = Surroundings {
            environment: &environment,
            folder: named.as_ref().map_or(&here, |named| &named.folder),
        };
        let given = match (&self.admin_client, &self.admin_secret_env) {
            (Some(id), Some(variable)) => Some(Auth::client(Credentials {
                id: id.clone(),
                secret: secret::from_env(variable)?,
            })),
            _ => None,
        };
        let in_file = match &named {
            Some(named) if given.is_none() => named
                .entry
                .admin(&named.place, &around)
                .map_err(Failure::usage)?,
            _ => None,
        };
        let admin = given.or(in_file).unwrap_or(Auth::Nobody);
        let mut target = self.transport.target(server, admin, named.as_ref())?;
        if let Some(url) = &self.token_url {
            target.token_url = Some(url.clone());
        }
        if let Some(how) = self.sign_in {
            target.profile.actors.sign_in = how;
        }
        if let Some(named) = &named {
            target.actors = named
                .entry
                .actors(&named.place, &around)
                .map_err(Failure::usage)?;
        }
        if let Some(file) = &self.actors {
            target.actors = Some(actors_file(file)?);
        }
        needs_admin(&target)?;
        Ok(Some(target))
    }
}

/// Better known now than after the first request.
fn needs_admin(target: &Target) -> Result<(), Failure> {
    let nobody = matches!(target.admin, Auth::Nobody);
    if target.actors.is_some()
        || target.profile.actors.provisioning != Provisioning::Medplum
        || !nobody
    {
        return Ok(());
    }
    let profile = &target.profile.name;
    let finding = Diagnostic::error(
        "server/no-admin",
        format!("nobody can make the actors: the profile `{profile}` needs an admin"),
    );
    Err(Failure::usage(finding.with_help(
        "--admin-client ID --admin-secret-env NAME; or --actors FILE for actors who are there; or \
         --profile for an open server, such as hapi",
    )))
}

impl TransportOptions {
    fn target(&self, server: &str, admin: Auth, named: Option<&Named>) -> Result<Target, Failure> {
        let entry = named.map(|named| &named.entry);
        let address = entry.map_or(server, |entry| entry.url.as_str());
        let wanted = self.profile.as_deref();
        let wanted = wanted.or(entry.and_then(|entry| entry.profile.as_deref()));
        let profile = match wanted {
            Some(name) => ServerProfile::load(name).map_err(|error| {
                let finding = Diagnostic::error("server/profile", error.to_string());
                Failure::usage(finding.with_help(error.help))
            })?,
            None => ServerProfile::generic(),
        };
        let mut target = Target::new(address, admin, profile)
            .map_err(|error| Failure::usage(Diagnostic::error("run/server", error.to_string())))?;
        let folder = named.map_or(Path::new(""), |named| &named.folder);
        let of_entry = |file: Option<&PathBuf>| file.map(|file| folder.join(file));
        let ca = self
            .ca
            .clone()
            .or(of_entry(entry.and_then(|e| e.ca.as_ref())));
        let cert = self
            .cert
            .clone()
            .or(of_entry(entry.and_then(|e| e.cert.as_ref())));
        let key = self
            .key
            .clone()
            .or(of_entry(entry.and_then(|e| e.key.as_ref())));
        if let Some(file) = ca {
            target.transport.authorities = Some(bytes("--ca", &file)?);
        }
        match (cert, key) {
            (Some(cert), Some(key)) => {
                let pem = identity(&cert, &key)?;
                target.transport.identity = Some(Arc::new(SecretString::from(pem)));
            }
            (None, None) => {}
            // Of the options clap refuses one alone, so that it is the section's.
            (cert, _) => {
                let place = named.map_or("", |named| named.place.as_str());
                return Err(half_identity(place, cert.is_some()));
            }
        }
        let proxy = self.proxy.as_deref().map(proxy).transpose()?;
        target.transport.proxy = proxy.or(entry.and_then(|e| e.proxy.clone()));
        let transport = target.transport.check(&target.base_url);
        transport.map_err(|error| {
            let finding = Diagnostic::error("server/transport", error.to_string());
            Failure::usage(finding.with_help(error.help()))
        })?;
        if let Some(entry) = entry {
            if let Some(url) = &entry.token_url {
                target.token_url = Some(url.clone());
            }
            if let Some(how) = entry.sign_in {
                target.profile.actors.sign_in = how;
            }
        }
        let rate = self.rate.or(entry.and_then(|e| e.rate));
        let parallel = self.parallel.and_then(|n| usize::try_from(n).ok());
        let parallel = parallel.or(entry.and_then(|e| e.parallel));
        target.traffic = Traffic::limited(rate, parallel);
        Ok(target)
    }
}

fn actors_file(file: &Path) -> Result<ActorsFile, Failure> {
    let source = input::read(file)?;
    let around = Surroundings {
        environment: &|name| std::env::var(name).ok(),
        folder: file.parent().unwrap_or(Path::new("")),
    };
    ActorsFile::read(&source.name, &source.text, &around).map_err(Failure::usage)
}

/// The address of a proxy. It may hold a password, so that it is not repeated.
fn proxy(text: &str) -> Result<Url, Failure> {
    Url::parse(text).map_err(|error| {
        let finding = Diagnostic::error("server/proxy", format!("--proxy: no address: {error}"));
        Failure::usage(
            finding.with_help("--proxy http://HOST:PORT, or http://NAME:PASSWORD@HOST:PORT"),
        )
    })
}

/// The certificate to show with its key, PEM.
fn identity(cert: &Path, key: &Path) -> Result<String, Failure> {
    let mut pem = bytes("--cert", cert)?;
    pem.push(b'\n');
    pem.extend(bytes("--key", key)?);
    String::from_utf8(pem).map_err(|_| {
        let text = "the files of --cert and --key are not PEM".to_owned();
        Failure::usage(Diagnostic::error("server/certificate", text))
    })
}

/// A certificate is shown with its key or not at all.
fn half_identity(place: &str, has_cert: bool) -> Failure {
    let (there, missing) = match has_cert {
        true => ("cert", "key"),
        false => ("key", "cert"),
    };
    let text = format!("{place}: `{there}` without `{missing}`");
    let help = format!("`cert` and `key` go together: add `{missing}`, or take `{there}` away");
    Failure::usage(Diagnostic::error("server/certificate", text).with_help(help))
}

fn bytes(option: &str, file: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(file).map_err(|error| {
        let text = format!("`{}` of {option} cannot be read: {error}", file.display());
        Failure::usage(Diagnostic::error("server/certificate", text))
    })
}

/// The server of a name in the nearest `fhirward.toml`; nothing for an address.
fn find(server: &str) -> Result<Option<Named>, Failure> {
    if server.contains("://") {
        return Ok(None);
    }
    let scheme = |server: &str| {
        Diagnostic::error("run/server", format!("`{server}` has no scheme"))
            .with_help(format!("write {}://{server}", scheme_for(server)))
    };
    // What has a point, a colon or a slash is an address whose scheme was forgotten.
    let like_a_name = !server.contains(['.', ':', '/']) && server != "localhost";
    if !like_a_name {
        return Err(Failure::usage(scheme(server)));
    }
    let Some(file) = config::upward() else {
        let finding = Diagnostic::error(
            "server/unknown",
            format!(
                "`{server}` is no address, and there is no {} that names it",
                config::FILE
            ),
        );
        return Err(Failure::usage(finding.with_help(
            "write an address with http:// or https://, or a section [servers.NAME]",
        )));
    };
    let source = input::read(&file)?;
    let mut known = servers(&source.name, &source.text).map_err(Failure::usage)?;
    match known.remove(server) {
        Some(entry) => Ok(Some(Named {
            entry,
            place: format!("{} [servers.{server}]", source.name),
            folder: config::folder_of(&file),
        })),
        None => {
            let names: Vec<&str> = known.keys().map(String::as_str).collect();
            let help = match names.as_slice() {
                [] => format!("{} has no section [servers.{server}]", source.name),
                names => format!("{} names {}", source.name, names.join(", ")),
            };
            let finding =
                Diagnostic::error("server/unknown", format!("there is no server `{server}`"));
            Err(Failure::usage(finding.with_help(help)))
        }
    }
}

/// The scheme that an address without one was most likely meant to have.
fn scheme_for(address: &str) -> &'static str {
    let local = ["localhost", "127.", "[::1]"];
    if local.iter().any(|start| address.starts_with(start)) {
        "http"
    } else {
        "https"
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("read=5", Ok(TimeKind::Read))]
    #[case("sign-in=0.5", Ok(TimeKind::SignIn))]
    #[case("reed=5", Err("`reed` is no kind of request: connect, read"))]
    #[case("read", Err("write KIND=SECS"))]
    #[case("read=0", Err("seconds, more than 0"))]
    fn times_for_kinds(#[case] text: &str, #[case] wanted: Result<TimeKind, &str>) {
        match (timeout_for(text), wanted) {
            (Ok((kind, _)), Ok(wanted)) => assert_eq!(kind, wanted),
            (Err(error), Err(wanted)) => assert!(error.starts_with(wanted), "{error}"),
            (found, wanted) => panic!("{found:?}, not {wanted:?}"),
        }
    }
}
