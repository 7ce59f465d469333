//! The rules, a folder a category and a file a rule.

mod criteria;
mod entries;
mod fields;
mod values;
mod variables;

use super::rule::Rule;

/// The rules of each category.
pub(super) static BY_CATEGORY: &[&[&Rule]] = &[
    criteria::RULES,
    entries::RULES,
    fields::RULES,
    values::RULES,
    variables::RULES,
];
