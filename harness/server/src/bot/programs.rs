//! Which program answers for which Bot.

use std::collections::BTreeMap;

use serde_json::Value;
use url::Url;

use crate::store::Version;
use crate::subscription::host::Hosts;

/// The URLs of the programs, by the id or the name of a Bot.
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
    pub(super) fn of(&self, bot: &Version) -> Option<&Url> {
        let name = bot.resource.get("name").and_then(Value::as_str);
        self.0
            .get(&*bot.id)
            .or_else(|| self.0.get(name.unwrap_or_default()))
    }

    /// The Bots that have one.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}
