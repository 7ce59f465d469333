//! Rules about write constraints.

use crate::lint::rule::Rule;

mod never_true;
mod order_dependent_rules;
mod write_constraint;

pub(super) static RULES: &[&Rule] = &[&order_dependent_rules::RULE, &write_constraint::RULE];
