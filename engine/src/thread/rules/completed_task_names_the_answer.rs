//! T-07: a completed Task names the answer, a message of its thread.

use crate::thread::at::At;
use crate::thread::example::Base;
use crate::thread::finding::Report;
use crate::thread::record::Purpose;
use crate::thread::record::TaskStatus;
use crate::thread::rule::Kind;
use crate::thread::rule::Level;
use crate::thread::rule::PLAIN;
use crate::thread::rule::Rule;
use crate::thread::rule::Subject;
use crate::thread::threads::Known;

pub(super) const RULE: Rule = Rule {
    id: "T-07",
    slug: "completed-task-names-the-answer",
    level: Level::Should,
    kind: Kind::Cross,
    subject: Subject::Task,
    page: "message-response-tracking-and-routing",
    summary: "a completed Task names the answer, a message of its thread",
    why: "`output` is how the answer and the time to it are found.",
    help: "add an `output` with a reference to the message that answered",
    fhirpath: Some("status = 'completed' implies output.value.ofType(Reference).exists()"),
    fails: &[(Base::Task, r#"{"status":"completed"}"#)],
    passes: &[
        (Base::Header, r#""#),
        (Base::Message, r#""#),
        (
            Base::Task,
            r#"{"status":"completed","output":[{"type":{"text":"response"},"valueReference":{"reference":"Communication/m"}}]}"#,
        ),
    ],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    let Some(task) = at.task().filter(|task| task.purpose == Purpose::Routing) else {
        return;
    };
    if task.status != TaskStatus::Completed {
        return;
    }
    let mut is_answered = false;
    for (n, output) in at.items("output").iter().enumerate() {
        let reference = output
            .get("valueReference")
            .and_then(|value| value.get("reference"));
        let Some(text) = reference.and_then(|text| text.as_str()) else {
            continue;
        };
        is_answered = true;
        let answer = at.threads().known(text).and_then(Known::communication);
        if answer.is_some_and(|answer| answer.parent != task.focus) {
            let message = format!("`{text}` is no message of the Task's thread");
            report.add(format!("/output/{n}"), message);
        }
    }
    if !is_answered {
        report.add("/output", "the Task is completed, but names no answer");
    }
}
