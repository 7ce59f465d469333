//! What a person sees while a run goes on: what is played at this moment, on a terminal; elsewhere,
//! where redrawing would fill the log, a line now and then. The report follows at the end.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use fhirward_harness::report::{Event, EventSink, StepReport, Verdict};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::commands::scenarios;
use crate::output::Output;
use crate::render;

/// The longest silence in a log.
const SILENCE: Duration = Duration::from_secs(10);
/// A step that takes longer is named.
const SLOW: Duration = Duration::from_secs(5);
/// Lines about what is played, beside the one with the bar.
const MAX_LINES: usize = 7;
/// Redraws in a second.
const REDRAWS: u8 = 10;

/// Follows a run.
#[derive(Debug)]
pub struct Progress {
    output: Output,
    live: Option<Live>,
    now: Now,
    last: Instant,
}

impl Progress {
    /// For the reader of the output.
    pub fn new(output: Output) -> Self {
        let live = !output.is_json() && std::io::stderr().is_terminal() && !scenarios::in_ci();
        Self {
            output,
            live: live.then(|| Live::new(output)),
            now: Now::default(),
            last: Instant::now(),
        }
    }

    fn show(&mut self) {
        if let Some(live) = &mut self.live {
            live.show(&self.now);
        } else if self.last.elapsed() >= SILENCE {
            self.last = Instant::now();
            self.output.say(&self.now.sentence());
        }
    }

    fn notice(&self, text: &str) {
        match &self.live {
            Some(live) => live.all.suspend(|| self.output.say(text)),
            None => self.output.say(text),
        }
    }
}

impl EventSink for Progress {
    fn event(&mut self, event: &Event) {
        if let Event::StepFinished { scenario, step } = event
            && let Some(text) = slow(scenario, step)
        {
            self.notice(&text);
        }
        if let Event::RunFinished { .. } = event {
            if let Some(live) = self.live.take() {
                live.end();
            }
            return;
        }
        self.now.event(event);
        self.show();
    }
}

/// What is said of a step that took long.
fn slow(scenario: &str, step: &StepReport) -> Option<String> {
    let took = Duration::from_millis(step.duration_ms);
    (took >= SLOW).then(|| {
        format!(
            "slow: {scenario}, step {} took {:.1} s ({} {} {})",
            step.id,
            took.as_secs_f64(),
            step.actor,
            step.verb,
            step.target
        )
    })
}

/// What a shared state is called among what is played.
fn shared(state: &str) -> String {
    format!("state {state}")
}

/// What is played at this moment, and how it went so far.
#[derive(Debug, Default)]
struct Now {
    all: usize,
    done: usize,
    counts: Vec<(Verdict, usize)>,
    running: Vec<(String, String)>,
}

impl Now {
    fn event(&mut self, event: &Event) {
        match event {
            Event::RunStarted {
                scenarios, server, ..
            } => {
                self.all = *scenarios;
                let what = format!("signing in at {}", server.url);
                self.running.push((String::new(), what));
            }
            Event::ServerFound { .. } => self.set("", "making what all scenarios need".to_owned()),
            Event::RunAborted { .. } => self.running.clear(),
            Event::ScenarioStarted(info) => {
                self.running.retain(|(scenario, _)| !scenario.is_empty());
                self.running.push((info.id.clone(), "setting up".into()));
            }
            Event::StateStarted { state } => {
                let id = shared(state);
                self.running
                    .push((id, "building it for all that share it".into()));
            }
            Event::StateFinished(state) => {
                let id = shared(&state.state);
                self.running.retain(|(running, _)| *running != id);
            }
            Event::StepStarted {
                scenario,
                step,
                actor,
                verb,
            } => self.set(scenario, format!("{step}: {actor} {verb}")),
            Event::CleanupStarted {
                scenario: Some(scenario),
            } => self.set(scenario, "cleaning up".to_owned()),
            Event::CleanupStarted { scenario: None } => {
                self.running.push((String::new(), "cleaning up".to_owned()));
            }
            Event::CleanedUp { scenario: None, .. } => {
                self.running.retain(|(scenario, _)| !scenario.is_empty());
            }
            Event::ScenarioFinished {
                scenario, verdict, ..
            } => {
                self.running.retain(|(running, _)| running != scenario);
                self.done += 1;
                match self.counts.iter_mut().find(|(known, _)| known == verdict) {
                    Some((_, count)) => *count += 1,
                    None => self.counts.push((*verdict, 1)),
                }
            }
            // A matrix is looked at within its step.
            Event::PolicyRead(_)
            | Event::NotOffered { .. }
            | Event::StepFinished { .. }
            | Event::MatrixObserved { .. }
            | Event::StateRemoved { .. }
            | Event::CleanedUp { .. }
            | Event::RunFinished { .. } => {}
        }
    }

    fn set(&mut self, scenario: &str, what: String) {
        for (_, now) in self.running.iter_mut().filter(|(id, _)| id == scenario) {
            now.clone_from(&what);
        }
    }

    /// `12 passed, 1 failed`.
    fn counts(&self) -> String {
        let texts: Vec<String> = self
            .counts
            .iter()
            .map(|(verdict, count)| format!("{count} {verdict}"))
            .collect();
        texts.join(", ")
    }

    /// What is played, a line each; never more than [`MAX_LINES`].
    fn lines(&self) -> Vec<String> {
        let shown = if self.running.len() > MAX_LINES {
            MAX_LINES - 1
        } else {
            self.running.len()
        };
        let mut lines: Vec<String> = self
            .running
            .iter()
            .take(shown)
            .map(|(scenario, what)| match scenario.as_str() {
                "" => what.clone(),
                id => format!("{id} › {what}"),
            })
            .collect();
        if self.running.len() > shown {
            lines.push(format!("… and {} more", self.running.len() - shown));
        }
        lines
    }

    /// All of it in a line.
    fn sentence(&self) -> String {
        let mut line = format!(
            "{} of {} done",
            self.done,
            render::plural(self.all, "scenario")
        );
        let counts = self.counts();
        if !counts.is_empty() {
            line.push_str(&format!(" ({counts})"));
        }
        // Between two scenarios, and after the last, nothing is running.
        let lines = self.lines();
        if !lines.is_empty() {
            line.push_str(", now ");
            line.push_str(&lines.join(", "));
        }
        line
    }
}

/// The lines on a terminal.
#[derive(Debug)]
struct Live {
    all: MultiProgress,
    bar: ProgressBar,
    lines: Vec<ProgressBar>,
    color: bool,
}

impl Live {
    fn new(output: Output) -> Self {
        let color = output.style().color();
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(REDRAWS));
        let template = if color {
            "{bar:24.cyan/dim} {pos}/{len} {elapsed} {wide_msg}"
        } else {
            "{bar:24} {pos}/{len} {elapsed} {wide_msg}"
        };
        let bar = all.add(ProgressBar::new(0).with_style(style(template)));
        bar.enable_steady_tick(Duration::from_millis(500));
        Self {
            all,
            bar,
            lines: Vec::new(),
            color,
        }
    }

    fn show(&mut self, now: &Now) {
        self.bar
            .set_length(u64::try_from(now.all).unwrap_or(u64::MAX));
        self.bar
            .set_position(u64::try_from(now.done).unwrap_or(u64::MAX));
        self.bar.set_message(now.counts());
        let lines = now.lines();
        while self.lines.len() > lines.len() {
            if let Some(line) = self.lines.pop() {
                line.finish_and_clear();
                self.all.remove(&line);
            }
        }
        while self.lines.len() < lines.len() {
            let template = if self.color {
                "  {wide_msg:.dim}"
            } else {
                "  {wide_msg}"
            };
            let line = self
                .all
                .add(ProgressBar::new(1).with_style(style(template)));
            self.lines.push(line);
        }
        for (bar, text) in self.lines.iter().zip(lines) {
            if bar.message() != text {
                bar.set_message(text);
            }
        }
    }

    fn end(self) {
        for line in self.lines {
            line.finish_and_clear();
        }
        self.bar.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

#[cfg(test)]
mod tests {
    use super::*;
    use fhirward_harness::report::{ScenarioInfo, ServerInfo, SnapshotReport, SnapshotVerdict};

    fn started(index: usize) -> Event {
        Event::ScenarioStarted(ScenarioInfo {
            index,
            id: format!("s{index}"),
            title: String::new(),
            page: "page".into(),
            file: "page/s.yaml".into(),
            planned_steps: 1,
        })
    }

    fn finished(index: usize, verdict: Verdict) -> Event {
        Event::ScenarioFinished {
            scenario: format!("s{index}"),
            verdict,
            reason: None,
            duration_ms: 1,
            snapshot: SnapshotReport::of(SnapshotVerdict::NotCompared),
        }
    }

    #[test]
    fn what_runs_is_shown_in_few_lines() {
        let mut now = Now::default();
        for index in 0..9 {
            now.event(&started(index));
        }
        now.event(&Event::StepStarted {
            scenario: "s0".into(),
            step: "write".into(),
            actor: "alice".into(),
            verb: "create".into(),
        });
        let lines = now.lines();
        assert_eq!(lines.len(), MAX_LINES);
        assert_eq!(lines[0], "s0 › write: alice create");
        assert_eq!(lines[6], "… and 3 more");
        now.event(&finished(0, Verdict::Passed));
        now.event(&finished(1, Verdict::Failed));
        assert_eq!(now.counts(), "1 passed, 1 failed");
        assert_eq!(now.lines().len(), MAX_LINES);
        for index in 2..9 {
            now.event(&finished(index, Verdict::Passed));
        }
        now.all = 9;
        assert_eq!(now.sentence(), "9 of 9 scenarios done (8 passed, 1 failed)");
    }

    /// A server that does not answer is what the first seconds may be spent on.
    #[test]
    fn what_comes_before_the_first_scenario_is_shown() {
        let mut now = Now::default();
        now.event(&Event::RunStarted {
            id: "r".into(),
            started: "2026-01-01T00:00:00Z".into(),
            scenarios: 2,
            server: ServerInfo {
                url: "http://h/".into(),
                software: None,
                profile: "generic".into(),
            },
        });
        assert_eq!(now.lines(), ["signing in at http://h/"]);
        now.event(&Event::ServerFound { software: None });
        assert_eq!(now.lines(), ["making what all scenarios need"]);
        now.event(&started(0));
        assert_eq!(now.lines(), ["s0 › setting up"]);
    }

    #[test]
    fn cleaning_up_is_shown() {
        let mut now = Now::default();
        now.event(&started(0));
        now.event(&Event::CleanupStarted {
            scenario: Some("s0".into()),
        });
        assert_eq!(now.lines(), ["s0 › cleaning up"]);
        now.event(&finished(0, Verdict::Passed));
        now.event(&Event::CleanupStarted { scenario: None });
        assert_eq!(now.lines(), ["cleaning up"]);
    }
}
