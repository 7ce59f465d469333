//! From the JSON text of a member to its value.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::source::json::plain;
use crate::source::json::scan::{Fault, Scanner, Survey, Written};

/// How much of a member is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// All of it.
    Whole,
    /// Of references only where they point.
    Target,
}

impl Keep {
    fn wants(self, key: Written<'_>) -> bool {
        self == Self::Whole || key.is("reference") || key.is("type")
    }
}

/// Reads the value that stands inside `depth` arrays and objects.
pub(super) fn value(scanner: &mut Scanner<'_>, depth: usize, keep: Keep) -> Result<Value, Fault> {
    if keep == Keep::Whole {
        return plain::value(scanner, depth);
    }
    match scanner.next_byte() {
        Some(b'{') => {
            scanner.begin(depth)?;
            let mut map = Map::new();
            scanner.object(|scanner, key| {
                if !keep.wants(key) {
                    return scanner.skip(depth + 1);
                }
                let value = plain::value(scanner, depth + 1)?;
                map.insert(key.decode()?.into_owned(), value);
                Ok(())
            })?;
            Ok(Value::Object(map))
        }
        Some(b'[') => {
            scanner.begin(depth)?;
            let mut items = Vec::new();
            scanner.array(|scanner| {
                items.push(value(scanner, depth + 1, keep)?);
                Ok(())
            })?;
            Ok(Value::Array(items))
        }
        _ => plain::value(scanner, depth),
    }
}

/// The text that a member is, if it is one.
pub(super) fn text(member: &[u8]) -> Result<Option<Cow<'_, str>>, Fault> {
    let mut scanner = Scanner::new(member, Survey::of(member));
    match scanner.next_byte() {
        Some(b'"') => scanner.string()?.decode().map(Some),
        _ => Ok(None),
    }
}
