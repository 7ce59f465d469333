//! Nothing secret leaves: every text that may become part of an event passes through here.
//!
//! Two nets: the secrets that are known, in every form that they take on their way, and the places
//! in which secrets usually stand, for those that nobody told of.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// What stands in the place of a secret.
const REPLACEMENT: &str = "[redacted]";
/// Shorter texts are no secrets, and replacing them would garble messages.
const SHORTEST: usize = 6;
/// Shorter lines of a key are no proof of it.
const SHORTEST_LINE: usize = 20;

/// Members of JSON and of forms, parameters of URLs, whose values are secret.
const SECRET_NAMES: [&str; 26] = [
    "access_token",
    "refresh_token",
    "id_token",
    "client_secret",
    "client_assertion",
    "assertion",
    "password",
    "code_verifier",
    "code",
    "secret",
    "token",
    "api_key",
    "apikey",
    "signature",
    "sig",
    "x-amz-signature",
    "x-amz-security-token",
    "x-amz-credential",
    "x-goog-signature",
    "key-pair-id",
    "policy",
    "expires",
    "se",
    "skoid",
    "authorization",
    "set-cookie",
];

/// Words after which a secret follows.
const SCHEMES: [&str; 3] = ["bearer ", "basic ", "cookie: "];

/// Knows the secrets of a run, and removes them from texts.
#[derive(Clone, Default)]
pub struct Redactor {
    secrets: Arc<RwLock<Known>>,
}

#[derive(Default)]
struct Known {
    whole: BTreeSet<String>,
    /// Every form of every secret, the longest first: a secret may be the beginning of another.
    forms: Vec<String>,
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redactor")
    }
}

impl Redactor {
    /// Remembers a secret, in the forms that it takes in URLs, forms, headers, JSON and base64.
    pub fn add(&self, secret: &str) {
        if secret.len() < SHORTEST {
            return;
        }
        let mut known = self.secrets.write().unwrap_or_else(PoisonError::into_inner);
        if !known.whole.insert(secret.to_owned()) {
            return;
        }
        let mut found: BTreeSet<String> = known.forms.drain(..).collect();
        found.extend(forms(secret));
        if secret.contains("-----BEGIN") {
            // A key may be shown a line at a time.
            let lines = secret.lines().map(str::trim);
            for line in lines.filter(|l| l.len() >= SHORTEST_LINE && !l.starts_with("-----")) {
                found.extend(forms(line));
            }
        }
        known.forms = found.into_iter().collect();
        known
            .forms
            .sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    }

    /// The text without any secret.
    pub fn clean(&self, text: &str) -> String {
        let known = self.secrets.read().unwrap_or_else(PoisonError::into_inner);
        let text = known.forms.iter().fold(text.to_owned(), |text, secret| {
            if text.contains(secret.as_str()) {
                text.replace(secret.as_str(), REPLACEMENT)
            } else {
                text
            }
        });
        drop(known);
        places(&text)
    }
}

/// The forms of a secret.
fn forms(secret: &str) -> BTreeSet<String> {
    let mut forms = BTreeSet::from([secret.to_owned()]);
    forms.insert(url::form_urlencoded::byte_serialize(secret.as_bytes()).collect());
    // As a path or a query has it: only what cannot stand there is encoded, spaces as %20.
    let encoded: String = secret.bytes().map(percent).collect();
    forms.insert(encoded.to_ascii_lowercase());
    forms.insert(encoded);
    let quoted = serde_json::Value::from(secret).to_string();
    let inside = quoted.trim_matches('"').to_owned();
    // Once more, for JSON inside JSON.
    let again = serde_json::Value::from(inside.as_str()).to_string();
    forms.insert(again.trim_matches('"').to_owned());
    forms.insert(inside);
    forms.extend(base64_forms(secret.as_bytes()));
    forms.retain(|form| form.len() >= SHORTEST);
    forms
}

fn percent(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
        char::from(byte).to_string()
    } else {
        format!("%{byte:02X}")
    }
}

/// Base64 of the secret wherever it begins in what is encoded: what its first and last characters
/// are depends on its neighbours, so these are left out.
fn base64_forms(secret: &[u8]) -> BTreeSet<String> {
    let mut forms = BTreeSet::new();
    for shift in 0..3usize {
        let mut bytes = vec![0; shift];
        bytes.extend_from_slice(secret);
        let (skip, spare) = match shift {
            0 => (0, bytes.len() % 3),
            1 => (2, bytes.len() % 3),
            _ => (3, bytes.len() % 3),
        };
        for encoded in [
            STANDARD_NO_PAD.encode(&bytes),
            URL_SAFE_NO_PAD.encode(&bytes),
        ] {
            // The last character of an incomplete group mixes with what follows.
            let end = encoded.len() - usize::from(spare > 0);
            if let Some(form) = encoded.get(skip..end)
                && form.len() >= SHORTEST
            {
                forms.insert(form.to_owned());
            }
        }
    }
    forms
}

/// Removes what stands where secrets usually stand.
fn places(text: &str) -> String {
    let text = after_schemes(text);
    let text = named_values(&text);
    let text = private_keys(&text);
    json_web_tokens(&text)
}

fn after_schemes(text: &str) -> String {
    SCHEMES.iter().fold(text.to_owned(), |text, scheme| {
        replace_after(&text, scheme, |rest| {
            let end = rest
                .find(|c: char| c.is_whitespace() || "\"',;<>)`".contains(c))
                .unwrap_or(rest.len());
            // A sentence about bearer tokens is no token.
            let value = rest.get(..end).unwrap_or_default();
            let like_a_secret = value.len() >= 16 && !value.starts_with(REPLACEMENT);
            like_a_secret.then_some(end)
        })
    })
}

/// `name=value` and `"name":"value"`.
fn named_values(text: &str) -> String {
    SECRET_NAMES.iter().fold(text.to_owned(), |text, name| {
        let lower = text.to_ascii_lowercase();
        if !lower.contains(name) {
            return text;
        }
        let text = replace_after(&text, &format!("{name}="), |rest| {
            let end = rest
                .find(|c: char| c.is_whitespace() || "&\"'#,;<>)`\\".contains(c))
                .unwrap_or(rest.len());
            secret_value(rest, end, name)
        });
        ["\":\"", "\": \"", "\\\":\\\""]
            .iter()
            .fold(text, |text, between| {
                replace_after(&text, &format!("{name}{between}"), |rest| {
                    let end = rest.find(['"', '\\']).unwrap_or(rest.len());
                    secret_value(rest, end, name)
                })
            })
    })
}

/// How much of it is secret. FHIR has `code` members of its own, and parameters `code=`: those are
/// short, and authorization codes are not.
fn secret_value(rest: &str, end: usize, name: &str) -> Option<usize> {
    const LONG: usize = 24;
    let ambiguous = ["code", "policy", "expires", "se", "token", "secret", "sig"];
    let value = rest.get(..end).unwrap_or_default();
    let least = if ambiguous.contains(&name) { LONG } else { 1 };
    let plain = value.contains('/') && name == "policy";
    (value.len() >= least && !plain && !value.starts_with(REPLACEMENT)).then_some(end)
}

fn private_keys(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("-----BEGIN ") {
        let (before, from) = rest.split_at(start);
        let head = from.lines().next().unwrap_or_default();
        if !head.contains("PRIVATE KEY") {
            let (skipped, after) = from.split_at("-----BEGIN ".len());
            out.push_str(before);
            out.push_str(skipped);
            rest = after;
            continue;
        }
        out.push_str(before);
        out.push_str(REPLACEMENT);
        rest = from
            .find("-----END ")
            .and_then(|end| from.get(end + "-----END ".len()..))
            .and_then(|tail| tail.split_once("-----"))
            .map_or("", |(_, after)| after);
    }
    out.push_str(rest);
    out
}

/// Three parts of base64url, the first of which is a JSON object.
fn json_web_tokens(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("eyJ") {
        let (before, from) = rest.split_at(start);
        let end = from
            .find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)))
            .unwrap_or(from.len());
        let (candidate, after) = from.split_at(end);
        out.push_str(before);
        let is_token = candidate.matches('.').count() >= 2 && candidate.len() >= 32;
        out.push_str(if is_token { REPLACEMENT } else { candidate });
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Replaces what follows each occurrence of a marker (in any case), as far as `length` says.
fn replace_after(text: &str, marker: &str, length: impl Fn(&str) -> Option<usize>) -> String {
    let lower = text.to_ascii_lowercase();
    let mut out = String::new();
    let mut at = 0;
    while let Some(found) = lower.get(at..).and_then(|rest| rest.find(marker)) {
        let (start, end) = (at + found, at + found + marker.len());
        // `xsig=` is not `sig=`.
        let begins = !text
            .get(..start)
            .and_then(|before| before.chars().next_back())
            .is_some_and(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
        out.push_str(text.get(at..end).unwrap_or_default());
        at = end;
        let rest = text.get(end..).unwrap_or_default();
        if begins && let Some(secret) = length(rest) {
            out.push_str(REPLACEMENT);
            at = end + secret;
        }
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[test]
    fn secrets_leave_in_no_form() {
        let redactor = Redactor::default();
        redactor.add("pa ss/word+1");
        redactor.add("pa ss/word+12");
        for text in [
            "raw pa ss/word+1",
            "longer pa ss/word+12",
            "form pa+ss%2Fword%2B1",
            "path pa%20ss%2Fword%2B1",
            "path pa%20ss%2fword%2b1",
        ] {
            let clean = redactor.clean(text);
            assert!(clean.ends_with(" [redacted]"), "{clean}");
        }
        assert!(
            !redactor
                .clean("basic cGEgc3Mvd29yZCsx")
                .contains("cGEgc3Mvd29y")
        );
        assert_eq!(redactor.clean("nothing here"), "nothing here");
    }

    #[test]
    fn short_texts_are_no_secrets() {
        let redactor = Redactor::default();
        redactor.add("id");
        assert_eq!(redactor.clean("an identifier"), "an identifier");
    }

    #[rstest]
    #[case::bearer("Authorization: Bearer abcdefghijklmnopqrst", "abcdefghij")]
    #[case::json(r#"{"access_token":"abc123"}"#, "abc123")]
    #[case::json_in_json(r#"{\"refresh_token\":\"abc123\"}"#, "abc123")]
    #[case::signed("https://s3/x?X-Amz-Signature=0badc0de&a=b", "0badc0de")]
    #[case::form("client_secret=abc123&grant_type=x", "abc123")]
    #[case::jwt(
        "said eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.c2lnbmF0dXJl!",
        "c2lnbmF0dXJl"
    )]
    #[case::key(
        "-----BEGIN PRIVATE KEY-----\nMIIabc\n-----END PRIVATE KEY-----",
        "MIIabc"
    )]
    fn what_nobody_told_of_is_found_by_its_place(#[case] text: &str, #[case] secret: &str) {
        let clean = Redactor::default().clean(text);
        assert!(!clean.contains(secret), "{clean}");
        assert!(clean.contains(REPLACEMENT));
    }

    #[rstest]
    #[case("the bearer of this message is tired")]
    #[case("Observation?code=http://loinc.org|1234-5")]
    #[case(r#"{"code":"not-found","policy":"participant"}"#)]
    #[case("expected the issue code `forbidden`, got `not-found`")]
    #[case("-----BEGIN CERTIFICATE-----\nMIIabc\n-----END CERTIFICATE-----")]
    fn what_is_no_secret_stays(#[case] text: &str) {
        assert_eq!(Redactor::default().clean(text), text);
    }

    proptest! {
        #[test]
        fn no_encoding_of_a_secret_survives(
            secret in "[ -~]{12,40}", before in "[a-z]{0,5}", after in "[a-z]{0,5}",
        ) {
            let redactor = Redactor::default();
            redactor.add(&secret);
            let whole = format!("{before}{secret}{after}");
            let middle = &secret.as_bytes()[3..9];
            prop_assert!(!redactor.clean(&whole).contains(&secret));
            for encoded in [STANDARD_NO_PAD.encode(&whole), URL_SAFE_NO_PAD.encode(&whole)] {
                let clean = redactor.clean(&encoded);
                // Whatever is left, the middle of the secret is not to be decoded from it.
                let left: Vec<u8> = clean
                    .split(REPLACEMENT)
                    .flat_map(|part| URL_SAFE_NO_PAD.decode(part).unwrap_or_default())
                    .collect();
                prop_assert!(clean.contains(REPLACEMENT));
                prop_assert!(!left.windows(middle.len()).any(|window| window == middle));
            }
        }
    }
}
