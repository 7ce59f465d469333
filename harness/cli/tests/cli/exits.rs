//! Every exit code of every command, by a run that ends with it, held against the documentation.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};

use rstest::rstest;

use crate::run::send;
use crate::support::{Shown, command, fixtures, run};

/// The environment variable with the secret of an admin.
const SECRET: &str = "FHIRWARD_TEST_SECRET";
/// The way in, on a server that is reached no further than that.
const ADMIN: [&str; 4] = ["--admin-client", "a", "--admin-secret-env", SECRET];

/// How a command comes to its end; the folder is empty and of its own.
type Ending = fn(&Path) -> Shown;

/// One case a line: its name, the command, the code, the way there.
macro_rules! endings {
    ($($name:ident: $command:literal, $code:literal, $ending:expr;)+) => {
        const CASES: &[(&str, u8)] = &[$(($command, $code)),+];

        #[rstest]
        $(#[case::$name($command, $code, { let how: Ending = $ending; how })])+
        fn ends(#[case] command: &str, #[case] code: i32, #[case] ending: Ending) {
            let folder = tempfile::tempdir().unwrap();
            let shown = ending(folder.path());
            assert_eq!(shown.code, code, "{command}: {shown}");
        }
    };
}

endings! {
    itself_0: "fhirward", 0, |f| go(f, &["--version"]);
    itself_1: "fhirward", 1, |f| go(f, &["rnu"]);
    itself_3: "fhirward", 3, |f| to_a_full_disk(f, &["--help"]);

    run_0: "run", 0, |f| accepted(f, &["run"]);
    run_1: "run", 1, |f| go(f, &["run", "--servr", "x"]);
    run_2: "run", 2, |_| go(&suite("unknown-actor"), &["run"]);
    run_3: "run", 3, |f| accepted(f, &[&["run", "--server", "http://127.0.0.1:9"][..], &ADMIN].concat());
    run_4: "run", 4, |f| in_copy(f, &["run", "--no-snapshot-write"]);
    run_5: "run", 5, leaking;
    run_6: "run", 6, |f| in_copy(f, &["run", "--filter", "no-such-flow"]);
    run_for_which_nobody_is_there_6: "run", 6, nobody_to_play;
    run_130: "run", 130, |f| stopped(f, "-INT");
    run_143: "run", 143, |f| stopped(f, "-TERM");
    run_against_130: "run", 130, |f| stopped_of(f, "-INT", &["run", "--against", "embedded"]);
    run_against_143: "run", 143, |f| stopped_of(f, "-TERM", &["run", "--against", "embedded"]);
    run_learn_noise_130: "run", 130, |f| stopped_of(f, "-INT", &["run", "--learn-noise"]);
    run_learn_noise_143: "run", 143, |f| stopped_of(f, "-TERM", &["run", "--learn-noise"]);

    replay_0: "replay", 0, |f| replayed(f, |f| accepted(f, &RECORDED));
    replay_1: "replay", 1, |f| go(f, &["replay", "no-such-run.jsonl"]);
    replay_2: "replay", 2, |f| with(f, "run.jsonl", "{}\n", &["replay", "run.jsonl"]);
    replay_3: "replay", 3, |f| replayed(f, unreachable);
    replay_4: "replay", 4, |f| replayed(f, |f| in_copy(f, &RECORDED));
    replay_5: "replay", 5, |f| replayed(f, leaking);
    replay_6: "replay", 6, |f| replayed(f, |f| in_copy(f, &[&RECORDED[..], &["--filter", "none"]].concat()));
    replay_130: "replay", 130, |f| replayed(f, |f| stopped(f, "-INT"));
    replay_143: "replay", 143, |f| replayed(f, |f| stopped(f, "-TERM"));

    clean_0: "clean", 0, |f| cleaned(f, true);
    clean_1: "clean", 1, |f| go(f, &["clean", "--run", "abc"]);
    clean_3: "clean", 3, |f| go(f, &[&["clean", "--run", RUN, "--server", "http://127.0.0.1:9"][..], &ADMIN].concat());
    clean_6: "clean", 6, |f| cleaned(f, false);

    review_0: "review", 0, |f| pending(f, |_| {}, &["review", "--accept-all"]);
    review_1: "review", 1, |f| go(f, &["review", "no-such-folder"]);
    review_2: "review", 2, |f| pending(f, |file| fs::write(file, "scenario: [\n").unwrap(), &["review"]);
    review_3: "review", 3, |f| pending(f, in_the_way, &["review", "--accept-all"]);
    review_4: "review", 4, |f| pending(f, |_| {}, &["review"]);

    serve_0: "serve", 0, served;
    serve_1: "serve", 1, |f| go(f, &["serve", "--admin-client", "a"]);
    serve_2: "serve", 2, |f| with(f, "seed.json", r#"{"resourceType":"Patient","gender":3}"#, &["serve", "--port", "0", "--seed", "seed.json"]);
    serve_3: "serve", 3, address_in_use;

    init_0: "init", 0, |f| go(f, &["init"]);
    init_1: "init", 1, |f| with(f, "scenarios", "", &["init"]);
    init_3: "init", 3, |f| to_a_full_disk(f, &["--format", "json", "init"]);

    scenario_check_0: "scenario check", 0, |_| go(&suite("one"), &["scenario", "check"]);
    scenario_check_1: "scenario check", 1, |f| go(f, &["scenario", "check"]);
    scenario_check_2: "scenario check", 2, |_| go(&suite("unknown-actor"), &["scenario", "check"]);
    scenario_check_3: "scenario check", 3, |_| go(&suite("one"), &["scenario", "check", "--output", "no/such/folder/x"]);
    scenario_check_6: "scenario check", 6, |f| go(f, &["scenario", "check", "."]);
    scenario_fmt_0: "scenario fmt", 0, |f| in_copy(f, &["scenario", "fmt"]);
    scenario_fmt_1: "scenario fmt", 1, |f| go(f, &["scenario", "fmt"]);
    scenario_fmt_2: "scenario fmt", 2, |_| go(&suite("broken-yaml"), &["scenario", "fmt", "--check"]);
    scenario_fmt_3: "scenario fmt", 3, |_| to_a_full_disk(&suite("one"), &["--format", "json", "scenario", "fmt", "--check"]);
    scenario_fmt_4: "scenario fmt", 4, unformatted;
    scenario_fmt_6: "scenario fmt", 6, |f| go(f, &["scenario", "fmt", "."]);
    scenario_docs_0: "scenario docs", 0, |_| go(&suite("one"), &["scenario", "docs"]);
    scenario_docs_1: "scenario docs", 1, |f| go(f, &["scenario", "docs"]);
    scenario_docs_2: "scenario docs", 2, |_| go(&suite("unknown-actor"), &["scenario", "docs"]);
    scenario_docs_3: "scenario docs", 3, |_| go(&suite("one"), &["scenario", "docs", "--output", "no/such/folder/x"]);
    scenario_docs_6: "scenario docs", 6, |f| go(f, &["scenario", "docs", "."]);
    scenario_new_0: "scenario new", 0, |f| go(f, &["scenario", "new", "first"]);
    scenario_new_1: "scenario new", 1, |f| go(f, &["scenario", "new", "a/b"]);
    scenario_new_3: "scenario new", 3, |f| with(f, "scenarios", "", &["scenario", "new", "first"]);

    policy_check_0: "policy check", 0, |_| here(&["policy", "check", "policies/participant.json"]);
    policy_check_1: "policy check", 1, |_| here(&["policy", "check", "no-such-file.json"]);
    policy_check_2: "policy check", 2, |_| here(&["policy", "check", "policies/chain.json"]);
    policy_check_3: "policy check", 3, |_| here(&["policy", "check", "policies/participant.json", "--output", "no/such/folder/x"]);
    policy_check_6: "policy check", 6, |f| go(f, &["policy", "check", "."]);
    policy_decide_0: "policy decide", 0, |_| decide("participant", "house");
    policy_decide_1: "policy decide", 1, |_| here(&["policy", "decide"]);
    policy_decide_2: "policy decide", 2, |_| decide("chain", "house");
    policy_decide_3: "policy decide", 3, |_| to_a_full_disk(&fixtures(), &question("decide"));
    policy_decide_4: "policy decide", 4, |_| decide("participant", "wilson");
    policy_explain_0: "policy explain", 0, |_| here(&question("explain"));
    policy_explain_1: "policy explain", 1, |_| here(&["policy", "explain"]);
    policy_explain_2: "policy explain", 2, |_| here(&["policy", "explain", "--policy", "policies/chain.json", "--profile", "Practitioner/house", "--interaction", "read", "--resource", "resources/message.json"]);
    policy_explain_3: "policy explain", 3, |_| to_a_full_disk(&fixtures(), &question("explain"));
    policy_resolve_0: "policy resolve", 0, |_| resolve("participant");
    policy_resolve_1: "policy resolve", 1, |_| resolve("no-such-policy");
    policy_resolve_2: "policy resolve", 2, |_| resolve("chain");
    policy_resolve_3: "policy resolve", 3, |_| to_a_full_disk(&fixtures(), &["policy", "resolve", "--policy", "policies/participant.json", "--profile", "Practitioner/house"]);
    policy_filter_0: "policy filter", 0, |_| here(&filter("exports/clinic.ndjson"));
    policy_filter_1: "policy filter", 1, |_| here(&filter("exports/none.ndjson"));
    policy_filter_2: "policy filter", 2, |_| here(&filter("exports/broken.ndjson"));
    policy_filter_3: "policy filter", 3, |_| to_a_full_disk(&fixtures(), &filter("exports/clinic.ndjson"));
    policy_filter_6: "policy filter", 6, |f| with(f, "empty.ndjson", "", &filter_in(&fixtures().join("policies/participant.json").display().to_string(), "empty.ndjson"));
    policy_replay_0: "policy replay", 0, |f| recorded(f, false);
    policy_replay_1: "policy replay", 1, |_| here(&["policy", "replay", "no-such-file"]);
    policy_replay_2: "policy replay", 2, |f| with(f, "cases.jsonl", "{}\n", &["policy", "replay", "cases.jsonl"]);
    policy_replay_3: "policy replay", 3, |f| { recorded(f, false); to_a_full_disk(f, &["policy", "replay", "cases.jsonl"]) };
    policy_replay_4: "policy replay", 4, |f| recorded(f, true);
    policy_replay_6: "policy replay", 6, |f| with(f, "cases.jsonl", "", &["policy", "replay", "cases.jsonl"]);

    thread_check_0: "thread check", 0, |_| here(&["thread", "check", "resources/thread.ndjson"]);
    thread_check_1: "thread check", 1, |_| here(&["thread", "check", "no-such-file"]);
    thread_check_2: "thread check", 2, |f| with(f, "a.ndjson", "{\"resourceType\n", &["thread", "check", "a.ndjson"]);
    thread_check_3: "thread check", 3, |f| go(f, &["thread", "check", "--server", "http://127.0.0.1:9"]);
    thread_check_4: "thread check", 4, |_| here(&["thread", "check", "resources/three-mistakes.json"]);
    thread_check_6: "thread check", 6, |f| go(f, &["thread", "check", "."]);
    thread_show_0: "thread show", 0, |_| here(&["thread", "show", "resources/thread.ndjson"]);
    thread_show_1: "thread show", 1, |_| here(&["thread", "show", "no-such-file"]);
    thread_show_2: "thread show", 2, |f| with(f, "a.ndjson", "{\"resourceType\n", &["thread", "show", "a.ndjson"]);
    thread_show_3: "thread show", 3, |_| to_a_full_disk(&fixtures(), &["thread", "show", "resources/thread.ndjson"]);
    thread_show_6: "thread show", 6, |_| here(&["thread", "show", "resources/patient.json"]);
    thread_graph_0: "thread graph", 0, |_| here(&["thread", "graph", "resources/thread.ndjson"]);
    thread_graph_1: "thread graph", 1, |_| here(&["thread", "graph", "no-such-file"]);
    thread_graph_2: "thread graph", 2, |f| with(f, "a.ndjson", "{\"resourceType\n", &["thread", "graph", "a.ndjson"]);
    thread_graph_3: "thread graph", 3, |_| to_a_full_disk(&fixtures(), &["thread", "graph", "resources/thread.ndjson"]);
    thread_graph_6: "thread graph", 6, |_| here(&["thread", "graph", "resources/patient.json"]);
}

/// The table of docs/exit-codes.md and the cases are the same pairs: a code that is documented and
/// does not happen, and one that happens and is not documented, are found.
#[test]
fn each_documented_end_of_each_command_has_its_case() {
    let page = page("docs/exit-codes.md");
    let mut rows = page
        .lines()
        .skip_while(|line| !line.starts_with("| command |"));
    let columns: Vec<u8> = cells(rows.next().unwrap())
        .iter()
        .filter_map(|cell| cell.parse().ok())
        .collect();
    let documented: BTreeSet<(String, u8)> = rows
        .skip(1)
        .take_while(|line| line.starts_with('|'))
        .flat_map(|line| {
            let cells = cells(line);
            let command = cells[0].trim_matches('`').to_owned();
            assert_eq!(cells.len(), columns.len() + 1, "{line}");
            let marked = columns.iter().zip(cells.into_iter().skip(1));
            marked
                .filter(|(_, mark)| !mark.is_empty())
                .map(move |(code, _)| (command.clone(), *code))
                .collect::<Vec<_>>()
        })
        .collect();
    let cases: BTreeSet<(String, u8)> = CASES
        .iter()
        .map(|(command, code)| ((*command).to_owned(), *code))
        .collect();
    let only = |a: &BTreeSet<_>, b: &BTreeSet<_>| a.difference(b).cloned().collect::<Vec<_>>();
    assert_eq!(only(&documented, &cases), [], "documented, without a case");
    assert_eq!(only(&cases, &documented), [], "a case, not documented");
    assert_eq!(
        documented
            .iter()
            .map(|(_, code)| *code)
            .collect::<BTreeSet<_>>(),
        columns.into_iter().collect(),
        "a column that is no command's"
    );
}

/// What `--help` lists, what the pages list, and what happens are the same codes.
#[test]
fn the_codes_are_listed_alike_everywhere() {
    let cases: BTreeSet<u8> = CASES.iter().map(|(_, code)| *code).collect();
    let help = go(&fixtures(), &["--help"]).stdout;
    let (_, listed) = help.split_once("Exit codes:\n").unwrap();
    let listed: BTreeSet<u8> = listed
        .lines()
        .filter_map(|line| line.split_whitespace().next()?.parse().ok())
        .collect();
    assert_eq!(listed, cases, "--help");
    for (name, head) in [
        ("docs/exit-codes.md", "| code | meaning |"),
        ("README.md", "| exit code |"),
    ] {
        let page = page(name);
        let rows = page.lines().skip_while(|line| !line.starts_with(head));
        let listed: BTreeSet<u8> = rows
            .skip(2)
            .take_while(|line| line.starts_with('|'))
            .map(|line| cells(line)[0].parse().unwrap())
            .collect();
        assert_eq!(listed, cases, "{name}");
    }
}

/// Every command has its row: none is forgotten when one is added.
#[test]
fn every_command_is_in_the_table() {
    let commands = |arguments: &[&str]| -> Vec<String> {
        let help = go(&fixtures(), &[arguments, &["--help"]].concat()).stdout;
        let Some((_, list)) = help.split_once("Commands:\n") else {
            return Vec::new();
        };
        let list = list.split("\n\n").next().unwrap();
        let names = list.lines().filter_map(|line| {
            let line = line.strip_prefix("  ")?;
            (!line.starts_with(' ')).then(|| line.split_whitespace().next().unwrap().to_owned())
        });
        names.collect()
    };
    let mut known = BTreeSet::from(["fhirward".to_owned()]);
    for name in commands(&[]) {
        let below = commands(&[&name]);
        if below.is_empty() {
            known.insert(name);
        } else {
            known.extend(below.iter().map(|one| format!("{name} {one}")));
        }
    }
    let cases: BTreeSet<String> = CASES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(known, cases);
}

/// A page of the project.
fn page(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    fs::read_to_string(root.join(name)).unwrap()
}

/// The cells of a row of a Markdown table.
fn cells(row: &str) -> Vec<String> {
    let row = row.trim().trim_start_matches('|').trim_end_matches('|');
    row.split('|').map(|cell| cell.trim().to_owned()).collect()
}

const RUN: &str = "0123456789abcdef0123456789abcdef";
/// A run that keeps its events.
const RECORDED: [&str; 3] = ["run", "--report", "jsonl=run.jsonl"];

fn suite(name: &str) -> std::path::PathBuf {
    fixtures().join("suites").join(name)
}

fn ready(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = command(folder, arguments);
    command.env(SECRET, "s3cret-s3cret");
    command
}

fn go(folder: &Path, arguments: &[&str]) -> Shown {
    run(ready(folder, arguments))
}

fn here(arguments: &[&str]) -> Shown {
    go(&fixtures(), arguments)
}

/// With one file in the folder.
fn with(folder: &Path, name: &str, text: &str, arguments: &[&str]) -> Shown {
    fs::write(folder.join(name), text).unwrap();
    go(folder, arguments)
}

/// Standard output is a disk without room.
fn to_a_full_disk(folder: &Path, arguments: &[&str]) -> Shown {
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let mut command = ready(folder, arguments);
    let ended = command.stdout(full).output().unwrap();
    Shown {
        code: ended.status.code().unwrap(),
        stdout: String::new(),
        stderr: String::from_utf8(ended.stderr).unwrap(),
    }
}

/// The smallest suite, in the folder.
pub fn copy(folder: &Path) {
    crate::run::copy(&suite("one"), folder);
}

fn in_copy(folder: &Path, arguments: &[&str]) -> Shown {
    copy(folder);
    go(folder, arguments)
}

/// The smallest suite with its snapshot.
fn accepted(folder: &Path, arguments: &[&str]) -> Shown {
    copy(folder);
    go(folder, &["run"]);
    let accepted = go(folder, &["review", "--accept-all"]);
    assert_eq!(accepted.code, 0, "{accepted}");
    go(folder, arguments)
}

fn unreachable(folder: &Path) -> Shown {
    let server = ["--server", "http://127.0.0.1:9", "--retries", "0"];
    accepted(folder, &[&RECORDED[..], &server, &ADMIN].concat())
}

/// Everybody may read everything, and the scenario says that somebody does not.
fn leaking(folder: &Path) -> Shown {
    copy(folder);
    open_up(folder);
    go(folder, &RECORDED)
}

/// Lets everybody read everything.
pub fn open_up(folder: &Path) {
    let policy = folder.join("scenarios/policies/participant.json");
    let open = fs::read_to_string(&policy).unwrap().replace(
        "Communication?recipient=%profile",
        "Communication?status=in-progress",
    );
    fs::write(&policy, open).unwrap();
}

/// The run that the folder recorded, once more. It ends as it did.
fn replayed(folder: &Path, record: Ending) -> Shown {
    let recorded = record(folder);
    let again = go(folder, &["replay", "run.jsonl"]);
    assert_eq!(again.code, recorded.code, "{recorded}\n{again}");
    again
}

/// Somebody made the actors, and none of them is whom the scenario needs: nothing was played, and
/// nothing is wrong.
fn nobody_to_play(folder: &Path) -> Shown {
    copy(folder);
    let actors = "admin:\n  client-credentials: { id: admin, secret: { env: SECRET } }\n\
                  actors:\n  somebody:\n    reference: Organization/1\n    auth: none\n";
    fs::write(folder.join("actors.yaml"), actors).unwrap();
    let server = crate::serve::Server::start(folder, &[]);
    let address = server.ready["base_url"].as_str().unwrap();
    let arguments = ["run", "--server", address, "--actors", "actors.yaml"];
    let mut command = command(folder, &arguments);
    command.env("SECRET", "a secret");
    let shown = run(command);
    server.kill();
    assert!(shown.stderr.contains("nobody in the file"), "{shown}");
    shown
}

/// Stopped while the server is thinking.
fn stopped(folder: &Path, signal: &str) -> Shown {
    stopped_of(folder, signal, &RECORDED)
}

fn stopped_of(folder: &Path, signal: &str, command: &[&str]) -> Shown {
    copy(folder);
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/", silent.local_addr().unwrap());
    let server = ["--timeout", "1", "--server", &address];
    let arguments = [command, &server, &ADMIN].concat();
    let mut command = ready(folder, &arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    let connection = silent.accept().unwrap();
    send(signal, &child);
    let ended = child.wait_with_output().unwrap();
    drop(connection);
    Shown {
        code: ended.status.code().unwrap(),
        stdout: String::from_utf8(ended.stdout).unwrap(),
        stderr: String::from_utf8(ended.stderr).unwrap(),
    }
}

/// A server on which something of a run is left, or nothing.
fn cleaned(folder: &Path, something: bool) -> Shown {
    let server = crate::serve::Server::start(folder, &[]);
    let address = server.ready["base_url"].as_str().unwrap();
    if something {
        let left = serde_json::json!({
            "resourceType": "Patient",
            "meta": { "tag": [{ "system": "urn:fhirward:run", "code": RUN }] },
        });
        let made = server.connect().send("POST", "Patient", &left.to_string());
        assert_eq!(made.unwrap().0, 201);
    }
    let admin = ["--admin-client", "admin", "--admin-secret-env", "SECRET"];
    let arguments = [&["clean", "--run", RUN, "--server", address][..], &admin].concat();
    let mut command = command(folder, &arguments);
    command.env("SECRET", "a secret");
    let shown = run(command);
    server.kill();
    shown
}

/// With a snapshot that waits for somebody to look at it.
fn pending(folder: &Path, spoil: fn(&Path), arguments: &[&str]) -> Shown {
    let ran = in_copy(folder, &["run"]);
    assert_eq!(ran.code, 4, "{ran}");
    spoil(&folder.join("scenarios/page/two-people.snap.yaml.new"));
    go(folder, arguments)
}

/// Something that cannot be replaced stands where the accepted snapshot goes.
fn in_the_way(pending: &Path) {
    let snapshot = pending.with_extension("");
    fs::create_dir(&snapshot).unwrap();
    fs::write(snapshot.join("file"), "").unwrap();
}

fn unformatted(folder: &Path) -> Shown {
    copy(folder);
    let file = folder.join("scenarios/page/two-people.yaml");
    let text = fs::read_to_string(&file).unwrap();
    let (first, rest) = text.split_once('\n').unwrap();
    let (second, rest) = rest.split_once('\n').unwrap();
    fs::write(&file, format!("{second}\n{first}\n{rest}")).unwrap();
    go(folder, &["scenario", "fmt", "--check"])
}

/// A server that is asked to stop.
fn served(folder: &Path) -> Shown {
    let mut command = ready(folder, &["serve", "--port", "0"]);
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut server = command.spawn().unwrap();
    let mut line = String::new();
    let mut stdout = BufReader::new(server.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    send("-INT", &server);
    Shown {
        code: server.wait().unwrap().code().unwrap(),
        stdout: line,
        stderr: String::new(),
    }
}

fn address_in_use(folder: &Path) -> Shown {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    go(folder, &["serve", "--port", &port])
}

fn question(verb: &str) -> [&str; 10] {
    [
        "policy",
        verb,
        "--policy",
        "policies/participant.json",
        "--profile",
        "Practitioner/house",
        "--interaction",
        "read",
        "--resource",
        "resources/message.json",
    ]
}

fn decide(policy: &str, who: &str) -> Shown {
    let policy = format!("policies/{policy}.json");
    let who = format!("Practitioner/{who}");
    let mut arguments = question("decide");
    arguments[3] = &policy;
    arguments[5] = &who;
    here(&arguments)
}

fn resolve(policy: &str) -> Shown {
    let policy = format!("policies/{policy}.json");
    here(&[
        "policy",
        "resolve",
        "--policy",
        &policy,
        "--profile",
        "Practitioner/house",
    ])
}

fn filter(file: &str) -> [&str; 7] {
    filter_in("policies/participant.json", file)
}

fn filter_in<'a>(policy: &'a str, file: &'a str) -> [&'a str; 7] {
    [
        "policy",
        "filter",
        "--policy",
        policy,
        "--profile",
        "Practitioner/house",
        file,
    ]
}

/// Recorded answers of a server, one of which somebody may have changed.
fn recorded(folder: &Path, changed: bool) -> Shown {
    let cases = crate::replay::vectors("uri.jsonl");
    let text = fs::read_to_string(cases).unwrap();
    let text = if changed {
        text.replacen("\"status\":200", "\"status\":418", 1)
    } else {
        text
    };
    with(
        folder,
        "cases.jsonl",
        &text,
        &["policy", "replay", "cases.jsonl"],
    )
}
