//! Reports of runs that no server can be brought to, made by hand.

use fhirward_harness::expect::{CellVerdict, Observed, Sight};
use fhirward_harness::report::{
    Cell, CleanupReport, Event, Kind, PolicyPlaces, Problem, Recorded, Report, ScenarioInfo,
    ServerInfo, SightChange, SnapshotReport, SnapshotVerdict, StepReport, StepVerdict, Style,
    Verdict, terminal,
};

use rstest::rstest;

use super::consumers;

fn info(id: &str) -> ScenarioInfo {
    ScenarioInfo {
        index: 0,
        id: id.into(),
        title: "A nurse leaves the team".into(),
        page: "threads".into(),
        file: "scenarios/threads/remove.yaml".into(),
        planned_steps: 2,
    }
}

fn step(id: &str, line: usize, verdict: StepVerdict, problems: Vec<Problem>) -> StepReport {
    StepReport {
        id: id.into(),
        given: false,
        title: Some("Alice takes Jackie off the header".into()),
        actor: "alice".into(),
        verb: "patch".into(),
        target: "${thread}".into(),
        file: "scenarios/threads/remove.yaml".into(),
        line,
        verdict,
        status: Some(200),
        outcome: Some("200".into()),
        probe: false,
        looks: 1,
        duration_ms: 12,
        retries: Vec::new(),
        problems,
    }
}

fn cell(actor: &str, resource: &str, verdict: CellVerdict) -> Cell {
    let (read, search) = match verdict {
        CellVerdict::ExpectedAllow | CellVerdict::UnexpectedAllow | CellVerdict::Departure => {
            (Observed::Seen("200".into()), Observed::Seen("found".into()))
        }
        CellVerdict::ExpectedDeny | CellVerdict::UnexpectedDeny | CellVerdict::Inconclusive => (
            Observed::Hidden("404".into()),
            Observed::Hidden("absent".into()),
        ),
        CellVerdict::Error => (Observed::Error("503".into()), Observed::Error("503".into())),
        CellVerdict::Skipped => (
            Observed::NotAsked("the server is out of reach".into()),
            Observed::NotAsked("the server is out of reach".into()),
        ),
    };
    let wrong = matches!(
        verdict,
        CellVerdict::UnexpectedAllow | CellVerdict::UnexpectedDeny
    );
    Cell {
        after: "remove".into(),
        actor: actor.into(),
        resource: resource.into(),
        predicted: (verdict != CellVerdict::Inconclusive).then_some(Sight::Hidden),
        read,
        search,
        departures: Vec::new(),
        verdict,
        entry: None,
        nearest_miss: Some("participant #2: the sender is somebody else".into()),
        reason: (!verdict.is_expected()).then(|| "predicted hidden; read 200".into()),
        explanation: wrong.then(|| "denied\n  participant #2: no".into()),
        policies: if wrong {
            vec!["participant".into()]
        } else {
            Vec::new()
        },
    }
}

fn made(
    info: ScenarioInfo,
    steps: Vec<StepReport>,
    cells: Vec<Cell>,
    end: Verdict,
) -> Vec<Recorded> {
    let id = info.id.clone();
    let mut events = vec![
        Event::RunStarted {
            id: "0123456789abcdef0123456789abcdef".into(),
            started: "2026-11-21T12:00:00Z".into(),
            scenarios: 1,
            server: ServerInfo {
                url: "http://127.0.0.1:1/fhir/R4/".into(),
                software: Some("fake 1".into()),
                profile: "generic".into(),
            },
        },
        Event::PolicyRead(PolicyPlaces {
            name: "participant".into(),
            title: "participant".into(),
            file: "scenarios/policies/participant.json".into(),
            entries: vec![5, 6],
        }),
        Event::ScenarioStarted(info),
    ];
    for step in steps {
        events.push(Event::StepFinished {
            scenario: id.clone(),
            step,
        });
    }
    events.push(Event::MatrixObserved {
        scenario: id.clone(),
        after: "remove".into(),
        cells,
    });
    events.push(Event::CleanedUp {
        scenario: Some(id.clone()),
        cleanup: CleanupReport {
            deleted: 3,
            problems: vec!["Communication/1 is left behind: 503".into()],
        },
    });
    events.push(Event::ScenarioFinished {
        scenario: id,
        verdict: end,
        reason: Some("leak: jackie sees m3 after step remove".into()),
        duration_ms: 34,
        snapshot: SnapshotReport::of(SnapshotVerdict::Matches),
    });
    events.push(Event::RunFinished {
        duration_ms: 56,
        interrupted: false,
        terminated: false,
        obsolete: Vec::new(),
        ci: false,
    });
    events
        .into_iter()
        .map(|event| Recorded { at_ms: 0, event })
        .collect()
}

/// One of each kind of cell, a step that failed, one that was sent again, one that was blocked.
fn mixed() -> Vec<Recorded> {
    let mut retried = step("read", 9, StepVerdict::Passed, Vec::new());
    retried.verb = "read".into();
    retried.retries = vec!["503 Service Unavailable".into()];
    let mut blocked = step(
        "late",
        30,
        StepVerdict::Blocked,
        vec![Problem::new("m9 # does not exist")],
    );
    blocked.status = None;
    let cells = CellVerdict::ALL
        .into_iter()
        .enumerate()
        .map(|(at, verdict)| cell("jackie", &format!("m{at}"), verdict))
        .collect();
    let failed = Problem::leak("expected denied, got 200: alice got through").with_help("look");
    made(
        info("remove"),
        vec![
            retried,
            step("remove", 20, StepVerdict::Failed, vec![failed]),
            blocked,
        ],
        cells,
        Verdict::Failed,
    )
}

#[test]
fn as_people_and_programs_read_it() {
    let run = mixed();
    let text = |kind: Kind| {
        let text = kind.render(&run).unwrap();
        text.replace(env!("CARGO_PKG_VERSION"), "VERSION")
    };
    for kind in [
        Kind::Junit,
        Kind::Tap,
        Kind::Github,
        Kind::Markdown,
        Kind::Sarif,
    ] {
        insta::assert_snapshot!(format!("report_{}", kind.name()), text(kind));
    }
    insta::assert_snapshot!("report_testreport", text(Kind::TestReport));
    insta::assert_snapshot!(
        "report_html",
        text(Kind::Html).split_once("<body>").unwrap().1
    );
    consumers::junit(&text(Kind::Junit), 5);
    consumers::tap(&text(Kind::Tap), 5);
    consumers::html(&text(Kind::Html));
}

#[test]
fn a_strict_schema_takes_the_strict_kind() {
    let text = |kind: Kind| kind.render(&mixed()).unwrap();
    // What readers other than the strict ones need.
    assert_eq!(
        consumers::refused(&text(Kind::Junit)),
        [
            "testcase/@file",
            "testcase/@line",
            "testcase/properties",
            "testsuites/@skipped",
            "testsuites/@timestamp",
        ]
    );
    let strict = text(Kind::Xunit);
    assert_eq!(consumers::refused(&strict), Vec::<String>::new());
    consumers::junit(&strict, 5);
    // Nothing is lost of what went wrong.
    for part in [
        "<flakyError",
        "at scenarios/threads/remove.yaml:20",
        "leak: jackie sees m2",
    ] {
        assert!(strict.contains(part), "{part}: {strict}");
    }
}

#[test]
fn a_retry_that_helped_is_flaky() {
    let text = Kind::Junit.render(&mixed()).unwrap();
    assert_eq!(text.matches("<flakyError").count(), 1, "{text}");
    let text = Kind::Tap.render(&mixed()).unwrap();
    assert_eq!(text.matches("flaky: true").count(), 1, "{text}");
    assert!(Kind::Html.render(&mixed()).unwrap().contains("flaky: "));
}

#[test]
fn github_gets_the_ten_worst() {
    let cells: Vec<Cell> = (0..37)
        .map(|at| {
            let verdict = if at % 2 == 0 {
                CellVerdict::UnexpectedDeny
            } else {
                CellVerdict::UnexpectedAllow
            };
            cell("jackie", &format!("m{at}"), verdict)
        })
        .collect();
    let text = Kind::Github
        .render(&made(info("remove"), Vec::new(), cells, Verdict::Failed))
        .unwrap();
    let errors: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("::error"))
        .collect();
    assert_eq!(errors.len(), 10);
    assert!(
        errors[..9]
            .iter()
            .all(|line| line.contains("title=fhirward leak::"))
    );
    assert_eq!(
        errors[9],
        "::error title=fhirward::…and 28 more, see the summary of the job"
    );
    consumers::github(&text, 5);
}

/// Everything that comes from outside, with a script, a table and a workflow command in it.
#[test]
fn hostile_texts_stay_texts() {
    const BAD: &str = "\u{1b}]0;owned\u{7}\u{1b}[31m\u{9b}8m<script>alert(1)</script>\"'><img src=x onerror=alert(1)>&|`\u{202e}\u{0}\n::error::owned # TODO\n]]>";
    let mut info = info(BAD);
    info.title = BAD.into();
    info.page = BAD.into();
    info.file = BAD.into();
    let mut bad = step(
        BAD,
        3,
        StepVerdict::Failed,
        vec![Problem::leak(BAD).with_help(BAD)],
    );
    bad.title = Some(BAD.into());
    bad.actor = BAD.into();
    bad.target = BAD.into();
    bad.file = BAD.into();
    bad.retries = vec![BAD.into()];
    let mut cells = vec![cell(BAD, BAD, CellVerdict::UnexpectedAllow)];
    cells[0].reason = Some(BAD.into());
    cells[0].explanation = Some(BAD.into());
    let run = made(info, vec![bad], cells, Verdict::Failed);
    let text = |kind: Kind| kind.render(&run).unwrap();
    let page = text(Kind::Html);
    for part in ["<script", "<img", "\u{0}", "\u{202e}"] {
        assert!(!page.contains(part), "{part}");
    }
    let body = page.split_once("<body>").unwrap().1;
    assert_eq!(body.matches('<').count(), body.matches('>').count());
    consumers::tap(&text(Kind::Tap), 5);
    consumers::github(&text(Kind::Github), 5);
    consumers::markdown(&text(Kind::Markdown));
    consumers::sarif_shape(&text(Kind::Sarif));
    quick_junit::Report::deserialize_from_str(&text(Kind::Junit)).unwrap();
    let shown = Report::of(&run.iter().map(|one| one.event.clone()).collect::<Vec<_>>());
    let texts = Kind::ALL.map(|kind| (kind.name(), text(kind)));
    let screen = ("terminal", terminal(&shown, Style::default()));
    for (name, text) in texts.into_iter().chain([screen]) {
        let acts = |c: &char| c.is_control() && *c != '\n' || ('\u{202a}'..='\u{202e}').contains(c);
        let found = text.chars().find(|c| acts(c));
        // JSON escapes what it must, and is read by programs.
        let is_json = text.starts_with('{');
        assert!(is_json || found.is_none(), "{name}: {found:?} in {text}");
        // In a page a line is nothing.
        assert!(
            name == "html" || !text.lines().any(|line| line.starts_with("::error::owned")),
            "{name}: {text}"
        );
    }
    assert!(!text(Kind::Markdown).contains("<script"));
}

const FIRST: &str = "participant #1 (Communication?recipient=%profile)";
const SECOND: &str = "participant #2: the sender is somebody else";

/// A scenario that says of a resource that bob must not see it, and of another that he must, where
/// the policies say the opposite and the server does as they say.
fn against_the_policies() -> Vec<Recorded> {
    let leak =
        Problem::leak("see: m1 is visible for bob (read 200, search found), expected hidden")
            .about("bob", "m1");
    let missing =
        Problem::new("see: m2 is hidden for bob (read 404, search absent), expected visible")
            .about("bob", "m2");
    let mut seen = cell("bob", "m1", CellVerdict::ExpectedAllow);
    (seen.entry, seen.nearest_miss) = (Some(FIRST.into()), None);
    made(
        info("remove"),
        vec![step("remove", 20, StepVerdict::Failed, vec![leak, missing])],
        vec![seen, cell("bob", "m2", CellVerdict::ExpectedDeny)],
        Verdict::Failed,
    )
}

#[rstest]
#[case::terminal(Kind::Text, "yes LEAK", "- MISSING")]
#[case::html(
    Kind::Html,
    "<td class=\"unexpected-allow\" title=\"bob, m1: expected-allow; read 200, search found\">⚠ LEAK</td>",
    "✗ MISSING</td>"
)]
#[case::markdown(Kind::Markdown, "| **bob** | ⚠ **LEAK** |", "| ✗ **MISSING** |")]
#[case::junit(
    Kind::Junit,
    "leak: bob sees m1 after step remove, and the scenario says hidden",
    "bob does not see m2 after step remove, and the scenario says visible"
)]
#[case::tap(
    Kind::Tap,
    "leak: bob sees m1 after step remove, and the scenario says hidden",
    "bob does not see m2 after step remove, and the scenario says visible"
)]
#[case::sarif(Kind::Sarif, "leak-by-step", "step-mismatch")]
#[case::github(Kind::Github, "leak-by-step", "step-mismatch")]
fn what_the_scenario_forbids_is_marked_and_has_its_reason(
    #[case] kind: Kind,
    #[case] leak: &str,
    #[case] missing: &str,
) {
    let text = kind.render(&against_the_policies()).unwrap();
    let text = text.replace("%25profile", "%profile");
    for part in [leak, missing, FIRST, SECOND] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let places = match kind {
        Kind::Sarif => ["\"startLine\": 5", "\"startLine\": 6"],
        _ => [
            "scenarios/policies/participant.json:5",
            "scenarios/policies/participant.json:6",
        ],
    };
    for place in places {
        assert!(text.contains(place), "{place}: {text}");
    }
}

/// A policy was changed: the server and the engine agree, and the snapshot does not.
fn against_the_snapshot() -> Vec<Recorded> {
    let mut gained = cell("bob", "m1", CellVerdict::ExpectedAllow);
    (gained.entry, gained.nearest_miss) = (Some(FIRST.into()), None);
    let lost = cell("bob", "m2", CellVerdict::ExpectedDeny);
    let mut run = made(
        info("remove"),
        Vec::new(),
        vec![gained, lost],
        Verdict::Failed,
    );
    let change = |resource: &str, was, is| SightChange {
        after: "remove".into(),
        actor: "bob".into(),
        resource: resource.into(),
        was,
        is,
    };
    for one in &mut run {
        if let Event::ScenarioFinished { snapshot, .. } = &mut one.event {
            *snapshot = SnapshotReport {
                diff: Some(vec!["bob gained m1 (was hidden) after step remove".into()]),
                changes: vec![
                    change("m1", Sight::Hidden, Sight::Visible),
                    change("m2", Sight::Visible, Sight::Hidden),
                ],
                widening: true,
                ..SnapshotReport::of(SnapshotVerdict::Differs)
            };
        }
    }
    run
}

#[rstest]
#[case::terminal(Kind::Text, "GAINED", "LOST")]
#[case::html(Kind::Html, "⚠ GAINED</td>", "✗ LOST</td>")]
#[case::markdown(Kind::Markdown, "⚠ **GAINED** |", "✗ **LOST** |")]
#[case::junit(Kind::Junit, "bob gained m1: allowed by", "bob lost m2: comes nearest")]
#[case::tap(Kind::Tap, "bob gained m1: allowed by", "bob lost m2: comes nearest")]
#[case::sarif(Kind::Sarif, "snapshot-widened", "bob lost m2: comes nearest")]
#[case::github(
    Kind::Github,
    "bob gained m1: allowed by",
    "bob lost m2: comes nearest"
)]
fn a_broken_policy_has_its_reason_in_each_report(
    #[case] kind: Kind,
    #[case] gained: &str,
    #[case] lost: &str,
) {
    let text = kind.render(&against_the_snapshot()).unwrap();
    let text = text.replace("%25profile", "%profile");
    for part in [gained, lost, FIRST, SECOND] {
        assert!(text.contains(part), "{part}: {text}");
    }
    if kind == Kind::Sarif {
        consumers::sarif(&text, 5);
        let sarif: serde_json::Value = serde_json::from_str(&text).unwrap();
        let related = sarif["runs"][0]["results"][0]["relatedLocations"].as_array();
        let lines: Vec<u64> = related
            .unwrap()
            .iter()
            .filter_map(|place| place["physicalLocation"]["region"]["startLine"].as_u64())
            .collect();
        assert_eq!(lines, [5, 6]);
    } else {
        for place in ["participant.json:5", "participant.json:6"] {
            assert!(text.contains(place), "{place}: {text}");
        }
    }
}

/// Many scenarios in which bob sees more than before, by one entry; in each second one he lost
/// something too.
fn a_broken_suite(scenarios: usize) -> Report {
    let mut report = Report::default();
    for at in 0..scenarios {
        let events: Vec<Event> = against_the_snapshot()
            .into_iter()
            .map(|one| one.event)
            .collect();
        let one = Report::of(&events);
        report.policies.clone_from(&one.policies);
        let mut scenario = one.scenarios[0].clone();
        scenario.info.id = format!("flow-{at}");
        scenario.snapshot.diff = Some((0..30).map(|n| format!("difference {n}")).collect());
        if at % 2 == 0 {
            scenario.snapshot.widening = false;
            scenario.snapshot.changes.remove(0);
        }
        report.scenarios.push(scenario);
    }
    report.selected = scenarios;
    report
}

#[test]
fn a_terminal_says_at_the_end_what_a_broken_suite_comes_down_to() {
    let text = terminal(&a_broken_suite(4), Style::default());
    let (_, end) = text.split_once("\nleaks in").unwrap();
    insta::assert_snapshot!("end_of_a_broken_suite", format!("leaks in{end}"));
}

#[rstest]
#[case::one(1, 60)]
#[case::some(10, 340)]
#[case::many(100, 1_000)]
fn a_terminal_is_not_flooded(#[case] scenarios: usize, #[case] most: usize) {
    let report = a_broken_suite(scenarios);
    let text = terminal(&report, Style::default());
    let lines = text.lines().count();
    assert!(lines <= most, "{lines}");
    assert_eq!(
        text.matches("more lines, see --report html=FILE").count(),
        if scenarios == 1 { 0 } else { scenarios },
        "{text}"
    );
}

#[test]
fn the_matrix_with_a_leak_is_open_and_its_case_fails() {
    let run = against_the_policies();
    let page = Kind::Html.render(&run).unwrap();
    let moment = "<details class=\"moment\" open><summary>Who sees what after step remove";
    assert!(page.contains(moment), "{page}");
    let text = Kind::Junit.render(&run).unwrap();
    let junit = quick_junit::Report::deserialize_from_str(&text).unwrap();
    for case in junit.test_suites.iter().flat_map(|suite| &suite.test_cases) {
        let failed = matches!(
            case.status,
            quick_junit::TestCaseStatus::NonSuccess {
                kind: quick_junit::NonSuccessKind::Failure,
                ..
            }
        );
        let name = case.name.as_str();
        assert_eq!(failed, name.starts_with("remove"), "{name}");
    }
    consumers::sarif(&Kind::Sarif.render(&run).unwrap(), 5);
    consumers::html(&page);
    consumers::markdown(&Kind::Markdown.render(&run).unwrap());
    consumers::tap(&Kind::Tap.render(&run).unwrap(), 5);
}

#[test]
fn a_run_of_nothing_has_reports_too() {
    let mut run = made(info("x"), Vec::new(), Vec::new(), Verdict::Passed);
    run.retain(|one| {
        matches!(
            one.event,
            Event::RunStarted { .. } | Event::RunFinished { .. }
        )
    });
    if let Event::RunStarted { scenarios, .. } = &mut run[0].event {
        *scenarios = 0;
    }
    let text = |kind: Kind| kind.render(&run).unwrap();
    consumers::junit(&text(Kind::Junit), 6);
    consumers::tap(&text(Kind::Tap), 6);
    consumers::html(&text(Kind::Html));
    consumers::markdown(&text(Kind::Markdown));
    assert_open(&run, "no scenario selected");
}

/// What leaves open what it was to find out is no clean result: where results close alerts, that
/// none is there would close all of them.
fn assert_open(run: &[Recorded], why: &str) {
    let github = Kind::Github.render(run).unwrap();
    assert_eq!(github.lines().count(), 1, "{github}");
    assert!(
        github.starts_with("::error title=fhirward could-not-tell::"),
        "{github}"
    );
    assert!(github.contains(why), "{github}");
    let sarif = Kind::Sarif.render(run).unwrap();
    consumers::sarif_shape(&sarif);
    let sarif: serde_json::Value = serde_json::from_str(&sarif).unwrap();
    let invocation = &sarif["runs"][0]["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], false, "{invocation}");
    let note = &invocation["toolExecutionNotifications"][0];
    assert_eq!(note["descriptor"]["id"], "could-not-tell");
    assert!(
        note["message"]["text"].as_str().unwrap().contains(why),
        "{note}"
    );
    for kind in [Kind::Markdown, Kind::Html] {
        let text = kind.render(run).unwrap();
        assert!(text.contains(why), "{}: {text}", kind.name());
    }
}

/// A scenario passed, and what its server does not offer was left out.
#[rstest]
#[case::terminal(Kind::Text, "1 scenario: 1 passed", "\nnot played or not judged: ")]
#[case::markdown(
    Kind::Markdown,
    "### fhirward run: conformant in what was played ✅",
    "\nNot played or not judged: "
)]
#[case::html(
    Kind::Html,
    "✓ Conformant in what was played",
    ">Not played or not judged: "
)]
fn what_was_not_played_is_said(#[case] kind: Kind, #[case] head: &str, #[case] numbers: &str) {
    let why = |text: &str| vec![Problem::new(text)];
    let mut skipped = step("a", 3, StepVerdict::Skipped, why("not offered: async"));
    let mut next = step("c", 9, StepVerdict::Skipped, why("not offered: async"));
    (skipped.status, next.status) = (None, None);
    let blocked = step("b", 6, StepVerdict::Blocked, why("see: `t` is not there"));
    let played = step("d", 12, StepVerdict::Passed, Vec::new());
    let steps = vec![skipped, blocked, next, played];
    let run = made(info("remove"), steps, Vec::new(), Verdict::Passed);
    let text = kind.render(&run).unwrap();
    for part in [
        head,
        &format!("{numbers}3 steps of 1 scenario"),
        "not played: 2 of 4 steps (a, c): not offered: async",
        "not judged: 1 of 4 steps (b): see: `t` is not there",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let steps = vec![step("d", 12, StepVerdict::Passed, Vec::new())];
    let run = made(info("remove"), steps, Vec::new(), Verdict::Passed);
    let text = kind.render(&run).unwrap().to_lowercase();
    assert!(
        !text.contains("not played") && !text.contains("what was played"),
        "{text}"
    );
}

#[test]
fn a_remark_is_no_error_of_its_own() {
    let problems = vec![
        Problem::new("expected 200, got 404 (not-found)").with_help("the server says: no"),
        Problem::remark("`body` is not judged: this is another kind of answer"),
    ];
    let steps = vec![step("remove", 20, StepVerdict::Failed, problems)];
    let run = made(info("remove"), steps, Vec::new(), Verdict::Failed);
    let text = |kind: Kind| kind.render(&run).unwrap();
    let github = text(Kind::Github);
    assert_eq!(github.matches("::error ").count(), 1, "{github}");
    assert!(github.contains("%0A`body` is not judged"), "{github}");
    assert_eq!(text(Kind::Markdown).matches("step-mismatch").count(), 1);
    let sarif: serde_json::Value = serde_json::from_str(&text(Kind::Sarif)).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    assert_eq!(results.len(), 1, "{results:?}");
    for kind in [Kind::Text, Kind::Junit, Kind::Tap, Kind::Html] {
        let text = text(kind);
        assert!(text.contains("not judged"), "{}: {text}", kind.name());
    }
}

#[test]
fn an_interrupted_run_says_so() {
    let mut run = made(info("remove"), Vec::new(), Vec::new(), Verdict::Skipped);
    for one in &mut run {
        match &mut one.event {
            Event::RunStarted { scenarios, .. } => *scenarios = 3,
            Event::RunFinished { interrupted, .. } => *interrupted = true,
            Event::CleanedUp { cleanup, .. } => cleanup.problems.clear(),
            _ => {}
        }
    }
    assert_open(
        &run,
        "the run was interrupted: 0 of 3 scenarios came to an end",
    );
}

#[test]
fn what_the_server_does_not_offer_is_skipped_with_its_reason() {
    let mut run = made(info("remove"), Vec::new(), Vec::new(), Verdict::Skipped);
    run.retain(|one| !matches!(one.event, Event::MatrixObserved { .. }));
    let at = run.len() - 3;
    run.insert(
        at,
        Recorded {
            at_ms: 0,
            event: Event::NotOffered {
                scenario: "remove".into(),
                reason: "no subscriptions, says its CapabilityStatement".into(),
            },
        },
    );
    for one in &mut run {
        if let Event::CleanedUp { cleanup, .. } = &mut one.event {
            cleanup.problems.clear();
        }
    }
    assert_open(
        &run,
        "none of 1 scenario was played, and nothing is proved: no subscriptions",
    );
    for kind in [
        Kind::Junit,
        Kind::Tap,
        Kind::Html,
        Kind::TestReport,
        Kind::Json,
    ] {
        let text = kind.render(&run).unwrap();
        assert!(
            text.contains("no subscriptions, says"),
            "{}: {text}",
            kind.name()
        );
    }
}
