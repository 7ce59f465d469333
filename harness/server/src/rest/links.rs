//! The places of a resource that point at other resources, by the types of its elements: what a
//! server has to rewrite when a transaction names what it makes only by a temporary URL.
//! Source: <http://hl7.org/fhir/R4/http.html#trules>.

use fhirward_spec::{TypeDef, TypeKind, spec};
use serde_json::Value;

/// What sort of link a place holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Link {
    /// `Reference.reference`.
    Reference,
    /// An element of type uri, url, oid or uuid. A canonical names a definition, not a resource of
    /// this bundle, and is none.
    Uri,
    /// The XHTML of a narrative, which may have links in `href` and `src`.
    Narrative,
}

/// Shows every link of a resource, those of contained resources and extensions too. The second
/// argument of `visit` is the place as FHIRPath.
pub(crate) fn each(resource: &Value, mut visit: impl FnMut(Link, &str, &str)) {
    // One walk for looking and changing, so that both find the same places.
    let mut copy = resource.clone();
    change(&mut copy, &mut |link, place, text| {
        visit(link, place, text);
        None
    });
}

/// Replaces links: `visit` returns what takes the place of a link, or `None` to leave it.
pub(crate) fn change(
    resource: &mut Value,
    visit: &mut dyn FnMut(Link, &str, &str) -> Option<String>,
) {
    let Some(of_type) = spec().type_of(resource) else {
        return;
    };
    let mut place = of_type.name.to_string();
    object(resource, of_type, &mut place, visit);
}

type Visit<'v> = dyn FnMut(Link, &str, &str) -> Option<String> + 'v;

fn object(value: &mut Value, of_type: &'static TypeDef, place: &mut String, visit: &mut Visit<'_>) {
    // A contained resource is declared as just some resource.
    let of_type = match of_type.kind {
        TypeKind::Resource => spec().type_of(value).unwrap_or(of_type),
        _ => of_type,
    };
    let Value::Object(members) = value else {
        return;
    };
    for (name, value) in members.iter_mut() {
        // The sibling of a primitive holds extensions, which have the shape of any element.
        let (plain, sibling) = match name.strip_prefix('_') {
            Some(plain) => (plain, true),
            None => (name.as_str(), false),
        };
        let Some((_, element)) = of_type.element(plain) else {
            continue;
        };
        let code = if sibling { "Element" } else { &*element.code };
        let Some(inner) = spec().type_def(code) else {
            continue;
        };
        let before = place.len();
        place.push('.');
        place.push_str(name);
        match value {
            Value::Array(items) => {
                for (at, item) in items.iter_mut().enumerate() {
                    let before = place.len();
                    place.push_str(&format!("[{at}]"));
                    one(item, of_type, plain, inner, place, visit);
                    place.truncate(before);
                }
            }
            value => one(value, of_type, plain, inner, place, visit),
        }
        place.truncate(before);
    }
}

fn one(
    value: &mut Value,
    of_type: &'static TypeDef,
    name: &str,
    inner: &'static TypeDef,
    place: &mut String,
    visit: &mut Visit<'_>,
) {
    let Value::String(text) = value else {
        return object(value, inner, place, visit);
    };
    let link = match &*inner.name {
        _ if &*of_type.name == "Reference" && name == "reference" => Link::Reference,
        // The system of an identifier or a code, and the name of an extension, are uris as well:
        // R4 makes no exception for them.
        "uri" | "url" | "oid" | "uuid" => Link::Uri,
        "xhtml" => Link::Narrative,
        _ => return,
    };
    if let Some(new) = visit(link, place, text) {
        *text = new;
    }
}

/// Replaces the targets of `href` and `src` in XHTML. Nothing else of the text is touched.
pub(crate) fn change_xhtml(
    text: &str,
    mut new: impl FnMut(&str) -> Option<String>,
) -> Option<String> {
    let mut out = String::new();
    let mut targets = Targets { text, from: 0 };
    let mut changed = false;
    while let Some((before, target)) = targets.next() {
        out.push_str(before);
        match new(target) {
            Some(new) => {
                changed = true;
                out.push_str(&new.replace('&', "&amp;").replace('"', "&quot;"));
            }
            None => out.push_str(target),
        }
    }
    out.push_str(targets.rest());
    changed.then_some(out)
}

/// The targets of `href` and `src`, in one pass over the text.
#[derive(Debug)]
struct Targets<'t> {
    text: &'t str,
    /// The end of the last target.
    from: usize,
}

impl<'t> Targets<'t> {
    /// What is before the next target, and the target.
    fn next(&mut self) -> Option<(&'t str, &'t str)> {
        let bytes = self.text.as_bytes();
        let mut at = self.from;
        // Behind a target its tag goes on, and a text without any bracket is taken for part of one.
        let mut in_tag = true;
        while let Some(byte) = bytes.get(at) {
            let here = bytes.get(at..)?;
            let name = ["href", "src"]
                .iter()
                .find(|name| here.starts_with(name.as_bytes()));
            let Some(name) = name else {
                in_tag = match byte {
                    b'<' => true,
                    b'>' => false,
                    _ => in_tag,
                };
                at += 1;
                continue;
            };
            let before = self.text.get(self.from..at)?;
            let is_attribute =
                in_tag && before.ends_with(|before: char| before.is_ascii_whitespace());
            at += name.len();
            if !is_attribute {
                continue;
            }
            let behind = self.text.get(at..)?.trim_start();
            let Some(value) = behind.strip_prefix('=').map(str::trim_start) else {
                continue;
            };
            let Some(quote @ ('"' | '\'')) = value.chars().next() else {
                continue;
            };
            let value = value.get(1..)?;
            let target = value.get(..value.find(quote)?)?;
            let start = self.text.len() - value.len();
            let before = self.text.get(self.from..start)?;
            self.from = start + target.len();
            return Some((before, target));
        }
        None
    }

    /// What is behind the last target.
    fn rest(&self) -> &'t str {
        self.text.get(self.from..).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[test]
    fn links_are_found_by_type_and_not_by_name() {
        let resource = json!({
            "resourceType": "Communication",
            "text": {"status": "generated", "div": "<div/>"},
            "contained": [{"resourceType": "Task", "focus": {"reference": "urn:uuid:1"}}],
            "extension": [{"url": "urn:e", "valueReference": {"reference": "urn:uuid:2"}}],
            "instantiatesUri": ["urn:uuid:3"],
            "instantiatesCanonical": ["urn:uuid:4"],
            "partOf": [{"reference": "urn:uuid:5", "display": "urn:uuid:6"}],
            "_status": {"extension": [{"url": "urn:e", "valueUri": "urn:uuid:7"}]},
            "payload": [{"contentAttachment": {"url": "urn:uuid:8", "title": "urn:uuid:9"}}],
            "reference": "urn:uuid:10",
            "topic": {"text": "urn:uuid:11"},
        });
        let mut found = Vec::new();
        each(&resource, |link, place, text| {
            if text.starts_with("urn:uuid") || link == Link::Narrative {
                found.push((place.to_owned(), link));
            }
        });
        let place = |text: &str| format!("Communication.{text}");
        assert_eq!(
            found,
            [
                (place("text.div"), Link::Narrative),
                (place("contained[0].focus.reference"), Link::Reference),
                (
                    place("extension[0].valueReference.reference"),
                    Link::Reference
                ),
                (place("instantiatesUri[0]"), Link::Uri),
                (place("partOf[0].reference"), Link::Reference),
                (place("_status.extension[0].valueUri"), Link::Uri),
                (place("payload[0].contentAttachment.url"), Link::Uri),
            ]
        );
    }

    #[rstest]
    #[case::both(
        "<a href=\"urn:1\"/><img src='urn:1'/>",
        Some("<a href=\"X/1\"/><img src='X/1'/>")
    )]
    #[case::spaces("<a  href = \"urn:1\">", Some("<a  href = \"X/1\">"))]
    #[case::text("<p>href=\"urn:1\"</p>", None)]
    #[case::words("<p>see href=\"urn:1\"</p>", None)]
    #[case::other_attribute("<a datahref=\"urn:1\" title=\"urn:1\">", None)]
    #[case::other_target("<a href=\"urn:2\">ä</a>", None)]
    #[case::unfinished("<a href=\"urn:1", None)]
    #[case::many_bytes(
        "<p>äöü</p><a href=\"urn:1\">ß</a>",
        Some("<p>äöü</p><a href=\"X/1\">ß</a>")
    )]
    fn targets_in_narratives(#[case] text: &str, #[case] expected: Option<&str>) {
        let changed = change_xhtml(text, |target| (target == "urn:1").then(|| "X/1".to_owned()));
        assert_eq!(changed.as_deref(), expected);
    }

    /// Would not end in the time that anybody waits, if each name were asked for what is before.
    #[rstest]
    #[case::closed("<div", " href\"", "></div>")]
    #[case::never_in_a_tag("<div>", " href\"", "</div>")]
    #[case::spaces("<div", " href \n src ", "></div>")]
    #[case::names("<div", "href", "></div>")]
    fn a_text_is_gone_through_once(#[case] start: &str, #[case] one: &str, #[case] end: &str) {
        let text = format!("{start}{}{end}", one.repeat(100_000));
        assert_eq!(change_xhtml(&text, |_| Some("X".to_owned())), None);
    }

    proptest! {
        /// The one pass finds what going back for each name finds.
        #[test]
        fn targets_are_those_that_looking_back_finds(
            parts in proptest::collection::vec(
                proptest::sample::select(vec![
                    "<", ">", "a", " ", "\n", "\u{a0}", "href", "src", "hre", "=", "\"", "'", "ä",
                    " href=\"", " src = '",
                ]),
                0..40,
            ),
        ) {
            let text = parts.concat();
            let mut targets = Targets { text: &text, from: 0 };
            let mut rest = &*text;
            while let Some((before, target, after)) = next_target(rest) {
                prop_assert_eq!(targets.next(), Some((before, target)));
                prop_assert_eq!(targets.rest(), after);
                rest = after;
            }
            prop_assert_eq!(targets.next(), None);
        }
    }

    /// What is before the value of the next `href` or `src`, the value, and what is behind it.
    fn next_target(text: &str) -> Option<(&str, &str, &str)> {
        let mut from = 0;
        loop {
            let rest = text.get(from..)?;
            let (at, name) = ["href", "src"]
                .iter()
                .filter_map(|name| Some((rest.find(name)?, *name)))
                .min()?;
            let is_attribute = text.get(..from + at).is_some_and(|before| {
                before.ends_with(|c: char| c.is_ascii_whitespace()) && is_in_tag(before)
            });
            let behind = rest.get(at + name.len()..)?;
            let value = behind.trim_start().strip_prefix('=').map(str::trim_start);
            let quote = value.and_then(|value| value.chars().next());
            if let (true, Some(value), Some(quote @ ('"' | '\''))) = (is_attribute, value, quote) {
                let value = value.get(1..)?;
                let length = value.find(quote)?;
                let start = text.len() - value.len();
                return Some((
                    text.get(..start)?,
                    value.get(..length)?,
                    value.get(length..)?,
                ));
            }
            from += at + name.len();
        }
    }

    /// Whether a text ends inside a tag. One without any bracket goes on behind another attribute.
    fn is_in_tag(before: &str) -> bool {
        match (before.rfind('<'), before.rfind('>')) {
            (Some(open), Some(closed)) => open > closed,
            (None, Some(_)) => false,
            (_, None) => true,
        }
    }
}
