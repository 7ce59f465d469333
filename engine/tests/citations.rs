//! What comments, names of tests and pages cite is there for whoever has a clone: rules (`R.9`),
//! departures (`D38`), sections and cases of docs/policy-semantics.md and the pages below it, rules of
//! `policy check` (`L01`), flows of the suite, and pages.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set up its case fails"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use fhirward_engine::semantics::DEPARTURES;

/// What people read and write.
const PARTS: [&str; 7] = [
    "ARCHITECTURE.md",
    "README.md",
    "docs",
    "engine",
    "fhir-spec",
    "harness",
    "scenarios",
];

/// Folders of what was built, fetched or recorded.
const MADE: [&str; 4] = ["target", "node_modules", "corpus", "snapshots"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// What a comment begins with in such a file, and nothing where everything is prose; `None` for
/// files that cite nothing.
fn comment(path: &Path) -> Option<&'static str> {
    match path.extension()?.to_str()? {
        "rs" | "mjs" => Some("//"),
        "sh" | "toml" | "yaml" | "yml" => Some("#"),
        "md" | "txt" => Some(""),
        _ => None,
    }
}

fn gather(path: PathBuf, found: &mut Vec<PathBuf>) {
    let name = path.file_name().unwrap().to_str().unwrap();
    if name.starts_with('.') || MADE.contains(&name) {
        return;
    }
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            gather(entry.unwrap().path(), found);
        }
    } else if comment(&path).is_some() {
        found.push(path);
    }
}

/// The files of the project with what stands in them.
fn files() -> Vec<(PathBuf, String)> {
    let mut paths = Vec::new();
    for part in PARTS {
        gather(root().join(part), &mut paths);
    }
    paths.sort();
    assert!(paths.len() > 500, "only {} files found", paths.len());
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        (path, text)
    };
    paths.into_iter().map(read).collect()
}

fn is(path: &Path, ending: &str) -> bool {
    path.extension().is_some_and(|own| own == ending)
}

/// A word and the line that it stands in.
type Word<'t> = (usize, &'t str);

/// The words of the prose of a text, by paragraphs: a citation may go on in the next line.
fn paragraphs<'t>(text: &'t str, comment: &str) -> Vec<Vec<Word<'t>>> {
    let mut all = Vec::new();
    let mut current = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let prose = line.trim_start().strip_prefix(comment).unwrap_or_default();
        let prose = match comment {
            "//" => prose.trim_start_matches(['/', '!']).trim(),
            _ => prose.trim(),
        };
        if prose.is_empty() {
            all.push(std::mem::take(&mut current));
            continue;
        }
        let words = prose
            .split(|c: char| c.is_whitespace() || ",;:()[]{}|`\"'*<>=–…".contains(c))
            .map(|word| word.trim_end_matches('.'))
            .filter(|word| !word.is_empty());
        current.extend(words.map(|word| (at + 1, word)));
    }
    all.push(current);
    all
}

fn is_number(text: &str) -> bool {
    (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a text is the number of a section: `4`, `5.3`, `2.1.7`.
fn is_section(text: &str) -> bool {
    text.split('.').all(is_number)
}

/// What a word cites by itself, as [`targets`] has it.
fn alone(word: &str) -> Option<String> {
    if word.strip_prefix("R.").is_some_and(is_number) {
        return Some(word.to_owned());
    }
    let (kind, number) = word.split_at_checked(1)?;
    match kind {
        "D" if is_number(number) && !number.starts_with('0') => Some(format!("d{number}")),
        "L" | "W" if is_number(number) && number.len() == 2 => Some(word.to_owned()),
        _ => None,
    }
}

/// What the numbers after a name are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum List {
    Nothing,
    Sections,
    Cases,
}

/// What a paragraph cites: `policy-semantics 2.1, 3.4, cases 54 to 57, D38`.
fn cited(words: &[Word<'_>]) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut list = List::Nothing;
    for &(line, word) in words {
        let own = alone(word);
        list = match (list, word) {
            (_, "policy-semantics") => List::Sections,
            (List::Nothing, _) => List::Nothing,
            (same, "to" | "and") => same,
            (_, "case" | "cases") => List::Cases,
            (List::Sections, section) if section == "R" || is_section(section) => {
                found.push((line, section.to_owned()));
                List::Sections
            }
            (List::Cases, number) if is_number(number) => {
                found.push((line, format!("case-{number}")));
                List::Cases
            }
            (same, _) if own.is_some() => same,
            _ => List::Nothing,
        };
        found.extend(own.map(|own| (line, own)));
    }
    found
}

/// What the names of tests cite: `r9_…`, `d42_…`, `c22_create_and_c23_new_ids`.
fn cited_by_names(text: &str) -> Vec<(usize, String)> {
    let numbered = |part: &str| {
        let (kind, number) = part.split_at_checked(1)?;
        match kind {
            _ if !is_number(number) => None,
            "r" => Some(format!("R.{number}")),
            "d" => Some(format!("d{number}")),
            "c" => Some(format!("case-{number}")),
            _ => None,
        }
    };
    let mut found = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let names = line
            .split("fn ")
            .skip(1)
            .chain(line.split("case::").skip(1));
        for name in names {
            let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            let name = name.get(..end.unwrap_or(name.len())).unwrap_or_default();
            let mut parts = name.split('_').map(numbered).peekable();
            if matches!(parts.peek(), Some(Some(_))) {
                found.extend(parts.flatten().map(|what| (at + 1, what)));
            }
        }
    }
    found
}

/// What can be cited: headings that begin with a number, and anchors, of docs/policy-semantics.md and
/// the pages below it; the rules of `policy check`.
fn targets() -> BTreeSet<String> {
    let docs = root().join("docs");
    let mut pages = vec![docs.join("policy-semantics.md")];
    gather(docs.join("policy-semantics"), &mut pages);
    let mut found = BTreeSet::new();
    let mut add = |page: &Path, name: &str| {
        let is_new = found.insert(name.to_owned());
        assert!(is_new, "{}: {name} stands twice", page.display());
    };
    for page in pages {
        let text = fs::read_to_string(&page).unwrap();
        for line in text.lines() {
            if let Some(title) = line.strip_prefix('#') {
                let first = title.trim_start_matches('#').split_whitespace().next();
                let number = first.filter(|w| *w == "R" || is_section(w) || alone(w).is_some());
                number.into_iter().for_each(|number| add(&page, number));
            }
            for anchor in line.split("<a id=\"").skip(1) {
                add(&page, anchor.split('"').next().unwrap_or_default());
            }
        }
    }
    let rules = docs.join("rules/README.md");
    for line in fs::read_to_string(&rules).unwrap().lines() {
        let first = line
            .strip_prefix("| ")
            .and_then(|row| row.split(' ').next());
        if let Some(rule) = first.filter(|word| word.starts_with(['L', 'W']) && word.len() == 3) {
            add(&rules, rule);
        }
    }
    found
}

/// A file's name from the root, for people.
fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().display().to_string()
}

#[test]
fn what_is_cited_is_there() {
    let targets = targets();
    let engine = root().join("engine");
    let (mut count, mut lost) = (0, Vec::new());
    for (path, text) in files() {
        let paragraphs = paragraphs(&text, comment(&path).unwrap());
        let mut all: Vec<_> = paragraphs.iter().flat_map(|words| cited(words)).collect();
        // Elsewhere `r4_` is FHIR R4.
        if is(&path, "rs") && path.starts_with(&engine) {
            all.extend(cited_by_names(&text));
        }
        count += all.len();
        for (line, what) in all {
            if !targets.contains(&what) {
                lost.push(format!("{}:{line}: {what}", shown(&path)));
            }
        }
    }
    assert!(count > 500, "only {count} citations found");
    assert!(
        lost.is_empty(),
        "cited, and in no heading and no anchor of docs/policy-semantics.md, docs/policy-semantics/ or \
         docs/rules/README.md:\n{}",
        lost.join("\n")
    );
}

#[test]
fn flows_that_are_cited_are_in_the_suite() {
    let all = files();
    let suite: BTreeSet<&str> = all
        .iter()
        .filter(|(path, _)| is(path, "yaml") && path.starts_with(root().join("scenarios")))
        .filter_map(|(path, _)| path.file_stem()?.to_str())
        .collect();
    let (mut count, mut lost) = (0, Vec::new());
    for (path, text) in all
        .iter()
        .filter(|(path, _)| is(path, "rs") || is(path, "md"))
    {
        for (at, line) in text.lines().enumerate() {
            let cited = line.split("flow `").skip(1);
            for flow in cited.filter_map(|rest| rest.split('`').next()) {
                count += 1;
                if !suite.contains(flow) && !path.ends_with("engine/tests/citations.rs") {
                    lost.push(format!("{}:{}: {flow}", shown(path), at + 1));
                }
            }
        }
    }
    assert!(count > 5, "only {count} flows found");
    assert!(
        lost.is_empty(),
        "no flow of scenarios/:\n{}",
        lost.join("\n")
    );
}

/// In comments a page is named from the project's root; in pages a link leads from where it stands.
#[test]
fn pages_that_are_cited_are_there() {
    let root = root();
    let (mut count, mut lost) = (0, Vec::new());
    for (path, text) in files() {
        let beside = path.parent().unwrap();
        let mut missing = |line: usize, page: &str, from: &[&Path]| {
            count += 1;
            if !from.iter().any(|folder| folder.join(page).exists()) {
                lost.push(format!("{}:{line}: {page}", shown(&path)));
            }
        };
        if is(&path, "md") {
            for (at, line) in text.lines().enumerate() {
                for link in line.split("](").skip(1) {
                    let link = link.split([')', '#', ' ']).next().unwrap_or_default();
                    if !link.is_empty() && !link.contains("://") {
                        missing(at + 1, link, &[beside]);
                    }
                }
            }
        } else if is(&path, "rs") {
            let paragraphs = paragraphs(&text, "//");
            for (line, word) in paragraphs.into_iter().flatten() {
                if word.ends_with(".md") {
                    missing(line, word, &[root.as_path(), beside]);
                }
            }
        }
    }
    assert!(count > 100, "only {count} pages found");
    assert!(
        lost.is_empty(),
        "there is no such page:\n{}",
        lost.join("\n")
    );
}

#[test]
fn every_departure_is_shown_with_a_policy() {
    let page = root().join("docs/policy-semantics/departures.md");
    let page = fs::read_to_string(page).unwrap();
    for departure in DEPARTURES {
        let name = departure.id.strip_prefix("departure/").unwrap();
        assert!(page.contains(&format!("`{name}`")), "{}", departure.id);
    }
}

#[test]
fn the_search_for_citations_finds_them() {
    let text = "//! Of it all. Source: policy-semantics\n\
                //! 2.1.7, 3.4, cases 54 to 57, D4–D7 and R.\n\
                let not_this = \"R.3\";\n\
                // Since 5.1.1 as R.10's (1.5), L01.\n\
                /// Not 7.2: policy-semantics 5.3, of 5.1.10.\n";
    let found: Vec<(usize, String)> = paragraphs(text, "//")
        .iter()
        .flat_map(|words| cited(words))
        .collect();
    let found: Vec<(usize, &str)> = found
        .iter()
        .map(|(at, what)| (*at, what.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            (2, "2.1.7"),
            (2, "3.4"),
            (2, "case-54"),
            (2, "case-57"),
            (2, "d4"),
            (2, "d7"),
            (4, "R.10"),
            (4, "L01"),
            (5, "5.3"),
        ]
    );
    let names = "fn r9_hidden_fields() {}\n#[case::d42_x(1)]\nfn c22_create_and_c23_new() { fn rest_c1() {} }\n";
    let found = cited_by_names(names);
    let found: Vec<(usize, &str)> = found
        .iter()
        .map(|(at, what)| (*at, what.as_str()))
        .collect();
    assert_eq!(
        found,
        [(1, "R.9"), (2, "d42"), (3, "case-22"), (3, "case-23")]
    );
}
