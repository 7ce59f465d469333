//! What the server hands out to recognise it again as its own: URLs that open, and tokens that
//! bind. Each purpose signs for itself, so that nothing made for one is good for another.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// What a signature is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Opening the content of a Binary without a token.
    Storage,
    /// Binding a WebSocket to a Subscription.
    Binding,
}

impl Purpose {
    fn name(self) -> &'static str {
        match self {
            Self::Storage => "storage",
            Self::Binding => "binding",
        }
    }
}

/// Signs with a key that never leaves the server.
pub(crate) struct Signing {
    key: Hmac<Sha256>,
}

impl std::fmt::Debug for Signing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signing").finish_non_exhaustive()
    }
}

impl Signing {
    pub(crate) fn new(key: &[u8; 64]) -> Self {
        Self {
            key: Hmac::new(&(*key).into()),
        }
    }

    /// A signature of the text, in characters that a URL may have.
    pub(crate) fn sign(&self, purpose: Purpose, text: &str) -> String {
        URL_SAFE_NO_PAD.encode(self.over(purpose, text).finalize().into_bytes())
    }

    /// Whether the signature is of this text; compared in constant time.
    pub(crate) fn verify(&self, purpose: Purpose, text: &str, signature: &str) -> bool {
        URL_SAFE_NO_PAD
            .decode(signature)
            .is_ok_and(|signature| self.over(purpose, text).verify_slice(&signature).is_ok())
    }

    fn over(&self, purpose: Purpose, text: &str) -> Hmac<Sha256> {
        // A name has no NUL, so no purpose and text look like another's.
        self.key
            .clone()
            .chain_update(purpose.name())
            .chain_update([0])
            .chain_update(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_good_for_its_text_its_purpose_and_its_key() {
        let (ours, theirs) = (Signing::new(&[1; 64]), Signing::new(&[2; 64]));
        let signature = ours.sign(Purpose::Storage, "a");
        assert!(ours.verify(Purpose::Storage, "a", &signature));
        assert!(!ours.verify(Purpose::Storage, "b", &signature));
        assert!(!ours.verify(Purpose::Binding, "a", &signature));
        assert!(!theirs.verify(Purpose::Storage, "a", &signature));
        assert!(!ours.verify(Purpose::Storage, "a", ""));
        assert!(!ours.verify(Purpose::Storage, "a", "no base64 %"));
    }
}
