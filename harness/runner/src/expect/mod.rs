//! Observations meet what was expected of them: assertions of the scenario, predictions of the
//! engine, snapshots of earlier runs.

mod alias;
mod assertion;
mod diff;
mod emit;
mod predict;
pub mod review;
mod snapshot;
mod verdict;

pub use alias::Aliases;
pub use assertion::{
    HeaderCheck, check_body, check_fhirpath, check_headers, check_matches, check_text,
};
pub use diff::{Difference, compare};
pub use predict::{Predictor, membership_of};
pub use snapshot::{ActorSees, Snapshot, StepSnapshot, UnreadableSnapshot, WIDENING, Widening};
pub use verdict::{CellVerdict, Observed, Sight, judge};
