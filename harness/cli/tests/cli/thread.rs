//! `thread check`, good input and bad.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::Stdio;

use crate::support::{Shown, command, fhirward, fixtures, run};
use flate2::Compression;
use flate2::write::GzEncoder;
use insta::assert_snapshot;
use rstest::rstest;
use serde_json::Value;
use tempfile::TempDir;

const FORMATS: [&str; 6] = ["human", "json", "sarif", "github", "junit", "html"];

#[test]
fn accepts_a_thread() {
    assert_snapshot!(fhirward(&["thread", "check", "resources/thread.ndjson"]));
}

#[test]
fn shows_each_broken_rule_in_its_place() {
    assert_snapshot!(fhirward(&[
        "thread",
        "check",
        "resources/thread.ndjson",
        "resources/invalid.json"
    ]));
}

#[test]
fn as_json() {
    assert_snapshot!(fhirward(&[
        "thread",
        "check",
        "--format",
        "json",
        "resources/thread.ndjson",
        "resources/invalid.json"
    ]));
}

#[test]
fn what_is_no_json_is_invalid() {
    let shown = fhirward(&["thread", "check", "policies/broken.json"]);
    assert_eq!(shown.code, 2, "{shown}");
}

#[test]
fn a_folder_without_json_selects_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let shown = fhirward(&["thread", "check", folder.path().to_str().unwrap()]);
    assert_eq!(shown.code, 6, "{shown}");
}

#[test]
fn places_in_ndjson_from_standard_input_are_lines_of_the_whole() {
    let mut command = command(&fixtures(), &["thread", "check", "-"]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut text = std::fs::read_to_string(fixtures().join("resources/thread.ndjson")).unwrap();
    text.push_str("{\"resourceType\": \"Communication\", \"status\": \"open\"}\n");
    child
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("<stdin>:3:"), "{stderr}");
    assert_eq!(output.status.code(), Some(4));
}

/// The bundle that a person might write: three mistakes, three findings, each with its place and
/// what to do.
#[test]
fn three_mistakes_are_three_findings() {
    assert_snapshot!(fhirward(&[
        "thread",
        "check",
        "resources/three-mistakes.json"
    ]));
}

#[test]
fn what_people_wrote_is_not_shown_unless_asked_for() {
    let check = ["thread", "check", "resources/three-mistakes.json"];
    for format in FORMATS {
        let shown = fhirward(&[&check[..], &["--format", format]].concat());
        for text in ["stairs", "Since when", "come by", "Knee pain"] {
            assert!(!shown.to_string().contains(text), "{format}: {shown}");
        }
        assert!(shown.to_string().contains("H-03"), "{format}: {shown}");
    }
    let shown = fhirward(&[&check[..], &["--show-text"]].concat());
    assert!(shown.stderr.contains("Knee pain"), "{shown}");
}

/// What R4's structure and a rule both forbid is one mistake, told once.
#[rstest]
#[case::a_header_without_status(
    r#"{"resourceType": "Communication", "id": "h", "topic": {"text": "Knee"},
        "subject": {"reference": "Patient/p"}, "sender": {"reference": "Practitioner/a"},
        "recipient": [{"reference": "Practitioner/a"}, {"reference": "Patient/p"}]}"#,
    "missing-element"
)]
#[case::a_header_whose_status_is_no_code(
    r#"{"resourceType": "Communication", "id": "h", "topic": {"text": "Knee"}, "status": "open",
        "subject": {"reference": "Patient/p"}, "sender": {"reference": "Practitioner/a"},
        "recipient": [{"reference": "Practitioner/a"}, {"reference": "Patient/p"}]}"#,
    "unknown-code"
)]
#[case::a_header_sent_by_a_team(
    r#"{"resourceType": "Communication", "id": "h", "topic": {"text": "Knee"}, "status": "in-progress",
        "subject": {"reference": "Patient/p"}, "sender": {"reference": "CareTeam/a"},
        "recipient": [{"reference": "CareTeam/a"}, {"reference": "Patient/p"}]}"#,
    "wrong-target-type"
)]
#[case::a_task_without_intent(
    r#"{"resourceType": "Task", "id": "t", "status": "requested",
        "focus": {"reference": "Communication/h"}, "for": {"reference": "Patient/p"},
        "owner": {"reference": "Practitioner/a"}}"#,
    "missing-element"
)]
fn against_r4_and_a_rule_is_one_finding(#[case] text: &str, #[case] code: &str) {
    let (_, document) = check("one.json", text.as_bytes());
    let codes = document["diagnostics"].as_array().unwrap();
    let codes: Vec<_> = codes.iter().map(|finding| &finding["code"]).collect();
    assert_eq!(codes, [code], "{document:#}");
}

/// A file with these bytes, in a folder that goes away.
/// A thread with one mistake, which is told once.
#[rstest]
#[case::sender_of_a_message_is_no_participant(
    "/1/sender",
    r#"{"reference":"Medication/x"}"#,
    "wrong-target-type"
)]
#[case::sender_of_a_message_is_no_type(
    "/1/sender",
    r#"{"reference":"Practitoner/a"}"#,
    "unknown-target-type"
)]
#[case::sender_of_the_header_is_no_participant(
    "/0/sender",
    r#"{"reference":"Medication/x"}"#,
    "wrong-target-type"
)]
#[case::recipient_is_no_participant("/0/recipient", r#"[{"reference": "Practitioner/a"}, {"reference": "Patient/p"}, {"reference": "Practitioner/b"}, {"reference":"Medication/x"}]"#, "wrong-target-type")]
#[case::subject_who_writes_is_not_listed(
    "/0/recipient",
    r#"[{"reference": "Practitioner/a"}, {"reference": "Practitioner/b"}]"#,
    "H-10"
)]
#[case::part_of_no_type(
    "/1/partOf/0",
    r#"{"reference":"Comunication/h"}"#,
    "unknown-target-type"
)]
#[case::session_is_no_encounter(
    "/0/encounter",
    r#"{"reference":"Patient/p"}"#,
    "wrong-target-type"
)]
#[case::sent_is_no_date("/1/sent", r#""2024-02-30T10:00:00Z""#, "invalid-format")]
#[case::sent_has_no_zone("/1/sent", r#""2024-02-20T10:00:00""#, "invalid-format")]
#[case::nothing_but_an_id_in_the_payload("/1/payload/0", r#"{"id":"a"}"#, "missing-element")]
#[case::misspelt_content("/1/payload/0", r#"{"contentSting":"x"}"#, "unknown-element")]
#[case::misspelt_part(
    "/1/payload/0",
    r#"{"contentAttachment":{"contenttype":"text/plain","url":"Binary/b","title":"x"}}"#,
    "unknown-element"
)]
#[case::header_does_not_list_its_sender(
    "/0/recipient",
    r#"[{"reference":"Patient/p"},{"reference":"Practitioner/b"}]"#,
    "H-10"
)]
#[case::read_for_several("/1/status", r#""completed""#, "M-28")]
fn one_mistake_is_one_finding(#[case] pointer: &str, #[case] value: &str, #[case] code: &str) {
    let mut thread = small_thread();
    let (around, name) = pointer.rsplit_once('/').unwrap();
    let around = thread.pointer_mut(around).unwrap();
    let value: Value = serde_json::from_str(value).unwrap();
    match around {
        Value::Array(items) => items[name.parse::<usize>().unwrap()] = value,
        around => around[name] = value,
    }
    let (_, found) = check("a.json", thread.to_string().as_bytes());
    let codes: Vec<&Value> = found["diagnostics"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| &f["code"])
        .collect();
    assert_eq!(codes, [code], "{found:#}");
}

/// A key that is misspelt is not there under its name: that is the same mistake.
#[rstest]
#[case("sender")]
#[case("partOf")]
#[case("recipient")]
#[case("sent")]
#[case("payload")]
#[case("status")]
fn a_misspelt_element_is_one_finding(#[case] name: &str) {
    for at in [0, 1] {
        let mut thread = small_thread();
        let resource = thread[at].as_object_mut().unwrap();
        let Some(value) = resource.remove(name) else {
            continue;
        };
        resource.insert(format!("{name}z"), value);
        let (_, found) = check("a.json", thread.to_string().as_bytes());
        let codes: Vec<&Value> = found["diagnostics"]
            .as_array()
            .unwrap()
            .iter()
            .map(|f| &f["code"])
            .collect();
        assert_eq!(codes, ["unknown-element"], "{at} {found:#}");
    }
}

/// The copy of a message is a duplicate, and not another message of the same moment.
#[test]
fn a_line_that_stands_twice_is_one_finding() {
    let thread = small_thread();
    let lines = [&thread[0], &thread[1], &thread[1]]
        .map(Value::to_string)
        .join("\n");
    let (_, found_twice) = check("a.ndjson", lines.as_bytes());
    assert_eq!(
        found(&found_twice),
        ["thread/duplicate-id 3"],
        "{found_twice:#}"
    );
}

/// A Bundle is a resource as well, and says where what is in it goes.
#[rstest]
#[case::type_and_elements(r#"{"type":"collection","bogus":1,"entry":[]}"#, &["unknown-element", "empty-array"])]
#[case::no_type("{}", &["missing-element"])]
#[case::unknown_type(r#"{"type":"foo","total":1}"#, &["unknown-code"])]
#[case::total(r#"{"type":"collection","total":1}"#, &["bdl-1"])]
#[case::entry_element(r#"{"type":"collection","entry":[{"nope":1,"resource":{"resourceType":"Basic","code":{"text":"x"}}}]}"#, &["unknown-element"])]
#[case::full_url(r#"{"type":"collection","entry":[{"fullUrl":"https://e.org/Basic/a","resource":{"resourceType":"Basic","id":"b","code":{"text":"x"}}}]}"#, &["full-url-mismatch"])]
#[case::no_request(r#"{"type":"transaction","entry":[{"resource":{"resourceType":"Basic","code":{"text":"x"}}}]}"#, &["bdl-3"])]
#[case::no_composition(r#"{"type":"document","timestamp":"2024-04-10T10:00:00Z","identifier":{"system":"http://e.org","value":"1"},"entry":[{"resource":{"resourceType":"Basic","code":{"text":"x"}}}]}"#, &["bdl-11"])]
#[case::resource_misspelt(r#"{"type":"collection","entry":[{"Resource":{"resourceType":"Basic","code":{"text":"x"}}}]}"#, &["unknown-element"])]
#[case::entry_alone(r#"{"type":"collection","entry":{"resource":{"resourceType":"Basic"}}}"#, &["array-expected", "missing-element"])]
#[case::twice(r#"{"type":"collection","entry":[{"fullUrl":"https://e.org/Basic/a","resource":{"resourceType":"Basic","id":"a","code":{"text":"x"}}},{"fullUrl":"https://e.org/Basic/a","resource":{"resourceType":"Basic","id":"a","code":{"text":"x"}}}]}"#, &["bdl-7"])]
#[case::outcome(r#"{"type":"batch-response","entry":[{"response":{"status":"400","outcome":{"resourceType":"OperationOutcome"}}}]}"#, &["missing-element"])]
fn a_bundle_is_checked_itself(#[case] bundle: &str, #[case] wanted: &[&str]) {
    let mut bundle: Value = serde_json::from_str(bundle).unwrap();
    bundle["resourceType"] = "Bundle".into();
    for (name, text) in [
        ("a.json", serde_json::to_string_pretty(&bundle).unwrap()),
        ("a.ndjson", bundle.to_string()),
        ("a.json", format!("[{bundle}]")),
    ] {
        let (shown, found) = check(name, text.as_bytes());
        let mut codes: Vec<&str> = found["diagnostics"]
            .as_array()
            .unwrap()
            .iter()
            .map(|f| f["code"].as_str().unwrap())
            .collect();
        let mut wanted = wanted.to_vec();
        codes.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(codes, wanted, "{found:#}");
        assert_eq!(shown.code, 4, "{shown}");
    }
}

/// Wherever a Bundle stands, its resources are of the thread.
#[rstest]
#[case::pages_in_an_array("[{H}, {M}]")]
#[case::arrays_in_an_array("[[{H}], [{M}]]")]
#[case::entries(r#"{"resourceType": "Bundle", "type": "batch-response", "entry": [
    {"response": {"status": "200"}, "resource": {H}}, {"response": {"status": "200"}, "resource": {M}}]}"#)]
#[case::parameters(
    r#"{"resourceType": "Parameters", "parameter": [
    {"name": "a", "resource": {H}}, {"name": "b", "part": [{"name": "c", "resource": {M}}]}]}"#
)]
fn bundles_are_gone_into(#[case] around: &str) {
    let thread = small_thread();
    let mut message = thread[1].clone();
    message.as_object_mut().unwrap().remove("payload");
    message["status"] = "open".into();
    let bundle = |resource: &Value| {
        serde_json::json!({"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": resource}]}).to_string()
    };
    let text = around
        .replace("{H}", &bundle(&thread[0]))
        .replace("{M}", &bundle(&message));
    let (shown, found) = check("a.json", text.as_bytes());
    let mut codes: Vec<&str> = found["diagnostics"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| f["code"].as_str().unwrap())
        .collect();
    codes.sort_unstable();
    assert_eq!(codes, ["M-01", "unknown-code"], "{shown}");
    assert_eq!(found["threads"]["headers"], 1, "{found:#}");
    assert_eq!(found["threads"]["messages"], 1, "{found:#}");
}

/// Without a shell that would do it, as in a program's list of arguments.
#[test]
fn patterns_stand_for_files() {
    let folder = tempfile::tempdir().unwrap();
    let thread = small_thread();
    fs::create_dir_all(folder.path().join("a/b")).unwrap();
    fs::write(folder.path().join("a/h.json"), thread[0].to_string()).unwrap();
    fs::write(folder.path().join("a/b/m.ndjson"), thread[1].to_string()).unwrap();
    fs::write(folder.path().join("a/other.txt"), "no JSON").unwrap();
    let count = |pattern: &str| {
        let shown = run(command(
            folder.path(),
            &["thread", "check", "--format", "json", pattern],
        ));
        let found: Value = serde_json::from_str(&shown.stdout).unwrap_or_default();
        (shown.code, found["resources"].as_u64())
    };
    assert_eq!(count("a/*.json"), (0, Some(1)));
    assert_eq!(count("a/**/*.ndjson"), (0, Some(1)));
    assert_eq!(count("./a/**/*.{json,ndjson}"), (0, Some(2)));
    assert_eq!(
        count(&format!("{}/a/?.json", folder.path().display())),
        (0, Some(1))
    );
    assert_eq!(count("a/*.xml"), (1, None));
    assert_eq!(count("a/[*.json"), (1, None));
}

/// What is behind a whole file is not its end too early.
#[test]
fn gzip_with_something_behind_its_end() {
    let text = format!("{}\n", small_thread()[0]);
    let mut two = zipped(text.as_bytes());
    two.extend(zipped(small_thread()[1].to_string().as_bytes()));
    two.extend([0; 20]);
    let (_, found_two) = check("a.ndjson.gz", &two);
    assert_eq!(
        (found(&found_two), &found_two["resources"]),
        (Vec::new(), &Value::from(2))
    );
    two.extend(b"garbage");
    let (shown, found_more) = check("a.ndjson.gz", &two);
    assert_eq!(shown.code, 2, "{shown}");
    assert_eq!(found_more["resources"], 2, "{found_more:#}");
    let fault = &found_more["diagnostics"][0];
    assert_eq!(fault["code"], "file/damaged", "{fault:#}");
    assert!(
        fault["message"]
            .as_str()
            .unwrap()
            .contains("behind the end"),
        "{fault:#}"
    );
}

/// It is the name that is wrong.
#[test]
fn an_unknown_element_is_pointed_at_by_its_name() {
    let (_, found) = check(
        "a.json",
        br#"{"resourceType": "Basic", "code": {"text": "x"}, "zzz": 1}"#,
    );
    assert_eq!(
        found["diagnostics"][0]["labels"][0]["at"]["column"], 50,
        "{found:#}"
    );
}

/// A value of too many values is taken apart, and the finding says how.
#[test]
fn too_many_values_say_what_to_do() {
    let text = format!("[{}1]", "1,".repeat(2_000_000));
    let (_, found) = check("a.json", text.as_bytes());
    let fault = &found["diagnostics"][0];
    assert_eq!(fault["code"], "json/too-many-values", "{fault:#}");
    assert!(
        fault["help"]
            .as_str()
            .unwrap()
            .contains("jq -c '.entry[].resource'"),
        "{fault:#}"
    );
}

/// A header, a message to two people and an answer, without a fault.
fn small_thread() -> Value {
    serde_json::json!([
        {"resourceType": "Communication", "id": "h", "status": "in-progress", "topic": {"text": "Knee"},
            "subject": {"reference": "Patient/p"}, "sender": {"reference": "Practitioner/a"},
            "recipient": [{"reference": "Practitioner/a"}, {"reference": "Patient/p"}, {"reference": "Practitioner/b"}]},
        {"resourceType": "Communication", "id": "m", "status": "in-progress", "topic": {"text": "Knee"},
            "partOf": [{"reference": "Communication/h"}], "sent": "2024-04-10T10:00:00Z",
            "subject": {"reference": "Patient/p"}, "sender": {"reference": "Practitioner/a"},
            "recipient": [{"reference": "Patient/p"}, {"reference": "Practitioner/b"}], "payload": [{"contentString": "x"}]},
        {"resourceType": "Communication", "id": "n", "status": "in-progress", "topic": {"text": "Knee"},
            "partOf": [{"reference": "Communication/h"}], "sent": "2024-04-10T10:05:00Z",
            "subject": {"reference": "Patient/p"}, "sender": {"reference": "Patient/p"},
            "recipient": [{"reference": "Practitioner/a"}, {"reference": "Practitioner/b"}], "payload": [{"contentString": "x"}]},
    ])
}

fn file(name: &str, bytes: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    (folder, path)
}

fn check(name: &str, bytes: &[u8]) -> (Shown, Value) {
    let (_folder, path) = file(name, bytes);
    let shown = fhirward(&[
        "thread",
        "check",
        "--format",
        "json",
        path.to_str().unwrap(),
    ]);
    let document = serde_json::from_str(&shown.stdout).unwrap();
    (shown, document)
}

/// `code line` of each finding.
fn found(document: &Value) -> Vec<String> {
    let findings = document["diagnostics"].as_array().unwrap();
    let line = |finding: &Value| {
        let line = finding.pointer("/labels/0/at/line");
        line.cloned().unwrap_or_default()
    };
    findings
        .iter()
        .map(|f| format!("{} {}", f["code"].as_str().unwrap(), line(f)))
        .collect()
}

fn thread() -> String {
    fs::read_to_string(fixtures().join("resources/thread.ndjson")).unwrap()
}

fn zipped(bytes: &[u8]) -> Vec<u8> {
    let mut zip = GzEncoder::new(Vec::new(), Compression::fast());
    zip.write_all(bytes).unwrap();
    zip.finish().unwrap()
}

#[test]
fn broken_lines_are_named_and_the_rest_is_checked() {
    let text = thread().replacen('\n', "\n{\"resourceType\": \n\n", 1)
        + "{\"resourceType\": \"Communication\", \"id\": \"x\", \"status\": \"open\"}\n";
    let (shown, document) = check("export.ndjson", text.as_bytes());
    assert_eq!(document["resources"], 3, "{shown}");
    let found = found(&document);
    assert!(found.contains(&"json/syntax 2".to_owned()), "{found:?}");
    assert!(found.contains(&"unknown-code 5".to_owned()), "{found:?}");
    let message = document["diagnostics"][0]["message"].as_str().unwrap();
    assert!(message.starts_with("line 2: "), "{message}");
    assert_eq!(shown.code, 2);
}

#[test]
fn a_line_that_is_no_text_is_named_and_the_rest_is_checked() {
    let mut bytes = thread().into_bytes();
    bytes.extend(b"{\"id\": \"\xff\"}\n");
    bytes.extend(b"{\"resourceType\": \"Communication\", \"id\": \"x\", \"status\": \"open\"}\n");
    let (shown, document) = check("export.ndjson", &bytes);
    assert_eq!(document["resources"], 3, "{shown}");
    let found = found(&document);
    assert!(found.contains(&"unknown-code 4".to_owned()), "{found:?}");
    assert!(shown.stdout.contains("line 3 is not UTF-8 text"), "{shown}");
}

#[test]
fn gzip_is_read_and_a_truncated_one_as_far_as_it_goes() {
    let (shown, document) = check("export.ndjson.gz", &zipped(thread().as_bytes()));
    assert_eq!((shown.code, &document["resources"]), (0, &Value::from(2)));
    let long = thread().repeat(2_000);
    let mut bytes = zipped(long.as_bytes());
    bytes.truncate(bytes.len() / 2);
    let (shown, document) = check("export.ndjson.gz", &bytes);
    assert!(shown.stdout.contains("file/truncated"), "{shown}");
    assert!(document["resources"].as_u64().unwrap() > 0, "{shown}");
}

#[test]
fn a_byte_order_mark_is_advice() {
    let text = format!("\u{feff}{}", thread());
    let (shown, document) = check("export.ndjson", text.as_bytes());
    assert_eq!(document["resources"], 2, "{shown}");
    assert_eq!(found(&document), ["file/byte-order-mark null"]);
    assert_eq!(shown.code, 0);
}

#[test]
fn ids_that_stand_twice_keys_that_stand_twice_and_unknown_types() {
    let text = thread()
        + &thread()
        + "{\"resourceType\": \"Communicatoin\", \"id\": \"x\"}\n{\"resourceType\": \"Patient\", \"id\": \"p\", \"id\": \"q\"}\n";
    let (_, document) = check("export.ndjson", text.as_bytes());
    let found = found(&document);
    for wanted in [
        "thread/duplicate-id 3",
        "thread/duplicate-id 4",
        "unknown-resource-type 5",
        "json/repeated-key 6",
    ] {
        assert!(
            found.iter().any(|line| line == wanted),
            "{wanted}: {found:?}"
        );
    }
}

#[test]
fn only_one_thread() {
    let check = [
        "thread",
        "check",
        "resources/three-mistakes.json",
        "resources/thread.ndjson",
    ];
    let shown = fhirward(&[&check[..], &["--thread", "thread"]].concat());
    assert_eq!(shown.code, 0, "{shown}");
    let shown = fhirward(&[&check[..], &["--thread", "Communication/knee"]].concat());
    assert_eq!(shown.code, 4, "{shown}");
    let shown = fhirward(&[&check[..], &["--thread", "nothing"]].concat());
    assert_eq!(shown.code, 6, "{shown}");
}

#[test]
fn what_a_person_sees_is_checked_by_their_policy() {
    let shown = fhirward(&[
        "thread",
        "check",
        "resources/thread.ndjson",
        "--policy",
        "policies/participant.json",
        "--as",
        "Practitioner/house",
    ]);
    assert_eq!(shown.code, 0, "{shown}");
    let (_folder, path) = file("sender.json", br#"{"resourceType": "AccessPolicy", "id": "s",
        "resource": [{"resourceType": "Communication", "criteria": "Communication?sender=%profile"}]}"#);
    let shown = fhirward(&[
        "thread",
        "check",
        "resources/thread.ndjson",
        "--policy",
        path.to_str().unwrap(),
        "--as",
        "Practitioner/house",
    ]);
    assert!(
        shown.stderr.contains("A-01") && shown.stderr.contains("A-02"),
        "{shown}"
    );
    assert_eq!(shown.code, 4);
    let shown = fhirward(&[
        "thread",
        "check",
        "resources/thread.ndjson",
        "--policy",
        "policies/participant.json",
    ]);
    assert!(shown.stderr.contains("nobody is named"), "{shown}");
}

#[test]
fn levels_and_exceptions() {
    let (folder, path) = file(
        "thread.json",
        &fs::read(fixtures().join("resources/three-mistakes.json")).unwrap(),
    );
    fs::write(
        folder.path().join("fhirward.toml"),
        "[thread.rules]\nheader-status = \"off\"\nH-03 = \"warning\"\n",
    )
    .unwrap();
    let mut command = command(folder.path(), &["thread", "check", path.to_str().unwrap()]);
    let output = command.output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(!stderr.contains("H-05"), "{stderr}");
    assert!(
        stderr.contains("H-03") && stderr.contains("2 warnings"),
        "{stderr}"
    );
    assert_eq!(output.status.code(), Some(0), "{stderr}");
}

#[test]
fn findings_beyond_the_limit_are_counted() {
    let shown = fhirward(&[
        "thread",
        "check",
        "resources/three-mistakes.json",
        "--max-findings",
        "0",
    ]);
    assert!(
        shown
            .stderr
            .contains("not listed (see --max-findings): 1 of H-03, 1 of H-05, 1 of M-08"),
        "{shown}"
    );
}

#[test]
fn explains_a_rule() {
    assert_snapshot!(fhirward(&["thread", "check", "--explain", "h-05"]));
}

#[test]
fn explains_why_a_point_is_no_rule() {
    let shown = fhirward(&["thread", "check", "--explain", "A-05"]);
    assert!(
        shown.stderr.contains("remove-participant-version-guarded"),
        "{shown}"
    );
    assert_eq!(shown.code, 1);
}

#[test]
fn lists_the_rules() {
    let shown = fhirward(&["thread", "check", "--list-rules"]);
    assert_eq!(shown.stdout.lines().count(), 83, "{shown}");
}

#[test]
fn shows_a_conversation() {
    assert_snapshot!(fhirward(&[
        "thread",
        "show",
        "resources/conversation.json",
        "--as",
        "Practitioner/house",
        "Patient/homer",
        "--policy",
        "policies/participant.json",
    ]));
}

#[test]
fn draws_a_conversation() {
    assert_snapshot!(fhirward(&[
        "thread",
        "graph",
        "resources/conversation.json",
        "--thread",
        "knee"
    ]));
}

#[test]
fn a_thread_that_is_not_there() {
    let shown = fhirward(&[
        "thread",
        "show",
        "resources/conversation.json",
        "--thread",
        "elbow",
    ]);
    assert_eq!(shown.code, 6, "{shown}");
}

#[test]
fn a_file_that_is_no_text_is_a_finding() {
    let (shown, document) = check("a.json", b"{\"resourceType\": \"\xff\"}");
    assert_eq!(found(&document), ["file/not-utf8 null"], "{shown}");
    assert_eq!(shown.code, 2);
}

#[test]
fn a_history_says_what_was_deleted() {
    let mut entries: Vec<Value> = thread()
        .lines()
        .map(|line| {
            serde_json::json!({
                "resource": serde_json::from_str::<Value>(line).unwrap(),
                "request": {"method": "POST", "url": "Communication"}, "response": {"status": "201"},
            })
        })
        .collect();
    entries.push(serde_json::json!({
        "request": {"method": "DELETE", "url": "Communication/m1"}, "response": {"status": "204"},
    }));
    let bundle = serde_json::json!({"resourceType": "Bundle", "type": "history", "entry": entries});
    let (shown, document) = check("history.json", bundle.to_string().as_bytes());
    assert_eq!(found(&document), ["C-02 1"], "{shown}");
}

/// A folder is named for a reason; that nothing in it is read has one as well.
#[test]
fn a_folder_with_nothing_to_read_says_what_is_read() {
    let (folder, _) = file("readme.txt", b"x");
    let shown = fhirward(&["thread", "check", folder.path().to_str().unwrap()]);
    assert_eq!(shown.code, 6, "{shown}");
    assert!(
        shown.stderr.contains("no file there ends in .json"),
        "{shown}"
    );
}

/// A file longer than is kept whole is read line by line, with the same findings in the same places.
#[test]
fn long_files_have_the_same_places() {
    let padding = format!(
        "{{\"resourceType\": \"Basic\", \"id\": \"b\", \"code\": {{\"text\": \"{}\"}}}}\n",
        "ü".repeat(1_000)
    );
    let wrong = "{\"resourceType\": \"Communication\", \"id\": \"x\", \"status\": \"open\"}\n";
    let places = |times: usize| {
        let text = padding.repeat(times) + wrong;
        let (_, document) = check("export.ndjson", text.as_bytes());
        let findings = document["diagnostics"].as_array().unwrap().clone();
        let last = findings
            .into_iter()
            .find(|f| f["code"] == "unknown-code")
            .unwrap();
        last["labels"][0]["at"].clone()
    };
    let (short, long) = (places(10), places(5_000));
    for name in ["column", "end_column", "length"] {
        assert_eq!(short[name], long[name]);
    }
    assert_eq!((&short["line"], &long["line"]), (&11.into(), &5_001.into()));
    let characters = padding.chars().count() as u64;
    let difference = long["offset"].as_u64().unwrap() - short["offset"].as_u64().unwrap();
    assert_eq!(difference, characters * 4_990);
}

/// A text that somebody wrote, in the place of every element of a Communication in turn, valid or
/// not: no format says it, in a message, a line of the file, or a repair.
#[test]
fn a_secret_in_any_element_is_in_no_output() {
    const SECRET: &str = "Geheimnis of the patient";
    let message: Value = serde_json::from_str(r#"{
        "resourceType": "Communication", "id": "m", "language": "en",
        "implicitRules": "http://example.com/rules",
        "meta": {"versionId": "1", "lastUpdated": "2024-04-10T10:00:00Z", "profile": ["http://example.com/p"],
            "tag": [{"system": "http://example.com/t", "code": "t", "display": "d"}]},
        "text": {"status": "generated", "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\">x</div>"},
        "contained": [{"resourceType": "Basic", "id": "b", "code": {"text": "x"}}],
        "extension": [{"url": "http://example.com/e", "valueDateTime": "2024-04-10"}],
        "identifier": [{"system": "http://example.com/i", "value": "1", "period": {"start": "2024-04-10"}}],
        "instantiatesCanonical": ["http://example.com/c"], "instantiatesUri": ["http://example.com/u"],
        "basedOn": [{"reference": "ServiceRequest/s"}], "partOf": [{"reference": "Communication/h"}],
        "inResponseTo": [{"reference": "Communication/n"}], "status": "in-progress",
        "statusReason": {"text": "x"}, "priority": "routine",
        "category": [{"coding": [{"system": "http://example.com/c", "code": "c"}], "text": "x"}],
        "medium": [{"text": "x"}], "subject": {"reference": "Patient/homer", "display": "x"},
        "topic": {"text": "x"}, "about": [{"reference": "Patient/homer"}],
        "encounter": {"reference": "Encounter/e"}, "sent": "2024-04-10T10:00:00Z",
        "received": "2024-04-10T10:00:01Z",
        "recipient": [{"reference": "Patient/homer", "type": "Patient"}],
        "sender": {"reference": "Practitioner/alice"}, "reasonCode": [{"text": "x"}],
        "reasonReference": [{"reference": "Condition/c"}],
        "payload": [{"contentString": "x"}, {"contentAttachment": {"contentType": "text/plain",
            "language": "en", "data": "eA==", "url": "http://example.com/a", "size": 1,
            "hash": "eA==", "title": "x", "creation": "2024-04-10"}}],
        "note": [{"authorString": "x", "time": "2024-04-10T10:00:00Z", "text": "x"}]
    }"#).unwrap();
    let header = serde_json::json!({
        "resourceType": "Communication", "id": "h", "status": "in-progress", "topic": {"text": "t"},
        "subject": {"reference": "Patient/homer"}, "sender": {"reference": "Practitioner/alice"},
        "recipient": [{"reference": "Practitioner/alice"}],
    });
    let mut variants: Vec<Value> = Vec::new();
    let mut places = Vec::new();
    pointers(&message, "", &mut places);
    assert!(places.len() > 100, "{}", places.len());
    for pointer in &places {
        // Not the keys by which the file is found to hold resources.
        if pointer == "/resourceType" {
            continue;
        }
        for secret in [
            Value::from(SECRET),
            Value::from(vec![SECRET]),
            Value::from(format!("<b>{SECRET}")),
            // Cut short behind the sign that quotations end with.
            Value::from(format!("{} `{SECRET}", "x".repeat(40))),
        ] {
            let mut variant = message.clone();
            *variant.pointer_mut(pointer).unwrap() = secret;
            variants.push(variant);
        }
    }
    let mut named = message.clone();
    named[SECRET] = "x".into();
    named["payload"][0][SECRET] = SECRET.into();
    variants.push(named);
    let mut kind = message.clone();
    kind["resourceType"] = SECRET.into();
    variants.push(kind);
    let mut one_word = message;
    one_word["received"] = "Geheimnis".into();
    one_word["payload"][1]["contentAttachment"]["creation"] = "Geheimnis".into();
    variants.push(one_word);

    // Once as lines, once so that findings show the lines around them.
    let mut lines = header.to_string();
    for variant in &variants {
        lines.push_str(&format!("\n{variant}"));
    }
    lines.push_str(&format!("\n{{\"a\": \"{SECRET}\", {SECRET}"));
    let pretty = serde_json::to_string_pretty(
        &vec![&header; 1]
            .into_iter()
            .chain(&variants)
            .collect::<Vec<_>>(),
    )
    .unwrap();
    for (name, text) in [("a.ndjson", lines), ("a.json", pretty)] {
        let (_folder, path) = file(name, text.as_bytes());
        let path = path.to_str().unwrap();
        for format in FORMATS {
            let check = [
                "thread",
                "check",
                "--format",
                format,
                "--max-findings",
                "100000",
                path,
            ];
            let shown = fhirward(&check).to_string();
            let leak = shown.lines().find(|line| line.contains("Geheimnis"));
            assert_eq!(leak, None, "{name} {format}");
        }
        let shown = fhirward(&["thread", "check", "--show-text", path]).to_string();
        assert!(shown.contains(SECRET), "{name}");
    }
}

/// Black is what people wrote, and not what the project wrote.
#[rstest]
#[case::an_element_of_several_types(
    r#"{"resourceType": "MedicationRequest", "status": "active", "intent": "order", "subject": {"reference": "Patient/1"}}"#,
    "`medication[x]` is required but missing"
)]
#[case::an_attribute(
    r#"{"resourceType": "Basic", "code": {"text": "x"}, "text": {"status": "generated",
        "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\"><p onclick=\"x\">but</p></div>"}}"#,
    "`<p>` must not have `onclick`"
)]
#[case::how_a_narrative_begins(
    r#"{"resourceType": "Basic", "code": {"text": "x"}, "text": {"status": "generated", "div": "<div>x</div>"}}"#,
    "begin with `<div xmlns=\"http://www.w3.org/1999/xhtml\">`"
)]
#[case::words_that_a_person_wrote_as_well(
    r#"{"resourceType": "Communication", "id": "m", "status": "in-progress",
        "topic": {"text": "has no payload"}, "partOf": [{"reference": "Communication/h"}]}"#,
    "the message has no payload"
)]
fn the_projects_own_words_are_shown(#[case] text: &str, #[case] wanted: &str) {
    let (shown, found) = check("a.json", text.as_bytes());
    let said = found["diagnostics"].to_string();
    let wanted = serde_json::to_string(wanted).unwrap();
    assert!(said.contains(wanted.trim_matches('"')), "{said} {shown}");
}

/// What a policy would have to say is advice, and no text of the resource.
#[test]
fn advice_about_policies_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let policy = write(
        "policy.json",
        r#"{"resourceType": "AccessPolicy", "id": "p", "resource": [{"resourceType": "Communication", "criteria": "Communication?sender=%profile"}]}"#,
    );
    let header = write(
        "header.json",
        r#"{"resourceType": "Communication", "id": "h", "status": "in-progress", "topic": {"text": "Knee"},
            "subject": {"reference": "Patient/p"}, "sender": {"reference": "Practitioner/a"},
            "recipient": [{"reference": "Practitioner/a"}, {"reference": "Practitioner/b"}]}"#,
    );
    let shown = fhirward(&[
        "thread",
        "check",
        &header,
        "--policy",
        &policy,
        "--as",
        "Practitioner/b",
        "--format",
        "json",
    ]);
    assert!(
        shown.stdout.contains("`Communication?recipient=%profile`"),
        "{shown}"
    );
}

/// A key of a person's that stands twice is theirs as well.
#[test]
fn a_key_that_stands_twice_is_black() {
    let text =
        r#"{"resourceType": "Basic", "sore knee": 1, "sore knee": 2, "code": {}, "code": {}}"#;
    let (shown, found) = check("a.json", text.as_bytes());
    assert!(!shown.to_string().contains("sore"), "{shown}");
    assert!(!found.to_string().contains("sore"), "{found}");
    assert!(found.to_string().contains("`code`"), "{found}");
}

fn pointers(value: &Value, pointer: &str, places: &mut Vec<String>) {
    if !pointer.is_empty() {
        places.push(pointer.to_owned());
    }
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                pointers(value, &format!("{pointer}/{name}"), places);
            }
        }
        Value::Array(items) => {
            for (at, value) in items.iter().enumerate() {
                pointers(value, &format!("{pointer}/{at}"), places);
            }
        }
        _ => {}
    }
}

/// The same findings in the same order, however many look for them.
#[test]
fn any_number_of_jobs_finds_the_same() {
    let mut text = String::new();
    for n in 0..6_000 {
        let status = if n % 7 == 0 { "on-hold" } else { "in-progress" };
        let line = serde_json::json!({
            "resourceType": "Communication", "id": format!("m{n}"), "status": status,
            "partOf": [{"reference": format!("Communication/m{}", n / 2)}],
            "sender": {"reference": "Patient/homer"}, "sent": "2024-04-10T10:00:00Z",
            "payload": [{"contentString": "x".repeat(n % 300)}],
        });
        text.push_str(&format!("{line}\n"));
        if n % 1000 == 999 {
            text.push_str("{\"broken\r\n\n");
            text.push_str("{\"resourceType\":\"Patient\",\"id\":\"ü\",\"id\":\"p\"}\n");
            text.push_str(
                "{\"resourceType\":\"Bundle\",\"type\":\"collection\",\"entry\":[{\"resource\":",
            );
            text.push_str(
                "{\"resourceType\":\"Patient\",\"id\":\"q\",\"odd\":1}},{\"resource\":3}]}\n",
            );
            text.push_str("[{\"resourceType\":\"Patient\",\"id\":\"r\"}, 4]\n");
        }
    }
    // Long enough to be kept a block at a time, by lines that say nothing.
    let long = text.clone() + &"\n".repeat(9 * 1024 * 1024);
    let kept = check("a.ndjson", text.as_bytes()).1;
    let streamed = check("a.ndjson", long.as_bytes()).1;
    assert_eq!(found(&kept), found(&streamed));
    assert_eq!(kept["resources"], streamed["resources"]);
    for (name, bytes) in [
        ("a.ndjson", text.clone().into_bytes()),
        ("a.ndjson.gz", zipped(text.as_bytes())),
        ("a.ndjson", long.into_bytes()),
    ] {
        let (_folder, path) = file(name, &bytes);
        let path = path.to_str().unwrap();
        let check = |jobs: &str| {
            let check = ["thread", "check", "--format", "json", "--jobs", jobs, path];
            fhirward(&check)
        };
        let alone = check("1");
        assert_eq!(alone.code, 2, "{alone}");
        assert!(alone.stdout.contains("\"resources\": 6018"), "{name}");
        for jobs in ["2", "5"] {
            assert!(check(jobs).stdout == alone.stdout, "{name} {jobs}");
        }
    }
    let none = fhirward(&["thread", "check", "--jobs", "0", "resources/thread.ndjson"]);
    assert_eq!(none.code, 1, "{none}");
}

#[test]
fn a_page_for_people() {
    let shown = fhirward(&[
        "thread",
        "check",
        "--format",
        "html",
        "resources/three-mistakes.json",
    ]);
    assert_snapshot!(shown);
}

/// More threads than are shown are not left out in silence.
#[test]
fn threads_that_are_not_shown_are_counted() {
    let header = |n: usize| {
        format!(
            "{{\"resourceType\":\"Communication\",\"id\":\"h{n}\",\"status\":\"in-progress\"}}\n"
        )
    };
    let text: String = (0..103).map(header).collect();
    let (_folder, path) = file("many.ndjson", text.as_bytes());
    for command in ["show", "graph"] {
        let shown = fhirward(&["thread", command, path.to_str().unwrap()]);
        assert_eq!(shown.code, 0, "{shown}");
        assert!(
            shown.stderr.contains("3 more threads are not shown"),
            "{shown}"
        );
    }
    let one = fhirward(&["thread", "show", "--thread", "h1", path.to_str().unwrap()]);
    assert!(!one.stderr.contains("not shown"), "{one}");
}

/// Who reads a conversation learns that some of it may be missing.
#[test]
fn what_could_not_be_read_is_not_passed_over_when_a_thread_is_shown() {
    let text = thread() + "{\"resourceType\": oops\n" + &"no\n".repeat(5);
    let (_folder, path) = file("a.ndjson", text.as_bytes());
    for command in ["show", "graph"] {
        let shown = fhirward(&["thread", command, path.to_str().unwrap()]);
        assert_eq!(shown.code, 2, "{shown}");
        assert!(shown.stdout.contains("thread"), "{shown}");
        assert!(shown.stderr.contains("line 3: "), "{shown}");
        assert!(
            shown.stderr.contains("6 places could not be read"),
            "{shown}"
        );
    }
    let (_folder, path) = file("a.json", b"{\"resourceType\": ");
    let shown = fhirward(&["thread", "show", path.to_str().unwrap()]);
    assert_eq!(shown.code, 2, "{shown}");
    assert!(
        shown.stderr.contains("1 place could not be read"),
        "{shown}"
    );
}

/// Files as they come: what can be read is checked, what cannot is said, and nothing is passed over.
#[test]
fn bad_input() {
    let line = thread();
    let utf16: Vec<u8> = line.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let latin1 = [
        line.as_bytes(),
        b"{\"resourceType\":\"Patient\",\"id\":\"M\xfcller\"}\n",
        line.as_bytes(),
    ]
    .concat();
    let cut = zipped(line.repeat(2000).as_bytes());
    let mut damaged = cut.clone();
    damaged[3] = 0xff;
    let marks = format!("\u{feff}{line}\u{feff}{line}");
    let twice = "{\"resourceType\":\"Patient\",\"resourceType\":\"Communication\",\"id\":\"a\",\"id\":\"b\"}";
    let marked = [&[0xff, 0xfe], &utf16[..]].concat();
    let table: [(&str, &str, Vec<u8>, i32, &str); 15] = [
        (
            "a truncated gz",
            "a.ndjson.gz",
            cut[..cut.len() - 9].to_vec(),
            2,
            "file/truncated",
        ),
        (
            "a gz of nothing but its head",
            "a.ndjson.gz",
            cut[..10].to_vec(),
            2,
            "file/truncated",
        ),
        (
            "no gz behind the name",
            "a.ndjson.gz",
            line.clone().into_bytes(),
            0,
            "file/not-gzip",
        ),
        (
            "noise behind the name of a gz",
            "a.ndjson.gz",
            vec![0x9c; 300],
            2,
            "file/not-gzip",
        ),
        ("a damaged gz", "a.ndjson.gz", damaged, 2, "file/damaged"),
        (
            "UTF-16 without a mark",
            "a.json",
            utf16.clone(),
            2,
            "file/not-utf8",
        ),
        ("lines of UTF-16", "a.ndjson", utf16, 2, "file/not-utf8"),
        ("UTF-16", "a.json", marked, 2, "file/not-utf8"),
        (
            "one line in Latin-1",
            "a.ndjson",
            latin1,
            2,
            "file/not-utf8",
        ),
        (
            "byte order marks between lines",
            "a.ndjson",
            marks.into_bytes(),
            0,
            "file/byte-order-mark",
        ),
        (
            "keys twice",
            "a.json",
            twice.as_bytes().to_vec(),
            2,
            "json/repeated-key",
        ),
        ("nothing", "a.json", Vec::new(), 2, "json/"),
        ("nothing but lines", "a.ndjson", b"\n\n\n".to_vec(), 6, ""),
        (
            "an unknown type",
            "a.json",
            b"{\"resourceType\":\"Comunication\",\"id\":\"a\"}".to_vec(),
            4,
            "unknown-resource-type",
        ),
        ("zeros", "a.ndjson", vec![0; 4096], 2, "json/"),
    ];
    for (name, file_name, bytes, code, wanted) in table {
        let (shown, document) = check(file_name, &bytes);
        let codes = found(&document);
        assert_eq!(shown.code, code, "{name}: {codes:?}");
        assert!(
            wanted.is_empty() || codes.iter().any(|code| code.starts_with(wanted)),
            "{name}: {codes:?}"
        );
    }
}

/// One value of 100 MB is refused by its length, in a document and in a line; what stands in the
/// other lines is checked.
#[test]
fn a_resource_of_a_hundred_megabytes() {
    let long = format!(
        "{{\"resourceType\":\"Communication\",\"id\":\"l\",\"status\":\"completed\",\"payload\":[{{\"contentString\":\"{}\"}}]}}\n",
        "x".repeat(100_000_000)
    );
    let (shown, document) = check("a.json", long.as_bytes());
    assert_eq!(
        (shown.code, found(&document)),
        (2, vec!["file/too-large null".to_owned()])
    );
    let (shown, document) = check(
        "a.ndjson",
        format!("{}{long}{}", thread(), thread()).as_bytes(),
    );
    assert_eq!(shown.code, 2);
    assert_eq!(document["resources"], 4);
    assert!(
        shown.stdout.contains("line 3 is longer than the limit"),
        "{}",
        &shown.stdout[..2000]
    );
}
