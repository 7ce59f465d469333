//! `_name`: the id and extensions of a primitive.

use fhirward_spec::{Element, ElementType, spec};
use serde_json::Value;

use super::location::Segment;
use super::validator::Validator;

impl<'r> Validator<'r> {
    /// The sibling of a primitive element: an object, or an array of objects and nulls.
    pub(super) fn sibling(
        &mut self,
        element: &'static Element,
        element_type: &'static ElementType,
        value: &'r Value,
    ) {
        match value {
            Value::Array(items) if element.is_list() => {
                if items.iter().all(Value::is_null) {
                    let message = "an array must not be empty".to_owned();
                    self.error("empty-array", "structure", message, None);
                }
                for (index, item) in items.iter().enumerate() {
                    if !item.is_null() {
                        self.at(Segment::Index(index), |v| v.one_sibling(element_type, item));
                    }
                }
            }
            _ if element.is_list() => {
                let message = format!("`{}` may repeat, so it has to be an array", element.name);
                self.error("array-expected", "structure", message, None);
            }
            other => self.one_sibling(element_type, other),
        }
    }

    fn one_sibling(&mut self, element_type: &'static ElementType, value: &'r Value) {
        match (value, spec().type_def(&element_type.code)) {
            (Value::Object(object), Some(type_def)) => self.object(object, type_def),
            _ => {
                let message = "the extensions of a primitive have to be in an object".to_owned();
                self.error("not-an-object", "structure", message, None);
            }
        }
    }
}
