//! Every mistake in a scenario file has its message, its place and its advice.

#![expect(
    clippy::panic,
    clippy::expect_used,
    reason = "a broken fixture should stop the test where it is"
)]

use std::path::PathBuf;

use fhirward_engine::diagnostic::{Diagnostic, Severity};
use fhirward_harness::scenario::{Files, LoadError};
use fhirward_harness::{Suite, scenario::Action, scenario::ExpectedStatus};
use rstest::rstest;

const HEAD: &str = "scenario: flow\ntitle: T\npage: p\n";
const ACTORS: &str = "actors:\n  alice: { profile: Practitioner, name: Dr. Alice Smith, policy: participant }\n  homer: { profile: Patient, name: Homer, policy: participant }\n";
const PARTICIPANT: &str = r#"{"resourceType":"AccessPolicy","name":"participant","resource":[{"resourceType":"Communication"}]}"#;
const STATE: &str = "state: base\nactors:\n  jackie: { profile: Practitioner, name: Jackie, policy: participant }\nsteps:\n  - step: given-header\n    create: Communication\n    capture: header\n    body: { resourceType: Communication, status: in-progress }\n";

fn files(scenario: &str) -> Files {
    let mut files = Files::default();
    files
        .scenarios
        .push((PathBuf::from("s/p/flow.yaml"), scenario.to_owned()));
    files
        .policies
        .insert("s/policies/participant.json".into(), PARTICIPANT.into());
    files
        .states
        .insert("s/states/base.yaml".into(), STATE.into());
    files
}

fn findings(files: &Files) -> Vec<Diagnostic> {
    match Suite::check(files) {
        Ok(suite) => suite.findings,
        Err(LoadError::Invalid(findings)) => findings,
        Err(other) => panic!("{other}"),
    }
}

fn underlined(diagnostic: &Diagnostic) -> String {
    let source = diagnostic.source.as_ref().expect("a source");
    diagnostic
        .labels
        .first()
        .map(|label| source.slice(label.span).to_owned())
        .unwrap_or_default()
}

fn with_step(step: &str) -> String {
    let lines: String = step
        .lines()
        .enumerate()
        .map(|(at, line)| {
            if at == 0 {
                format!("  - {line}\n")
            } else {
                format!("    {line}\n")
            }
        })
        .collect();
    format!("{HEAD}{ACTORS}steps:\n{lines}")
}

#[rstest]
#[case::unknown_key(
    "step: a\nas: alice\nread: ${alice}\nexpct: hidden",
    "unknown key `expct` in a step",
    "expct",
    "did you mean `expect`?"
)]
#[case::unknown_actor(
    "step: a\nas: alcie\nread: ${homer}",
    "unknown actor `alcie`",
    "alcie",
    "did you mean `alice`? known: `alice`, `homer`, `admin` and `anonymous`"
)]
#[case::unknown_capture(
    "step: a\nas: alice\nread: ${thraed}",
    "unknown resource `thraed`",
    "${thraed}",
    "known: `alice` and `homer`"
)]
#[case::second_reference_of_a_text(
    "step: a\nas: alice\nsearch: Communication?sender=${alice}&recipient=${hommer}",
    "unknown resource `hommer`",
    "${hommer}",
    "did you mean `homer`?"
)]
#[case::unknown_policy(
    "step: a\nas: admin\ngrant: { actor: alice, policy: particpant }",
    "unknown policy `particpant`",
    "particpant",
    "did you mean `participant`?"
)]
#[case::grant_to_nobody(
    "step: a\nas: admin\ngrant: { actor: bob, policy: participant }",
    "unknown actor `bob`",
    "bob",
    "known: `alice` and `homer`"
)]
#[case::see_by_nobody(
    "step: a\nas: alice\ncreate: Communication\ncapture: m\nbody: {}\nsee: { jackie: { m: hidden } }",
    "unknown actor `jackie`",
    "jackie",
    "known:"
)]
#[case::see_nothing(
    "step: a\nas: alice\ncreate: Communication\ncapture: m\nbody: {}\nsee: { homer: { n: hidden } }",
    "unknown resource `n`",
    "n",
    "known: `m`"
)]
#[case::admin_is_no_row(
    "step: a\nas: alice\ncreate: Communication\ncapture: m\nbody: {}\nsee: { admin: { m: visible } }",
    "`admin` sees everything and is no row of the matrix",
    "admin",
    ""
)]
#[case::no_verb(
    "step: a\nas: alice",
    "a step does nothing",
    "step",
    "add one of `create`, `read`"
)]
#[case::two_verbs(
    "step: a\nas: alice\nread: ${alice}\ndelete: ${alice}",
    "a step does two things: `read` and `delete`",
    "delete",
    "make two steps of it"
)]
#[case::no_actor("step: a\nread: ${alice}", "a step has no `as`", "step", "")]
#[case::expectation(
    "step: a\nas: alice\nread: ${homer}\nexpect: hiden",
    "`hiden` is nothing that can be expected",
    "hiden",
    "did you mean `hidden`?"
)]
#[case::status_as_text(
    "step: a\nas: alice\nread: ${homer}\nexpect: { status: 4040 }",
    "`status` must be an HTTP status from 200 to 599, and this is the number `4040`",
    "4040",
    ""
)]
#[case::path(
    "step: a\nas: alice\nread: ${homer}\nexpect: { body: { \"status\": x } }",
    "`status` is not a JSONPath",
    "",
    "a path starts with `$`"
)]
#[case::matches_of_a_read(
    "step: a\nas: alice\nread: ${homer}\nexpect: { matches: [] }",
    "`read` finds nothing that `matches` could be compared with",
    "",
    ""
)]
#[case::template_without_end(
    "step: a\nas: alice\nread: ${homer",
    "`${` without `}`",
    "${homer",
    "write `${name}`"
)]
#[case::template_field(
    "step: a\nas: alice\nread: Patient/${homer.uuid}",
    "`uuid` is nothing that a name has",
    "${homer.uuid}",
    "allowed: `${name}`, `${name.id}`, `${name.version}`"
)]
#[case::version_of_a_person(
    "step: a\nas: alice\nread: ${homer}/_history/${homer.version}",
    "`homer` is an actor and has no version",
    "${homer.version}",
    "allowed: `${homer}` and `${homer.id}`"
)]
#[case::octal_in_a_code(
    "step: a\nas: alice\ncreate: Communication\nbody: { category: { coding: [ { code: 012 } ] } }",
    "without quotes YAML reads `012` as the number 12",
    "012",
    "write \"012\" for the text, or 12 for the number"
)]
#[case::hex_in_a_code(
    "step: a\nas: alice\ncreate: Communication\nbody: { code: 0x1F }",
    "without quotes YAML reads `0x1F` as the number 31",
    "0x1F",
    "write \"0x1F\""
)]
#[case::boolean_for_a_code(
    "step: a\nas: alice\ncreate: Communication\nbody: { status: true }",
    "`status` is of type code, and without quotes YAML reads the boolean `true`",
    "true",
    "write \"true\""
)]
#[case::number_for_a_nested_code(
    "step: a\nas: alice\ncreate: Communication\nbody: { category: [ { coding: [ { code: 12 } ] } ] }",
    "`code` is of type code, and without quotes YAML reads the number `12`",
    "12",
    "write \"12\""
)]
#[case::year_for_a_date(
    "step: a\nas: alice\nupdate: ${homer}\nbody: { resourceType: Patient, birthDate: 1956 }",
    "`birthDate` is of type date, and without quotes YAML reads the number `1956`",
    "1956",
    "write \"1956\""
)]
#[case::word_for_a_boolean(
    "step: a\nas: alice\ncreate: Patient\nbody: { active: on }",
    "`active` is a boolean, and `on` is text",
    "on",
    "write true"
)]
#[case::boolean_for_a_name(
    "step: a\nas: true\nread: ${homer}",
    "`as` must be text, and without quotes YAML reads the boolean `true`",
    "true",
    "write \"true\""
)]
#[case::number_for_a_step(
    "step: 012\nas: alice\nread: ${homer}",
    "`step` must be text, and without quotes YAML reads the number `012`",
    "012",
    "write \"012\""
)]
#[case::body_of_another_type(
    "step: a\nas: alice\ncreate: Communication\nbody: { resourceType: Patient }",
    "`create: Communication` has a body of type `Patient`",
    "Communication",
    ""
)]
#[case::patch_without_list(
    "step: a\nas: alice\npatch: ${homer}\nbody: { op: remove, path: /x }",
    "the `body` of a patch must be a list of operations",
    "",
    "- { op: replace"
)]
#[case::capture_of_a_search(
    "step: a\nas: alice\nsearch: Communication\ncapture: x",
    "`search` takes no `capture`",
    "capture",
    ""
)]
#[case::name_of_an_actor(
    "step: a\nas: alice\ncreate: Communication\ncapture: homer\nbody: {}",
    "the name `homer` is taken",
    "homer",
    ""
)]
#[case::grant_by_an_actor(
    "step: a\nas: alice\ngrant: { actor: homer, policy: participant }",
    "only the admin grants",
    "alice",
    "write `as: admin`"
)]
#[case::step_called_given(
    "step: given\nas: alice\nread: ${homer}",
    "no step can be called `given`",
    "given",
    ""
)]
#[case::need(
    "step: a\nas: alice\nneeds: [transactoin]\nread: ${homer}",
    "`transactoin` is nothing that a server could offer",
    "transactoin",
    "did you mean `transaction`?"
)]
#[case::unused_value(
    "step: a\nas: alice\nread: ${homer}\ncapture: { born: $.birthDate }",
    "`born` is captured and never used",
    "born",
    "remove the capture"
)]
#[case::unused_read(
    "step: a\nas: alice\nread: ${homer}\ncapture: person",
    "`person` is captured and never used",
    "person",
    ""
)]
#[case::capture_of_a_refusal(
    "step: a\nas: alice\ncreate: Communication\ncapture: m\nbody: {}\nexpect: denied",
    "nothing comes back that could be captured: the step expects denied",
    "capture",
    "remove `capture`"
)]
#[case::no_path(
    "step: a\nas: alice\ncreate: Task\ncapture: { t: \"$\", x: \"$[\" }\nbody: {}",
    "`$[` is not a JSONPath",
    "",
    "anything else is FHIRPath"
)]
#[case::no_fhirpath(
    "step: a\nas: alice\nread: ${homer}\nexpect: { fhirpath: [\"name.where(\"] }",
    "`name.where(` is not a FHIRPath",
    "",
    "true or false"
)]
#[case::status_list(
    "step: a\nas: alice\nread: ${homer}\nexpect: { status: [200, 4] }",
    "`status` must be an HTTP status from 200 to 599",
    "4",
    ""
)]
#[case::race_alone(
    "step: a\nrace:\n  - { as: alice, delete: \"${homer}\" }\nexpect: { winners: 1 }",
    "a race has two parts or more",
    "",
    ""
)]
#[case::race_without_winners(
    "step: a\nrace:\n  - { as: alice, delete: \"${homer}\" }\n  - { as: homer, delete: \"${homer}\" }\nexpect: { status: 200 }",
    "a race expects `winners`",
    "",
    "losers: [409, 412]"
)]
#[case::race_with_an_actor(
    "step: a\nas: alice\nrace:\n  - { as: alice, delete: \"${homer}\" }\n  - { as: homer, delete: \"${homer}\" }\nexpect: { winners: 1 }",
    "`race` takes no `as`",
    "as",
    ""
)]
#[case::winners_without_number(
    "step: a\nrace:\n  - { as: alice, delete: \"${homer}\" }\n  - { as: homer, delete: \"${homer}\" }\nexpect: { winners: { status: 200 } }",
    "`winners` does not say how many",
    "status",
    "`exactly`, `at-least` or `at-most`"
)]
#[case::winners_twice(
    "step: a\nrace:\n  - { as: alice, delete: \"${homer}\" }\n  - { as: homer, delete: \"${homer}\" }\nexpect: { winners: { exactly: 1, at-most: 2 } }",
    "`exactly` and a range",
    "exactly",
    "leave one of them out"
)]
#[case::winners_backwards(
    "step: a\nrace:\n  - { as: alice, delete: \"${homer}\" }\n  - { as: homer, delete: \"${homer}\" }\nexpect: { winners: { at-least: 2, at-most: 1 } }",
    "`at-least` is more than `at-most`",
    "at-least",
    ""
)]
#[case::more_winners_than_parts(
    "step: a\nrace:\n  - { as: alice, delete: \"${homer}\" }\n  - { as: homer, delete: \"${homer}\" }\nexpect: { winners: 3 }",
    "3 of 2 parts can never win",
    "{ winners: 3",
    ""
)]
#[case::part_without_expectation(
    "step: a\nrace:\n  - { as: alice, delete: \"${homer}\", expect: hidden }\n  - { as: homer, delete: \"${homer}\" }",
    "a race expects `winners`",
    "race",
    "`expect` in each part"
)]
#[case::winners_of_one(
    "step: a\nas: alice\nread: ${homer}\nexpect: { winners: 1 }",
    "`read` is done by one actor, who neither wins nor loses",
    "",
    ""
)]
#[case::time(
    "step: a\nas: alice\nread: ${homer}\neventually: { within: 5 }",
    "`within` must be a time like `500ms`",
    "5",
    ""
)]
#[case::patient_write(
    "step: a\nas: alice\ndelete: ${homer}\neventually: { within: 5s }",
    "`delete` takes no `eventually`",
    "eventually",
    ""
)]
#[case::batch_entries_know_nothing_of_each_other(
    "step: a\nas: alice\nbatch:\n  - { create: Task, capture: t, body: {} }\n  - { create: Task, body: { focus: { reference: \"${t}\" } } }",
    "`t` has no id before the request",
    "${t}",
    "make it a `transaction`"
)]
#[case::id_in_a_transaction(
    "step: a\nas: alice\ntransaction:\n  - { create: Task, capture: t, body: {} }\n  - { create: Task, body: { description: \"${t.id}\" } }",
    "`t` has no id before the request",
    "${t.id}",
    "only the reference itself"
)]
#[case::verb_of_an_entry(
    "step: a\nas: alice\ntransaction:\n  - { read: \"${homer}\", history: \"${homer}\" }",
    "unknown key `history` in an entry",
    "history",
    "allowed in an entry"
)]
#[case::sink("step: a\nawait: { sink: inbox }", "unknown sink `inbox`", "inbox", "")]
#[case::claim_of_a_probe(
    "step: a\nprobe: true\nas: alice\ncreate: Communication\ncapture: m\nbody: {}\nsee: { homer: { m: hidden } }",
    "a `probe` claims nothing about who sees what",
    "see",
    "no probe"
)]
#[case::method(
    "step: a\nas: alice\nrequest: FETCH metadata",
    "`FETCH` is no method",
    "",
    "write `request: GET metadata`"
)]
#[case::token_in_a_header(
    "step: a\nas: alice\nread: ${homer}\nheaders: { Authorization: x }",
    "`Authorization` is no header to be set here",
    "Authorization",
    "an actor has one login"
)]
#[case::operation(
    "step: a\nas: alice\noperation: ${homer}/everything",
    "`${homer}/everything` names no operation",
    "",
    "an operation starts with `$`"
)]
#[case::upsert_without_search(
    "step: a\nas: alice\nupsert: ${homer}\nbody: {}",
    "`upsert: ${homer}` has no search",
    "",
    "or `update`"
)]
#[case::if_none_exist_is_asked_for(
    "step: a\nas: alice\ncreateResourceIfNoneExist: Patient\nbody: {}",
    "a step has no `if-none-exist`",
    "",
    ""
)]
#[case::alias_and_name(
    "step: a\nas: alice\nread: ${homer}\nreadResource: ${homer}",
    "`read` and `readResource` are the same key",
    "readResource",
    "remove one of them"
)]
#[case::anonymous_is_no_row(
    "step: a\nas: alice\ncreate: Communication\ncapture: m\nbody: {}\nsee: { anonymous: { m: hidden } }",
    "`anonymous` has no policy and is no row of the matrix",
    "anonymous",
    "as: anonymous"
)]
#[case::key_twice(
    "step: a\nas: alice\nas: homer\nread: ${homer}",
    "the key `as` stands twice in a step",
    "as",
    "remove one of them"
)]
fn one_mistake_in_a_step(
    #[case] step: &str,
    #[case] message: &str,
    #[case] under: &str,
    #[case] help: &str,
) {
    let found = findings(&files(&with_step(step)));
    assert_eq!(found.len(), 1, "{found:#?}");
    let finding = &found[0];
    assert!(
        finding.message.starts_with(message),
        "message: {}",
        finding.message
    );
    if !under.is_empty() {
        assert_eq!(underlined(finding), under);
    }
    assert!(
        finding.help.as_deref().unwrap_or_default().contains(help),
        "help: {:?}",
        finding.help
    );
}

#[rstest]
#[case::not_yaml("scenario: flow\ntitle: [a\npage: p\n", "this is not valid YAML", None)]
#[case::reference_in_braces(
    "scenario: flow\nsteps:\n  - { step: a, read: ${x} }\n",
    "this is not valid YAML",
    Some("must stand in quotes")
)]
#[case::two_documents(
    "scenario: flow\n---\na: b\n",
    "a scenario file holds one YAML document",
    None
)]
#[case::wrong_stem(
    "scenario: other\ntitle: T\npage: p\nsteps: []\n",
    "`scenario: other` stands in a file called `flow`",
    Some("write `scenario: flow`")
)]
#[case::missing_state(
    "scenario: flow\ntitle: T\npage: p\ngiven: bsae\nsteps: []\n",
    "there is no state `bsae`",
    Some("did you mean `base`?")
)]
#[case::missing_title(
    "scenario: flow\npage: p\nsteps: []\n",
    "a scenario has no `title`",
    None
)]
#[case::unknown_top_key(
    "scenario: flow\ntitle: T\npage: p\nstep: []\nsteps: []\n",
    "unknown key `step` in a scenario",
    Some("did you mean `steps`?")
)]
#[case::actor_twice(
    "scenario: flow\ntitle: T\npage: p\ngiven: base\nactors:\n  jackie: { profile: Patient, name: J, policy: participant }\nsteps: []\n",
    "the actor `jackie` is declared twice",
    Some("first in s/states/base.yaml:3")
)]
#[case::actor_without_policy(
    "scenario: flow\ntitle: T\npage: p\nactors:\n  x: { profile: Patient, name: J, policy: [] }\nsteps: []\n",
    "an actor must have a policy",
    Some("policies/")
)]
#[case::relative_without_patient(
    "scenario: flow\ntitle: T\npage: p\nactors:\n  x: { profile: RelatedPerson, name: J, policy: participant }\nsteps: []\n",
    "a RelatedPerson has no `patient`",
    Some("patient: homer")
)]
#[case::unknown_profile(
    "scenario: flow\ntitle: T\npage: p\nactors:\n  x: { profile: Pratitioner, name: J, policy: participant }\nsteps: []\n",
    "`Pratitioner` is no kind of actor",
    Some("did you mean `Practitioner`?")
)]
#[case::admin_undeclared(
    "scenario: flow\ntitle: T\npage: p\nsteps:\n  - { step: s, as: admin, read: Patient/1 }\n",
    "the admin acts here, for whom no policy counts, and the scenario does not say so",
    Some("uses-admin: true")
)]
#[case::admin_races_undeclared(
    "scenario: flow\ntitle: T\npage: p\nsteps:\n  - step: s\n    race:\n      - { as: admin, read: Patient/1 }\n      - { as: anonymous, read: Patient/1 }\n    expect: { winners: 2 }\n",
    "the admin acts here, for whom no policy counts, and the scenario does not say so",
    Some("uses-admin: true")
)]
#[case::admin_denied(
    "scenario: flow\ntitle: T\npage: p\nuses-admin: false\nsteps:\n  - { step: s, as: admin, read: Patient/1 }\n",
    "the admin acts here, for whom no policy counts, and the scenario does not say so",
    Some("uses-admin: true")
)]
#[case::admin_declared_for_nothing(
    "scenario: flow\ntitle: T\npage: p\nuses-admin: true\nsteps:\n  - { step: s, as: anonymous, read: Patient/1 }\n",
    "no step of this scenario is the admin's",
    Some("remove it")
)]
#[case::unused_sink(
    "scenario: flow\ntitle: T\npage: p\nsinks: { inbox: {} }\nsteps: []\n",
    "nobody waits at the sink `inbox`",
    Some("await")
)]
#[case::subscribe_into_a_web_server(
    "scenario: flow\ntitle: T\npage: p\nsinks: { inbox: {} }\nuses-admin: true\nsteps:\n  - { step: s, as: admin, subscribe: Subscription/1, into: inbox }\n",
    "the sink `inbox` is of kind `http`, and not `websocket`",
    None
)]
#[case::anonymous_declared(
    "scenario: flow\ntitle: T\npage: p\nactors: { anonymous: { profile: Patient, name: J, policy: participant } }\nsteps: []\n",
    "`anonymous` is always there and cannot be declared",
    Some("another name")
)]
#[case::step_of_the_state_again(
    "scenario: flow\ntitle: T\npage: p\ngiven: base\nsteps:\n  - { step: given-header, as: jackie, read: \"${header}\" }\n",
    "two steps are called `given-header`",
    Some("first in s/states/base.yaml:5")
)]
fn one_mistake_in_a_file(#[case] text: &str, #[case] message: &str, #[case] help: Option<&str>) {
    let found = findings(&files(text));
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(
        found[0].message.starts_with(message),
        "message: {}",
        found[0].message
    );
    assert!(found[0].line_column().is_some(), "no place");
    if let Some(help) = help {
        assert!(
            found[0].help.as_deref().unwrap_or_default().contains(help),
            "help: {:?}",
            found[0].help
        );
    }
}

#[test]
fn every_mistake_of_a_file_is_reported() {
    let text = format!(
        "{HEAD}{ACTORS}steps:\n  - step: a\n    as: bob\n    red: x\n  - step: a\n    as: alice\n    read: ${{x}}\n"
    );
    let found = findings(&files(&text));
    let messages: Vec<&str> = found.iter().map(|d| d.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "unknown key `red` in a step",
            "unknown actor `bob`",
            "two steps are called `a`",
            "unknown resource `x`",
        ]
    );
}

#[test]
fn a_capture_used_too_early_shows_both_places() {
    let text = with_step("step: a\nas: alice\nread: ${late}")
        + "  - step: b\n    as: alice\n    create: Communication\n    capture: late\n    body: {}\n";
    let found = findings(&files(&text));
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].message, "`late` is used before it exists");
    let source = found[0].source.as_ref().unwrap();
    let places: Vec<&str> = found[0]
        .labels
        .iter()
        .map(|label| source.slice(label.span))
        .collect();
    assert_eq!(places, ["${late}", "late"]);
}

#[test]
fn a_policy_that_cannot_be_read_is_one_mistake_however_many_have_it() {
    let mut files = files(&format!("{HEAD}given: base\nsteps: []\n"));
    assert_eq!(findings(&files).len(), 0);
    for content in files.policies.values_mut() {
        "{".clone_into(content);
    }
    let count = files.policies.len();
    let codes: Vec<&str> = findings(&files).iter().map(|f| f.code).collect();
    assert!(count > 0);
    assert_eq!(codes, vec!["json/syntax"; count]);
}

#[rstest]
#[case::grant(
    "grant: { actor: jackie, policy: participant }",
    "only the admin grants: write `as: admin`"
)]
#[case::broken_await("await: { sink: inbox, within: 5 }", "")]
fn who_acts_is_asked_for_only_where_somebody_does(#[case] verb: &str, #[case] says: &str) {
    let files = files(&format!(
        "{HEAD}given: base\nsinks: {{ inbox: {{}} }}\nsteps:\n  - step: a\n    {verb}\n"
    ));
    let found = findings(&files);
    let of_as: Vec<String> = found
        .iter()
        .filter(|finding| finding.message.contains("has no `as`"))
        .map(|finding| finding.help.clone().unwrap_or_default())
        .collect();
    let expected: &[&str] = if says.is_empty() { &[] } else { &[says] };
    assert_eq!(of_as, expected);
    assert!(!found.is_empty());
}

#[test]
fn states_that_build_on_each_other_are_found() {
    let mut files = files(&format!("{HEAD}given: a\nsteps: []\n"));
    files
        .states
        .insert("s/states/a.yaml".into(), "state: a\ngiven: b\n".into());
    files
        .states
        .insert("s/states/b.yaml".into(), "state: b\ngiven: a\n".into());
    let found = findings(&files);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].code, "scenario/state-cycle");
}

#[rstest]
#[case::create(
    "create: Communication\n    body: { resourceType: Communication }",
    true
)]
#[case::entry(
    "batch:\n      - { read: \"${header}\" }\n      - { delete: \"${header}\" }",
    true
)]
#[case::put("request: PUT ${header}", true)]
#[case::create_by_hand("request: POST Communication", true)]
#[case::create_by_path("request: POST /fhir/R4/Communication", true)]
#[case::bundle_by_hand("request: POST ?x=y", true)]
#[case::bundle_by_path("request: POST /fhir/R4", true)]
#[case::sign_in("request: POST /oauth2/token", false)]
#[case::read("read: ${header}", false)]
#[case::entries("batch:\n      - { read: \"${header}\" }", false)]
#[case::search_by_post("request: POST Communication/_search", false)]
#[case::operation("operation: ${header}/$everything\n    parameters: { a: b }", false)]
#[case::operation_by_hand("request: POST $graphql", false)]
fn who_shares_a_state_only_looks(#[case] verb: &str, #[case] refused: bool) {
    let step = format!("steps:\n  - step: a\n    as: jackie\n    {verb}\n");
    for (given, expected) in [
        ("{ state: base, share: true }", refused),
        ("{ state: base, share: false }", false),
        ("base", false),
    ] {
        let files = files(&format!("{HEAD}given: {given}\n{step}"));
        let found = findings(&files);
        let errors = found.iter().filter(|finding| finding.is_error());
        let codes: Vec<&str> = errors.map(|finding| finding.code).collect();
        let wanted: &[&str] = if expected {
            &["scenario/shared-write"]
        } else {
            &[]
        };
        assert_eq!(codes, wanted, "{given}");
        if !expected {
            let suite = Suite::check(&files).expect("a suite");
            let shares = suite.scenarios[0].shares.is_some();
            assert_eq!(shares, given.contains("true"));
        }
    }
}

#[test]
fn a_state_is_built_by_itself_and_never_on_a_shared_one() {
    let mut files = files(&format!("{HEAD}given: above\nsteps: []\n"));
    let above = "state: above\ngiven: { state: base, share: true }\n";
    files
        .states
        .insert("s/states/above.yaml".into(), above.into());
    let found = findings(&files);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].message.contains("`given` must be text"));
}

#[test]
fn a_file_ends_in_yaml_or_yml_and_has_its_snapshots_beside_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    let put = |name: &str, text: &str| {
        let file = root.join(name);
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("made");
        std::fs::write(file, text).expect("written");
    };
    put("policies/participant.json", PARTICIPANT);
    put("states/base.yml", STATE);
    put("p/flow.yml", &format!("{HEAD}given: base\nsteps: []\n"));
    for name in ["flow", "flow@hapi", "flow-on", "flo"] {
        put(&format!("p/{name}.snap.yaml"), "{}\n");
    }
    for paths in [root.to_path_buf(), root.join("p/flow.yml")] {
        let suite = Suite::load(std::slice::from_ref(&paths)).expect("a suite");
        let scenario = &suite.scenarios[0];
        assert_eq!(scenario.given.len(), 1);
        let file = |name: &str| root.join("p").join(name);
        let accepted = |profile: &str| scenario.accepted(profile).expect("one").file.clone();
        assert_eq!(accepted("hapi"), file("flow@hapi.snap.yaml"));
        assert_eq!(accepted("other"), file("flow.snap.yaml"));
        let obsolete = if paths == root { 2 } else { 0 };
        assert_eq!(suite.obsolete.len(), obsolete, "{:?}", suite.obsolete);
    }
}

#[test]
fn a_file_becomes_a_plan() {
    let text = format!(
        "{HEAD}given: base\n{ACTORS}steps:\n  - step: m\n    as: alice\n    create: Communication\n    capture: m1\n    body: {{ resourceType: Communication, valueQuantity: {{ value: 1.50 }}, status: on }}\n    see:\n      jackie: {{ m1: hidden, header: visible }}\n  - step: r\n    as: jackie\n    read: ${{m1}}\n    expect: hidden\n"
    );
    let suite = Suite::check(&files(&text)).unwrap();
    let scenario = &suite.scenarios[0];
    let actors: Vec<&str> = scenario.actors.iter().map(|a| a.name.as_str()).collect();
    assert_eq!(actors, ["jackie", "alice", "homer"]);
    assert_eq!(scenario.given.len(), 1);
    assert_eq!(scenario.given[0].actor, "admin");
    assert_eq!(scenario.policies(), ["participant"]);
    let Action::Create { body, .. } = &scenario.steps[0].action else {
        panic!("not a create");
    };
    assert_eq!(
        body.to_string(),
        r#"{"resourceType":"Communication","valueQuantity":{"value":1.50},"status":"on"}"#
    );
    assert_eq!(scenario.steps[0].see.len(), 2);
    assert_eq!(scenario.steps[1].expect.status, ExpectedStatus::Hidden);
}

#[test]
fn broken_policies_are_errors_of_the_suite() {
    let mut files = files(&format!("{HEAD}steps: []\n"));
    files.policies.insert(
        "s/policies/broken.json".into(),
        "{ \"resourceType\": }".into(),
    );
    files.policies.insert(
        "s/policies/two.json".into(),
        format!("[{PARTICIPANT},{PARTICIPANT}]"),
    );
    let found = findings(&files);
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(matches!(Suite::check(&files), Err(LoadError::Invalid(_))));
}

#[test]
fn paths_are_found_read_and_sorted() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    std::fs::create_dir_all(root.join("p")).unwrap();
    std::fs::create_dir_all(root.join("states")).unwrap();
    std::fs::create_dir_all(root.join("policies")).unwrap();
    std::fs::write(root.join("policies/participant.json"), PARTICIPANT).unwrap();
    std::fs::write(root.join("states/base.yaml"), STATE).unwrap();
    for name in ["b", "a"] {
        let text = format!("scenario: {name}\ntitle: T\npage: p\ngiven: base\nsteps: []\n");
        std::fs::write(root.join(format!("p/{name}.yaml")), text).unwrap();
    }
    std::fs::write(root.join("p/a.snap.yaml"), "{}").unwrap();
    std::fs::write(root.join("p/gone.snap.yaml"), "{}").unwrap();
    std::fs::write(root.join("p/a.snap.yaml.new"), "{}").unwrap();

    let suite = Suite::load(&[root.to_path_buf()]).unwrap();
    let ids: Vec<&str> = suite.scenarios.iter().map(|s| s.id.as_str()).collect();
    assert_eq!(ids, ["a", "b"]);
    assert!(suite.scenarios[0].snapshot.is_some());
    assert_eq!(suite.obsolete, [root.join("p/gone.snap.yaml")]);

    let one = Suite::load(&[root.join("p/b.yaml")]).unwrap();
    assert_eq!(one.scenarios.len(), 1);
    assert!(one.obsolete.is_empty());

    let missing = Suite::load(&[root.join("q")]).unwrap_err();
    assert_eq!(missing.exit_code(), 1);
    std::fs::create_dir(root.join("empty")).unwrap();
    let nothing = Suite::load(&[root.join("empty")]).unwrap_err();
    assert_eq!(nothing.exit_code(), 6);
}

#[test]
fn numbers_and_booleans_where_they_belong_are_none_of_its_business() {
    let text = with_step(
        "step: a\nas: alice\ncreate: Patient\nbody: { active: true, multipleBirthInteger: 2, extension: [ { url: u, valueDecimal: 1.50 } ] }",
    );
    assert_eq!(findings(&files(&text)), Vec::<Diagnostic>::new());
}

/// A policy for people who share one mistake.
fn with_policy(text: &str) -> Vec<Diagnostic> {
    let mut files = files(&format!(
        "{HEAD}given: base\n{ACTORS}steps:\n  - step: a\n    as: alice\n    search: Communication\n"
    ));
    files
        .policies
        .insert("s/policies/participant.json".into(), text.into());
    findings(&files)
}

#[test]
fn a_variable_without_a_value_is_found_before_the_run_and_once() {
    let text = r#"{"resourceType":"AccessPolicy","name":"participant","resource":[{"resourceType":"Communication","criteria":"Communication?recipient=%profil"}]}"#;
    let found = with_policy(text);
    let errors: Vec<&Diagnostic> = found.iter().filter(|d| d.is_error()).collect();
    let [only] = errors.as_slice() else {
        panic!("{found:?}");
    };
    assert!(
        only.message.contains("`%profil`")
            && only
                .message
                .ends_with("(for `jackie` in `flow` and 2 more)"),
        "{}",
        only.message
    );
    assert!(underlined(only).contains("%profil"), "{}", underlined(only));
    let source = only.source.as_ref().expect("a source");
    assert_eq!(source.name, "s/policies/participant.json");
}

#[test]
fn parameters_have_stand_ins_before_the_run() {
    let policy = r#"{"resourceType":"AccessPolicy","name":"participant","resource":[{"resourceType":"Communication","criteria":"Communication?part-of=%thread&recipient=%who"}]}"#;
    let text = format!(
        "{HEAD}given: base\nactors:\n  homer: {{ profile: Patient, name: Homer, policy: plain }}\nsteps:\n  - step: a\n    as: admin\n    grant:\n      actor: homer\n      policy: {{ policy: participant, parameters: {{ thread: \"${{header}}\", who: \"${{homer}}\" }} }}\n"
    );
    let mut files = files(&text);
    files
        .policies
        .insert("s/policies/plain.json".into(), PARTICIPANT.into());
    files
        .policies
        .insert("s/policies/participant.json".into(), policy.into());
    let state = STATE.replace("policy: participant", "policy: plain");
    files.states.insert("s/states/base.yaml".into(), state);
    let found = findings(&files);
    assert!(found.iter().all(|d| !d.is_error()), "{found:?}");
}

#[test]
fn a_state_keeps_to_itself_what_is_no_output() {
    let mut files = files(&format!(
        "{HEAD}given: base\nsteps:\n  - {{ step: a, as: jackie, read: \"${{header}}\" }}\n  - {{ step: b, as: jackie, read: \"${{other}}\" }}\n"
    ));
    let state = STATE.replace("actors:", "outputs: { other: the other one }\nactors:")
        + "  - step: given-other\n    create: Communication\n    capture: other\n    body: { status: completed }\n";
    files.states.insert("s/states/base.yaml".into(), state);
    let found = findings(&files);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(
        found[0].message,
        "the state `base` keeps `header` to itself"
    );
    assert_eq!(underlined(&found[0]), "${header}");
}

/// MedplumClient's names are the language's own verbs.
#[rstest]
#[case("createResource: Task\nbody: {}", "create")]
#[case(
    "createResourceIfNoneExist: Task\nif-none-exist: identifier=1\nbody: {}",
    "create"
)]
#[case(
    "createBinary: Binary\ncontent-type: text/plain\nbody: hello",
    "create"
)]
#[case("readResource: ${homer}", "read")]
#[case("readReference: ${homer}", "read")]
#[case("readVersion: ${homer}/_history/1", "vread")]
#[case("readHistory: ${homer}", "history")]
#[case("updateResource: ${homer}\nbody: {}", "update")]
#[case("upsertResource: Task?identifier=1\nbody: {}", "upsert")]
#[case("patchResource: ${homer}\nbody: []", "patch")]
#[case("deleteResource: ${homer}", "delete")]
#[case("searchResources: Task", "search")]
#[case("executeBatch: [{ readResource: \"${homer}\" }]", "batch")]
fn names_of_medplum_client(#[case] step: &str, #[case] verb: &str) {
    let suite = Suite::check(&files(&with_step(&format!("step: a\nas: alice\n{step}")))).unwrap();
    assert_eq!(suite.scenarios[0].steps[0].action.verb(), verb);
}

/// What not every server offers is declared, or else such a server fails what it could skip.
#[rstest]
#[case::patch(
    "patch: ${header}\nbody: [{ op: test, path: /status, value: x }]",
    Some("patch")
)]
#[case::conditional_patch(
    "patch: Communication?identifier=1\nbody: [{ op: test, path: /status, value: x }]",
    Some("patch, conditional-patch")
)]
#[case::guarded_update(
    "update: ${header}\nif-match: ${header.version}\nbody: { resourceType: Communication }",
    Some("versioned-update")
)]
#[case::update_by_search(
    "update: Communication?identifier=1\nbody: { resourceType: Communication }",
    Some("conditional-update")
)]
#[case::upsert(
    "upsert: Communication?identifier=1\nbody: { resourceType: Communication }",
    Some("conditional-update")
)]
#[case::create_once(
    "create: Communication\nif-none-exist: identifier=1\nbody: { resourceType: Communication }",
    Some("conditional-create")
)]
#[case::reference_by_search(
    "create: Communication\nbody: { resourceType: Communication, sender: { reference: \"Patient?phone=1\" } }",
    Some("conditional-reference")
)]
#[case::rest_hook(
    "create: Subscription\nbody: { resourceType: Subscription, channel: { type: rest-hook } }",
    Some("subscription")
)]
#[case::delete_by_search("delete: Communication?identifier=1", Some("conditional-delete"))]
#[case::vread("vread: ${header}/_history/${header.version}", Some("vread"))]
#[case::history("history: ${header}", Some("history"))]
#[case::include("search: Communication?_include=Communication:sender", Some("include"))]
#[case::revinclude(
    "search: Communication?_id=1&_revinclude=Communication:part-of",
    Some("revinclude")
)]
#[case::batch("batch:\n  - read: ${header}", Some("batch"))]
#[case::transaction(
    "transaction:\n  - create: Communication\n    if-none-exist: identifier=1\n    body: { resourceType: Communication }",
    Some("transaction, conditional-create")
)]
#[case::operation("operation: ${header}/$everything", Some("operation:everything"))]
#[case::search("search: Communication?part-of=${header}", None)]
#[case::read("read: ${header}", None)]
#[case::refused("history: ${header}\nexpect: hidden", None)]
#[case::a_probe("history: ${header}\nprobe: true", None)]
#[case::declared_on_the_step("history: ${header}\nneeds: [history]", None)]
fn what_a_step_needs_is_declared(#[case] verb: &str, #[case] needs: Option<&str>) {
    let step = with_step(&format!("step: a\nas: alice\n{verb}"));
    let text = step.replace(ACTORS, &format!("given: base\n{ACTORS}"));
    let found = findings(&files(&text));
    let messages: Vec<&str> = found
        .iter()
        .map(|finding| finding.message.as_str())
        .collect();
    let wanted = needs.map(|needs| format!("the step needs `{needs}` and does not say so"));
    assert_eq!(
        messages,
        wanted.iter().map(String::as_str).collect::<Vec<_>>()
    );
    assert!(
        found
            .iter()
            .all(|finding| finding.severity == Severity::Info)
    );
    let Some(needs) = needs else { return };
    let declared = text.replacen("given: base", &format!("given: base\nneeds: [{needs}]"), 1);
    let declared = declared.replace("operation:everything]", "\"operation:everything\"]");
    assert_eq!(findings(&files(&declared)), [], "{declared}");
}

#[test]
fn the_shipped_scenarios_say_what_they_need() {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../scenarios"));
    let files = Files::read(&[folder]).expect("the shipped scenarios");
    assert_eq!(findings(&files), []);
}
