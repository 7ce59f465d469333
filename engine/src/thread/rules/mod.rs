//! The rules, one a file.

mod attachment_exists;
mod attachment_is_described;
mod attachment_is_not_inline;
mod attachment_is_protected;
mod bridged_header_has_identifier;
mod bridged_header_has_medium;
mod bridged_message_has_identifier;
mod categories_on_messages;
mod category_is_the_threads;
mod claim_is_one_act;
mod completed_task_names_the_answer;
mod corrected_message_is_retracted;
mod correction_carries_over;
mod correction_has_the_same_sender;
mod correction_names_the_original;
mod draft_has_no_sent;
mod draft_has_sender;
mod draft_is_for_its_author;
mod header_category_is_coded;
mod header_encounter_is_an_encounter;
mod header_has_no_payload;
mod header_has_sender;
mod header_has_subject;
mod header_has_topic;
mod header_identifier_is_unique;
mod header_is_no_part;
mod header_is_sent_first;
mod header_lists_participants;
mod header_says_something;
mod header_status;
mod header_status_is_a_code;
mod header_transitions;
mod inner_encounter_has_type;
mod medium_is_coded;
mod message_has_no_encounter;
mod message_has_payload;
mod message_has_recipient;
mod message_has_sender;
mod message_is_for_all_participants;
mod message_is_part_of_one_header;
mod message_status;
mod messages_have_an_order;
mod no_recipient_twice;
mod one_encounter_a_patient;
mod one_open_task;
mod one_reminder;
mod participant_sees_the_message;
mod participant_sees_the_thread;
mod participants_are_of_allowed_types;
mod payload_has_one_content;
mod promoted_draft_is_complete;
mod read_message_was_received;
mod read_state_is_on_the_header;
mod read_state_one_block_each;
mod reason_is_said;
mod receipt_is_a_readers;
mod received_after_sent;
mod recipients_follow_the_task;
mod references_are_literal;
mod removed_participant_sees_no_message;
mod reply_within_thread;
mod reroute_has_a_reason;
mod retraction_keeps_the_text;
mod sent_message_has_sent;
mod sent_text_is_not_changed;
mod session_has_subject;
mod session_is_on_the_header;
mod session_is_virtual;
mod session_names_participants;
mod status_moves_alone;
mod subject_is_the_threads;
mod subject_who_takes_part_is_listed;
mod task_codes_have_one_system;
mod task_focuses_a_header;
mod task_has_a_person_as_owner;
mod task_has_owner_or_pool;
mod task_has_status_and_intent;
mod task_is_for_the_subject;
mod task_is_written_first;
mod task_priority;
mod task_transitions;
mod topic_is_the_threads;
mod two_levels;

use super::rule::Rule;

static RULES: [Rule; 83] = [
    header_has_no_payload::RULE,
    header_is_no_part::RULE,
    two_levels::RULE,
    header_status_is_a_code::RULE,
    header_status::RULE,
    status_moves_alone::RULE,
    header_transitions::RULE,
    header_has_topic::RULE,
    header_has_sender::RULE,
    header_lists_participants::RULE,
    no_recipient_twice::RULE,
    header_has_subject::RULE,
    subject_who_takes_part_is_listed::RULE,
    header_is_sent_first::RULE,
    header_category_is_coded::RULE,
    categories_on_messages::RULE,
    header_encounter_is_an_encounter::RULE,
    session_is_on_the_header::RULE,
    bridged_header_has_identifier::RULE,
    header_identifier_is_unique::RULE,
    bridged_header_has_medium::RULE,
    read_state_one_block_each::RULE,
    read_state_is_on_the_header::RULE,
    recipients_follow_the_task::RULE,
    header_says_something::RULE,
    message_has_payload::RULE,
    message_is_part_of_one_header::RULE,
    message_has_sender::RULE,
    message_has_recipient::RULE,
    message_is_for_all_participants::RULE,
    message_status::RULE,
    sent_message_has_sent::RULE,
    draft_has_no_sent::RULE,
    draft_has_sender::RULE,
    draft_is_for_its_author::RULE,
    promoted_draft_is_complete::RULE,
    topic_is_the_threads::RULE,
    subject_is_the_threads::RULE,
    category_is_the_threads::RULE,
    reply_within_thread::RULE,
    messages_have_an_order::RULE,
    payload_has_one_content::RULE,
    attachment_is_described::RULE,
    attachment_is_not_inline::RULE,
    attachment_exists::RULE,
    attachment_is_protected::RULE,
    medium_is_coded::RULE,
    bridged_message_has_identifier::RULE,
    references_are_literal::RULE,
    reason_is_said::RULE,
    message_has_no_encounter::RULE,
    read_message_was_received::RULE,
    received_after_sent::RULE,
    participants_are_of_allowed_types::RULE,
    retraction_keeps_the_text::RULE,
    correction_names_the_original::RULE,
    correction_carries_over::RULE,
    correction_has_the_same_sender::RULE,
    corrected_message_is_retracted::RULE,
    sent_text_is_not_changed::RULE,
    task_focuses_a_header::RULE,
    task_is_for_the_subject::RULE,
    task_has_a_person_as_owner::RULE,
    task_has_owner_or_pool::RULE,
    task_transitions::RULE,
    claim_is_one_act::RULE,
    completed_task_names_the_answer::RULE,
    task_is_written_first::RULE,
    reroute_has_a_reason::RULE,
    one_open_task::RULE,
    task_priority::RULE,
    receipt_is_a_readers::RULE,
    task_codes_have_one_system::RULE,
    one_reminder::RULE,
    task_has_status_and_intent::RULE,
    session_is_virtual::RULE,
    session_names_participants::RULE,
    session_has_subject::RULE,
    one_encounter_a_patient::RULE,
    inner_encounter_has_type::RULE,
    participant_sees_the_thread::RULE,
    participant_sees_the_message::RULE,
    removed_participant_sees_no_message::RULE,
];

/// All rules: of headers, messages, corrections, Tasks, Encounters and access.
pub fn rules() -> &'static [Rule] {
    &RULES
}

/// The rule with an id, `H-05`, or a name, `header-status`.
pub fn rule(name: &str) -> Option<&'static Rule> {
    RULES
        .iter()
        .find(|rule| rule.id.eq_ignore_ascii_case(name) || rule.slug == name)
}
