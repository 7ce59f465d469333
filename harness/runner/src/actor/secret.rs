//! Where a file says that a secret is. Never the secret itself.

use std::fmt;
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};

/// What an error says of a secret that stands in the file. The value is in no message.
pub(super) const INLINE: &str = "a secret does not stand in a file that is read, copied and committed: \
     write { env = \"NAME\" } for an environment variable, or { file = \"PATH\" }";

/// Where a secret is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// In an environment variable.
    Env(String),
    /// In a file, relative to the file that names it. White space around it does not count.
    File(PathBuf),
}

impl SecretSource {
    /// Gets it.
    ///
    /// # Errors
    /// Why it is not there.
    pub fn get(
        &self,
        environment: &dyn Fn(&str) -> Option<String>,
        folder: &Path,
    ) -> Result<SecretString, String> {
        let (secret, place) = match self {
            Self::Env(name) => {
                let secret = environment(name)
                    .ok_or_else(|| format!("the environment variable `{name}` is not set"))?;
                (secret, format!("the environment variable `{name}`"))
            }
            Self::File(file) => {
                let path = folder.join(file);
                let secret = std::fs::read_to_string(&path)
                    .map_err(|error| format!("`{}` cannot be read: {error}", path.display()))?;
                (secret, format!("`{}`", path.display()))
            }
        };
        let secret = secret.trim();
        if secret.is_empty() {
            return Err(format!("{place} is empty"));
        }
        Ok(SecretString::from(secret))
    }
}

impl<'de> Deserialize<'de> for SecretSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Source)
    }
}

struct Source;

macro_rules! inline {
    ($($name:ident: $kind:ty),*) => {
        $(fn $name<E: Error>(self, _: $kind) -> Result<SecretSource, E> {
            Err(E::custom(INLINE))
        })*
    };
}

impl<'de> Visitor<'de> for Source {
    type Value = SecretSource;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{ env = \"NAME\" } or { file = \"PATH\" }")
    }

    inline!(visit_str: &str, visit_u64: u64, visit_i64: i64, visit_f64: f64, visit_bool: bool);

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<SecretSource, M::Error> {
        let nothing =
            || M::Error::custom("a secret needs { env = \"NAME\" } or { file = \"PATH\" }");
        let key: String = map.next_key()?.ok_or_else(nothing)?;
        let source = match key.as_str() {
            "env" => SecretSource::Env(map.next_value()?),
            "file" => SecretSource::File(map.next_value()?),
            // Perhaps a secret itself: not shown.
            _ => return Err(nothing()),
        };
        if map.next_key::<String>()?.is_some() {
            return Err(M::Error::custom(
                "a secret is in one place: `env` or `file`",
            ));
        }
        Ok(source)
    }
}
