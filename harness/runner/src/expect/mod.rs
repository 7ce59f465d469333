//! Observations meet what was expected of them: assertions of the scenario, predictions of the
//! engine, snapshots of earlier runs.

pub mod against;
mod alias;
mod assertion;
mod departure;
mod diff;
mod emit;
mod learn;
mod noise;
mod predict;
pub mod review;
mod snapshot;
mod verdict;
mod widening;

pub use alias::Aliases;
pub use assertion::{
    HeaderCheck, Mismatch, Place, check_body, check_fhirpath, check_headers, check_matches,
    check_text, plain, selected,
};
pub use departure::{AcceptedDeparture, KnownDeparture, UNNAMED, accept, departing_server};
pub use diff::{Difference, Recorded, compare};
pub use learn::{Learned, learn};
pub use noise::{NOISE, Noise, NoiseOf, proposed};
pub use predict::{Known, Prediction, Predictor, membership_of};
pub use snapshot::{ActorSees, PROFILE, Snapshot, StepSnapshot, UnreadableSnapshot, WIDENING};
pub use verdict::{CellVerdict, Observed, Sight, Way, Ways, judge};
pub use widening::{Widened, Widening};
