//! `_name`: the id and extensions of a primitive.

use serde_json::{Map, Value};

use super::location::Segment;
use super::tables::{self, Member, Shape};
use super::validator::Validator;

impl<'r> Validator<'r> {
    /// The sibling of a primitive element: an object, or an array of objects and nulls.
    pub(super) fn sibling(
        &mut self,
        parent: &'r Map<String, Value>,
        member: &'static Member,
        value: &'r Value,
    ) {
        let name = member.name.strip_prefix('_').unwrap_or(&member.name);
        let main = parent.get(name);
        match value {
            Value::Array(items) if member.is_list => {
                self.siblings(member, items, main.and_then(Value::as_array));
            }
            _ if member.is_list => self.error("array-expected", "structure", || {
                let name = &member.element.name;
                let message = format!("`{name}` may repeat, so it has to be an array");
                (
                    message,
                    Some("put the object between `[` and `]`".to_owned()),
                )
            }),
            Value::Array(_) => self.error("array-not-allowed", "structure", || {
                let name = &member.element.name;
                let message = format!("`{name}` cannot repeat, so it must not be an array");
                (
                    message,
                    Some("give the one object without `[` and `]`".to_owned()),
                )
            }),
            other => self.one_sibling(member, other, main.is_some_and(|v| !v.is_null())),
        }
    }

    fn siblings(
        &mut self,
        member: &'static Member,
        items: &'r [Value],
        main: Option<&'r Vec<Value>>,
    ) {
        if items.iter().all(Value::is_null) {
            self.error("empty-array", "structure", || {
                (
                    "an array of extensions must not be empty".to_owned(),
                    Some("leave it out".to_owned()),
                )
            });
            return;
        }
        if let Some(main) = main.filter(|main| main.len() != items.len()) {
            self.error("unaligned-arrays", "structure", || {
                let name = &member.element.name;
                let message = format!(
                    "`{name}` has {} places, but `_{name}` has {}",
                    main.len(),
                    items.len()
                );
                (
                    message,
                    Some("fill the shorter one up with null".to_owned()),
                )
            });
        }
        for (index, item) in items.iter().enumerate() {
            let value = main.and_then(|main| main.get(index));
            if !item.is_null() {
                let has_value = value.is_some_and(|v| !v.is_null());
                self.at(Segment::Index(index), |v| {
                    v.one_sibling(member, item, has_value);
                });
            } else if main.is_none() {
                self.at(Segment::Index(index), |v| {
                    v.error("null-value", "structure", || {
                        (
                            "there is neither a value nor an extension".to_owned(),
                            Some("leave the place out".to_owned()),
                        )
                    });
                });
            }
        }
    }

    fn one_sibling(&mut self, member: &'static Member, value: &'r Value, has_value: bool) {
        let Shape::Primitive(_, id) = member.shape else {
            return;
        };
        let (Value::Object(object), Some(node)) = (value, tables::node(id)) else {
            self.error("not-an-object", "structure", || {
                (
                    "the extensions of a primitive have to be in an object".to_owned(),
                    None,
                )
            });
            return;
        };
        // An id beside a value is content enough.
        if !(has_value && object.len() == 1 && object.contains_key("id")) {
            self.object(object, node);
            return;
        }
        if let (Some(id), Some(of_id)) = (object.get("id"), node.member("id")) {
            self.at(Segment::Name("id"), |v| v.element(object, of_id, id));
        }
    }
}
