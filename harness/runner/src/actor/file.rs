//! Servers and their actors from a file, YAML or TOML. Strict; secrets only by where they are.

use fhirward_engine::words::nearest;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use fhirward_engine::diagnostic::Diagnostic;
use fhirward_engine::source::{Source, Span};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use url::Url;

use super::masked::masked;
use super::secret::{INLINE, SecretSource};
use crate::client::{Auth, Backend, Credentials, InvitedSignIn, Password, SecretIn, SigningKey};

/// A file of `--actors`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct ActorsDocument {
    /// Who sees everything: the witness of every test of visibility, and who cleans up.
    admin: Option<AuthEntry>,
    /// The actors, by their names.
    actors: BTreeMap<String, ActorEntry>,
}

/// A server of `[servers.NAME]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ServerEntry {
    /// Its address.
    pub url: String,
    /// Its profile: a name or a file.
    pub profile: Option<String>,
    /// The admin.
    pub admin: Option<AuthEntry>,
    /// The token endpoint, where it is not where the profile says.
    #[serde(default, deserialize_with = "address")]
    pub token_url: Option<Url>,
    /// How invited actors sign in.
    pub sign_in: Option<InvitedSignIn>,
    /// Authorities to trust beside those of this machine, PEM.
    pub ca: Option<PathBuf>,
    /// The certificate to show, PEM.
    pub cert: Option<PathBuf>,
    /// Its private key, PEM.
    pub key: Option<PathBuf>,
    /// The proxy.
    #[serde(default, deserialize_with = "address")]
    pub proxy: Option<Url>,
    /// At most so many requests a second.
    pub rate: Option<u32>,
    /// At most so many requests at once.
    pub parallel: Option<usize>,
    /// The actors, where somebody else makes them.
    #[serde(default)]
    pub actors: BTreeMap<String, ActorEntry>,
}

fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Url>, D::Error> {
    let text = String::deserialize(deserializer)?;
    // A password may stand in it, so the text is not repeated.
    Url::parse(&text)
        .map(Some)
        .map_err(|error| D::Error::custom(format!("not an address: {error}")))
}

/// An actor who is already there.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ActorEntry {
    /// Their profile, `Type/id`.
    pub reference: String,
    /// The scenario actors that they can be; without, those of their own name.
    #[serde(default)]
    pub plays: Vec<String>,
    /// The policies that they have, by the names that scenarios use. Whoever has the type and the
    /// policies of a scenario actor can play them.
    #[serde(default)]
    pub policies: Vec<String>,
    /// How they sign in.
    pub auth: AuthEntry,
    /// Whether they may be an admin of the project, for whom no policy counts.
    #[serde(default)]
    pub bypass: bool,
}

/// How somebody signs in, with their secrets elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum AuthEntry {
    /// Not at all.
    None,
    /// A token that somebody else got.
    Bearer(SecretSource),
    /// OAuth 2.0 client credentials.
    ClientCredentials(ClientEntry),
    /// Medplum's login.
    Password(PasswordEntry),
    /// SMART Backend Services.
    Backend(BackendEntry),
    /// The admin, in the name of a `ProjectMembership/id` or of a profile.
    OnBehalfOf(String),
}

/// OAuth 2.0 client credentials.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ClientEntry {
    id: String,
    secret: SecretSource,
    #[serde(default)]
    send_as: SendAs,
    scope: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum SendAs {
    #[default]
    Body,
    Basic,
}

/// Medplum's login.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PasswordEntry {
    email: String,
    password: SecretSource,
    project: Option<String>,
}

/// SMART Backend Services.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct BackendEntry {
    client: String,
    key: SecretSource,
    key_id: Option<String>,
    #[serde(default = "system_scope")]
    scope: String,
}

fn system_scope() -> String {
    "system/*.cruds".into()
}

/// The actors that somebody else made.
#[derive(Debug, Clone)]
pub struct ActorsFile {
    /// Who sees everything, where the file names them.
    pub admin: Option<Auth>,
    /// The actors, by their names.
    pub actors: BTreeMap<String, StaticActor>,
}

/// An actor who is already there.
#[derive(Debug, Clone)]
pub struct StaticActor {
    /// Their profile, `Type/id`.
    pub reference: String,
    /// The scenario actors that they can be.
    pub plays: Vec<String>,
    /// The policies that they have.
    pub policies: Vec<String>,
    /// How they sign in.
    pub auth: StaticAuth,
    /// Whether they may be an admin.
    pub bypass: bool,
}

/// How an actor signs in who is already there.
#[derive(Debug, Clone)]
pub enum StaticAuth {
    /// On their own.
    Own(Auth),
    /// Through the admin, in the name of this member.
    Behind(String),
}

/// Where secrets are looked for.
pub struct Surroundings<'a> {
    /// The environment.
    pub environment: &'a dyn Fn(&str) -> Option<String>,
    /// The folder that files are relative to.
    pub folder: &'a Path,
}

impl std::fmt::Debug for Surroundings<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Surroundings")
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

impl ActorsFile {
    /// Reads a file of `--actors`; TOML by its name, YAML else.
    ///
    /// # Errors
    /// Everything that is wrong with it, and secrets that are not where it says.
    pub fn read(name: &str, text: &str, around: &Surroundings<'_>) -> Result<Self, Diagnostic> {
        let document: ActorsDocument = parse(name, text)?;
        let admin = document
            .admin
            .map(|entry| own(&entry, around).map_err(|why| unusable(name, "admin", &why)))
            .transpose()?;
        Ok(Self {
            admin,
            actors: actors(name, document.actors, around)?,
        })
    }
}

impl ServerEntry {
    /// Its actors, where it names any.
    ///
    /// # Errors
    /// As [`ActorsFile::read`].
    pub fn actors(
        &self,
        name: &str,
        around: &Surroundings<'_>,
    ) -> Result<Option<ActorsFile>, Diagnostic> {
        if self.actors.is_empty() {
            return Ok(None);
        }
        Ok(Some(ActorsFile {
            admin: None,
            actors: actors(name, self.actors.clone(), around)?,
        }))
    }

    /// Its admin.
    ///
    /// # Errors
    /// Secrets that are not where it says.
    pub fn admin(&self, name: &str, around: &Surroundings<'_>) -> Result<Option<Auth>, Diagnostic> {
        let admin = self.admin.as_ref();
        admin
            .map(|entry| own(entry, around).map_err(|why| unusable(name, "admin", &why)))
            .transpose()
    }
}

/// The servers of a `fhirward.toml`; its other sections are not looked at.
///
/// # Errors
/// What is wrong with the section.
pub fn servers(name: &str, text: &str) -> Result<BTreeMap<String, ServerEntry>, Diagnostic> {
    #[derive(Deserialize)]
    struct Document {
        #[serde(default)]
        servers: BTreeMap<String, ServerEntry>,
    }
    let document: Document = parse_toml(name, text)?;
    Ok(document.servers)
}

fn actors(
    file: &str,
    entries: BTreeMap<String, ActorEntry>,
    around: &Surroundings<'_>,
) -> Result<BTreeMap<String, StaticActor>, Diagnostic> {
    let mut actors = BTreeMap::new();
    for (name, entry) in entries {
        let fault = |why: &str| unusable(file, &format!("actor `{name}`"), why);
        if !is_reference(&entry.reference) {
            let why = format!("`reference` is `Type/id`, and not `{}`", entry.reference);
            return Err(fault(&why));
        }
        let auth = match &entry.auth {
            AuthEntry::OnBehalfOf(member) if is_reference(member) => {
                StaticAuth::Behind(member.clone())
            }
            AuthEntry::OnBehalfOf(_) => {
                return Err(fault(
                    "`on-behalf-of` is `ProjectMembership/id` or a profile",
                ));
            }
            other => StaticAuth::Own(own(other, around).map_err(|why| fault(&why))?),
        };
        let plays = if entry.plays.is_empty() {
            vec![name.clone()]
        } else {
            entry.plays
        };
        actors.insert(
            name,
            StaticActor {
                reference: entry.reference,
                plays,
                policies: entry.policies,
                auth,
                bypass: entry.bypass,
            },
        );
    }
    Ok(actors)
}

fn own(entry: &AuthEntry, around: &Surroundings<'_>) -> Result<Auth, String> {
    let get = |source: &SecretSource| source.get(around.environment, around.folder);
    Ok(match entry {
        AuthEntry::None => Auth::Nobody,
        AuthEntry::Bearer(source) => Auth::Bearer(get(source)?),
        AuthEntry::ClientCredentials(client) => Auth::Client {
            credentials: Credentials {
                id: client.id.clone(),
                secret: get(&client.secret)?,
            },
            sent: match client.send_as {
                SendAs::Body => SecretIn::Body,
                SendAs::Basic => SecretIn::Basic,
            },
            scope: client.scope.clone(),
        },
        AuthEntry::Password(login) => Auth::Password(Password {
            email: login.email.clone(),
            password: get(&login.password)?,
            project: login.project.clone(),
        }),
        AuthEntry::Backend(backend) => {
            let pem = get(&backend.key)?;
            let key = SigningKey::new(pem, backend.key_id.clone());
            Auth::Backend(Backend {
                client: backend.client.clone(),
                key: key.map_err(|error| error.to_string())?,
                scope: backend.scope.clone(),
            })
        }
        AuthEntry::OnBehalfOf(_) => {
            return Err("an admin has a login of their own, and not `on-behalf-of`".into());
        }
    })
}

fn is_reference(text: &str) -> bool {
    text.split_once('/').is_some_and(|(kind, id)| {
        kind.starts_with(|c: char| c.is_ascii_uppercase()) && !id.is_empty() && !id.contains('/')
    })
}

fn unusable(file: &str, what: &str, why: &str) -> Diagnostic {
    Diagnostic::error("actors/unusable", format!("{file}: {what}: {why}"))
}

fn parse<T: for<'de> Deserialize<'de>>(name: &str, text: &str) -> Result<T, Diagnostic> {
    if name.ends_with(".toml") {
        return parse_toml(name, text);
    }
    let options = serde_saphyr::options! { strict_booleans: true };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let error = error.without_snippet();
        let at = error.location().map_or(0..0, |place| {
            let line = usize::try_from(place.line()).unwrap_or(1);
            let column = usize::try_from(place.column()).unwrap_or(1);
            let start = offset(text, line, column);
            start..start + 1
        });
        fault(name, text, at, &without_place(&error.to_string()))
    })
}

fn parse_toml<T: for<'de> Deserialize<'de>>(name: &str, text: &str) -> Result<T, Diagnostic> {
    toml::from_str(text).map_err(|error| {
        let at = error.span().unwrap_or(0..0);
        fault(name, text, at, error.message())
    })
}

/// The reader of YAML says the place once more.
fn without_place(message: &str) -> String {
    match message.rsplit_once(" at line ") {
        Some((before, _)) => before.to_owned(),
        None => message.to_owned(),
    }
}

fn offset(text: &str, line: usize, column: usize) -> usize {
    let mut start = 0;
    for (number, content) in text.split_inclusive('\n').enumerate() {
        if number + 1 == line {
            let inside = content
                .char_indices()
                .nth(column.saturating_sub(1))
                .map_or(content.trim_end().len(), |(at, _)| at);
            return start + inside;
        }
        start += content.len();
    }
    text.len()
}

/// The finding, with an excerpt in which no value can be read that may be a secret.
fn fault(name: &str, text: &str, at: Range<usize>, message: &str) -> Diagnostic {
    let message = message.trim().trim_end_matches('.');
    let inline = message.contains(INLINE);
    let (code, said) = if inline {
        ("actors/inline-secret", INLINE.to_owned())
    } else {
        ("actors/invalid", format!("{}: {message}", what(name)))
    };
    let source = Source::new(name, masked(text));
    let end = at.end.max(at.start + 1).min(text.len());
    let finding = Diagnostic::error(code, said)
        .with_label(Span::new(at.start.min(end), end), "")
        .with_source(&source);
    match unknown_word(message) {
        Some(near) => finding.with_help(format!(
            "did you mean `{near}`? docs/servers.md lists the keys"
        )),
        None if inline => finding,
        None => finding.with_help("docs/servers.md lists the keys"),
    }
}

/// What a file is not.
fn what(name: &str) -> &'static str {
    if name.ends_with("fhirward.toml") {
        "not a section of servers"
    } else {
        "not a file of actors"
    }
}

/// "unknown field `a`, expected one of `b`, `c`": which of them was meant.
fn unknown_word(message: &str) -> Option<String> {
    let (before, after) = message.split_once("expected")?;
    let wrong = before.split('`').nth(1)?;
    let known = after.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
    nearest(wrong, known.filter(|word| word.len() > 2)).map(str::to_owned)
}
