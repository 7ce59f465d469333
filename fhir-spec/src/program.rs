//! Extraction programs: what a search expression reads in a resource.

use std::ops::ControlFlow;

use serde_json::Value;

use crate::reference::reference_type;

/// Objects with more members are looked up by hash, after their first.
const FEW_MEMBERS: usize = 32;

static TRUE: Value = Value::Bool(true);
static FALSE: Value = Value::Bool(false);

/// A value that a search expression selects.
#[derive(Debug, Clone, Copy)]
pub struct Extracted<'r> {
    /// The value: in the resource, or `true` or `false` for an expression that is a condition.
    pub value: &'r Value,
    /// Its FHIR type, as declared: `CodeableConcept`, `code`, `Reference`, `dateTime`, …
    pub data_type: &'static str,
}

/// A compiled search expression.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Program {
    pub(crate) body: Body,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Body {
    /// Everything that one of the paths selects.
    Paths(Box<[Path]>),
    /// True or false.
    Condition(Condition),
}

impl Default for Body {
    fn default() -> Self {
        Body::Paths(Box::default())
    }
}

/// A path to values of one type. A choice such as `value[x]` is a path for each type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Path {
    pub steps: Vec<Step>,
    pub data_type: &'static str,
    /// Whether it can select more than one value.
    pub many: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// The member of this name; the items of an array one by one.
    Member {
        name: Box<str>,
        /// `_name`, which carries the extensions of a primitive.
        sibling: Box<str>,
        /// Only this item of an array.
        index: Option<usize>,
    },
    /// Only if this member is this text.
    WhereEquals { name: Box<str>, text: Box<str> },
    /// Only if this is a reference to this type.
    WhereReferenceTo(Box<str>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Condition {
    Exists(Box<[Path]>),
    /// Something is selected, and it is not this boolean.
    NotEqual(Box<[Path]>, bool),
    And(Box<Condition>, Box<Condition>),
}

impl Program {
    /// Calls `visit` for each value that the expression selects, until it breaks.
    ///
    /// The order is that of the document within each part of a union, and the parts come in the
    /// order of the expression. Arrays are flattened, JSON `null` is passed over. Nothing is
    /// allocated.
    #[inline]
    pub fn each<'r>(
        &self,
        resource: &'r Value,
        visit: &mut impl FnMut(Extracted<'r>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let Some((name, data_type)) = self.as_member() else {
            return self.each_in_full(resource, visit);
        };
        for value in items(resource, name) {
            if !value.is_null() {
                visit(Extracted { value, data_type })?;
            }
        }
        ControlFlow::Continue(())
    }

    /// The member that is all that the expression selects, and its type: so it is with most. What
    /// is selected are its [`items`] that are not `null`.
    #[inline]
    pub fn as_member(&self) -> Option<(&str, &'static str)> {
        let Body::Paths(paths) = &self.body else {
            return None;
        };
        let [path] = &**paths else {
            return None;
        };
        match path.steps.as_slice() {
            [
                Step::Member {
                    name, index: None, ..
                },
            ] => Some((name, path.data_type)),
            _ => None,
        }
    }

    #[inline(never)]
    fn each_in_full<'r>(
        &self,
        resource: &'r Value,
        visit: &mut dyn FnMut(Extracted<'r>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        match &self.body {
            Body::Paths(paths) => paths.iter().try_for_each(|p| p.each(resource, visit)),
            Body::Condition(condition) => visit(Extracted {
                value: if condition.holds(resource) {
                    &TRUE
                } else {
                    &FALSE
                },
                data_type: "boolean",
            }),
        }
    }

    /// All values that the expression selects.
    pub fn collect<'r>(&self, resource: &'r Value) -> Vec<Extracted<'r>> {
        let mut all = Vec::new();
        let _ = self.each(resource, &mut |extracted| {
            all.push(extracted);
            ControlFlow::Continue(())
        });
        all
    }

    /// Whether the element that the expression is about is absent. A primitive that has only
    /// extensions (`_name` without `name`) is there, and so is a reference that `resolve() is T`
    /// asks about and that does not say what it points at. A condition is never empty: it is true
    /// or false.
    pub fn is_empty_on(&self, resource: &Value) -> bool {
        match &self.body {
            Body::Paths(paths) => paths
                .iter()
                .all(|p| !p.is_there(resource) && !has_extensions(&p.steps, resource)),
            Body::Condition(_) => false,
        }
    }

    /// The member names on the way to what the program reads, one list for each path:
    /// `Patient.name.given` is `["name", "given"]`. A choice has its JSON names.
    pub fn member_paths(&self) -> Vec<Vec<&str>> {
        let mut paths = Vec::new();
        match &self.body {
            Body::Paths(all) => paths.extend(all.iter().map(Path::members)),
            Body::Condition(condition) => condition.members(&mut paths),
        }
        paths
    }

    /// The types of what the program can select, without repetitions.
    pub fn data_types(&self) -> Vec<&'static str> {
        let mut types = Vec::new();
        match &self.body {
            Body::Paths(paths) => {
                for path in paths {
                    if !types.contains(&path.data_type) {
                        types.push(path.data_type);
                    }
                }
            }
            Body::Condition(_) => types.push("boolean"),
        }
        types
    }
}

impl Path {
    fn each<'r>(
        &self,
        focus: &'r Value,
        visit: &mut dyn FnMut(Extracted<'r>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let data_type = self.data_type;
        walk(&self.steps, focus, &mut |value| {
            visit(Extracted { value, data_type })
        })
    }

    fn selects(&self, focus: &Value) -> bool {
        walk(&self.steps, focus, &mut |_| ControlFlow::Break(())).is_break()
    }

    /// Like [`Path::selects`], but a reference to nobody knows what may be one to the type.
    fn is_there(&self, focus: &Value) -> bool {
        let Some((Step::WhereReferenceTo(target), before)) = self.steps.split_last() else {
            return self.selects(focus);
        };
        walk(before, focus, &mut |reference| {
            if reference_type(reference).is_none_or(|found| found == &**target) {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })
        .is_break()
    }

    fn members(&self) -> Vec<&str> {
        self.steps
            .iter()
            .filter_map(|step| match step {
                Step::Member { name, .. } => Some(&**name),
                Step::WhereEquals { .. } | Step::WhereReferenceTo(_) => None,
            })
            .collect()
    }
}

impl Condition {
    fn holds(&self, focus: &Value) -> bool {
        match self {
            Condition::Exists(paths) => paths.iter().any(|p| p.selects(focus)),
            Condition::NotEqual(paths, literal) => paths.iter().any(|p| {
                let differs = |value: &Value| match value.as_bool() {
                    Some(found) if found == *literal => ControlFlow::Continue(()),
                    _ => ControlFlow::Break(()),
                };
                walk(&p.steps, focus, &mut |value| differs(value)).is_break()
            }),
            Condition::And(left, right) => left.holds(focus) && right.holds(focus),
        }
    }

    fn members<'p>(&'p self, into: &mut Vec<Vec<&'p str>>) {
        match self {
            Condition::Exists(paths) | Condition::NotEqual(paths, _) => {
                into.extend(paths.iter().map(Path::members));
            }
            Condition::And(left, right) => {
                left.members(into);
                right.members(into);
            }
        }
    }
}

/// The member of a JSON object, if it is one and has it.
///
/// The same as `value.get(name)`, and quicker: FHIR's objects have few members, and comparing a few
/// short names costs less than one hash. What is asked for most stands first: `resourceType` in a
/// resource, `reference` in a reference.
///
/// ```
/// let message = serde_json::json!({"resourceType": "Communication", "status": "completed"});
/// assert_eq!(fhirward_spec::member(&message, "status"), message.get("status"));
/// ```
#[inline]
pub fn member<'r>(value: &'r Value, name: &str) -> Option<&'r Value> {
    let Value::Object(object) = value else {
        return None;
    };
    let mut members = object.iter();
    match members.next() {
        Some((key, found)) if key == name => Some(found),
        _ if object.len() > FEW_MEMBERS => object.get(name),
        _ => members
            .find(|(key, _)| *key == name)
            .map(|(_, found)| found),
    }
}

/// The items of a member that is an array, or the one value that it is.
///
/// ```
/// let message = serde_json::json!({"status": "completed", "recipient": [{}, {}]});
/// let count = |name| fhirward_spec::items(&message, name).len();
/// assert_eq!((count("status"), count("recipient"), count("sender")), (1, 2, 0));
/// ```
#[inline]
pub fn items<'r>(value: &'r Value, name: &str) -> &'r [Value] {
    match member(value, name) {
        Some(Value::Array(items)) => items,
        Some(value) => std::slice::from_ref(value),
        None => &[],
    }
}

fn walk<'r>(
    steps: &[Step],
    focus: &'r Value,
    visit: &mut dyn FnMut(&'r Value) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let Some((step, rest)) = steps.split_first() else {
        return if focus.is_null() {
            ControlFlow::Continue(())
        } else {
            visit(focus)
        };
    };
    match step {
        Step::Member { name, index, .. } => match (member(focus, name), index) {
            (Some(Value::Array(items)), Some(index)) => items
                .get(*index)
                .map_or(ControlFlow::Continue(()), |item| walk(rest, item, visit)),
            (Some(Value::Array(items)), None) => {
                items.iter().try_for_each(|item| walk(rest, item, visit))
            }
            (Some(value), None | Some(0)) => walk(rest, value, visit),
            _ => ControlFlow::Continue(()),
        },
        Step::WhereEquals { name, text } => {
            if member(focus, name).and_then(Value::as_str) == Some(text) {
                walk(rest, focus, visit)
            } else {
                ControlFlow::Continue(())
            }
        }
        Step::WhereReferenceTo(target) => {
            if reference_type(focus) == Some(target) {
                walk(rest, focus, visit)
            } else {
                ControlFlow::Continue(())
            }
        }
    }
}

/// Whether the last member of the path has a `_name` sibling with something in it.
fn has_extensions(steps: &[Step], focus: &Value) -> bool {
    let Some((Step::Member { sibling, .. }, before)) = steps.split_last() else {
        return false;
    };
    let found = |parent: &Value| match member(parent, sibling) {
        Some(Value::Array(items)) => items.iter().any(is_filled_object),
        Some(value) => is_filled_object(value),
        None => false,
    };
    walk(before, focus, &mut |parent| {
        if found(parent) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })
    .is_break()
}

fn is_filled_object(value: &Value) -> bool {
    value.as_object().is_some_and(|object| !object.is_empty())
}
