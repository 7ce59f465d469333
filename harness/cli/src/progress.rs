//! What a person sees while a run goes on: a bar on a terminal; elsewhere, where redrawing would
//! fill the log, a line now and then. The report follows at the end.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use fhirward_harness::report::{Event, EventSink};
use indicatif::{ProgressBar, ProgressStyle};

use crate::commands::scenarios;
use crate::output::Output;
use crate::render;

/// The longest silence in a log.
const SILENCE: Duration = Duration::from_secs(10);

/// Follows a run.
#[derive(Debug)]
pub struct Progress {
    output: Output,
    bar: Option<ProgressBar>,
    running: Vec<String>,
    done: usize,
    all: usize,
    last: Instant,
}

impl Progress {
    /// For the reader of the output.
    pub fn new(output: Output) -> Self {
        let live = !output.is_json() && std::io::stderr().is_terminal() && !scenarios::in_ci();
        Self {
            output,
            bar: live.then(|| ProgressBar::new(0).with_style(style(output))),
            running: Vec::new(),
            done: 0,
            all: 0,
            last: Instant::now(),
        }
    }

    fn show(&mut self) {
        let running = self.running.join(", ");
        if let Some(bar) = &self.bar {
            bar.set_position(u64::try_from(self.done).unwrap_or(u64::MAX));
            bar.set_message(running);
        } else if self.last.elapsed() >= SILENCE {
            self.last = Instant::now();
            let mut line = format!(
                "{} of {} done",
                self.done,
                render::plural(self.all, "scenario")
            );
            // Between two scenarios, and after the last, nothing is running.
            if !running.is_empty() {
                line.push_str(", now ");
                line.push_str(&running);
            }
            self.output.say(&line);
        }
    }
}

fn style(output: Output) -> ProgressStyle {
    let template = if output.style().color() {
        "{bar:24.cyan/dim} {pos}/{len} {elapsed} {wide_msg:.dim}"
    } else {
        "{bar:24} {pos}/{len} {elapsed} {wide_msg}"
    };
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

impl EventSink for Progress {
    fn event(&mut self, event: &Event) {
        match event {
            Event::RunStarted { scenarios, .. } => {
                self.all = *scenarios;
                if let Some(bar) = &self.bar {
                    bar.set_length(u64::try_from(*scenarios).unwrap_or(u64::MAX));
                }
            }
            Event::ScenarioStarted(info) => self.running.push(info.id.clone()),
            Event::ScenarioFinished { scenario, .. } => {
                self.running.retain(|running| running != scenario);
                self.done += 1;
            }
            Event::RunFinished { .. } => {
                if let Some(bar) = &self.bar {
                    bar.finish_and_clear();
                }
                return;
            }
            Event::ServerFound { .. }
            | Event::RunAborted { .. }
            | Event::NotOffered { .. }
            | Event::StepFinished { .. }
            | Event::MatrixObserved { .. }
            | Event::CleanedUp { .. } => {}
        }
        self.show();
    }
}
