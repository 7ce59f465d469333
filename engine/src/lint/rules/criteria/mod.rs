//! Rules about the form of criteria, and about the parameters and modifiers in them.

use crate::lint::rule::Rule;

mod criteria_names_another_type;
mod criteria_without_filter;
mod not_in_modifier;

pub(super) static RULES: [&Rule; 3] = [
    &criteria_names_another_type::RULE,
    &criteria_without_filter::RULE,
    &not_in_modifier::RULE,
];
