//! The rules, a folder a category and a file a rule.

mod constraints;
mod criteria;
mod interactions;
mod membership;
mod network;
mod reach;
mod scopes;
mod types;

use super::rule::Rule;

/// The rules of each category.
pub(super) static BY_CATEGORY: [&[&Rule]; 7] = [
    &constraints::RULES,
    &criteria::RULES,
    &interactions::RULES,
    &membership::RULES,
    &network::RULES,
    &scopes::RULES,
    &types::RULES,
];
