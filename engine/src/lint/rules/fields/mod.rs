//! Rules about hidden and read-only fields.

use crate::lint::rule::Rule;

mod erased_field;
mod field_rules_shadowed;
mod fields_accepted_on_create;
mod hidden_fields_in_search;
mod hidden_fields_inferable;
mod hidden_fields_search_only;
mod misplaced_field;

pub(super) static RULES: &[&Rule] = &[
    &field_rules_shadowed::RULE,
    &hidden_fields_search_only::RULE,
    &fields_accepted_on_create::RULE,
    &hidden_fields_in_search::RULE,
    &erased_field::RULE,
    &misplaced_field::RULE,
    &hidden_fields_inferable::RULE,
];
