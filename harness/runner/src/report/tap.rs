//! The run as TAP version 14: a point for each step, and for what the harness itself does.
//! Source: testanything.org/tap-version-14-specification.html.

use serde_json::Value;

use super::grid::moment;
use super::issues;
use super::model::Report;
use super::points::{self, Outcome, Phase, Point};
use crate::scenario::GIVEN;

/// The document.
pub fn document(report: &Report) -> String {
    let mut out = String::from("TAP version 14\n");
    let mut points: Vec<(String, Point<'_>)> = Vec::new();
    for scenario in &report.scenarios {
        let name = issues::name(scenario);
        let found = with_looks(points::of_scenario(report, scenario));
        points.extend(found.into_iter().map(|point| (name.clone(), point)));
    }
    let of_run = points::of_run(report);
    points.extend(of_run.into_iter().map(|point| ("run".to_owned(), point)));
    push(&mut out, &format!("1..{}", points.len()));
    for (at, (scenario, point)) in points.iter().enumerate() {
        write(&mut out, at + 1, scenario, point);
    }
    if let Some((reason, _)) = &report.aborted {
        push(&mut out, &format!("Bail out! {}", one_line(reason)));
    } else if report.interrupted {
        push(&mut out, "Bail out! the run was interrupted");
    }
    out
}

/// What everybody sees after a step belongs to the step.
fn with_looks(points: Vec<Point<'_>>) -> Vec<Point<'_>> {
    let mut folded: Vec<Point<'_>> = Vec::new();
    for point in points {
        let Some(cell) = point.cell else {
            folded.push(point);
            continue;
        };
        let known = folded.iter_mut().rev().find(|earlier| {
            let is_look = earlier.phase == Phase::Look && cell.after == GIVEN;
            let is_step = earlier
                .step
                .is_some_and(|step| !step.given && step.id == cell.after);
            is_look || is_step
        });
        match known {
            Some(owner) => fold(owner, point),
            None => {
                let name = format!("who sees what {}", moment(&cell.after));
                let mut owner = Point::new(Phase::Look, name, (point.file, point.line));
                fold(&mut owner, point);
                folded.push(owner);
            }
        }
    }
    folded
}

fn fold<'r>(owner: &mut Point<'r>, look: Point<'r>) {
    if weight(&look) > weight(owner) {
        owner.outcome = look.outcome;
        owner.kind = look.kind;
        owner.message.clone_from(&look.message);
    }
    owner.leak |= look.leak;
    if look.outcome != Outcome::Passed {
        owner.details.extend(look.message);
        // What the step says too is not said twice.
        for line in look.details {
            if !owner.details.contains(&line) {
                owner.details.push(format!("  {line}"));
            }
        }
    }
}

/// What of several things decides how a point ends: a leak above all.
fn weight(point: &Point<'_>) -> u8 {
    match point.outcome {
        _ if point.leak => 4,
        Outcome::Failed => 3,
        Outcome::Error => 2,
        Outcome::Skipped => 1,
        Outcome::Passed => 0,
    }
}

fn write(out: &mut String, number: usize, scenario: &str, point: &Point<'_>) {
    let sign = match point.outcome {
        Outcome::Passed | Outcome::Skipped => "ok",
        Outcome::Failed | Outcome::Error => "not ok",
    };
    let mut description = format!("{scenario}: {}", point.name);
    if let Some(step) = point.step {
        description.push_str(&format!(" ({} {} {})", step.actor, step.verb, step.target));
    }
    let mut text = format!("{sign} {number} - {}", escaped(&description));
    if point.outcome == Outcome::Skipped {
        let reason = point.message.as_deref().unwrap_or(point.kind);
        text.push_str(&format!(" # SKIP {}", escaped(reason)));
    }
    push(out, &text);
    let failed = matches!(point.outcome, Outcome::Failed | Outcome::Error);
    if failed || point.is_flaky() {
        block(out, point);
    }
    let notes = point.step.is_none() && point.outcome == Outcome::Passed;
    if notes || point.phase == Phase::Cleanup {
        for line in &point.details {
            push(out, &format!("# {}: {}", point.name, one_line(line)));
        }
    }
}

/// The YAML block. Every value is JSON, which YAML is too.
fn block(out: &mut String, point: &Point<'_>) {
    push(out, "  ---");
    let mut add = |name: &str, value: Value| push(out, &format!("  {name}: {value}"));
    if let Some(message) = &point.message {
        add("message", message.as_str().into());
    }
    let severity = match point.outcome {
        _ if point.leak => "leak",
        Outcome::Failed => "fail",
        Outcome::Error => "error",
        Outcome::Passed | Outcome::Skipped => "comment",
    };
    add("severity", severity.into());
    if !point.kind.is_empty() {
        add("kind", point.kind.into());
    }
    if !point.file.is_empty() {
        add("file", point.file.into());
        if point.line > 0 {
            add("line", point.line.into());
        }
    }
    if let Some(status) = point.step.and_then(|step| step.status) {
        add("status", status.into());
    }
    add("duration_ms", point.duration_ms.into());
    if point.is_flaky() {
        add("flaky", true.into());
    }
    for (name, list) in [("retries", point.retries), ("diff", &point.details)] {
        if !list.is_empty() {
            add(name, list.into());
        }
    }
    push(out, "  ...");
}

fn push(out: &mut String, line: &str) {
    out.push_str(line);
    out.push('\n');
}

fn one_line(text: &str) -> String {
    text.replace(['\r', '\n'], " ")
}

/// A description: a `#` would begin a directive.
fn escaped(text: &str) -> String {
    one_line(text).replace('\\', "\\\\").replace('#', "\\#")
}
