//! The copy of a resource that the library is given.
//!
//! Where an element is absent the library takes any member that begins with its name and goes on
//! with a capital letter, for the sake of `value[x]`: `statusReason` for `status`. A member that is
//! there, and `null`, is empty. So the copy has every name that the expression uses: `null`, or for
//! a choice the value itself.

use std::collections::BTreeSet;

use fhirward_spec::{TypeDef, spec};
use serde_json::{Map, Value};

use super::moments;

/// What the expression uses.
#[derive(Debug, Default)]
pub struct Used {
    /// The names of elements.
    pub names: BTreeSet<String>,
    /// Whether it has a quantity, which the library compares with choices alone.
    pub quantities: bool,
}

/// What was found on the way.
#[derive(Debug, Default)]
pub struct Found {
    /// Whether a member was added.
    pub added: bool,
    /// Whether a primitive has extensions.
    pub siblings: bool,
    /// The names of the dates whose text was changed.
    pub changed: BTreeSet<String>,
    /// The dates, by the names that they are read with.
    pub dates: Vec<(String, String)>,
    /// The numbers that are no integers, by the names that they are read with.
    pub numbers: Vec<(String, f64)>,
    /// The names in a resource itself.
    pub own: BTreeSet<String>,
    /// The names in anything in a resource.
    pub all: BTreeSet<String>,
}

/// Makes the copy safe; the reason where that is not possible.
pub fn protect(resource: &mut Value, used: &Used, found: &mut Found) -> Result<(), String> {
    if let Some(members) = resource.as_object() {
        found.own.extend(members.keys().cloned());
    }
    element(resource, None, used, found)
}

fn element(
    value: &mut Value,
    kind: Option<&'static TypeDef>,
    used: &Used,
    found: &mut Found,
) -> Result<(), String> {
    match value {
        Value::Array(items) => items
            .iter_mut()
            .try_for_each(|item| element(item, kind, used, found)),
        Value::Object(members) => {
            let named = members.get("resourceType").and_then(Value::as_str);
            let kind = named.map_or(kind, |name| spec().type_def(name));
            for (name, value) in members.iter_mut() {
                found.all.insert(name.clone());
                found.siblings |= name.starts_with('_');
                let of = kind.and_then(|kind| kind.element(name));
                date(name, of.map(|(e, t)| (&*e.name, &*t.code)), value, found);
                if let Some(number) = value.as_number().filter(|n| n.as_i64().is_none()) {
                    let read_as = [Some(&**name), of.map(|(e, _)| &*e.name)];
                    let number = number.as_f64().unwrap_or(f64::NAN);
                    let read = read_as
                        .into_iter()
                        .flatten()
                        .map(|n| (n.to_owned(), number));
                    found.numbers.extend(read);
                }
                element(
                    value,
                    of.and_then(|(_, t)| spec().type_def(&t.code)),
                    used,
                    found,
                )?;
            }
            complete(members, kind, used, found)
        }
        _ => Ok(()),
    }
}

/// Brings dates into one form. Where no type is known, what is written like a moment is one.
fn date(name: &str, of: Option<(&str, &str)>, value: &mut Value, found: &mut Found) {
    let is_date = of.is_none_or(|(_, code)| matches!(code, "date" | "dateTime" | "instant"));
    let single = std::slice::from_mut(value);
    let texts = match single {
        [Value::Array(items)] => items.as_mut_slice(),
        single => single,
    };
    for text in texts {
        let Value::String(text) = text else { continue };
        if !is_date || (of.is_none() && moments::canonical(text).is_none()) {
            continue;
        }
        let read_as = [Some(name), of.map(|(base, _)| base)];
        if let Some(canonical) = moments::canonical(text)
            && canonical != *text
        {
            *text = canonical;
            found
                .changed
                .extend(read_as.iter().flatten().map(|n| (*n).to_owned()));
        }
        let read = read_as.iter().flatten();
        found
            .dates
            .extend(read.map(|n| ((*n).to_owned(), text.clone())));
    }
}

/// Adds the names that the expression uses and the library would look for elsewhere.
fn complete(
    members: &mut Map<String, Value>,
    kind: Option<&'static TypeDef>,
    used: &Used,
    found: &mut Found,
) -> Result<(), String> {
    let mut added = Vec::new();
    for name in used
        .names
        .iter()
        .filter(|name| !members.contains_key(*name))
    {
        let mut taken = members
            .keys()
            .filter(|key| is_taken_for(key, name))
            .peekable();
        let Some(first) = taken.peek().copied() else {
            continue;
        };
        let Some(kind) = kind else {
            return Err(format!(
                "`{name}` is absent beside `{first}`, in an element that FHIR does not know"
            ));
        };
        let spelled = |key: &str| {
            kind.element(key)
                .filter(|(e, _)| e.choice && *e.name == **name)
        };
        let mut choices = taken.filter_map(|key| Some((key, spelled(key)?.1)));
        let value = match (choices.next(), choices.next()) {
            (Some((one, _)), Some((other, _))) => {
                return Err(format!("`{name}[x]` is there twice: `{one}` and `{other}`"));
            }
            // Compared with a quantity it has to be what the library makes of a choice.
            (Some((key, of)), None) if used.quantities && *of.code == *"Quantity" => {
                if key != first
                    || ["code", "system", "comparator"]
                        .iter()
                        .any(|n| used.names.contains(*n))
                {
                    return Err(format!(
                        "`{name}` is compared as a quantity, which has no more than value and unit here"
                    ));
                }
                continue;
            }
            (Some((key, _)), None) => members.get(key).cloned().unwrap_or_default(),
            (None, _) => Value::Null,
        };
        added.push((name.clone(), value));
    }
    found.added |= !added.is_empty();
    members.extend(added);
    Ok(())
}

/// Whether the library takes the member for the element.
fn is_taken_for(key: &str, name: &str) -> bool {
    let rest = key.strip_prefix(name).and_then(|rest| rest.chars().next());
    rest.is_some_and(char::is_uppercase)
}
