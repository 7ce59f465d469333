//! The value of a text, without places.

use serde_json::{Map, Number, Value};

use super::MAX_BYTES;
use super::scan::{Fault, Scanner, Survey};

/// The value that [`Document::parse`](super::Document::parse) reads from the text, made at less than
/// half the cost: places are not kept. `None` where `parse` refuses the text or finds a key twice,
/// and has to be asked what is wrong.
///
/// ```
/// use fhirward_engine::source::json::plain_value;
///
/// let value = plain_value(r#"{"resourceType": "Patient", "active": true}"#);
/// assert_eq!(value, Some(serde_json::json!({"resourceType": "Patient", "active": true})));
/// assert_eq!(plain_value(r#"{"id": "a", "id": "b"}"#), None);
/// ```
pub fn plain_value(text: &str) -> Option<Value> {
    if text.len() > MAX_BYTES {
        return None;
    }
    let mut scanner = Scanner::new(text.as_bytes(), Survey::of(text.as_bytes()));
    scanner.skip_mark();
    let read = value(&mut scanner, 0).ok()?;
    scanner.end().ok()?;
    Some(read)
}

/// Reads the value that stands inside `depth` arrays and objects.
pub(crate) fn value(scanner: &mut Scanner<'_>, depth: usize) -> Result<Value, Fault> {
    match scanner.next_byte() {
        Some(b'"') => {
            scanner.begin(depth)?;
            let text = scanner.string()?.decode()?;
            Ok(Value::String(text.into_owned()))
        }
        Some(b'{') => {
            scanner.begin(depth)?;
            let mut map = Map::new();
            scanner.object(|scanner, key| {
                let value = value(scanner, depth + 1)?;
                map.insert(key.decode()?.into_owned(), value);
                Ok(())
            })?;
            Ok(Value::Object(map))
        }
        Some(b'[') => {
            scanner.begin(depth)?;
            let mut items = Vec::new();
            scanner.array(|scanner| {
                items.push(value(scanner, depth + 1)?);
                Ok(())
            })?;
            Ok(Value::Array(items))
        }
        _ => match scanner.value(depth)? {
            b"true" => Ok(Value::Bool(true)),
            b"false" => Ok(Value::Bool(false)),
            b"null" => Ok(Value::Null),
            number => serde_json::from_slice::<Number>(number)
                .map(Value::Number)
                .map_err(|_| Fault),
        },
    }
}
