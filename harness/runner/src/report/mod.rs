//! From events to documents. Every report is a pure function of the events of a run, and nothing
//! secret is in an event.

mod event;
mod json;
mod model;
mod summary;
mod terminal;

pub use event::{
    Cell, CleanupReport, Event, EventSink, Problem, ScenarioInfo, ServerInfo, SightChange,
    SnapshotReport, SnapshotVerdict, StepReport, StepVerdict, Verdict,
};
pub use json::{check_writable, json, write_file};
pub use model::{Report, ScenarioReport};
pub use summary::Summary;
pub use terminal::{Style, scenario_line, terminal};
