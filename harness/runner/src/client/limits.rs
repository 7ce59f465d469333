//! How long to wait, how much to take, how often to try.

use std::time::Duration;

use reqwest::Method;

/// How long to wait and how much to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// For a connection.
    pub connect: Duration,
    /// For a request from its start to the last byte, where its kind has no time of its own.
    pub request: Duration,
    /// For requests of some kind.
    pub timeouts: Timeouts,
    /// For the body of an answer.
    pub response_bytes: usize,
    /// For the pages of a search.
    pub pages: usize,
    /// What is tried again.
    pub retries: Retries,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            request: Duration::from_secs(30),
            timeouts: Timeouts::default(),
            response_bytes: 16 * 1024 * 1024,
            pages: 100,
            retries: Retries::default(),
        }
    }
}

impl Limits {
    /// How long a request may take.
    pub fn time_for(&self, kind: Kind) -> Duration {
        let own = match kind {
            Kind::Read => self.timeouts.read,
            Kind::Search => self.timeouts.search,
            Kind::Write => self.timeouts.write,
            Kind::Operation => self.timeouts.operation,
            Kind::SignIn => self.timeouts.sign_in,
        };
        own.unwrap_or(self.request)
    }
}

/// How long requests of each kind may take; without, [`Limits::request`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Timeouts {
    /// Reads by id, histories, metadata.
    pub read: Option<Duration>,
    /// Searches.
    pub search: Option<Duration>,
    /// Creates, updates, patches, deletions, bundles.
    pub write: Option<Duration>,
    /// `$operations`.
    pub operation: Option<Duration>,
    /// Token endpoints.
    pub sign_in: Option<Duration>,
}

/// What a request does, as far as time goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// By id.
    Read,
    /// By parameters.
    Search,
    /// Changes something.
    Write,
    /// An operation.
    Operation,
    /// Gets a token.
    SignIn,
}

impl Kind {
    /// The kind of a request to the FHIR base.
    pub(super) fn of(method: &Method, path: &str) -> Self {
        let (place, query) = match path.split_once('?') {
            Some((place, query)) => (place, Some(query)),
            None => (path, None),
        };
        let last = place.rsplit('/').next().unwrap_or_default();
        if last.starts_with('$') {
            Self::Operation
        } else if last == "_search" || (*method == Method::GET && query.is_some()) {
            Self::Search
        } else if matches!(*method, Method::GET | Method::HEAD) {
            Self::Read
        } else {
            Self::Write
        }
    }
}

/// What is tried again, and after how long. Only what says nothing about the server's answer:
/// broken connections, 429 and 503.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retries {
    /// How many times, after the first.
    pub most: u32,
    /// The wait before the first of them; each further wait is twice as long.
    pub first_wait: Duration,
    /// The longest wait; a server that asks for more is taken at its word, and not waited for.
    pub longest_wait: Duration,
}

impl Default for Retries {
    fn default() -> Self {
        Self {
            most: 2,
            first_wait: Duration::from_millis(200),
            longest_wait: Duration::from_secs(10),
        }
    }
}

impl Retries {
    /// The wait before a further try, `so_far` of which there were; nothing where it is not to be.
    pub(super) fn wait(&self, so_far: u32, asked: Option<Duration>) -> Option<Duration> {
        if so_far >= self.most {
            return None;
        }
        let own = self.first_wait.saturating_mul(1 << so_far.min(16));
        match asked {
            Some(asked) if asked > self.longest_wait => None,
            Some(asked) => Some(asked),
            None => Some(own.min(self.longest_wait)),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(Method::GET, "Communication/1", Kind::Read)]
    #[case(Method::GET, "Communication/1/_history", Kind::Read)]
    #[case(Method::GET, "Communication?_id=1", Kind::Search)]
    #[case(Method::POST, "Communication/_search", Kind::Search)]
    #[case(Method::POST, "Communication", Kind::Write)]
    #[case(Method::PUT, "Communication?identifier=a", Kind::Write)]
    #[case(Method::POST, "Bot/1/$execute", Kind::Operation)]
    #[case(Method::GET, "Patient/1/$everything?_count=1", Kind::Operation)]
    fn kinds(#[case] method: Method, #[case] path: &str, #[case] kind: Kind) {
        assert_eq!(Kind::of(&method, path), kind);
    }

    #[rstest]
    #[case::first(0, None, Some(200))]
    #[case::doubles(1, None, Some(400))]
    #[case::bounded(2, None, None)]
    #[case::as_asked(0, Some(3000), Some(3000))]
    #[case::at_once(0, Some(0), Some(0))]
    #[case::too_long(0, Some(60_000), None)]
    fn waits(#[case] so_far: u32, #[case] asked: Option<u64>, #[case] wait: Option<u64>) {
        let found = Retries::default().wait(so_far, asked.map(Duration::from_millis));
        assert_eq!(found, wait.map(Duration::from_millis));
    }
}
