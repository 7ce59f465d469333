//! The rules, a folder a category and a file a rule.

mod criteria;

use super::rule::Rule;

/// The rules of each category.
pub(super) static BY_CATEGORY: [&[&Rule]; 1] = [&criteria::RULES];
