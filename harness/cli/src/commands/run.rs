//! `fhirward run`: the main job.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use fhirward_engine::diagnostic::Diagnostic;
use fhirward_harness::Suite;
use fhirward_harness::client::{Credentials, Limits, ServerProfile, Target};
use fhirward_harness::report;
use fhirward_harness::run::{Cancel, RunOptions, RunOutcome, SnapshotMode};
use fhirward_harness::scenario::LoadError;
use fhirward_server::Running;

use super::{scenarios, secret};
use crate::exit::Exit;
use crate::output::{Failure, Output};
use crate::progress::Progress;
use crate::signal::{Signal, Signals};

/// Play scenarios as all their actors, and compare what everybody sees with what they may see.
///
/// Without --server it starts the embedded server and plays against that, over HTTP as against any
/// other.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Scenario files or folders. Without: the folder `scenarios`, here or above.
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The server to test: its root, or its FHIR base if that ends with /fhir/R4.
    #[arg(long, value_name = "URL", requires_all = ["admin_client", "admin_secret_env"])]
    server: Option<String>,
    /// The id of the client that administers the project on it.
    #[arg(long, value_name = "ID", requires = "server")]
    admin_client: Option<String>,
    /// The environment variable that holds the client's secret.
    #[arg(long, value_name = "NAME", requires = "server")]
    admin_secret_env: Option<String>,
    /// The token endpoint, where it is not `oauth2/token` on the server.
    #[arg(long, value_name = "URL", requires = "server")]
    token_url: Option<url::Url>,
    /// Also write a report: json=FILE. May be repeated.
    #[arg(long, value_name = "KIND=FILE", value_parser = report_file)]
    report: Vec<PathBuf>,
    /// Play only scenarios whose page/id contains this. May be repeated.
    #[arg(long, value_name = "TEXT")]
    filter: Vec<String>,
    /// How many scenarios to play at the same time.
    #[arg(long, value_name = "N", default_value_t = RunOptions::default().jobs, value_parser = at_least_one)]
    jobs: usize,
    /// How long to wait for an answer.
    #[arg(long, value_name = "SECS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
    /// Compare with snapshots and write nothing. Always so when CI is set.
    #[arg(long)]
    no_snapshot_write: bool,
}

fn report_file(text: &str) -> Result<PathBuf, String> {
    match text.split_once('=') {
        Some(("json", file)) if !file.is_empty() => Ok(PathBuf::from(file)),
        Some(("json", _)) => Err("a file name is missing after json=".to_owned()),
        Some((kind, _)) => Err(format!(
            "there is no report of the kind `{kind}`; known: json"
        )),
        None => Err("write json=FILE".to_owned()),
    }
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("at least 1".to_owned()),
        Ok(jobs) => Ok(jobs),
        Err(_) => Err("not a number".to_owned()),
    }
}

/// Plays, shows and reports.
pub fn run(args: &Args, output: Output) -> Result<Exit, Failure> {
    let paths = scenarios::paths(&args.paths)?;
    for path in &paths {
        scenarios::check_kind(path)?;
    }
    let suite = Suite::load(&paths).map_err(not_loaded)?;
    output.findings(&suite.warnings);
    let target = target_of(args)?;
    let options = RunOptions {
        filter: args.filter.clone(),
        jobs: args.jobs,
        limits: Limits {
            request: Duration::from_secs(args.timeout),
            ..Limits::default()
        },
        snapshots: if args.no_snapshot_write {
            SnapshotMode::CompareOnly
        } else {
            SnapshotMode::Compare
        },
        ci: scenarios::in_ci(),
        cancel: Cancel::default(),
    };
    for file in &args.report {
        // Better known now than after the whole run.
        if let Err(error) = report::check_writable(file) {
            let message = format!("the report `{}` cannot be written: {error}", file.display());
            return Err(Failure::usage(Diagnostic::error("run/report", message)));
        }
    }
    let runtime = tokio::runtime::Runtime::new()
        .map_err(|error| could_not("run/no-runtime", &error.to_string()))?;
    let (outcome, signal) = runtime.block_on(play(&suite, target, &options, output))?;
    finish(args, &outcome, signal, output)
}

async fn play(
    suite: &Suite,
    target: Option<Target>,
    options: &RunOptions,
    output: Output,
) -> Result<(RunOutcome, Option<Signal>), Failure> {
    let (target, embedded) = match target {
        Some(target) => (target, None),
        None => {
            let (target, server) = embedded().await?;
            (target, Some(server))
        }
    };
    let cancel = options.cancel.clone();
    let mut signals = Signals::listen().map_err(|error| {
        could_not(
            "run/signals",
            &format!("signals cannot be waited for: {error}"),
        )
    })?;
    let asked = Arc::new(OnceLock::new());
    let heard = Arc::clone(&asked);
    tokio::spawn(async move {
        if let Ok(signal) = signals.next().await {
            heard.get_or_init(|| signal);
            cancel.cancel();
            output.say(
                "stopping: what the run has created is being removed; Ctrl-C again to leave it",
            );
        }
        if let Ok(signal) = signals.next().await {
            std::process::exit(i32::from(signal.exit().code()));
        }
    });
    let mut progress = Progress::new(output);
    let outcome = fhirward_harness::run::run(suite, &target, options, &mut progress).await;
    if let Some(server) = embedded {
        server
            .stop()
            .await
            .map_err(|error| could_not("run/embedded-server", &error.to_string()))?;
    }
    Ok((outcome, asked.get().copied()))
}

/// The server named on the command line.
fn target_of(args: &Args) -> Result<Option<Target>, Failure> {
    let (Some(server), Some(id), Some(variable)) =
        (&args.server, &args.admin_client, &args.admin_secret_env)
    else {
        return Ok(None);
    };
    if !server.contains("://") {
        return Err(Failure::usage(
            Diagnostic::error("run/server", format!("`{server}` has no scheme"))
                .with_help(format!("write {}://{server}", scheme_for(server))),
        ));
    }
    let admin = Credentials {
        id: id.clone(),
        secret: secret::from_env(variable)?,
    };
    let mut target = Target::new(server, admin, ServerProfile::generic())
        .map_err(|error| Failure::usage(Diagnostic::error("run/server", error.to_string())))?;
    if let Some(url) = &args.token_url {
        target.token_url = url.clone();
    }
    Ok(Some(target))
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

/// A server of our own, reached like any other.
async fn embedded() -> Result<(Target, Running), Failure> {
    let failed = |why: &str| could_not("run/embedded-server", why);
    let admin = fhirward_server::Credentials::random().map_err(|e| failed(&e.to_string()))?;
    let server = fhirward_server::start(fhirward_server::Config::new(admin.clone()))
        .await
        .map_err(|error| failed(&error.to_string()))?;
    let admin = Credentials {
        id: admin.id,
        secret: admin.secret,
    };
    let target = Target::new(server.base_url.as_str(), admin, ServerProfile::embedded())
        .map_err(|error| failed(&error.to_string()))?;
    Ok((target, server))
}

fn finish(
    args: &Args,
    outcome: &RunOutcome,
    signal: Option<Signal>,
    output: Output,
) -> Result<Exit, Failure> {
    // The harness knows that it was interrupted, not by what.
    let exit = match (Exit::of_run(outcome.exit_code()), signal) {
        (Exit::Interrupted, Some(signal)) => signal.exit(),
        (exit, _) => exit,
    };
    output.say(&report::terminal(&outcome.report, output.report_style()));
    let mut document = report::json(&outcome.report);
    if let Some(code) = document.pointer_mut("/summary/exit_code") {
        *code = exit.code().into();
    }
    let mut unwritten = Vec::new();
    for file in &args.report {
        if let Err(error) = report::write_file(file, &format!("{document:#}\n")) {
            unwritten.push(Diagnostic::error(
                "run/report",
                format!("the report `{}` cannot be written: {error}", file.display()),
            ));
        }
    }
    if output.is_json() {
        output.document(&document);
    }
    if unwritten.is_empty() {
        return Ok(exit);
    }
    // What the run found is worse than a report that is missing.
    output.findings(&unwritten);
    Ok(match exit {
        Exit::Ok | Exit::NothingSelected => Exit::CouldNotRun,
        other => other,
    })
}

fn not_loaded(error: LoadError) -> Failure {
    let exit = Exit::of_run(error.exit_code());
    match error {
        LoadError::Invalid(findings) => Failure { exit, findings },
        other => Failure::new(exit, Diagnostic::error("run/scenarios", other.to_string())),
    }
}

fn could_not(code: &'static str, why: &str) -> Failure {
    Failure::new(Exit::CouldNotRun, Diagnostic::error(code, why))
}
