//! Which program answers for which Bot.

use std::collections::BTreeMap;

use serde_json::Value;
use url::Url;

use crate::project::Partition;
use crate::store::Version;
use crate::subscription::host::Hosts;

/// The URLs of the programs, by the id of a Bot or its name in the first project.
#[derive(Debug, Default)]
pub(crate) struct Programs(BTreeMap<String, Url>);

impl Programs {
    /// # Errors
    /// A sentence that names the Bot whose program cannot be called.
    pub(crate) fn new(given: &[(String, Url)], hosts: &Hosts) -> Result<Self, String> {
        let mut programs = BTreeMap::new();
        for (name, url) in given {
            hosts
                .check(url)
                .map_err(|reason| format!("the program of the Bot `{name}`: {reason}"))?;
            if programs.insert(name.clone(), url.clone()).is_some() {
                return Err(format!("the Bot `{name}` has two programs"));
            }
        }
        Ok(Self(programs))
    }

    /// The program of a Bot: the one named by its id, else the one named by its name.
    ///
    /// A name counts in the first project only: who administers another one calls a Bot as they
    /// like, and would get the answers of a program that was not meant for them.
    pub(super) fn of(&self, bot: &Version) -> Option<&Url> {
        let name = || {
            Partition::First
                .holds(&bot.resource)
                .then(|| bot.resource.get("name").and_then(Value::as_str))
                .flatten()
        };
        self.0.get(&*bot.id).or_else(|| self.0.get(name()?))
    }

    /// The Bots that have one.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::store::{Draft, Store};

    /// An id names one Bot of the whole server, a name one of the first project.
    #[rstest]
    #[case::name(json!({ "name": "notify" }), true)]
    #[case::other_name(json!({ "name": "other" }), false)]
    #[case::name_elsewhere(json!({ "name": "notify", "meta": { "project": "b" } }), false)]
    fn whose_name_counts(#[case] bot: Value, #[case] by_name: bool) {
        let url: Url = "http://127.0.0.1:1/".parse().unwrap();
        let store = Store::default();
        let bot = store
            .begin()
            .insert(Draft::new("Bot", "their-id".into(), bot));
        for (given, expected) in [("notify", by_name), ("their-id", true)] {
            let programs =
                Programs::new(&[(given.to_owned(), url.clone())], &Hosts::default()).unwrap();
            assert_eq!(programs.of(&bot).is_some(), expected, "{given}");
        }
    }
}
