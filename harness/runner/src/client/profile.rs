//! What is known of a kind of server beforehand. Data files, the built-in ones in `profiles/`.

use fhirward_engine::words::{listed, nearest};
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::time::Duration;

use fhirward_engine::semantics::Semantics;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::capabilities::Need;
use crate::expect::departing_server;

const BUILT_IN: [(&str, &str); 6] = [
    ("embedded", include_str!("../../profiles/embedded.toml")),
    ("medplum", include_str!("../../profiles/medplum.toml")),
    (
        "medplum-memory",
        include_str!("../../profiles/medplum-memory.toml"),
    ),
    ("hapi", include_str!("../../profiles/hapi.toml")),
    ("helios", include_str!("../../profiles/helios.toml")),
    ("generic", include_str!("../../profiles/generic.toml")),
];

/// What is known of a kind of server beforehand.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ServerProfile {
    /// Its name.
    pub name: String,
    /// What it is, for people.
    pub about: String,
    /// The media type of a JSON Patch.
    #[serde(default = "json_patch")]
    pub patch_media_type: String,
    /// The statuses that count as `denied`.
    #[serde(default = "denied")]
    pub denied: Vec<u16>,
    /// The statuses that count as `hidden`. 401 is none: it says that the token is bad.
    #[serde(default = "hidden")]
    pub hidden: Vec<u16>,
    /// Whether it answers from a cache unless told not to.
    #[serde(default)]
    pub no_cache: bool,
    /// The version of Medplum whose departures from what is documented are named where it answers
    /// otherwise.
    #[serde(default, deserialize_with = "departing")]
    pub departures: Option<Semantics>,
    /// How its addresses are made.
    pub address: AddressRules,
    /// What its searches are like.
    #[serde(default)]
    pub search: SearchRules,
    /// How it says who is acting.
    pub who_am_i: WhoAmIRules,
    /// How actors come to be on it.
    pub actors: ActorRules,
    /// What it has, whatever its CapabilityStatement says.
    #[serde(default)]
    pub offers: Offers,
    /// What it lacks, whatever its CapabilityStatement says, and why.
    #[serde(default)]
    pub lacks: BTreeMap<Need, String>,
}

fn json_patch() -> String {
    "application/json-patch+json".into()
}

fn denied() -> Vec<u16> {
    vec![403]
}

fn hidden() -> Vec<u16> {
    vec![403, 404, 410]
}

fn departing<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Semantics>, D::Error> {
    let name = String::deserialize(from)?;
    departing_server(&name).map(Some).map_err(D::Error::custom)
}

/// How the addresses of a server are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AddressRules {
    /// What lies where.
    pub layout: Layout,
}

/// What lies where on a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// A root with `fhir/R4`, `oauth2/token`, `auth/me` and `admin/projects` below it.
    Medplum,
    /// The address is the FHIR base; where tokens come from it says itself.
    Base,
    /// Medplum's layout for an address without a path or with `fhir/R4` at its end, else the base.
    Either,
}

/// What the searches of a server are like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct SearchRules {
    /// `_count` for searches that do not say one, where the server's own would cut results off.
    pub count: Option<u32>,
    /// The largest page it gives.
    pub page_max: Option<u32>,
    /// How long what was written may be missing from searches.
    pub index_lag_ms: u64,
}

impl SearchRules {
    /// How long what was written may be missing from searches.
    pub fn index_lag(&self) -> Duration {
        Duration::from_millis(self.index_lag_ms)
    }
}

/// How a server says who is acting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct WhoAmIRules {
    /// By which endpoint.
    pub kind: WhoAmIKind,
}

/// By which endpoint a server says who is acting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WhoAmIKind {
    /// `GET auth/me`.
    Medplum,
    /// The userinfo endpoint of OpenID Connect, with SMART's `fhirUser`.
    Userinfo,
    /// Not at all.
    None,
}

/// How actors come to be on a server.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ActorRules {
    /// Who makes them.
    pub provisioning: Provisioning,
    /// What the admin makes for an actor.
    #[serde(default)]
    pub logins: Logins,
    /// How an invited actor signs in.
    #[serde(default)]
    pub sign_in: InvitedSignIn,
    /// Where nobody makes them: why.
    #[serde(default)]
    pub reason: Option<String>,
}

/// Who makes the actors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Provisioning {
    /// The harness, by Medplum's admin endpoints.
    Medplum,
    /// Somebody else; a file says who they are.
    Static,
    /// Nobody: the server is open, and everybody sees everything.
    None,
}

/// What the admin makes for an actor.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Logins {
    /// A client application whose membership gets the actor's profile.
    #[default]
    Client,
    /// An invited person with a password.
    Invite,
}

/// How an invited actor signs in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InvitedSignIn {
    /// With the password, by an authorization code with PKCE.
    #[default]
    Password,
    /// Not at all: the admin acts on their behalf.
    OnBehalfOf,
}

/// What a server has, whatever its CapabilityStatement says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Offers {
    /// The capabilities.
    pub needs: Vec<Need>,
}

/// Why there is no profile of this name, or what is wrong with its file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct BadProfile {
    text: String,
    /// What to try.
    pub help: String,
    /// Where in the file, in bytes.
    pub span: Option<(usize, usize)>,
}

impl ServerProfile {
    /// The names of the built-in ones.
    pub const NAMES: [&'static str; 6] = [
        "embedded",
        "medplum",
        "medplum-memory",
        "hapi",
        "helios",
        "generic",
    ];

    /// The embedded server.
    pub fn embedded() -> Self {
        Self::built_in("embedded")
    }

    /// A server of which nothing is known.
    pub fn generic() -> Self {
        Self::built_in("generic")
    }

    /// A built-in one.
    pub fn named(name: &str) -> Option<Self> {
        let (_, text) = BUILT_IN.iter().find(|(known, _)| *known == name)?;
        // That each can be read is tested.
        Self::parse(text).ok()
    }

    /// A built-in one by name, or the one in a file.
    ///
    /// # Errors
    /// A name that is unknown, a file that cannot be read, and whatever is wrong in it.
    pub fn load(name_or_file: &str) -> Result<Self, BadProfile> {
        if let Some(profile) = Self::named(name_or_file) {
            return Ok(profile);
        }
        let is_file = name_or_file.ends_with(".toml") || name_or_file.contains(['/', '\\']);
        if !is_file {
            let help = match nearest(name_or_file, Self::NAMES) {
                Some(near) => format!("did you mean `{near}`? "),
                None => String::new(),
            };
            return Err(BadProfile {
                text: format!("there is no server profile `{name_or_file}`"),
                help: format!(
                    "{help}built in are {}; or name a .toml file",
                    listed(Self::NAMES)
                ),
                span: None,
            });
        }
        let text =
            std::fs::read_to_string(Path::new(name_or_file)).map_err(|error| BadProfile {
                text: format!("the server profile `{name_or_file}` cannot be read: {error}"),
                help: format!("built in are {}; or name a .toml file", listed(Self::NAMES)),
                span: None,
            })?;
        let profile = Self::parse(&text)?;
        profile.check_name()?;
        Ok(profile)
    }

    /// Snapshots are kept by the name of the profile, in files, so that two profiles must not share
    /// one.
    fn check_name(&self) -> Result<(), BadProfile> {
        let name = &self.name;
        let bad = |text: String, help: &str| {
            Err(BadProfile {
                text,
                help: help.to_owned(),
                span: None,
            })
        };
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.is_empty() || !name.chars().all(plain) {
            return bad(
                format!("`{name}` is no name of a server profile"),
                "a name is of small letters, digits and `-`",
            );
        }
        if Self::NAMES.contains(&name.as_str()) {
            return bad(
                format!("`{name}` is the name of a built-in server profile"),
                "give a profile of your own another `name`: what servers show is kept by it",
            );
        }
        Ok(())
    }

    /// A profile from the text of its file.
    ///
    /// # Errors
    /// Everything that is wrong with it, unknown keys included.
    pub fn parse(text: &str) -> Result<Self, BadProfile> {
        let profile: Self = toml::from_str(text).map_err(|error| BadProfile {
            text: format!("not a server profile: {}", error.message().trim_end()),
            help: "docs/servers.md lists the keys".into(),
            span: error.span().map(|span| (span.start, span.end)),
        })?;
        for (key, statuses) in [("hidden", &profile.hidden), ("denied", &profile.denied)] {
            let is_refusal = |status: &&u16| (400..500).contains(*status) && **status != 401;
            if let Some(status) = statuses.iter().find(|status| !is_refusal(status)) {
                let start = text.find(key).unwrap_or_default();
                return Err(BadProfile {
                    text: format!("`{key}` names {status}, which is no refusal"),
                    help: "a refusal is 400 to 499; 401 says that the token is bad, and what is \
                           answered with success is a leak"
                        .into(),
                    span: Some((start, start + key.len())),
                });
            }
        }
        Ok(profile)
    }

    fn built_in(name: &str) -> Self {
        Self::named(name).unwrap_or_else(Self::bare)
    }

    /// What the specification says, with nothing known of the server.
    fn bare() -> Self {
        Self {
            name: "generic".into(),
            about: String::new(),
            patch_media_type: json_patch(),
            denied: denied(),
            hidden: hidden(),
            no_cache: false,
            departures: None,
            address: AddressRules {
                layout: Layout::Either,
            },
            search: SearchRules::default(),
            who_am_i: WhoAmIRules {
                kind: WhoAmIKind::Medplum,
            },
            actors: ActorRules {
                provisioning: Provisioning::Medplum,
                logins: Logins::Client,
                sign_in: InvitedSignIn::Password,
                reason: None,
            },
            offers: Offers::default(),
            lacks: BTreeMap::new(),
        }
    }
}

impl fmt::Display for ServerProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn every_built_in_profile_can_be_read_and_has_its_name() {
        let names: Vec<&str> = BUILT_IN.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ServerProfile::NAMES);
        for (name, text) in BUILT_IN {
            let profile = ServerProfile::parse(text).unwrap();
            assert_eq!(profile.name, name);
            assert!(!profile.about.is_empty());
        }
    }

    #[rstest]
    #[case::unknown_name(
        "medplumm",
        "there is no server profile `medplumm`",
        "did you mean `medplum`?"
    )]
    #[case::no_file("./missing.toml", "cannot be read", "built in are")]
    fn what_is_no_profile(#[case] name: &str, #[case] text: &str, #[case] help: &str) {
        let error = ServerProfile::load(name).unwrap_err();
        assert!(error.to_string().contains(text), "{error}");
        assert!(error.help.contains(help), "{}", error.help);
    }

    #[rstest]
    #[case::plain("our-own-2", None)]
    #[case::blank("a b", Some("`a b` is no name"))]
    #[case::sign("a@b", Some("`a@b` is no name"))]
    #[case::path("x/y", Some("`x/y` is no name"))]
    #[case::capital("Mine", Some("`Mine` is no name"))]
    #[case::letter("ä", Some("`ä` is no name"))]
    #[case::nothing("", Some("`` is no name"))]
    #[case::built_in("embedded", Some("`embedded` is the name of a built-in"))]
    fn the_name_of_a_profile_of_ones_own_is_plain_and_its_own(
        #[case] name: &str,
        #[case] wrong: Option<&str>,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("profile.toml");
        let (_, text) = BUILT_IN[0];
        let own = text.replace("name = \"embedded\"", &format!("name = \"{name}\""));
        std::fs::write(&file, own).unwrap();
        let loaded = ServerProfile::load(&file.display().to_string());
        match wrong {
            None => assert_eq!(loaded.unwrap().name, name),
            Some(wrong) => {
                let error = loaded.unwrap_err();
                assert!(error.to_string().contains(wrong), "{error}");
                assert!(!error.help.is_empty());
            }
        }
    }

    /// The sample of the documentation is a profile: it names no key that there is none of.
    #[test]
    fn the_documented_profile_can_be_read() {
        let page = include_str!("../../../../docs/servers.md");
        let (_, sample) = page.split_once("```toml\nname = \"mine\"\n").unwrap();
        let (sample, _) = sample.split_once("```").unwrap();
        let profile = ServerProfile::parse(&format!("name = \"mine\"\n{sample}")).unwrap();
        assert_eq!(profile.departures, "medplum-5.0".parse().ok());
    }

    #[rstest]
    #[case::unknown_key("no-cahce = true", "unknown field `no-cahce`")]
    #[case::unknown_need("[lacks]\nbotts = \"none\"", "`botts`")]
    #[case::no_departures("departures = \"documented\"", "only servers depart")]
    #[case::no_version("departures = \"medplumm\"", "is no semantics")]
    #[case::wrong_kind("denied = \"403\"", "invalid type")]
    fn what_is_wrong_in_a_profile(#[case] more: &str, #[case] says: &str) {
        let mut text = format!("name = \"x\"\nabout = \"y\"\n{more}\n");
        text.push_str("[address]\nlayout = \"base\"\n[who-am-i]\nkind = \"none\"\n");
        text.push_str("[actors]\nprovisioning = \"none\"\n");
        let error = ServerProfile::parse(&text).unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
        assert!(error.span.is_some());
    }
}
