//! The rules, a folder a category and a file a rule.

mod constraints;
mod criteria;
mod entries;
mod fields;
mod interactions;
mod membership;
mod messaging;
mod network;
mod reach;
mod scopes;
mod types;
mod values;
mod variables;

use super::rule::Rule;

/// The rules of each category.
pub(super) static BY_CATEGORY: &[&[&Rule]] = &[
    constraints::RULES,
    criteria::RULES,
    entries::RULES,
    fields::RULES,
    interactions::RULES,
    membership::RULES,
    messaging::RULES,
    network::RULES,
    scopes::RULES,
    types::RULES,
    values::RULES,
    variables::RULES,
];
