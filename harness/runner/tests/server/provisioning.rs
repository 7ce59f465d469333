//! How actors come to be: invited by an admin, named in a file, or not at all.

use std::path::Path;
use std::sync::{Arc, Mutex};

use fhirward_engine::diagnostic::Diagnostic;
use fhirward_harness::actor::{ActorsFile, StaticAuth, Surroundings, servers};
use fhirward_harness::client::{Auth, InvitedSignIn, ServerProfile, Target, run_of};
use fhirward_harness::report::{Event, StepVerdict, Verdict};
use fhirward_harness::{RunOutcome, run};
use rstest::rstest;
use serde_json::json;

use crate::faults::{only, options, play_at, steps_with, words};
use crate::support::{Call, Fake, Fault};

fn medplum(fake: &Fake, sign_in: InvitedSignIn) -> Target {
    let mut target = fake.target();
    target.profile = ServerProfile::named("medplum").unwrap();
    target.profile.actors.sign_in = sign_in;
    target
}

#[rstest]
#[case::password(InvitedSignIn::Password)]
#[case::on_behalf_of(InvitedSignIn::OnBehalfOf)]
#[tokio::test]
async fn invited_people_are_made_used_and_removed(#[case] sign_in: InvitedSignIn) {
    let paths = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&paths);
    let fake = Fake::scripted("a", move |call: &Call| {
        seen.lock()
            .unwrap()
            .push(format!("{} {}", call.method, call.path));
        Fault::None
    })
    .await;
    let (outcome, _) = play_at(&medplum(&fake, sign_in), &options()).await;
    assert_eq!(outcome.exit_code(), 0, "{}", words(&outcome));
    let paths = paths.lock().unwrap();
    let asked = |path: &str| paths.iter().filter(|found| found.contains(path)).count();
    assert_eq!(asked("/admin/projects/p1/invite"), 4);
    assert_eq!(asked("/admin/projects/p1/client"), 0);
    let logins = if sign_in == InvitedSignIn::Password {
        4
    } else {
        0
    };
    assert_eq!(asked("/auth/login"), logins);
    assert_eq!(fake.leftovers(), Vec::<String>::new());
    // First the memberships, then what they let in.
    let removed: Vec<&str> = paths
        .iter()
        .filter_map(|path| path.strip_prefix("DELETE /fhir/R4/"))
        .map(|path| path.split('/').next().unwrap())
        .collect();
    let first = |kind: &str| removed.iter().position(|found| *found == kind).unwrap();
    assert!(first("ProjectMembership") < first("User"));
    assert!(first("User") < first("Practitioner"));
    assert!(first("Practitioner") < first("AccessPolicy"));
}

#[tokio::test]
async fn what_was_made_is_removed_after_a_failure_too() {
    let fake = Fake::scripted("a", |call: &Call| {
        let third = call.path.contains("/auth/me") && call.actor == "clerk";
        if third {
            Fault::Answer(500, "application/json", "{}".into())
        } else {
            Fault::None
        }
    })
    .await;
    let (outcome, _) = play_at(&medplum(&fake, InvitedSignIn::Password), &options()).await;
    assert_eq!(outcome.exit_code(), 3, "{}", words(&outcome));
    assert_eq!(fake.leftovers(), Vec::<String>::new());
}

#[tokio::test]
async fn everything_of_a_run_carries_its_tag() {
    let fake = Fake::start().await;
    let (outcome, _) = play_at(&medplum(&fake, InvitedSignIn::Password), &options()).await;
    let run = outcome.report.id.as_str();
    for kind in [
        "Communication",
        "Practitioner",
        "AccessPolicy",
        "ProjectMembership",
    ] {
        let stored = fake.stored(kind);
        assert!(!stored.is_empty());
        for resource in stored {
            assert_eq!(run_of(&resource), Some(run), "{resource}");
        }
    }
}

#[tokio::test]
async fn an_open_server_is_not_asked_who_sees_what() {
    let fake = Fake::scripted("a", |_| Fault::Bypass).await;
    let mut target = fake.target();
    target.profile.actors.provisioning = fhirward_harness::client::Provisioning::None;
    target.profile.actors.reason = Some("it is open".into());
    let (outcome, _) = play_at(&target, &options()).await;
    let scenario = only(&outcome);
    assert_eq!(scenario.verdict, Verdict::Passed, "{}", words(&outcome));
    assert_eq!(
        scenario.reason.as_deref(),
        Some("who sees what is not judged: it is open")
    );
    assert!(scenario.matrix.is_empty());
    assert!(steps_with(&outcome, StepVerdict::Skipped).contains(&"outsider-patches"));
    let fake_actors = fake.stored("ProjectMembership");
    assert!(fake_actors.is_empty());
    assert_eq!(fake.leftovers(), Vec::<String>::new());
}

fn read(name: &str, text: &str) -> Result<ActorsFile, Diagnostic> {
    let environment = |name: &str| (name == "SECRET").then(|| "from the environment".to_owned());
    let around = Surroundings {
        environment: &environment,
        folder: Path::new("."),
    };
    ActorsFile::read(name, text, &around)
}

const GOOD: &str = "\
admin:
  client-credentials: { id: admin, secret: { env: SECRET } }
actors:
  dr-a:
    reference: Practitioner/1
    plays: [alice]
    auth:
      password: { email: a@example.com, password: { env: SECRET } }
  dr-b:
    reference: Practitioner/2
    policies: [participant]
    auth: { bearer: { env: SECRET } }
  dr-c:
    reference: Practitioner/3
    auth: { on-behalf-of: ProjectMembership/7 }
";

#[test]
fn a_file_of_actors_is_read_as_yaml_and_as_toml() {
    let yaml = read("actors.yaml", GOOD).unwrap();
    let toml = read(
        "actors.toml",
        "[admin.client-credentials]\nid = \"admin\"\nsecret = { env = \"SECRET\" }\n\
         [actors.dr-a]\nreference = \"Practitioner/1\"\nplays = [\"alice\"]\n\
         auth = { password = { email = \"a@example.com\", password = { env = \"SECRET\" } } }\n\
         [actors.dr-b]\nreference = \"Practitioner/2\"\npolicies = [\"participant\"]\n\
         auth = { bearer = { env = \"SECRET\" } }\n\
         [actors.dr-c]\nreference = \"Practitioner/3\"\nauth = { on-behalf-of = \"ProjectMembership/7\" }\n",
    )
    .unwrap();
    assert_eq!(format!("{yaml:?}"), format!("{toml:?}"));
    assert!(!format!("{yaml:?}").contains("from the environment"));
    assert_eq!(yaml.actors["dr-c"].plays, ["dr-c"]);
}

#[rstest]
#[case::inline_yaml(
    "a.yaml",
    "actors:\n  a:\n    reference: Practitioner/1\n    auth: { bearer: hunter2-hunter2 }\n"
)]
#[case::inline_number(
    "a.yaml",
    "actors:\n  a:\n    reference: Practitioner/1\n    auth: { bearer: 4711471147114711 }\n"
)]
#[case::inline_toml(
    "a.toml",
    "[actors.a]\nreference = \"Practitioner/1\"\nauth = { bearer = \"hunter2-hunter2\" }\n"
)]
fn a_secret_in_the_file_is_an_error_that_does_not_show_it(#[case] name: &str, #[case] text: &str) {
    let finding = read(name, text).unwrap_err();
    assert_eq!(finding.code, "actors/inline-secret");
    let shown = format!("{finding:?}");
    assert!(finding.message.contains("env = "), "{}", finding.message);
    assert!(
        !shown.contains("hunter2") && !shown.contains("4711471147114711"),
        "{shown}"
    );
}

#[rstest]
#[case::unknown_key(
    "a.yaml",
    "actors:\n  a:\n    referense: x\n",
    "unknown field `referense`",
    Some("did you mean `reference`?")
)]
#[case::unknown_kind(
    "a.toml",
    "[actors.a]\nreference = \"Practitioner/1\"\nauth = { barer = { env = \"SECRET\" } }\n",
    "unknown variant `barer`",
    Some("did you mean `bearer`?")
)]
#[case::unset(
    "a.yaml",
    "actors:\n  a:\n    reference: Practitioner/1\n    auth: { bearer: { env: UNSET } }\n",
    "`UNSET` is not set",
    None
)]
#[case::no_reference(
    "a.yaml",
    "actors:\n  a:\n    reference: alice\n    auth: none\n",
    "`reference` is `Type/id`",
    None
)]
#[case::two_places(
    "a.yaml",
    "actors:\n  a:\n    reference: Practitioner/1\n    auth: { bearer: { env: A, file: b } }\n",
    "one place",
    None
)]
#[case::duplicate(
    "a.yaml",
    "actors:\n  a: { reference: Practitioner/1, auth: none }\n  a: { reference: Practitioner/2, auth: none }\n",
    "duplicate",
    None
)]
fn what_is_wrong_in_a_file_of_actors(
    #[case] name: &str,
    #[case] text: &str,
    #[case] says: &str,
    #[case] help: Option<&str>,
) {
    let finding = read(name, text).unwrap_err();
    assert!(finding.message.contains(says), "{}", finding.message);
    if let Some(help) = help {
        assert!(
            finding.help.as_deref().unwrap().contains(help),
            "{:?}",
            finding.help
        );
    }
}

#[test]
fn servers_stand_in_the_configuration_beside_other_sections() {
    let text = "[policy]\nserver-version = \"5.0\"\n[servers.staging]\nurl = \"https://h/\"\n\
                profile = \"medplum\"\nrate = 5\nadmin = { client-credentials = { id = \"a\", secret = { env = \"X\" } } }\n";
    let servers = servers("fhirward.toml", text).unwrap();
    assert_eq!(servers["staging"].url, "https://h/");
    assert_eq!(servers["staging"].rate, Some(5));
}

/// Somebody else made the actors: nothing is provisioned, and who acts is checked.
#[tokio::test]
async fn actors_of_a_file_play_those_of_the_scenario() {
    // A world with people in it: made by a first project, used by the second run.
    let fake = Fake::start().await;
    let target = static_world(&fake, &["alice", "jackie", "outsider", "clerk"]).await;
    let before = fake.leftovers();
    let (outcome, _) = play_small(&target).await;
    assert_eq!(outcome.exit_code(), 0, "{}", words(&outcome));
    assert_eq!(fake.leftovers(), before);
}

#[tokio::test]
async fn a_scenario_for_which_there_is_nobody_is_skipped_with_the_reason() {
    let fake = Fake::start().await;
    let target = static_world(&fake, &["alice", "jackie", "outsider"]).await;
    let (outcome, _) = play_small(&target).await;
    assert_eq!(only(&outcome).verdict, Verdict::Skipped);
    assert_eq!(
        only(&outcome).reason.as_deref(),
        Some("nobody in the file of the actors can play clerk, a Practitioner with `clerk`")
    );
    assert!(only(&outcome).not_offered.is_some());
    // Nothing is wrong, and nothing was played.
    assert_eq!(outcome.exit_code(), 6);
}

/// Two names for one person would make every test of isolation pass.
#[tokio::test]
async fn two_actors_who_are_one_person_are_an_error_and_no_reason_to_skip() {
    let fake = Fake::start().await;
    let mut target = static_world(&fake, &["alice", "jackie", "outsider", "clerk"]).await;
    let actors = target.actors.as_mut().unwrap();
    let alice = actors.actors["alice"].clone();
    let outsider = actors.actors.get_mut("outsider").unwrap();
    outsider.reference = alice.reference;
    outsider.auth = alice.auth;
    let (outcome, _) = play_small(&target).await;
    assert_eq!(only(&outcome).verdict, Verdict::Error);
    assert_eq!(
        only(&outcome).reason.as_deref(),
        Some("two actors of the file are the same person")
    );
    assert_eq!(outcome.exit_code(), 3);
}

#[tokio::test]
async fn a_login_of_somebody_else_is_noticed() {
    let fake = Fake::start().await;
    let mut target = static_world(&fake, &["alice", "jackie", "outsider", "clerk"]).await;
    let actors = target.actors.as_mut().unwrap();
    let other = actors.actors["jackie"].auth.clone();
    actors.actors.get_mut("alice").unwrap().auth = other;
    let (outcome, _) = play_small(&target).await;
    assert_eq!(outcome.exit_code(), 3);
    let reason = only(&outcome).reason.clone().unwrap();
    assert!(
        reason.contains("the server takes the token for"),
        "{reason}"
    );
}

/// The witness of what an actor sees is not the actor.
#[tokio::test]
async fn an_actor_who_is_the_admin_is_noticed() {
    let fake = Fake::start().await;
    let mut target = static_world(&fake, &["alice", "jackie", "outsider", "clerk"]).await;
    let actors = target.actors.as_mut().unwrap();
    let StaticAuth::Own(alice) = actors.actors["alice"].auth.clone() else {
        panic!("everybody here has a login");
    };
    target.admin = alice;
    let (outcome, _) = play_small(&target).await;
    assert_eq!(outcome.exit_code(), 3, "{}", words(&outcome));
    let reason = only(&outcome).reason.clone().unwrap();
    assert!(
        reason.contains("them and the admin for the same"),
        "{reason}"
    );
}

/// Not knowing who the admin is stops the run before anything is made.
#[tokio::test]
async fn the_admin_is_asked_for_at_the_start() {
    let fake = Fake::scripted("a", |call: &Call| {
        if call.path == "/auth/me" && call.actor == "admin" {
            Fault::Answer(200, "application/json", "{}".into())
        } else {
            Fault::None
        }
    })
    .await;
    let (outcome, _) = play_at(&fake.target(), &options()).await;
    assert_eq!(outcome.exit_code(), 3);
    let (reason, _) = outcome.report.aborted.clone().unwrap();
    assert!(reason.contains("asking who the admin is"), "{reason}");
    assert_eq!(fake.leftovers(), Vec::<String>::new());
}

#[tokio::test]
async fn an_admin_is_no_actor_unless_it_is_said() {
    let fake = Fake::scripted("a", |call: &Call| {
        if call.path == "/auth/me" && call.actor == "alice" {
            Fault::Rewrite(Box::new(|mut me| {
                me["membership"] = json!({ "admin": true });
                me
            }))
        } else {
            Fault::None
        }
    })
    .await;
    let mut target = static_world(&fake, &["alice", "jackie", "outsider", "clerk"]).await;
    let (outcome, _) = play_small(&target).await;
    assert_eq!(outcome.exit_code(), 3);
    let reason = only(&outcome).reason.clone().unwrap();
    assert!(reason.contains("for whom no policy counts"), "{reason}");
    let actors = target.actors.as_mut().unwrap();
    actors.actors.get_mut("alice").unwrap().bypass = true;
    let (outcome, _) = play_small(&target).await;
    assert_eq!(outcome.exit_code(), 0, "{}", words(&outcome));
}

/// A scenario that changes nobody's policies.
const SMALL: &str = r#"scenario: remove
title: Jackie reads
page: threads
given: thread
steps:
  - step: jackie-reads
    as: jackie
    read: ${m1}
  - step: outsider-reads
    as: outsider
    read: ${m1}
    expect: hidden
"#;

async fn play_small(target: &Target) -> (RunOutcome, Vec<Event>) {
    let folder = tempfile::tempdir().unwrap();
    crate::suite::write(folder.path());
    let file = folder.path().join("threads/remove.yaml");
    assert!(file.exists(), "{file:?}");
    std::fs::write(&file, SMALL).unwrap();
    let suite = crate::suite::load(folder.path());
    let mut events = Vec::new();
    let outcome = run(&suite, target, &options(), &mut |event: &Event| {
        events.push(event.clone());
    })
    .await;
    (outcome, events)
}

#[tokio::test]
async fn a_scenario_that_changes_policies_needs_actors_of_its_own() {
    let fake = Fake::start().await;
    let target = static_world(&fake, &["alice", "jackie", "outsider", "clerk"]).await;
    let (outcome, _) = play_at(&target, &options()).await;
    assert_eq!(only(&outcome).verdict, Verdict::Skipped);
    assert_eq!(
        only(&outcome).reason.as_deref(),
        Some("it changes policies, and somebody else made the actors")
    );
}

/// Makes people as an administrator would, and the target that names them.
async fn static_world(fake: &Fake, names: &[&str]) -> Target {
    use fhirward_harness::actor::StaticActor;
    let mut target = fake.target();
    let mut actors = std::collections::BTreeMap::new();
    for name in names {
        let policy = if *name == "clerk" {
            crate::suite::CLERK
        } else {
            crate::suite::PARTICIPANT
        };
        let (reference, auth) = fake.person(name, serde_json::from_str(policy).unwrap());
        actors.insert(
            (*name).to_owned(),
            StaticActor {
                reference,
                plays: vec![(*name).to_owned()],
                policies: Vec::new(),
                auth: StaticAuth::Own(auth),
                bypass: false,
            },
        );
    }
    target.actors = Some(ActorsFile {
        admin: None,
        actors,
    });
    assert!(!matches!(target.admin, Auth::Nobody));
    target
}
