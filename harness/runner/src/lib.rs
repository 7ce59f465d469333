//! The harness: scenarios, actors, verdicts, reports.
