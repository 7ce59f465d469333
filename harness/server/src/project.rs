//! Projects: each resource belongs to one, and nobody sees or writes across.
//!
//! Which one stands in `meta.project`, which no client writes and no answer shows; a resource
//! without it belongs to the project that the server was started with. [`Access`](crate::access)
//! asks for it in every decision, so that there is one place to get it right.

use serde_json::{Map, Value};

/// The resources of one project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Partition {
    /// Those of the project that the server was started with.
    First,
    /// Those of a project that was made later, by its id.
    Of(Box<str>),
}

impl Partition {
    /// The resources of the project with an id, on a server whose first project is `first`.
    pub(crate) fn of_project(id: &str, first: &str) -> Self {
        if id == first {
            Self::First
        } else {
            Self::Of(id.into())
        }
    }

    /// The id of the project that a resource belongs to, on a server whose first project is
    /// `first`.
    pub(crate) fn id_of<'r>(resource: &'r Value, first: &'r str) -> Option<&'r str> {
        match resource.get("meta").and_then(|meta| meta.get("project")) {
            None => Some(first),
            Some(named) => named.as_str(),
        }
    }

    /// Whether a resource belongs to the project. Something in its place that is no id belongs to
    /// none.
    pub(crate) fn holds(&self, resource: &Value) -> bool {
        let named = resource.get("meta").and_then(|meta| meta.get("project"));
        match (self, named) {
            (Self::First, None) => true,
            (Self::Of(id), Some(Value::String(named))) => **id == **named,
            _ => false,
        }
    }

    /// Makes the content of a resource belong to the project.
    pub(crate) fn stamp(&self, content: &mut Map<String, Value>) {
        let Self::Of(id) = self else {
            return hide_in(content);
        };
        let meta = content
            .entry("meta")
            .or_insert_with(|| Value::Object(Map::new()));
        // One that is not an object the validator refuses.
        if let Some(meta) = meta.as_object_mut() {
            meta.insert("project".into(), Value::String(id.to_string()));
        }
    }
}

/// Takes from what is shown to which project it belongs: who sees it knows.
pub(crate) fn hide(resource: &mut Value) {
    if let Some(content) = resource.as_object_mut() {
        hide_in(content);
    }
}

fn hide_in(content: &mut Map<String, Value>) {
    let Some(meta) = content.get_mut("meta").and_then(Value::as_object_mut) else {
        return;
    };
    if meta.shift_remove("project").is_some() && meta.is_empty() {
        content.shift_remove("meta");
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn of(id: &str) -> Partition {
        Partition::of_project(id, "first")
    }

    #[rstest]
    #[case::without("first", json!({}), true)]
    #[case::without_in_another("b", json!({}), false)]
    #[case::own("b", json!({"meta": {"project": "b"}}), true)]
    #[case::anothers("b", json!({"meta": {"project": "c"}}), false)]
    #[case::anothers_in_the_first("first", json!({"meta": {"project": "b"}}), false)]
    #[case::no_id("first", json!({"meta": {"project": 1}}), false)]
    #[case::no_id_in_another("b", json!({"meta": {"project": {"reference": "Project/b"}}}), false)]
    fn belonging(#[case] project: &str, #[case] resource: Value, #[case] holds: bool) {
        assert_eq!(of(project).holds(&resource), holds);
    }

    #[rstest]
    #[case::none("b", json!({"id": "a"}))]
    #[case::other_meta("b", json!({"meta": {"tag": []}}))]
    #[case::anothers("b", json!({"meta": {"project": "c"}}))]
    #[case::to_the_first("first", json!({"meta": {"project": "c"}}))]
    fn what_is_stamped_belongs(#[case] project: &str, #[case] mut resource: Value) {
        of(project).stamp(resource.as_object_mut().unwrap());
        assert!(of(project).holds(&resource), "{resource}");
        hide(&mut resource);
        assert!(!resource.to_string().contains("project"), "{resource}");
    }
}
