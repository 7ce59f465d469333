//! URLs that open a Binary's content without a token: signed, for an hour, and only as long as
//! the one to whom the URL was given may read the Binary.

use url::Url;
use url::form_urlencoded;

use crate::signing::{Purpose, Signing};

/// Where the content opens, below the server's base URL.
pub(crate) const STORAGE_PATH: &str = "storage/";

/// How long a URL is good for, in seconds.
const LIFETIME: i64 = 3600;

/// What a URL opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Grant {
    pub(crate) id: String,
    pub(crate) version: String,
    /// The ProjectMembership of the one to whom the URL was given.
    pub(crate) membership: String,
}

/// Why a URL does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It has no signature at all.
    Unsigned,
    /// The signature is of another URL, or another server's.
    Signature,
    Expired,
}

impl Grant {
    /// The URL, from `now` (seconds since 1970). `storage` is the absolute URL of the path.
    pub(crate) fn url(&self, storage: &str, signing: &Signing, now: i64) -> String {
        let expires = now.saturating_add(LIFETIME);
        let signature = signing.sign(Purpose::Storage, &self.signed(expires));
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("Expires", &expires.to_string())
            .append_pair("For", &self.membership)
            .append_pair("Signature", &signature)
            .finish();
        format!("{storage}{}/{}?{query}", self.id, self.version)
    }

    /// Reads the path below `storage/` and the query.
    ///
    /// # Errors
    /// [`Refusal`]
    pub(crate) fn open(
        path: &str,
        query: &str,
        signing: &Signing,
        now: i64,
    ) -> Result<Self, Refusal> {
        let (id, version) = path.split_once('/').ok_or(Refusal::Unsigned)?;
        let mut given = [None, None, None];
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let place = ["Expires", "For", "Signature"]
                .iter()
                .position(|n| *n == name);
            // Other parameters, such as those that only keep a cache away, are not signed.
            if let Some(slot) = place.and_then(|place| given.get_mut(place)) {
                *slot = Some(value.into_owned());
            }
        }
        let [Some(expires), Some(membership), Some(signature)] = given else {
            return Err(Refusal::Unsigned);
        };
        let expires: i64 = expires.parse().map_err(|_| Refusal::Signature)?;
        let grant = Self {
            id: id.to_owned(),
            version: version.to_owned(),
            membership,
        };
        if !signing.verify(Purpose::Storage, &grant.signed(expires), &signature) {
            return Err(Refusal::Signature);
        }
        if now >= expires {
            return Err(Refusal::Expired);
        }
        Ok(grant)
    }

    /// None of the parts has a line break.
    fn signed(&self, expires: i64) -> String {
        format!(
            "{}\n{}\n{}\n{expires}",
            self.id, self.version, self.membership
        )
    }
}

/// The absolute URL of the storage path.
pub(crate) fn storage_url(base: &Url) -> String {
    format!("{base}{STORAGE_PATH}")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn grant() -> Grant {
        Grant {
            id: "a".into(),
            version: "v".into(),
            membership: "m".into(),
        }
    }

    fn open(url: &str, now: i64) -> Result<Grant, Refusal> {
        let rest = url.strip_prefix("http://h/storage/").unwrap();
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        Grant::open(path, query, &Signing::new(&[7; 64]), now)
    }

    fn url() -> String {
        grant().url("http://h/storage/", &Signing::new(&[7; 64]), 1000)
    }

    #[rstest]
    #[case::at_once(1000, Ok(()))]
    #[case::before_the_end(4599, Ok(()))]
    #[case::at_the_end(4600, Err(Refusal::Expired))]
    fn a_url_opens_for_an_hour(#[case] now: i64, #[case] expected: Result<(), Refusal>) {
        assert_eq!(open(&url(), now), expected.map(|()| grant()));
    }

    #[rstest]
    #[case::other_binary("storage/a/", "storage/b/")]
    #[case::other_version("/v?", "/w?")]
    #[case::later_end("Expires=4600", "Expires=9600")]
    #[case::other_reader("For=m", "For=n")]
    #[case::other_signature("Signature=", "Signature=A")]
    fn a_changed_url_does_not_open(#[case] part: &str, #[case] other: &str) {
        let changed = url().replace(part, other);
        assert_ne!(changed, url());
        assert_eq!(open(&changed, 1000), Err(Refusal::Signature));
    }

    #[test]
    fn without_a_signature_nothing_opens() {
        assert_eq!(open("http://h/storage/a/v", 1000), Err(Refusal::Unsigned));
    }
}
