//! Invariants of questionnaires and their responses.

use std::collections::HashSet;

use serde_json::Value;

use super::super::MAX_DEPTH;
use super::{Invariant, Object, has, is, is_one_of, items, not_both, objects, text};

pub(super) const INVARIANTS: &[Invariant] = &[
    Invariant::new(
        "Questionnaire",
        "que-2",
        "every item has a `linkId` of its own",
        |o| link_ids_are_distinct(o, 0, &mut HashSet::new()),
    ),
    Invariant::new(
        "Questionnaire.item",
        "que-1",
        "a group has items, a display has none",
        |o| match text(o, "type") {
            Some("group") => has(o, "item"),
            Some("display") => !has(o, "item"),
            _ => true,
        },
    ),
    Invariant::new(
        "Questionnaire.item",
        "que-3",
        "a display has no `code`",
        |o| !is_display(o) || !has(o, "code"),
    ),
    Invariant::new(
        "Questionnaire.item",
        "que-4",
        "either `answerOption` or `answerValueSet`, not both",
        |o| not_both(o, "answerOption", "answerValueSet"),
    ),
    Invariant::new(
        "Questionnaire.item",
        "que-5",
        "only a question for a choice, number, date, time, text or quantity has given answers",
        |o| {
            let types = [
                "choice",
                "open-choice",
                "decimal",
                "integer",
                "date",
                "dateTime",
                "time",
                "string",
                "quantity",
            ];
            is_one_of(o, "type", &types) || !(has(o, "answerValueSet") || has(o, "answerOption"))
        },
    ),
    Invariant::new(
        "Questionnaire.item",
        "que-6",
        "a display is neither `required` nor does it repeat",
        |o| !is_display(o) || !(has(o, "required") || has(o, "repeats")),
    ),
    Invariant::new(
        "Questionnaire.item",
        "que-8",
        "a group or display has no `initial` value",
        |o| !is_one_of(o, "type", &["group", "display"]) || !has(o, "initial"),
    ),
    Invariant::new(
        "Questionnaire.item",
        "que-9",
        "a display has no `readOnly`",
        |o| !is_display(o) || !has(o, "readOnly"),
    ),
    Invariant::new(
        "Questionnaire.item",
        "que-10",
        "only a question for text or a number has a `maxLength`",
        |o| {
            let types = [
                "boolean",
                "decimal",
                "integer",
                "string",
                "text",
                "url",
                "open-choice",
            ];
            is_one_of(o, "type", &types) || !has(o, "maxLength")
        },
    ),
    Invariant::new(
        "Questionnaire.item",
        "que-11",
        "with `answerOption`, the initial answer is marked there and not in `initial`",
        |o| not_both(o, "answerOption", "initial"),
    ),
    Invariant::new(
        "Questionnaire.item",
        "que-12",
        "more than two conditions of `enableWhen` need an `enableBehavior`",
        |o| items(o, "enableWhen").len() <= 2 || has(o, "enableBehavior"),
    ),
    Invariant::new(
        "Questionnaire.item",
        "que-13",
        "only a question that repeats has several initial answers",
        |o| items(o, "initial").len() <= 1 || o.get("repeats") == Some(&Value::Bool(true)),
    ),
    Invariant::new(
        "Questionnaire.item.enableWhen",
        "que-7",
        "with the operator `exists`, the answer is true or false",
        |o| !is(o, "operator", "exists") || has(o, "answerBoolean"),
    ),
    Invariant::new(
        "QuestionnaireResponse.item",
        "qrs-1",
        "items below an answer stand in the answer",
        |o| not_both(o, "answer", "item"),
    ),
];

fn is_display(object: &Object) -> bool {
    is(object, "type", "display")
}

fn link_ids_are_distinct<'o>(
    object: &'o Object,
    depth: usize,
    seen: &mut HashSet<&'o str>,
) -> bool {
    depth > MAX_DEPTH
        || objects(object, "item").all(|item| {
            text(item, "linkId").is_none_or(|id| seen.insert(id))
                && link_ids_are_distinct(item, depth + 1, seen)
        })
}
