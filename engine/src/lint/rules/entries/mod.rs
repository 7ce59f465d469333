//! Rules about entries next to one another.

use crate::lint::rule::Rule;

mod entry_lifts_search_filter;
mod restriction_without_effect;
mod unreachable_entry;

pub(super) static RULES: &[&Rule] = &[
    &entry_lifts_search_filter::RULE,
    &restriction_without_effect::RULE,
    &unreachable_entry::RULE,
];
