//! All rules.

use std::sync::LazyLock;

use super::rule::Rule;
use super::rules;

static ALL: LazyLock<Vec<&'static Rule>> = LazyLock::new(|| {
    let mut all: Vec<&'static Rule> = rules::BY_CATEGORY
        .iter()
        .flat_map(|category| category.iter().copied())
        .collect();
    all.sort_unstable_by_key(|rule| rule.id);
    all
});

/// All rules, by id.
pub fn all() -> &'static [&'static Rule] {
    &ALL
}

/// The rule with an id (`L01`, in any case) or a slug (`criteria-names-another-type`).
pub fn find(name: &str) -> Option<&'static Rule> {
    let found = |rule: &&&'static Rule| rule.id.eq_ignore_ascii_case(name) || rule.slug == name;
    all().iter().find(found).copied()
}

/// The rule whose id or slug is most like a word, for a word that names none.
pub fn nearest(name: &str) -> Option<&'static Rule> {
    let slug = crate::words::nearest(name, all().iter().map(|rule| rule.slug))?;
    find(slug)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::Path;

    use super::*;
    use crate::lint::testing::lint;
    use crate::lint::{FORMAT, Which, apply_fixes};

    #[test]
    fn ids_and_slugs_are_unique() {
        let ids: BTreeSet<&str> = all().iter().map(|rule| rule.id).collect();
        let slugs: BTreeSet<&str> = all().iter().map(|rule| rule.slug).collect();
        assert_eq!(ids.len(), all().len());
        assert_eq!(slugs.len(), all().len());
        for rule in all() {
            assert_eq!(find(rule.id).map(|found| found.slug), Some(rule.slug));
            assert_eq!(find(rule.slug).map(|found| found.id), Some(rule.id));
        }
    }

    #[test]
    fn a_rule_lives_in_the_file_of_its_name() {
        let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lint/rules");
        for rule in all() {
            let file = format!("{}/{}.rs", rule.category, rule.slug.replace('-', "_"));
            let text = std::fs::read_to_string(rules.join(&file)).expect(&file);
            assert!(text.contains(&format!("id: \"{}\"", rule.id)), "{file}");
            assert!(
                text.contains(&format!("//! {}: ", rule.id)),
                "{file}: the first line names it"
            );
        }
    }

    #[test]
    fn texts_follow_the_conventions() {
        for rule in all() {
            assert!(!rule.summary.ends_with('.'), "{}", rule.id);
            assert!(
                rule.summary
                    .starts_with(|c: char| c.is_lowercase() || c == '`'),
                "{}",
                rule.id
            );
            assert!(rule.why.ends_with('.'), "{}", rule.id);
            assert!(rule.versions.ends_with('.'), "{}", rule.id);
            for finding in rule.examples.iter().flat_map(|e| lint(e.bad, e.server)) {
                let message = &finding.diagnostic.message;
                assert!(
                    !message.ends_with('.') && !message.contains('\n'),
                    "{message}"
                );
                assert!(
                    message.starts_with(|c: char| !c.is_uppercase()),
                    "{message}"
                );
                assert!(message.matches('`').count() % 2 == 0, "{message}");
            }
        }
    }

    #[test]
    fn bad_examples_are_found_and_good_ones_are_not() {
        for rule in all() {
            assert!(!rule.examples.is_empty(), "{}", rule.id);
            for example in rule.examples {
                let bad = lint(example.bad, example.server);
                assert!(
                    bad.iter().any(|f| f.id() == rule.id),
                    "{}: nothing in {}",
                    rule.id,
                    example.bad
                );
                let others: BTreeSet<&str> = bad
                    .iter()
                    .filter(|f| f.diagnostic.is_error() && f.id() != rule.id)
                    .map(|f| f.id())
                    .collect();
                let listed: BTreeSet<&str> = example.also.iter().copied().collect();
                assert_eq!(others, listed, "{}: {}", rule.id, example.bad);
                let good = lint(example.good, example.server);
                let left: Vec<_> = good
                    .iter()
                    .filter(|f| f.diagnostic.is_error() || f.id() == rule.id)
                    .collect();
                assert!(left.is_empty(), "{}: {left:?}", rule.id);
            }
        }
    }

    #[test]
    fn a_repair_silences_its_rule() {
        for rule in all() {
            for example in rule.examples {
                let fixes: Vec<_> = lint(example.bad, example.server)
                    .into_iter()
                    .filter(|f| f.id() == rule.id)
                    .map(|f| f.diagnostic.fix)
                    .collect();
                if fixes.iter().any(Option::is_none) {
                    continue;
                }
                let fixes: Vec<_> = fixes.into_iter().flatten().collect();
                let repaired = apply_fixes(example.bad, &fixes);
                let left: Vec<_> = lint(&repaired, example.server)
                    .into_iter()
                    .filter(|f| f.id() == rule.id || f.id().starts_with("json/"))
                    .collect();
                assert!(left.is_empty(), "{}: {repaired}\n{left:?}", rule.id);
            }
        }
    }

    /// Every code that reading and assembling policies can produce has one home.
    #[test]
    fn every_code_of_the_reader_has_a_home() {
        let mut homes: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for code in FORMAT.iter().copied() {
            homes.entry(code).or_default().push("format");
        }
        let mut partly = BTreeSet::new();
        for rule in all() {
            for adopts in rule.adopts {
                if adopts.which == Which::AtItsFindings {
                    partly.insert(adopts.code);
                } else {
                    homes.entry(adopts.code).or_default().push(rule.id);
                }
            }
        }
        let codes = codes_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
        let astray: Vec<_> = codes
            .iter()
            .map(|code| (code, homes.get(code.as_str())))
            .filter(|(_, home)| home.map(Vec::len) != Some(1))
            .collect();
        assert!(astray.is_empty(), "without one home each: {astray:?}");
        for code in homes.keys().chain(&partly) {
            assert!(codes.contains(*code), "nothing produces `{code}`");
        }
    }

    /// The string literals of the form `area/what` in the reader's source files.
    fn codes_in(folder: &Path) -> BTreeSet<String> {
        let mut codes = BTreeSet::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                if !["lint", "medplum", "thread", "resource"].contains(&name.as_str()) {
                    codes.extend(codes_in(&path));
                }
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for literal in text.split('"') {
                let area = ["json/", "policy/", "membership/", "criteria/"]
                    .iter()
                    .find_map(|area| literal.strip_prefix(area));
                let word = |c: char| c.is_ascii_lowercase() || c == '-';
                if area.is_some_and(|what| !what.is_empty() && what.chars().all(word)) {
                    codes.insert(literal.to_owned());
                }
            }
        }
        codes
    }
}
