//! Rules about the types that entries are for.

use crate::lint::rule::Rule;

mod binary_criteria;
mod missing_support_type;
mod own_default_entry;
mod reserved_type;
mod telling_type;
mod unknown_type;
mod unpopulated_compartment;
mod untagged_create;

pub(super) static RULES: &[&Rule] = &[
    &binary_criteria::RULE,
    &missing_support_type::RULE,
    &own_default_entry::RULE,
    &reserved_type::RULE,
    &telling_type::RULE,
    &unknown_type::RULE,
    &unpopulated_compartment::RULE,
    &untagged_create::RULE,
];
