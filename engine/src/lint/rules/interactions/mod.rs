//! Rules about what entries allow.

use crate::lint::rule::Rule;

mod constraint_beside_delete;
mod deprecated_element;
mod interactions_without_read;
mod readonly_next_to_interaction;
mod rest_hook_subscription;
mod search_without_read;
mod unchecked_revinclude;
mod unknown_interaction;

pub(super) static RULES: &[&Rule] = &[
    &constraint_beside_delete::RULE,
    &deprecated_element::RULE,
    &interactions_without_read::RULE,
    &readonly_next_to_interaction::RULE,
    &rest_hook_subscription::RULE,
    &search_without_read::RULE,
    &unchecked_revinclude::RULE,
    &unknown_interaction::RULE,
];
