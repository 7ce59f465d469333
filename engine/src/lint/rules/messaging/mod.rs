//! Rules about what policies for messages get wrong.

use crate::lint::rule::Rule;

mod anded_roles;
mod half_of_a_thread;
mod one_side_of_messages;

pub(super) static RULES: &[&Rule] = &[
    &anded_roles::RULE,
    &half_of_a_thread::RULE,
    &one_side_of_messages::RULE,
];
