//! `fhirward run`: the main job.

mod against;
mod held;
pub mod memory;
mod noise;
pub mod outputs;
mod watch;

use std::path::PathBuf;

use fhirward_engine::diagnostic::{Diagnostic, Severity};
use fhirward_harness::Suite;
use fhirward_harness::client::{Credentials, ServerProfile, Target};
use fhirward_harness::expect::against::Comparison;
use fhirward_harness::expect::learn;
use fhirward_harness::report::{self, Event, EventSink as _, Recorded, Report};
use fhirward_harness::run::{Cancel, RunOptions, SnapshotMode};
use fhirward_harness::scenario::LoadError;
use fhirward_server::Running;
use serde_json::{Value, json};

use self::held::Held;
use self::memory::Memory;
use self::outputs::Outputs;
use super::bodies::Bodies;
use super::clean;
use super::scenarios;
use super::server_options::ServerOptions;
use crate::config;
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
    #[command(flatten)]
    outputs: Outputs,
    /// Play only scenarios whose page/id contains this. May be repeated.
    #[arg(long, value_name = "TEXT")]
    filter: Vec<String>,
    /// How many scenarios to play at the same time.
    #[arg(long, value_name = "N", default_value_t = RunOptions::default().jobs, value_parser = at_least_one)]
    jobs: usize,
    /// Compare with snapshots and write nothing. Always so when CI is set.
    #[arg(long)]
    no_snapshot_write: bool,
    /// Play only what did not pass when it was last played here.
    #[arg(long)]
    last_failed: bool,
    #[command(flatten)]
    held: Held,
    /// Play on this server too, and show what the two do differently: the name of one in
    /// `fhirward.toml`, or `embedded`. The first is played twice: where it differs from itself, the
    /// difference is noise. Snapshots are left alone.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["watch", "last_failed", "report", "bodies"], help_heading = "Two servers")]
    against: Option<String>,
    /// Leave out what both servers do and only say differently: another status of the same class,
    /// another order.
    #[arg(long, requires = "against", help_heading = "Two servers")]
    ignore_shape: bool,
    /// Play twice, leave the snapshots alone, and propose as noise what differs and proves nothing:
    /// statuses of one class, orders, values that steps assert. Never who sees what.
    #[arg(long, conflicts_with_all = ["watch", "last_failed", "report", "bodies", "against"])]
    learn_noise: bool,
    /// Stay, and play again what a changed scenario, state, policy or snapshot touches.
    #[arg(long, conflicts_with = "last_failed")]
    watch: bool,
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
    let target = args.server.target()?;
    args.outputs.check(output)?;
    let memory = Memory::here()?;
    let load = || {
        // Where a run stays it is read again, and may have become wrong.
        config::check_nearest()?;
        let suite = Suite::load(&paths).map_err(not_loaded)?;
        // Advice to the author is `scenario check`'s.
        let warnings = |finding: &&Diagnostic| finding.severity >= Severity::Warning;
        let warnings: Vec<_> = suite.findings.iter().filter(warnings).cloned().collect();
        output.findings(&warnings);
        Ok::<Suite, Failure>(suite)
    };
    let round = Round {
        args,
        target,
        memory: &memory,
        output,
    };
    let runtime = tokio::runtime::Runtime::new()
        .map_err(|error| could_not("run/no-runtime", &error.to_string()))?;
    if args.watch {
        if output.is_json() {
            return Err(Failure::usage(
                Diagnostic::error("run/watch", "--watch writes no JSON")
                    .with_help("a run without --watch writes one document"),
            ));
        }
        let mut play = async |suite: Suite| {
            let (exit, report) = round.play(&suite).await?;
            Ok(stopped(&report).map(|_| exit))
        };
        return runtime.block_on(watch::watch(&paths, output, &load, &mut play));
    }
    let mut suite = load()?;
    if args.last_failed {
        memory.failed()?.narrow(&mut suite);
        if suite.scenarios.is_empty() && suite.obsolete.is_empty() {
            output.say("everything passed when it was last played");
        }
    }
    if let Some(other) = &args.against {
        return runtime.block_on(round.compare(&suite, other));
    }
    if args.learn_noise {
        return runtime.block_on(round.learn(&suite));
    }
    let (exit, _) = runtime.block_on(round.play(&suite))?;
    Ok(exit)
}

/// All that stays the same from one round of a watch to the next.
struct Round<'a> {
    args: &'a Args,
    target: Option<Target>,
    memory: &'a Memory,
    output: Output,
}

impl Round<'_> {
    fn options(&self, snapshots: SnapshotMode) -> Result<RunOptions, Failure> {
        let args = self.args;
        Ok(RunOptions {
            filter: args.filter.clone(),
            jobs: args.jobs,
            limits: args.server.patience.limits(),
            snapshots,
            ci: scenarios::in_ci(),
            expectation: args.held.read(self.target.as_ref(), self.output)?,
            cancel: Cancel::default(),
        })
    }

    /// Plays a suite on servers one after the other, without snapshots, until somebody stops it.
    async fn play_on(
        &self,
        suite: &Suite,
        servers: Vec<(Option<&str>, Option<Target>)>,
    ) -> Result<Twice, Failure> {
        let mut all = Twice::default();
        for (server, target) in servers {
            let options = self.options(SnapshotMode::Off)?;
            let played = play(self.args, suite, target, &options, None, self.output).await?;
            clean::advise(server, &played.report, self.output);
            let is_over = stopped(&played.report).is_some();
            all.reports.push(played.report);
            all.unwritten.extend(played.unwritten);
            if is_over {
                break;
            }
        }
        Ok(all)
    }

    /// Plays a suite on two servers, and twice on the first.
    async fn compare(&self, suite: &Suite, other: &str) -> Result<Exit, Failure> {
        let (name, other) = match other {
            "embedded" => (None, None),
            name => (Some(name), ServerOptions::named(name)?.target()?),
        };
        let first = (self.server(), self.target.clone());
        let servers = vec![first.clone(), first, (name, other)];
        let played = self.play_on(suite, servers).await?;
        let [a, again, b] = played.reports.as_slice() else {
            return Ok(self.broken_off(played));
        };
        let compared = Comparison::of(a, Some(again), b);
        let without_shape = self.args.ignore_shape;
        let (exit, mut document) =
            against::show(compared, &[a, again, b], without_shape, self.output);
        played.add_cleanup(&mut document);
        Ok(self.end(exit, &document, played.unwritten))
    }

    /// Plays a suite twice, and tells what of it is noise.
    async fn learn(&self, suite: &Suite) -> Result<Exit, Failure> {
        let first = (self.server(), self.target.clone());
        let played = self.play_on(suite, vec![first.clone(), first]).await?;
        let [first, second] = played.reports.as_slice() else {
            return Ok(self.broken_off(played));
        };
        // What was not played to its end does not say what differs.
        if stopped(second).is_some() {
            return Ok(self.broken_off(played));
        }
        let writes = suite.on_disk && !scenarios::in_ci();
        let learned = learn(suite, first, second, writes);
        let (exit, mut document) = noise::show(&learned, self.output);
        played.add_cleanup(&mut document);
        Ok(self.end(exit, &document, played.unwritten))
    }

    /// The server as it was named on the command line; nothing for the embedded one.
    fn server(&self) -> Option<&str> {
        self.args.server.server.as_deref()
    }

    /// The end of several runs of which not all came to theirs.
    fn broken_off(&self, played: Twice) -> Exit {
        let exit = played.reports.iter().find_map(stopped);
        let exit = exit.unwrap_or(Exit::CouldNotRun);
        let mut document = json!({ "exit_code": exit.code(), "scenarios": [] });
        played.add_cleanup(&mut document);
        self.output
            .say("stopped before there was anything to compare");
        self.end(exit, &document, played.unwritten)
    }

    /// Plays a suite once, shows what happened, and writes what was asked for.
    async fn play(&self, suite: &Suite) -> Result<(Exit, Report), Failure> {
        let (args, output) = (self.args, self.output);
        let options = self.options(if args.no_snapshot_write {
            SnapshotMode::CompareOnly
        } else {
            SnapshotMode::Compare
        })?;
        let bodies = args.bodies.as_deref().map(Bodies::create).transpose()?;
        let target = self.target.clone();
        let Played {
            report,
            recorded,
            mut unwritten,
        } = play(args, suite, target, &options, bodies.as_ref(), output).await?;
        unwritten.extend(bodies.and_then(Bodies::end));
        if !options.ci && !recorded.is_empty() {
            let whole = args.filter.is_empty() && (args.paths.is_empty() || args.last_failed);
            self.memory.remember(&recorded, whole, output);
        }
        output.say(&report::terminal(&report, output.report_style()));
        clean::advise(self.server(), &report, output);
        unwritten.extend(args.outputs.write(&recorded, true, output));
        let exit = Exit::of_run(report.summary().exit_code());
        Ok((self.end(exit, &report::json(&report), unwritten), report))
    }

    /// Hands a program its document, and says what could not be written.
    fn end(&self, exit: Exit, document: &Value, mut unwritten: Vec<Diagnostic>) -> Exit {
        if self.output.is_json() {
            unwritten.extend(outputs::unsaid(self.output.document(document)));
        }
        ending(exit, &unwritten, self.output)
    }
}

/// How a command ends that showed a run, and says what of it could not be written. What the run found
/// is worse than that.
pub fn ending(exit: Exit, unwritten: &[Diagnostic], output: Output) -> Exit {
    output.unwritten(unwritten);
    match exit {
        Exit::Ok | Exit::NothingSelected if !unwritten.is_empty() => Exit::CouldNotRun,
        other => other,
    }
}

/// How a command ends whose run was stopped, and by what.
pub fn stopped(report: &Report) -> Option<Exit> {
    if report.terminated {
        Some(Exit::Terminated)
    } else if report.interrupted {
        Some(Exit::Interrupted)
    } else {
        None
    }
}

/// A run that came to its end.
struct Played {
    report: Report,
    recorded: Vec<Recorded>,
    /// What of it could not be written or closed.
    unwritten: Vec<Diagnostic>,
}

/// The same suite, played more than once.
#[derive(Default)]
struct Twice {
    reports: Vec<Report>,
    unwritten: Vec<Diagnostic>,
}

impl Twice {
    /// What each run removed at its end, and what it could not, for programs.
    fn add_cleanup(&self, document: &mut Value) {
        let cleanup: Vec<Value> = self.reports.iter().map(clean::document_of).collect();
        if let Some(members) = document.as_object_mut() {
            members.insert("cleanup".to_owned(), cleanup.into());
        }
    }
}

async fn play(
    args: &Args,
    suite: &Suite,
    target: Option<Target>,
    options: &RunOptions,
    bodies: Option<&Bodies>,
    output: Output,
) -> Result<Played, Failure> {
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
    let listening = tokio::spawn(async move {
        match signals.next().await {
            Ok(Signal::Interrupt) => cancel.cancel(),
            Ok(Signal::Terminate) => cancel.terminate(),
            Err(_) => return,
        }
        output.say("stopping: what the run has created is being removed; Ctrl-C again to leave it");
        if signals.next().await.is_err() {
            return;
        }
        cancel.abandon();
        // Reports are written meanwhile; who cannot wait for that either gets no more.
        if let Ok(signal) = signals.next().await {
            std::process::exit(i32::from(signal.exit().code()));
        }
    });
    let mut progress = Progress::new(output);
    let mut recorder = args.outputs.recorder(output);
    let mut sink = |event: &Event| {
        recorder.event(event);
        progress.event(event);
    };
    let outcome = fhirward_harness::run::run(suite, &target, options, &mut sink).await;
    listening.abort();
    let (recorded, mut unwritten) = recorder.into_recorded();
    if let Some(server) = embedded
        && let Err(error) = server.stop().await
    {
        unwritten.push(Diagnostic::error("run/embedded-server", error.to_string()));
    }
    Ok(Played {
        report: outcome.report,
        recorded,
        unwritten,
    })
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
