//! From events to documents. Every report is a pure function of the events of a run, and nothing
//! secret is in an event.
//!
//! What several of them share: `issues` lists what is wrong, worst first; `points` lists what
//! passes or fails; `grid` shows who sees what; `curl` asks once more by hand.

mod curl;
mod event;
mod file;
mod github;
mod grid;
mod html;
mod issues;
mod json;
mod junit;
mod kind;
pub mod markup;
mod model;
pub mod path;
mod places;
mod points;
mod printable;
mod sarif;
mod stream;
mod summary;
mod tap;
mod terminal;
mod test_report;
mod unplayed;
mod why;

pub use event::{
    Cell, CellName, CleanupReport, Event, EventSink, Problem, ScenarioInfo, ServerInfo,
    SightChange, SnapshotReport, SnapshotVerdict, StateReport, StepReport, StepVerdict, Verdict,
};
pub use file::{check_writable, write_file};
pub use json::json;
pub use kind::{Kind, RenderError};
pub use model::{Report, ScenarioReport};
pub use places::PolicyPlaces;
pub use printable::printable;
pub use sarif::pascal;
pub use stream::{EVENTS_VERSION, NotRecorded, Recorded, line, read};
pub use summary::Summary;
pub use terminal::{Style, scenario_line, terminal};
pub use why::why_changed;
