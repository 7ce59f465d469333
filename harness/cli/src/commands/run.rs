//! `fhirward run`: the main job.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use fhirward_engine::diagnostic::Diagnostic;
use fhirward_harness::Suite;
use fhirward_harness::client::{Credentials, ServerProfile, Target};
use fhirward_harness::report;
use fhirward_harness::run::{Cancel, RunOptions, RunOutcome, SnapshotMode};
use fhirward_harness::scenario::LoadError;
use fhirward_server::Running;

use super::bodies::Bodies;
use super::clean;
use super::scenarios;
use super::server_options::ServerOptions;
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
    #[command(flatten)]
    server: ServerOptions,
    /// Also write every request and answer with its body, as JSON Lines. They hold what the server
    /// stores: patients' data on a real one. Secrets are removed.
    #[arg(long, value_name = "FILE")]
    bodies: Option<PathBuf>,
    /// Also write a report: json=FILE. May be repeated.
    #[arg(long, value_name = "KIND=FILE", value_parser = report_file)]
    report: Vec<PathBuf>,
    /// Play only scenarios whose page/id contains this. May be repeated.
    #[arg(long, value_name = "TEXT")]
    filter: Vec<String>,
    /// How many scenarios to play at the same time.
    #[arg(long, value_name = "N", default_value_t = RunOptions::default().jobs, value_parser = at_least_one)]
    jobs: usize,
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
    let target = args.server.target()?;
    let bodies = args.bodies.as_deref().map(Bodies::create).transpose()?;
    let options = RunOptions {
        filter: args.filter.clone(),
        jobs: args.jobs,
        limits: args.server.patience.limits(),
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
    let (outcome, signal) =
        runtime.block_on(play(&suite, target, &options, bodies.as_ref(), output))?;
    if let Some(bodies) = bodies {
        bodies.end()?;
    }
    finish(args, &outcome, signal, output)
}

async fn play(
    suite: &Suite,
    target: Option<Target>,
    options: &RunOptions,
    bodies: Option<&Bodies>,
    output: Output,
) -> Result<(RunOutcome, Option<Signal>), Failure> {
    let (mut target, embedded) = match target {
        Some(target) => (target, None),
        None => {
            let (target, server) = embedded().await?;
            (target, Some(server))
        }
    };
    if let Some(bodies) = bodies {
        target.traffic = bodies.hearing(&target.traffic);
    }
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
    if let (Some(server), true) = (&args.server.server, clean::leaves(&outcome.report)) {
        output.say(&format!(
            "something is left behind; remove it with: fhirward clean --server {server} --run {}",
            outcome.report.id
        ));
    }
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
