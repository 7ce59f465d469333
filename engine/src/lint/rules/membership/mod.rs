//! Rules about memberships.

use crate::lint::rule::Rule;

mod full_access;
mod large_policy;
mod membership_parameters;
mod missing_policy;

mod patient_variable;

pub(super) static RULES: &[&Rule] = &[
    &full_access::RULE,
    &large_policy::RULE,
    &missing_policy::RULE,
    &membership_parameters::RULE,
    &patient_variable::RULE,
];
