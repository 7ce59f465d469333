//! The token that binds a WebSocket to a Subscription: the socket itself has no sign-in.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::signing::{Purpose, Signing};

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Binding {
    /// The id of the Subscription.
    pub(crate) subscription: String,
    /// The author of the Subscription when the token was asked for, as one text.
    pub(crate) author: String,
    /// When it ends, in seconds since 1970.
    pub(crate) expires: i64,
}

impl Binding {
    pub(crate) fn token(&self, signing: &Signing) -> String {
        let parts = (&self.subscription, &self.author, self.expires);
        let claims = URL_SAFE_NO_PAD.encode(serde_json::json!(parts).to_string());
        let signature = signing.sign(Purpose::Binding, &claims);
        format!("{claims}.{signature}")
    }

    /// What a token of this server says, whether or not it has ended.
    pub(crate) fn read(token: &str, signing: &Signing) -> Option<Self> {
        let (claims, signature) = token.split_once('.')?;
        if !signing.verify(Purpose::Binding, claims, signature) {
            return None;
        }
        let claims = URL_SAFE_NO_PAD.decode(claims).ok()?;
        let (subscription, author, expires) = serde_json::from_slice(&claims).ok()?;
        Some(Self {
            subscription,
            author,
            expires,
        })
    }

    pub(crate) fn is_good(&self, now: i64) -> bool {
        now < self.expires
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_says_what_it_was_made_of_and_nothing_else() {
        let signing = Signing::new(&[3; 64]);
        let binding = Binding {
            subscription: "s".into(),
            author: "m".into(),
            expires: 10,
        };
        let token = binding.token(&signing);
        assert_eq!(Binding::read(&token, &signing), Some(binding.clone()));
        assert!(binding.is_good(9) && !binding.is_good(10));
        let other = Binding {
            expires: 99,
            ..binding
        };
        let claims = other.token(&signing);
        let (claims, _) = claims.split_once('.').unwrap();
        let (_, signature) = token.split_once('.').unwrap();
        for bad in [&*format!("{claims}.{signature}"), claims, "", "."] {
            assert_eq!(Binding::read(bad, &signing), None, "{bad}");
        }
    }
}
