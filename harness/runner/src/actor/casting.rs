//! Who of the actors that are there plays whom.

use std::collections::{BTreeMap, BTreeSet};

use super::file::StaticActor;
use crate::client::Target;
use crate::scenario::Actor;

/// Why nobody of those who are there plays a scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Uncast {
    /// It needs somebody, or something, that whoever made the actors does not offer. Nothing is
    /// wrong.
    NotOffered(String),
    /// The actors that are there would prove nothing.
    Unusable(String),
}

/// Which actor of the file plays which of a scenario. Nobody plays two.
#[derive(Debug, Clone, Default)]
pub(crate) struct Casting {
    played_by: BTreeMap<String, StaticActor>,
}

impl Casting {
    /// First those who are named, then whoever has the type and the policies.
    pub(crate) fn of(target: &Target, wanted: &[Actor]) -> Result<Self, Uncast> {
        let nobody = BTreeMap::new();
        let there = target.actors.as_ref().map_or(&nobody, |file| &file.actors);
        let fits = |there: &StaticActor, wanted: &Actor| {
            there.reference.split('/').next() == Some(wanted.profile.name())
        };
        let mut casting: BTreeMap<String, (&str, &StaticActor)> = BTreeMap::new();
        let mut taken = BTreeSet::new();
        for actor in wanted {
            let named = there.iter().find(|(name, found)| {
                found.plays.contains(&actor.name) && fits(found, actor) && !taken.contains(*name)
            });
            if let Some((name, found)) = named {
                taken.insert(name.clone());
                casting.insert(actor.name.clone(), (name, found));
            }
        }
        for actor in wanted {
            if casting.contains_key(&actor.name) {
                continue;
            }
            let policies: BTreeSet<&str> = actor.access.iter().map(|a| a.policy.as_str()).collect();
            let alike = there.iter().find(|(name, found)| {
                let has: BTreeSet<&str> = found.policies.iter().map(String::as_str).collect();
                !taken.contains(*name) && fits(found, actor) && has == policies
            });
            let Some((name, found)) = alike else {
                return Err(Uncast::NotOffered(format!(
                    "nobody in the file of the actors can play {}, a {} with {}",
                    actor.name,
                    actor.profile,
                    fhirward_engine::words::listed(policies)
                )));
            };
            taken.insert(name.clone());
            casting.insert(actor.name.clone(), (name, found));
        }
        // Two names for one person would make every test of isolation pass.
        let people: BTreeSet<&str> = casting
            .values()
            .map(|(_, found)| found.reference.as_str())
            .collect();
        if people.len() < casting.len() {
            return Err(Uncast::Unusable(
                "two actors of the file are the same person".into(),
            ));
        }
        Ok(Self {
            played_by: casting
                .into_iter()
                .map(|(wanted, (_, found))| (wanted, found.clone()))
                .collect(),
        })
    }

    /// Who plays an actor.
    pub(crate) fn plays(&self, actor: &str) -> Option<&StaticActor> {
        self.played_by.get(actor)
    }
}
