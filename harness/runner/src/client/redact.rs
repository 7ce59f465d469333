//! Nothing secret leaves: every text that may become part of an event passes through here.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

/// What stands in the place of a secret.
const REPLACEMENT: &str = "[redacted]";
/// Shorter texts are no secrets, and replacing them would garble messages.
const SHORTEST: usize = 6;

/// Knows the secrets of a run, and removes them from texts.
#[derive(Clone, Default)]
pub struct Redactor {
    secrets: Arc<RwLock<Vec<String>>>,
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redactor")
    }
}

impl Redactor {
    /// Remembers a secret, also in the forms that it takes in URLs and in Basic headers.
    pub fn add(&self, secret: &str) {
        if secret.len() < SHORTEST {
            return;
        }
        let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let mut secrets = self.secrets.write().unwrap_or_else(PoisonError::into_inner);
        for form in [secret.to_owned(), encoded, base64(secret.as_bytes())] {
            if !secrets.contains(&form) {
                secrets.push(form);
            }
        }
        // The longest first: a secret may be the beginning of another.
        secrets.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    }

    /// The text without any secret.
    pub fn clean(&self, text: &str) -> String {
        let secrets = self.secrets.read().unwrap_or_else(PoisonError::into_inner);
        secrets.iter().fold(text.to_owned(), |text, secret| {
            if text.contains(secret.as_str()) {
                text.replace(secret.as_str(), REPLACEMENT)
            } else {
                text
            }
        })
    }
}

/// Base64 without padding, so that it is found also inside a longer encoding that starts with it.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let mut group = 0u32;
        for at in 0..3 {
            group = group << 8 | u32::from(chunk.get(at).copied().unwrap_or(0));
        }
        for at in 0..=chunk.len() {
            let index = (group >> (18 - 6 * at)) & 63;
            let letter = usize::try_from(index).ok().and_then(|i| ALPHABET.get(i));
            text.extend(letter.map(|letter| char::from(*letter)));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_leave_in_no_form() {
        let redactor = Redactor::default();
        redactor.add("pa ss/word+1");
        redactor.add("pa ss/word+12");
        for text in [
            "raw pa ss/word+1",
            "longer pa ss/word+12",
            "url pa+ss%2Fword%2B1",
            "basic cGEgc3Mvd29yZCsx",
        ] {
            let clean = redactor.clean(text);
            assert!(clean.ends_with(" [redacted]"), "{clean}");
        }
        assert_eq!(redactor.clean("nothing here"), "nothing here");
    }

    #[test]
    fn short_texts_are_no_secrets() {
        let redactor = Redactor::default();
        redactor.add("id");
        assert_eq!(redactor.clean("an identifier"), "an identifier");
    }
}
