//! Rules about the values in criteria.

use crate::lint::rule::Rule;

mod date_value;
mod encoded_value;
mod imprecise_date;
mod missing_value;
mod not_a_uuid;
mod not_on_reference;
mod placeholder_value;
mod reference_form;
mod repeated_filter;
mod text_value;
mod token_value;

pub(super) static RULES: &[&Rule] = &[
    &date_value::RULE,
    &imprecise_date::RULE,
    &reference_form::RULE,
    &token_value::RULE,
    &text_value::RULE,
    &missing_value::RULE,
    &not_on_reference::RULE,
    &not_a_uuid::RULE,
    &repeated_filter::RULE,
    &encoded_value::RULE,
    &placeholder_value::RULE,
];
