//! Rules about access by network address.

use crate::lint::rule::Rule;

mod ip_rules;

pub(super) static RULES: &[&Rule] = &[&ip_rules::RULE];
