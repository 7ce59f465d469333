//! What keeps a finding the same finding while the file around it changes.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use super::path;

use super::Report;

/// Hexadecimal digits of a fingerprint: enough to be unique in a repository.
const DIGITS: usize = 16;

/// One fingerprint for each finding, in order: a hash of the rule, the file, and the text that is
/// pointed at with the blanks taken out, so that indenting and moving lines change nothing; then,
/// after a colon, which of several equal ones it is.
pub fn all(report: &Report) -> Vec<String> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    report
        .findings
        .iter()
        .map(|finding| {
            let diagnostic = &finding.diagnostic;
            let mut hash = Sha256::new();
            let mut add = |part: &str| {
                hash.update(part.as_bytes());
                hash.update([0]);
            };
            add(&finding.rule);
            if let Some(source) = &diagnostic.source {
                add(&path::shown(&source.name).unwrap_or_default());
                match diagnostic.labels.first() {
                    Some(label) => {
                        let text = source.slice(label.span);
                        let squeezed: String =
                            text.chars().filter(|c| !c.is_whitespace()).collect();
                        add(&squeezed);
                    }
                    None => add(&diagnostic.message),
                }
            } else {
                add(&diagnostic.message);
            }
            let digest: String = hash
                .finalize()
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            let short: String = digest.chars().take(DIGITS).collect();
            let times = seen.entry(short.clone()).or_insert(0);
            *times += 1;
            format!("{short}:{times}")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing;

    #[test]
    fn moving_and_indenting_keeps_the_fingerprint() {
        let before = testing::report("[{\"a\":1}]", &[(1, 8)]);
        let after = testing::report("[\n\n  {\n \"a\": 1 }]", &[(5, 16)]);
        assert_eq!(all(&before), all(&after));
    }

    #[test]
    fn another_text_is_another_finding() {
        let one = testing::report("[{\"a\":1}]", &[(1, 8)]);
        let other = testing::report("[{\"a\":2}]", &[(1, 8)]);
        assert_ne!(all(&one), all(&other));
    }

    #[test]
    fn equal_findings_are_told_apart() {
        let report = testing::report("[1,1]", &[(1, 2), (3, 4)]);
        let prints = all(&report);
        assert_ne!(prints[0], prints[1]);
    }
}
