//! What a resource is found by.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hash, Hasher};

use fhirward_engine::compartment::compartments_of;
use fhirward_spec::{ParamType, SearchParam, spec};
use serde_json::Value;

use crate::search::filter::{reference, string, token, uri};

/// A search parameter and a text, as a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key(u64);

/// Stands for a text that no element has.
const ABSENT: u8 = 1;

impl Key {
    /// The key of a text that a parameter reads.
    pub(crate) fn new(code: &str, text: &str) -> Self {
        Self(hasher().hash_one((code, text)))
    }

    /// The key of the resources in which a parameter's element is absent.
    pub(crate) fn absent(code: &str) -> Self {
        Self(hasher().hash_one((code, ABSENT)))
    }

    /// The key of one resource, by its `Type/id`: for the types that give a compartment its name.
    pub(crate) fn own(reference: &str) -> Self {
        Self(hasher().hash_one(reference))
    }
}

/// The same for every run: who finds two texts of one hash gains nothing by it.
fn hasher() -> BuildHasherDefault<DefaultHasher> {
    BuildHasherDefault::default()
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0);
    }
}

/// A key is a hash already.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Identity(u64);

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }
}

/// Whether a parameter's texts are kept.
fn is_kept(parameter: &SearchParam) -> bool {
    // A resource is found by its id without an index.
    &*parameter.code != "_id"
        && matches!(
            parameter.param_type,
            ParamType::Token | ParamType::Reference | ParamType::String | ParamType::Uri
        )
}

/// Whether a parameter's times are kept. Those of `_lastUpdated` are those of the versions.
pub(super) fn is_dated(parameter: &SearchParam) -> bool {
    &*parameter.code != "_lastUpdated" && parameter.param_type == ParamType::Date
}

/// Whether it is kept where a parameter's element is absent, so that [`Key::absent`] finds those
/// resources. In `meta` it nearly always is, so that it says nothing.
pub(crate) fn knows_absence(parameter: &SearchParam) -> bool {
    !matches!(
        &*parameter.code,
        "_id" | "_lastUpdated" | "_compartment" | "_security" | "_source" | "_tag" | "_profile"
    ) && !matches!(
        parameter.param_type,
        ParamType::Composite | ParamType::Special
    )
}

/// All keys of a resource, each once, in order.
pub(super) fn keys_of(resource_type: &str, resource: &Value, base: &str) -> Vec<Key> {
    let mut keys = Vec::new();
    if spec().compartment(resource_type).is_some()
        && let Some(id) = resource.get("id").and_then(Value::as_str)
    {
        keys.push(Key::own(&format!("{resource_type}/{id}")));
    }
    for parameter in spec().search_params(resource_type) {
        let code = &*parameter.code;
        if code == "_compartment" {
            let names = compartments_of(resource, Some(base));
            keys.extend(names.iter().map(|name| Key::new(code, name)));
            continue;
        }
        let mut some = false;
        if is_kept(parameter) {
            let _all = parameter.program.each(resource, &mut |element| {
                some = true;
                let mut visit = |text: &str| keys.push(Key::new(code, text));
                match parameter.param_type {
                    ParamType::Token => token::each_code(element, &mut visit),
                    ParamType::Reference => reference::each_name(element, base, &mut visit),
                    ParamType::String => string::each_beginning(element, &mut visit),
                    ParamType::Uri => uri::each_name(element, &mut visit),
                    _ => {}
                }
                std::ops::ControlFlow::Continue(())
            });
        }
        if !some && knows_absence(parameter) && parameter.program.is_empty_on(resource) {
            keys.push(Key::absent(code));
        }
    }
    keys.sort_unstable();
    keys.dedup();
    keys
}
