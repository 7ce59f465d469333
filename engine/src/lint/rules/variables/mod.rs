//! Rules about variables and the parameters that give them values.

use crate::lint::rule::Rule;

mod injectable_parameter;
mod prefix_capture;
mod unresolved_variable;

pub(super) static RULES: &[&Rule] = &[
    &unresolved_variable::RULE,
    &prefix_capture::RULE,
    &injectable_parameter::RULE,
];
