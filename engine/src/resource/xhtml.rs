//! The XHTML of narratives: well-formed, formatting only, and not empty (txt-1, txt-2).

use super::suggest::shortened;
use super::validator::Validator;

const NAMESPACE: &str = "http://www.w3.org/1999/xhtml";

/// Deeper markup is nothing that anybody reads.
const MAX_OPEN: usize = 256;

/// Basic formatting, lists, tables, links and images of HTML 4.0.
const ELEMENTS: [&str; 59] = [
    "a",
    "abbr",
    "acronym",
    "address",
    "area",
    "b",
    "bdo",
    "big",
    "blockquote",
    "br",
    "caption",
    "cite",
    "code",
    "col",
    "colgroup",
    "dd",
    "del",
    "dfn",
    "div",
    "dl",
    "dt",
    "em",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "img",
    "ins",
    "kbd",
    "li",
    "map",
    "ol",
    "p",
    "pre",
    "q",
    "s",
    "samp",
    "small",
    "span",
    "strong",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "tt",
    "u",
    "ul",
    "var",
    "font",
    "strike",
];

/// Attributes that any element may have.
const COMMON: [&str; 25] = [
    "abbr",
    "accesskey",
    "align",
    "axis",
    "char",
    "charoff",
    "class",
    "colspan",
    "dir",
    "headers",
    "id",
    "idref",
    "lang",
    "rowspan",
    "scope",
    "span",
    "style",
    "tabindex",
    "title",
    "valign",
    "width",
    "xml:lang",
    "xmlns",
    "height",
    "xml:space",
];

/// Attributes of one element.
const OWN: [(&str, &[&str]); 14] = [
    (
        "a",
        &[
            "charset", "coords", "href", "hreflang", "name", "rel", "rev", "shape", "type",
        ],
    ),
    ("area", &["alt", "coords", "href", "nohref", "shape"]),
    ("blockquote", &["cite"]),
    ("del", &["cite", "datetime"]),
    ("font", &["color", "face", "size"]),
    ("hr", &["noshade", "size"]),
    ("img", &["alt", "border", "longdesc", "src", "usemap"]),
    ("ins", &["cite", "datetime"]),
    ("li", &["value"]),
    ("map", &["name"]),
    ("ol", &["start", "type"]),
    ("q", &["cite"]),
    (
        "table",
        &[
            "border",
            "cellpadding",
            "cellspacing",
            "frame",
            "rules",
            "summary",
            "bgcolor",
        ],
    ),
    ("td", &["nowrap", "bgcolor"]),
];

/// Elements that are content without text.
const PICTURES: [&str; 1] = ["img"];

/// What is wrong with a narrative.
#[derive(Debug, PartialEq, Eq)]
enum Problem<'t> {
    /// It is no XML; with what stands where something else is needed.
    Malformed(&'static str, &'t str),
    /// An element that is more than formatting.
    Element(&'t str),
    /// An attribute whose value runs.
    Script(&'t str, &'t str),
    /// An attribute that the element must not have.
    Attribute(&'t str, &'t str),
    /// The outermost element is no `div` of XHTML.
    Root,
    /// Nothing to read.
    Empty,
}

impl Validator<'_> {
    /// The text of `Narrative.div`.
    pub(super) fn narrative(&mut self, text: &str) {
        let Err(problem) = Reader::new(text).document() else {
            return;
        };
        let key = if problem == Problem::Empty {
            "txt-2"
        } else {
            "txt-1"
        };
        self.error(key, "invariant", || words(&problem));
    }
}

fn words(problem: &Problem<'_>) -> (String, Option<String>) {
    let (message, help) = match problem {
        Problem::Malformed(what, at) => {
            let message = format!(
                "the XHTML is not well-formed: {what} at `{}`",
                shortened(at)
            );
            (message, "text uses `&lt;` and `&amp;`; every tag is closed")
        }
        Problem::Element(name) => {
            let message = format!("`<{}>` is not allowed in a narrative", shortened(name));
            (
                message,
                "use formatting, lists, tables, links and images only",
            )
        }
        Problem::Attribute(element, name) => {
            let name = shortened(name);
            let message = format!("`<{element}>` must not have `{name}` in a narrative");
            (message, "leave the attribute out")
        }
        Problem::Script(element, name) => {
            let message = format!("the `{name}` of `<{element}>` is a script");
            (message, "a narrative has no scripts: link to a page")
        }
        Problem::Root => (
            "the narrative is not in a `<div>` of XHTML".to_owned(),
            "begin with `<div xmlns=\"http://www.w3.org/1999/xhtml\">`",
        ),
        Problem::Empty => (
            "the narrative has no text".to_owned(),
            "give text or an image, or leave `text` out",
        ),
    };
    (message, Some(help.to_owned()))
}

struct Reader<'t> {
    rest: &'t str,
    open: Vec<&'t str>,
    has_content: bool,
}

impl<'t> Reader<'t> {
    fn new(text: &'t str) -> Self {
        Reader {
            rest: text.trim(),
            open: Vec::new(),
            has_content: false,
        }
    }

    fn document(mut self) -> Result<(), Problem<'t>> {
        self.tag()?;
        while !self.open.is_empty() {
            if self.rest.is_empty() {
                return Err(Problem::Malformed("an element is not closed", self.rest));
            }
            self.text()?;
            if !self.rest.is_empty() {
                self.markup()?;
            }
        }
        while let Some(comment) = self.rest.trim_start().strip_prefix("<!--") {
            self.rest = comment;
            self.skip_behind("-->")?;
        }
        if !self.rest.trim().is_empty() {
            return Err(Problem::Malformed(
                "there is more behind the `<div>`",
                self.rest,
            ));
        }
        if self.has_content {
            Ok(())
        } else {
            Err(Problem::Empty)
        }
    }

    /// Up to the next tag.
    fn text(&mut self) -> Result<(), Problem<'t>> {
        let end = self.rest.find('<').unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        entities(text)?;
        self.has_content |= text.contains(|c: char| !c.is_whitespace());
        self.rest = rest;
        Ok(())
    }

    fn markup(&mut self) -> Result<(), Problem<'t>> {
        if let Some(comment) = self.rest.strip_prefix("<!--") {
            self.rest = comment;
            return self.skip_behind("-->");
        }
        if let Some(data) = self.rest.strip_prefix("<![CDATA[") {
            self.has_content = true;
            self.rest = data;
            return self.skip_behind("]]>");
        }
        if let Some(end) = self.rest.strip_prefix("</") {
            return self.end_tag(end);
        }
        self.tag()
    }

    fn skip_behind(&mut self, end: &'static str) -> Result<(), Problem<'t>> {
        let (_, rest) = self
            .rest
            .split_once(end)
            .ok_or(Problem::Malformed("markup does not end", self.rest))?;
        self.rest = rest;
        Ok(())
    }

    fn end_tag(&mut self, behind: &'t str) -> Result<(), Problem<'t>> {
        let malformed = Problem::Malformed("an end tag does not fit", self.rest);
        let (name, rest) = split_name(behind);
        let Some(rest) = rest.trim_start().strip_prefix('>') else {
            return Err(malformed);
        };
        if self.open.pop() != Some(name) {
            return Err(malformed);
        }
        self.rest = rest;
        Ok(())
    }

    /// A start tag, or one of an empty element.
    fn tag(&mut self) -> Result<(), Problem<'t>> {
        let tag = self.rest;
        let malformed = || Problem::Malformed("a tag is broken", tag);
        let (name, mut rest) = split_name(tag.strip_prefix('<').ok_or_else(malformed)?);
        if name.is_empty() {
            return Err(malformed());
        }
        let is_root = self.open.is_empty();
        if !ELEMENTS.contains(&name) {
            return Err(Problem::Element(name));
        }
        let mut is_xhtml = false;
        loop {
            let trimmed = rest.trim_start();
            if let Some(behind) = trimmed.strip_prefix("/>") {
                self.rest = behind;
                break;
            }
            if let Some(behind) = trimmed.strip_prefix('>') {
                if self.open.len() >= MAX_OPEN {
                    return Err(Problem::Malformed("the markup is nested too deep", tag));
                }
                self.open.push(name);
                self.rest = behind;
                break;
            }
            if trimmed.len() == rest.len() {
                return Err(malformed());
            }
            let (attribute, value, behind) = attribute(trimmed).ok_or_else(malformed)?;
            if !is_allowed(name, attribute) {
                return Err(Problem::Attribute(name, attribute));
            }
            if is_script(value) {
                return Err(Problem::Script(name, attribute));
            }
            entities(value)?;
            is_xhtml |= attribute == "xmlns" && value == NAMESPACE;
            rest = behind;
        }
        if is_root && !(name == "div" && is_xhtml) {
            return Err(Problem::Root);
        }
        self.has_content |= PICTURES.contains(&name);
        Ok(())
    }
}

fn is_allowed(element: &str, attribute: &str) -> bool {
    COMMON.contains(&attribute)
        || attribute.starts_with("xmlns:")
        || OWN
            .iter()
            .any(|(name, own)| *name == element && own.contains(&attribute))
}

fn split_name(text: &str) -> (&str, &str) {
    let end = text
        .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, ':' | '-' | '_' | '.')))
        .unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// Name, value, and what is behind.
fn attribute(text: &str) -> Option<(&str, &str, &str)> {
    let (name, rest) = split_name(text);
    if name.is_empty() {
        return None;
    }
    let rest = rest.trim_start().strip_prefix('=')?.trim_start();
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let (value, behind) = rest.strip_prefix(quote)?.split_once(quote)?;
    (!value.contains('<')).then_some((name, value, behind))
}

/// Whether a link is a script, also with what browsers pass over.
fn is_script(value: &str) -> bool {
    let is_passed_over = |c: &char| c.is_whitespace() || c.is_control();
    let scheme: String = value
        .chars()
        .filter(|c| !is_passed_over(c))
        .take(11)
        .collect();
    let scheme = scheme.to_ascii_lowercase();
    scheme.starts_with("javascript:") || scheme.starts_with("vbscript:")
}

/// Every `&` begins an entity.
fn entities(text: &str) -> Result<(), Problem<'_>> {
    for part in text.split('&').skip(1) {
        let entity = part.split_once(';').map(|(entity, _)| entity);
        let is_named = |e: &str| !e.is_empty() && e.bytes().all(|b| b.is_ascii_alphanumeric());
        let good = entity.is_some_and(|entity| match entity.strip_prefix('#') {
            Some(number) => match number.strip_prefix('x') {
                Some(hex) => !hex.is_empty() && hex.bytes().all(|b| b.is_ascii_hexdigit()),
                None => !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()),
            },
            None => is_named(entity),
        });
        if !good {
            return Err(Problem::Malformed("`&` begins no entity", part));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Problem, Reader};
    use rstest::rstest;

    fn problem(inner: &str) -> Option<Problem<'_>> {
        Reader::new(inner).document().err()
    }

    #[rstest]
    #[case::text("<div xmlns=\"http://www.w3.org/1999/xhtml\">x</div>")]
    #[case::quotes(
        "<div xmlns='http://www.w3.org/1999/xhtml'><p class='a'>x &amp; &#xA0;&nbsp;</p><br/></div>"
    )]
    #[case::comment("<div xmlns=\"http://www.w3.org/1999/xhtml\"><!-- <x --><b >x</b ></div>\n")]
    #[case::image("<div xmlns=\"http://www.w3.org/1999/xhtml\"><img src=\"#a\" alt=\"a\"/></div>")]
    #[case::greater("<div xmlns=\"http://www.w3.org/1999/xhtml\">a > b</div>")]
    fn good(#[case] text: &str) {
        assert_eq!(problem(text), None);
    }

    #[rstest]
    #[case::unclosed("<p>x", "Malformed")]
    #[case::crossed("<b><i>x</b></i>", "Malformed")]
    #[case::ampersand("a & b", "Malformed")]
    #[case::number("&#x;", "Malformed")]
    #[case::less("a < b", "Malformed")]
    #[case::unquoted("<p class=a>x</p>", "Malformed")]
    #[case::bare("<p hidden>x</p>", "Malformed")]
    #[case::comment("<!-- x", "Malformed")]
    #[case::instruction("<?php x ?>x", "Malformed")]
    #[case::script("<script>x</script>", "Element")]
    #[case::form("<p><input type=\"text\"/></p>", "Element")]
    #[case::event("<p onclick=\"x\">x</p>", "Attribute")]
    #[case::elsewhere("<p href=\"x\">x</p>", "Attribute")]
    #[case::empty(" <p> </p><!-- x -->", "Empty")]
    fn bad(#[case] inner: &str, #[case] expected: &str) {
        let text = format!("<div xmlns=\"http://www.w3.org/1999/xhtml\">{inner}</div>");
        let found = format!("{:?}", problem(&text));
        assert!(found.starts_with(&format!("Some({expected}")), "{found}");
    }

    #[rstest]
    #[case::no_namespace("<div>x</div>")]
    #[case::other("<p xmlns=\"http://www.w3.org/1999/xhtml\">x</p>")]
    #[case::other_namespace("<div xmlns=\"http://x\">x</div>")]
    fn root(#[case] text: &str) {
        assert_eq!(problem(text), Some(Problem::Root));
    }

    #[test]
    fn deep_markup_is_refused() {
        let deep = "<b>".repeat(100_000);
        let text = format!("<div xmlns=\"http://www.w3.org/1999/xhtml\">{deep}");
        assert!(matches!(problem(&text), Some(Problem::Malformed(..))));
    }

    #[test]
    fn more_behind_the_root() {
        let text = "<div xmlns=\"http://www.w3.org/1999/xhtml\">x</div><p/>";
        assert!(matches!(problem(text), Some(Problem::Malformed(..))));
    }
}
