//! `fhirward clean`: removes what runs left behind.

use std::sync::Arc;

use fhirward_engine::diagnostic::Diagnostic;
use fhirward_harness::actor::{Project, SetupError, Sweep, Swept};
use fhirward_harness::client::{ClientError, Redactor};
use fhirward_harness::report::{CleanupReport, Report};
use jiff::{Span, Timestamp, ToSpan};
use serde_json::{Value, json};

use super::server_options::ServerOptions;
use crate::exit::Exit;
use crate::output::{Failure, Output};
use crate::render;

/// Remove what runs left behind on a server.
///
/// It is found by the tag that everything of a run carries, and logins that a run did not finish by the
/// name that it gave them. What refers goes first, then what is referred to. Ends with 3 where something remains.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("what").required(true).multiple(true))]
pub struct Args {
    #[command(flatten)]
    server: ServerOptions,
    /// The run, as its report names it.
    #[arg(long, value_name = "ID", group = "what")]
    run: Option<String>,
    /// Everything of any run that was last changed longer ago: 30m, 12h, 7d.
    #[arg(long, value_name = "TIME", group = "what", value_parser = age)]
    older_than: Option<Span>,
    /// Only show what would be removed.
    #[arg(long)]
    dry_run: bool,
}

fn age(text: &str) -> Result<Span, String> {
    let wrong = || "a number and m, h or d, such as 12h".to_owned();
    let unit = text.chars().next_back().ok_or_else(wrong)?;
    let number = text.strip_suffix(unit).unwrap_or_default();
    let number: i64 = number.parse().map_err(|_| wrong())?;
    if !(0..=1_000_000).contains(&number) {
        return Err(wrong());
    }
    match unit {
        'm' => Ok(number.minutes()),
        'h' => Ok(number.hours()),
        'd' => Ok((number * 24).hours()),
        _ => Err(wrong()),
    }
}

/// What a run removed at its end: its own, and that of each scenario.
fn cleanups(report: &Report) -> impl Iterator<Item = &CleanupReport> {
    let scenarios = report.scenarios.iter().map(|scenario| &scenario.cleanup);
    std::iter::once(&report.cleanup).chain(scenarios)
}

/// Says how to remove what a run left behind on a server.
pub fn advise(server: Option<&str>, report: &Report, output: Output) {
    let leaves = cleanups(report).any(|cleanup| !cleanup.problems.is_empty());
    if let (Some(server), true) = (server, leaves) {
        output.say(&format!(
            "something is left behind; remove it with: fhirward clean --server {server} --run {}",
            report.id
        ));
    }
}

/// What a run removed, and what it could not, in one document.
pub fn document_of(report: &Report) -> Value {
    let deleted: usize = cleanups(report).map(|cleanup| cleanup.deleted).sum();
    let problems: Vec<&String> = cleanups(report).flat_map(|one| &one.problems).collect();
    json!({ "run": report.id, "server": report.server.url, "deleted": deleted, "problems": problems })
}

/// Removes, and says what.
pub fn run(args: &Args, output: Output) -> Result<Exit, Failure> {
    let target = args.server.target()?.ok_or_else(|| {
        let finding = Diagnostic::error("clean/server", "which server?");
        Failure::usage(finding.with_help("--server URL, with the way in for its admin"))
    })?;
    if args.run.as_deref().is_some_and(|run| !is_run(run)) {
        let finding = Diagnostic::error("clean/run", "this is no id of a run");
        let help = "32 characters, 0 to 9 and a to f; the report of a run names it";
        return Err(Failure::usage(finding.with_help(help)));
    }
    let before = match &args.older_than {
        Some(age) => Some(Timestamp::now().checked_sub(*age).map_err(|_| {
            Failure::usage(Diagnostic::error("clean/age", "that is before all time"))
        })?),
        None => None,
    };
    let mut sweep = Sweep {
        run: args.run.clone(),
        before,
        dry: args.dry_run,
        project: None,
    };
    let limits = args.server.patience.limits();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| could_not(&error.to_string(), ""))?;
    let swept = runtime.block_on(async {
        let redactor = Redactor::default();
        let mut project = Project::open(&Arc::new(target), "clean", limits, &redactor)
            .await
            .map_err(|error| unopened(&error))?;
        project.software().await.map_err(|error| unopened(&error))?;
        sweep.project = project.id().map(str::to_owned);
        sweep
            .go(project.admin(), project.capabilities())
            .await
            .map_err(|error| unreached(&error))
    })?;
    show(&swept, args.dry_run, output);
    if output.is_json() {
        output.document(&document(&swept, args.dry_run))?;
    }
    let all = swept.left.is_empty() && swept.unseen.is_empty();
    Ok(match (all, swept.deleted.is_empty()) {
        (false, _) => Exit::CouldNotRun,
        (true, true) => Exit::NothingSelected,
        (true, false) => Exit::Ok,
    })
}

fn is_run(run: &str) -> bool {
    run.len() == 32
        && run
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

fn show(swept: &Swept, dry: bool, output: Output) {
    for reference in &swept.deleted {
        output.say(&format!(
            "{} {reference}",
            if dry { "would remove" } else { "removed" }
        ));
    }
    for left in &swept.left {
        output.say(&format!("{} remains: {}", left.reference, left.why));
    }
    for unseen in &swept.unseen {
        output.say(&format!("not looked through: {unseen}"));
    }
    let runs = render::counted(swept.runs.len(), "run", "runs");
    output.say(&format!(
        "{} of {runs} {}{}",
        render::counted(swept.deleted.len(), "resource", "resources"),
        if dry { "found" } else { "removed" },
        match (dry, swept.left.len()) {
            (true, 0) => String::new(),
            (true, left) => format!(", and {left} that cannot be removed"),
            (false, left) => format!(", {left} left"),
        }
    ));
}

fn document(swept: &Swept, dry: bool) -> Value {
    let left: Vec<Value> = swept
        .left
        .iter()
        .map(|left| json!({ "reference": left.reference, "reason": left.why }))
        .collect();
    json!({
        "dry_run": dry,
        "runs": swept.runs,
        "removed": swept.deleted,
        "left": left,
        "not_looked_through": swept.unseen,
    })
}

fn unopened(error: &SetupError) -> Failure {
    could_not(&error.to_string(), &error.help)
}

fn unreached(error: &ClientError) -> Failure {
    could_not(&error.to_string(), error.help())
}

fn could_not(why: &str, help: &str) -> Failure {
    let finding = Diagnostic::error("clean/could-not-run", why);
    Failure::new(
        Exit::CouldNotRun,
        if help.is_empty() {
            finding
        } else {
            finding.with_help(help)
        },
    )
}
