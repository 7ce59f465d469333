//! Rules about the form of criteria, and about the parameters and modifiers in them.

use crate::lint::rule::Rule;

mod chained_filter;
mod compartment_and_criteria;
mod composite_filter;
mod contradiction;
mod criteria_names_another_type;
mod criteria_without_filter;
mod not_in_modifier;
mod not_on_date;
mod number_filter;
mod refused_on_save;
mod second_question_mark;
mod unknown_parameter;
mod unsupported_modifier;
mod wildcard_criteria;
mod word_between_filters;

pub(super) static RULES: &[&Rule] = &[
    &criteria_names_another_type::RULE,
    &criteria_without_filter::RULE,
    &second_question_mark::RULE,
    &not_in_modifier::RULE,
    &unsupported_modifier::RULE,
    &not_on_date::RULE,
    &compartment_and_criteria::RULE,
    &wildcard_criteria::RULE,
    &number_filter::RULE,
    &composite_filter::RULE,
    &unknown_parameter::RULE,
    &chained_filter::RULE,
    &contradiction::RULE,
    &refused_on_save::RULE,
    &word_between_filters::RULE,
];
