//! The rules, one a file.

mod draft_has_no_sent;
mod header_has_no_payload;
mod header_is_no_part;
mod header_lists_participants;
mod header_status;
mod header_subject;
mod header_topic;
mod message_part_of;
mod message_payload;
mod message_recipient;
mod message_status;
mod no_recipient_twice;
mod references_are_literal;
mod reply_within_thread;
mod sent_message_has_sent;
#[cfg(test)]
mod testing;
mod two_levels;

use super::context::Context;
use super::finding::Report;
use crate::diagnostic::Severity;

/// A rule about threads.
#[derive(Debug)]
pub struct Rule {
    /// `H-…` is about headers, `M-…` about messages.
    pub id: &'static str,
    /// Error where the rule is a MUST, warning for a SHOULD, info for a MAY.
    pub severity: Severity,
    /// The documentation page that states the rule, by its last segment.
    pub page: &'static str,
    /// The rule in one sentence.
    pub summary: &'static str,
    /// What to do about it.
    pub help: &'static str,
    pub(super) check: fn(&Context<'_>, &mut Report<'_>),
}

static RULES: [Rule; 16] = [
    header_has_no_payload::RULE,
    header_is_no_part::RULE,
    two_levels::RULE,
    header_status::RULE,
    header_topic::RULE,
    header_lists_participants::RULE,
    no_recipient_twice::RULE,
    header_subject::RULE,
    message_payload::RULE,
    message_part_of::RULE,
    message_recipient::RULE,
    message_status::RULE,
    sent_message_has_sent::RULE,
    draft_has_no_sent::RULE,
    reply_within_thread::RULE,
    references_are_literal::RULE,
];

/// All rules, headers' first.
pub fn rules() -> &'static [Rule] {
    &RULES
}

#[cfg(test)]
mod tests {
    use super::rules;

    #[test]
    fn ids_are_unique_and_in_order() {
        let ids: Vec<&str> = rules().iter().map(|rule| rule.id).collect();
        let mut sorted = ids.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(ids, sorted);
    }
}
