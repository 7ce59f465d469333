//! `fhirward review`: a person looks at what changed.

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::PathBuf;
use std::slice;

use fhirward_engine::diagnostic::Diagnostic;
use fhirward_harness::expect::Difference;
use fhirward_harness::expect::review::{self, Pending, ReviewError};
use fhirward_harness::report::{self, Report};
use serde_json::{Value, json};

use super::run::memory::Memory;
use super::scenarios;
use crate::exit::Exit;
use crate::input;
use crate::output::{Failure, Output};
use crate::render;

/// Look at pending snapshots, and accept or reject them one by one.
///
/// Ends with 4 while something is still pending.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Scenario files or folders. Without: the folder `scenarios`, here or above.
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Accept the pending snapshot of this scenario. May be repeated.
    #[arg(long, value_name = "ID")]
    accept: Vec<String>,
    /// Throw the pending snapshot of this scenario away. May be repeated.
    #[arg(long, value_name = "ID")]
    reject: Vec<String>,
    /// Accept every pending snapshot.
    #[arg(long, conflicts_with = "accept")]
    accept_all: bool,
    /// Why it is right that somebody sees more than before; kept in the snapshots that --accept or
    /// --accept-all accepts.
    #[arg(long, value_name = "REASON")]
    accept_widening: Option<String>,
    /// Keep what is accepted for the server profile of its run only, as ID@PROFILE.
    #[arg(long, conflicts_with = "for_all")]
    for_profile: bool,
    /// Keep what is accepted for all server profiles that have no snapshot of their own.
    #[arg(long)]
    for_all: bool,
}

/// For which runs a snapshot is kept.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kept {
    /// As the run proposes.
    Proposed,
    /// For the profile of the run.
    ForProfile,
    /// For all.
    ForAll,
}

impl Kept {
    fn of(self, one: Pending) -> Result<Pending, ReviewError> {
        match self {
            Self::Proposed => Ok(one),
            Self::ForProfile => one.for_profile(),
            Self::ForAll => one.for_all(),
        }
    }
}

/// What becomes of a pending snapshot.
enum Choice {
    Accept(Option<String>),
    Reject,
    Skip,
    Quit,
}

/// Shows what is pending and does what is asked for.
pub fn run(args: &Args, output: Output) -> Result<Exit, Failure> {
    check_selection(args)?;
    let paths = scenarios::paths(&args.paths)?;
    for path in &paths {
        // A pending snapshot outlives its scenario, and is then all that is there.
        let there =
            path.exists() || review::pending(slice::from_ref(path)).is_ok_and(|p| !p.is_empty());
        if !there {
            return Err(input::missing(path));
        }
    }
    let pending = review::pending(&paths).map_err(|error| failure(&error))?;
    for id in args.accept.iter().chain(&args.reject) {
        if !pending.iter().any(|one| one.scenario == *id) {
            return Err(not_pending(id, &pending));
        }
    }
    let asked = args.accept_all || !args.accept.is_empty() || !args.reject.is_empty();
    if asked && scenarios::in_ci() {
        return Err(Failure::usage(
            Diagnostic::error("review/in-ci", "a CI job cannot accept its own result")
                .with_help("review on your machine and commit the snapshots"),
        ));
    }
    let interactive =
        !asked && !output.is_json() && io::stdin().is_terminal() && io::stderr().is_terminal();
    let total = pending.len();
    let last = last_run();
    let mut widening = false;
    let (mut accepted, mut rejected) = (Vec::new(), Vec::new());
    let mut open: Vec<Value> = Vec::new();
    let mut stopped = false;
    for (at, one) in pending.into_iter().enumerate() {
        let (one, choice) = if asked {
            let choice = by_arguments(args, &one.scenario);
            let kept = match &choice {
                Choice::Accept(_) if args.for_profile => Kept::ForProfile,
                Choice::Accept(_) if args.for_all => Kept::ForAll,
                _ => Kept::Proposed,
            };
            (kept.of(one).map_err(|error| failure(&error))?, choice)
        } else if stopped {
            (one, Choice::Skip)
        } else {
            show(&one, last.as_ref(), output);
            if interactive {
                ask(one, (at, total), last.as_ref(), output)?
            } else {
                (one, Choice::Skip)
            }
        };
        let id = one.scenario.clone();
        if matches!(choice, Choice::Skip | Choice::Quit) {
            widening |= one.needs_reason();
        }
        match choice {
            Choice::Accept(reason) => {
                one.accept(reason.as_deref())
                    .map_err(|error| failure(&error))?;
                output.say(&format!("accepted {id}"));
                accepted.push(id);
            }
            Choice::Reject => {
                one.reject().map_err(|error| failure(&error))?;
                output.say(&format!("rejected {id}"));
                rejected.push(id);
            }
            Choice::Skip => open.push(described(&one, last.as_ref())),
            Choice::Quit => {
                stopped = true;
                open.push(described(&one, last.as_ref()));
            }
        }
    }
    let exit = if open.is_empty() {
        Exit::Ok
    } else {
        Exit::Failed
    };
    output.say(&format!(
        "{} accepted, {} rejected, {} still pending",
        accepted.len(),
        rejected.len(),
        open.len()
    ));
    if !open.is_empty() && !interactive {
        output.say("accept with: fhirward review --accept ID, or --accept-all");
        if widening {
            output.say(
                "what shows more than before (!), or may do so, also needs: \
                 --accept-widening \"reason\"",
            );
        }
    }
    if output.is_json() {
        output.document(&json!({
            "exit_code": exit.code(),
            "accepted": accepted,
            "rejected": rejected,
            "pending": open,
        }))?;
    }
    Ok(exit)
}

/// Refuses options that contradict each other or apply to nothing.
fn check_selection(args: &Args) -> Result<(), Failure> {
    if let Some(id) = args.accept.iter().find(|id| args.reject.contains(id)) {
        return Err(Failure::usage(
            Diagnostic::error(
                "review/conflict",
                format!("`{id}` is to be accepted and to be rejected"),
            )
            .with_help("name it once: with --accept or with --reject"),
        ));
    }
    let nothing = !args.accept_all && args.accept.is_empty();
    for (option, given, help) in [
        (
            "--accept-widening",
            args.accept_widening.is_some(),
            "in a conversation, the reason is asked for",
        ),
        (
            "--for-profile",
            args.for_profile,
            "in a conversation, `p` does it",
        ),
        ("--for-all", args.for_all, "in a conversation, `e` does it"),
    ] {
        if given && nothing {
            return Err(Failure::usage(
                Diagnostic::error(
                    "review/nothing-accepted",
                    format!(
                        "{option} applies to what --accept ID or --accept-all accepts, and \
                         neither is given"
                    ),
                )
                .with_help(help),
            ));
        }
    }
    Ok(())
}

fn by_arguments(args: &Args, id: &str) -> Choice {
    let named = |list: &[String]| list.iter().any(|one| one == id);
    if named(&args.reject) {
        Choice::Reject
    } else if args.accept_all || named(&args.accept) {
        Choice::Accept(args.accept_widening.clone())
    } else {
        Choice::Skip
    }
}

/// The last run, where one is remembered: it knows why somebody sees something else than before. What
/// it does not tell of, or where there is none, is shown without a reason.
fn last_run() -> Option<Report> {
    let file = Memory::here().ok()?.last_run();
    let recorded = report::read(&std::fs::read_to_string(file).ok()?).ok()?;
    let events: Vec<_> = recorded.into_iter().map(|one| one.event).collect();
    Some(Report::of(&events))
}

/// Why a difference came about, by the policies of the run that wrote the pending snapshot.
fn why(one: &Pending, difference: &Difference, last: Option<&Report>) -> Option<String> {
    let Difference::Sight {
        step,
        actor,
        resource,
        was,
        is,
    } = difference
    else {
        return None;
    };
    report::why_changed(last?, &one.pending)
        .into_iter()
        .find(|(change, _)| {
            (&change.after, &change.actor, &change.resource) == (step, actor, resource)
                && (change.was, change.is) == (*was, *is)
        })
        .map(|(_, why)| why)
}

fn described(one: &Pending, last: Option<&Report>) -> Value {
    json!({
        "scenario": one.scenario,
        "snapshot": one.snapshot.display().to_string(),
        "profile": one.profile(),
        "first": one.old.is_none() && one.unreadable.is_none(),
        "unreadable": one.unreadable.as_ref().map(ToString::to_string),
        "differences": one.differences.iter().map(|difference| json!({
            "text": difference.to_string(),
            "widening": difference.is_widening(),
            "why": why(one, difference, last),
        })).collect::<Vec<_>>(),
    })
}

fn show(one: &Pending, last: Option<&Report>, output: Output) {
    output.say(&format!("{}  ({})", one.scenario, one.snapshot.display()));
    let first_of_profile = one.is_of_profile() && !one.snapshot.exists();
    if let (true, Some(profile)) = (first_of_profile, one.profile()) {
        output.say(&format!(
            "  {profile} differs here from the server that the common snapshot was accepted from; \
             accepting keeps this for {profile} only"
        ));
    }
    if let Some(why) = &one.unreadable {
        output.say(&format!(
            "  ! the accepted snapshot cannot be read, so nobody can tell whether this shows more \
             than before\n    {why}"
        ));
        output.say("  restore it from version control and run again, or look at all of this:");
    } else if one.old.is_none() {
        output.say("  no accepted snapshot yet; this is the whole of it:");
    }
    if one.old.is_none() {
        for line in one.new.to_string().lines() {
            output.say(&format!("    {}", report::printable(line)));
        }
    }
    for difference in &one.differences {
        let mark = if difference.is_widening() { "!" } else { "-" };
        let text = report::printable(&difference.to_string());
        output.say(&format!("  {mark} {text}"));
        if let Some(why) = why(one, difference, last) {
            output.say(&format!("      {}", report::printable(&why)));
        }
    }
    let widenings = one.widenings().count();
    if widenings > 0 {
        output.say(&format!(
            "  {} marked with ! show somebody more than before",
            render::plural(widenings, "difference")
        ));
    }
    output.say("");
}

fn ask(
    mut one: Pending,
    (at, total): (usize, usize),
    last: Option<&Report>,
    output: Output,
) -> Result<(Pending, Choice), Failure> {
    // Where there is nothing accepted yet, there is nothing to differ from.
    let other = match one.profile() {
        _ if one.old.is_none() => String::new(),
        Some(_) if one.is_of_profile() => " accept for [e]very server,".to_owned(),
        Some(profile) => format!(" accept for [p]rofile {profile} only,"),
        None => String::new(),
    };
    loop {
        let answer = prompt(&format!(
            "{} of {total}: [a]ccept,{other} [r]eject, [s]kip, [q]uit? ",
            at + 1
        ))?;
        let kept = match answer.as_deref().map(str::trim) {
            Some("a" | "accept") => Kept::Proposed,
            Some("p" | "profile") if other.contains("[p]") => Kept::ForProfile,
            Some("e" | "every") if other.contains("[e]") => Kept::ForAll,
            Some("r" | "reject") => return Ok((one, Choice::Reject)),
            Some("s" | "skip" | "") => return Ok((one, Choice::Skip)),
            Some("q" | "quit") | None => return Ok((one, Choice::Quit)),
            Some(_) => continue,
        };
        one = kept.of(one).map_err(|error| failure(&error))?;
        if kept != Kept::Proposed {
            // Compared with another snapshot, it may show more than was shown above.
            show(&one, last, output);
        }
        if !one.needs_reason() {
            return Ok((one, Choice::Accept(None)));
        }
        let reason = prompt("why is it right that they see what they see? ")?.unwrap_or_default();
        if !reason.trim().is_empty() {
            let reason = reason.trim().to_owned();
            return Ok((one, Choice::Accept(Some(reason))));
        }
        output.say("not accepted: a widening needs a reason");
    }
}

/// A line from the terminal; nothing at its end.
fn prompt(question: &str) -> Result<Option<String>, Failure> {
    let read = || -> io::Result<Option<String>> {
        let mut stderr = io::stderr().lock();
        write!(stderr, "{question}")?;
        stderr.flush()?;
        let mut line = String::new();
        let read = io::stdin().lock().read_line(&mut line)?;
        Ok((read > 0).then_some(line))
    };
    read().map_err(|error| closed(&error))
}

fn not_pending(id: &str, pending: &[Pending]) -> Failure {
    let finding = Diagnostic::error(
        "review/not-pending",
        format!("`{id}` has no pending snapshot"),
    );
    let known: Vec<&str> = pending.iter().map(|one| one.scenario.as_str()).collect();
    Failure::usage(if known.is_empty() {
        finding.with_help("nothing is pending: `fhirward run` writes what differs")
    } else {
        finding.with_help(format!("pending: {}", known.join(", ")))
    })
}

fn closed(error: &io::Error) -> Failure {
    Failure::new(
        Exit::CouldNotRun,
        Diagnostic::error("review/terminal", format!("the terminal is gone: {error}")),
    )
}

fn failure(error: &ReviewError) -> Failure {
    let finding = Diagnostic::error("review/failed", error.to_string());
    match error {
        ReviewError::NeedsReason { .. } => Failure::usage(finding.with_help(
            "somebody sees more than before; if that is right, say why: \
             --accept-widening \"reason\"",
        )),
        ReviewError::NeedsReasonUnread { .. } => Failure::usage(finding.with_help(
            "restore the snapshot from version control and run the scenario again; or look at all \
             of the pending one and say why it is right: --accept-widening \"reason\"",
        )),
        ReviewError::Unreadable(_) => Failure::new(
            Exit::Invalid,
            finding.with_help("delete the file and run the scenario again"),
        ),
        ReviewError::NoProfile(_) => Failure::usage(
            finding
                .with_help("an older run wrote it: run the scenario again, or accept it for all"),
        ),
        ReviewError::File { .. } => Failure::new(Exit::CouldNotRun, finding),
    }
}
