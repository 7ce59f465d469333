//! One way to write a scenario: keys in the order of the language, one name for each verb. Comments
//! and everything else stay as they are, because only whole lines are moved and only keys renamed.

use std::ops::Range;
use std::path::Path;

use fhirward_engine::diagnostic::Diagnostic;
use fhirward_engine::source::Source;

use super::node::{Entry, Kind, Node};
use super::vocabulary::{Object, SCENARIO, STATE, Shape};

/// Why a file cannot be formatted.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// It is no YAML.
    #[error("{}", .0.message)]
    Invalid(Box<Diagnostic>),
    /// What came out would mean something else. A fault of the formatter, which then keeps its hands
    /// off.
    #[error("`{0}` cannot be formatted without changing what it says")]
    WouldChange(String),
}

/// Formats the text of a scenario or state file.
///
/// # Errors
/// A text that is no YAML.
pub fn format(file: &Path, text: &str) -> Result<String, FormatError> {
    let name = file.display().to_string();
    let before = read(&name, text)?;
    let object = object_of(&before);
    let renamed = rename(text, &before, object);
    let middle = read(&name, &renamed)?;
    let ordered = order(&renamed, &middle, object);
    let written = tidy(&ordered);
    let after = read(&name, &written)?;
    if !same(&before, &after, &Shape::Object(object)) {
        return Err(FormatError::WouldChange(name));
    }
    Ok(written)
}

fn read(name: &str, text: &str) -> Result<Node, FormatError> {
    let source = Source::new(name, text);
    Node::parse(&source).map_err(|error| FormatError::Invalid(Box::new(error)))
}

fn object_of(node: &Node) -> &'static Object {
    let is_state = match &node.kind {
        Kind::Map(entries) => entries.iter().any(|entry| entry.key == "state"),
        _ => false,
    };
    if is_state { &STATE } else { &SCENARIO }
}

/// The maps of the language in a value, the innermost last.
fn maps<'n>(node: &'n Node, shape: &Shape, found: &mut Vec<(&'n Node, &'static Object)>) {
    match (shape, &node.kind) {
        (Shape::Object(object), Kind::Map(entries)) => {
            let object: &'static Object = object;
            found.push((node, object));
            for entry in entries {
                if let Some(key) = object.key(&entry.key) {
                    maps(&entry.value, &key.shape, found);
                }
            }
        }
        (Shape::List(of), Kind::List(items)) => {
            for item in items {
                maps(item, of, found);
            }
        }
        (Shape::Map(of), Kind::Map(entries)) => {
            for entry in entries {
                maps(&entry.value, of, found);
            }
        }
        (Shape::Either(shapes), _) => {
            let fits = |shape: &&Shape| {
                matches!(
                    (shape, &node.kind),
                    (Shape::Object(_) | Shape::Map(_), Kind::Map(_))
                        | (Shape::List(_), Kind::List(_))
                )
            };
            if let Some(shape) = shapes.iter().find(fits) {
                maps(node, shape, found);
            }
        }
        _ => {}
    }
}

/// Writes each key by its own name.
fn rename(text: &str, node: &Node, object: &'static Object) -> String {
    let mut found = Vec::new();
    maps(node, &Shape::Object(object), &mut found);
    let mut edits: Vec<(Range<usize>, &str)> = Vec::new();
    for (map, object) in found {
        let Kind::Map(entries) = &map.kind else {
            continue;
        };
        for entry in entries {
            if let Some(key) = object.key(&entry.key)
                && key.name != entry.key
            {
                edits.push((entry.key_span.start..entry.key_span.end, key.name));
            }
        }
    }
    edits.sort_by_key(|(range, _)| std::cmp::Reverse(range.start));
    let mut text = text.to_owned();
    for (range, name) in edits {
        if text.get(range.clone()).is_some() {
            text.replace_range(range, name);
        }
    }
    text
}

/// Puts the keys of every map that is written in lines into order. The outermost map first: what is
/// inside moves along, and is put into order on the way back.
fn order(text: &str, node: &Node, object: &'static Object) -> String {
    let mut found = Vec::new();
    maps(node, &Shape::Object(object), &mut found);
    // The last map first: its lines keep their place while those before it move.
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    found.sort_by_key(|(map, _)| std::cmp::Reverse(map.span.start));
    let line_of = |at: usize| {
        text.get(..at)
            .map_or(0, |before| before.matches('\n').count())
    };
    for (map, object) in found {
        let Kind::Map(entries) = &map.kind else {
            continue;
        };
        let starts: Vec<(usize, usize)> = entries
            .iter()
            .map(|entry| (line_of(entry.key_span.start), column(text, entry)))
            .collect();
        let end = end_of(&lines, &starts);
        if let Some(sorted) = reorder(&lines, entries, &starts, end, object)
            && let Some(first) = starts.first()
        {
            lines.splice(first.0..end, sorted);
        }
    }
    lines.concat()
}

/// How many characters stand before a key on its line.
fn column(text: &str, entry: &Entry) -> usize {
    let before = text.get(..entry.key_span.start).unwrap_or_default();
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    before.get(start..).map_or(0, |line| line.chars().count())
}

/// The line after the last one of a map: the first that is indented less, or begins something else.
fn end_of(lines: &[String], starts: &[(usize, usize)]) -> usize {
    let Some((last, column)) = starts.last() else {
        return 0;
    };
    let mut end = last + 1;
    for (number, line) in lines.iter().enumerate().skip(last + 1) {
        let indent = line.len() - line.trim_start().len();
        if line.trim().is_empty() || line.trim_start().starts_with('#') && indent < *column {
            continue;
        }
        // A list may stand at the column of its key.
        let item = indent == *column && line.trim_start().starts_with("- ");
        if indent > *column || item {
            end = number + 1;
        } else {
            break;
        }
    }
    end
}

/// The lines of a map with its keys in order; nothing where it is not written in lines of its own.
fn reorder(
    lines: &[String],
    entries: &[Entry],
    starts: &[(usize, usize)],
    end: usize,
    object: &Object,
) -> Option<Vec<String>> {
    let rank = |entry: &Entry| object.keys().position(|key| key.name == entry.key);
    let ranks: Vec<usize> = entries.iter().map(rank).collect::<Option<_>>()?;
    if ranks.is_sorted() {
        return None;
    }
    let (first_line, column) = *starts.first()?;
    let in_lines = starts.windows(2).all(|pair| match pair {
        [a, b] => a.0 < b.0,
        _ => true,
    });
    if !in_lines || starts.iter().any(|(_, at)| *at != column) {
        return None;
    }
    // A comment stands before what it is about.
    let mut begins: Vec<usize> = Vec::new();
    for (index, (line, _)) in starts.iter().enumerate() {
        let mut begin = *line;
        let lowest = if index == 0 {
            first_line
        } else {
            starts.get(index - 1)?.0 + 1
        };
        while begin > lowest && is_comment(lines.get(begin - 1)?, column) {
            begin -= 1;
        }
        begins.push(begin);
    }
    let ends = begins.iter().skip(1).copied().chain([end]);
    let mut blocks: Vec<(usize, Vec<String>)> = Vec::new();
    for ((begin, end), rank) in begins.iter().zip(ends).zip(ranks) {
        blocks.push((rank, lines.get(*begin..end)?.to_vec()));
    }
    // What stands before the first key, as `- `, stays before whatever is first.
    let opening: String = lines.get(first_line)?.chars().take(column).collect();
    let indent = " ".repeat(column);
    let first = blocks.first_mut()?.1.first_mut()?;
    *first = format!("{indent}{}", first.get(opening.len()..)?);
    for (_, block) in &mut blocks {
        if let Some(last) = block.last_mut()
            && !last.ends_with('\n')
        {
            last.push('\n');
        }
    }
    // Blank lines stay where they are and do not travel with a key.
    let trailing = take_blank(&mut blocks);
    blocks.sort_by_key(|(rank, _)| *rank);
    let mut sorted: Vec<String> = blocks.into_iter().flat_map(|(_, block)| block).collect();
    let at = sorted
        .iter()
        .position(|line| !line.trim_start().starts_with('#'))?;
    if !opening.trim().is_empty() {
        // A comment stands above the dash of its item, and not between the dash and the key.
        let dash: String = opening.chars().take_while(|c| *c == ' ').collect();
        for comment in sorted.iter_mut().take(at) {
            *comment = format!("{dash}{}", comment.trim_start());
        }
    }
    let first = sorted.get_mut(at)?;
    *first = format!("{opening}{}", first.get(indent.len()..)?);
    sorted.extend(trailing);
    Some(sorted)
}

/// Whether a line is a comment at a column. Deeper ones belong to what is above, or are no comments
/// but a text.
fn is_comment(line: &str, column: usize) -> bool {
    let text = line.trim_start();
    text.starts_with('#') && line.len() - text.len() == column
}

/// The blank lines at the end of the last block.
fn take_blank(blocks: &mut [(usize, Vec<String>)]) -> Vec<String> {
    let mut blank = Vec::new();
    if let Some((_, last)) = blocks.last_mut() {
        while last.last().is_some_and(|line| line.trim().is_empty()) {
            blank.extend(last.pop());
        }
    }
    blank
}

/// One line end at the end.
fn tidy(text: &str) -> String {
    format!("{}\n", text.trim_end())
}

/// Whether two trees say the same, whatever their keys are called and in whatever order they stand.
fn same(a: &Node, b: &Node, shape: &Shape) -> bool {
    match (&a.kind, &b.kind) {
        (Kind::Map(a), Kind::Map(b)) => {
            let object = match shape {
                Shape::Object(object) => Some(*object),
                Shape::Either(shapes) => shapes.iter().find_map(|shape| match shape {
                    Shape::Object(object) => Some(*object),
                    _ => None,
                }),
                _ => None,
            };
            let own = |key: &str| object.and_then(|object| object.key(key));
            let name = |key: &str| own(key).map_or(key.to_owned(), |key| key.name.to_owned());
            let inner = |key: &str| match (own(key), shape) {
                (Some(key), _) => &key.shape,
                (None, Shape::Map(of)) => *of,
                _ => &Shape::Any,
            };
            a.len() == b.len()
                && a.iter().all(|one| {
                    b.iter().any(|other| {
                        name(&one.key) == name(&other.key)
                            && same(&one.value, &other.value, inner(&one.key))
                    })
                })
        }
        (Kind::List(a), Kind::List(b)) => {
            let inner = match shape {
                Shape::List(of) => *of,
                _ => &Shape::Any,
            };
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b, inner))
        }
        (Kind::Null, Kind::Null) => true,
        (Kind::Bool(a), Kind::Bool(b)) => a == b,
        (Kind::Number(a), Kind::Number(b)) => a == b,
        (Kind::Text(a), Kind::Text(b)) => a.trim_end() == b.trim_end(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn formatted(text: &str) -> String {
        format(Path::new("flow.yaml"), text).unwrap()
    }

    #[test]
    fn keys_get_their_order_and_comments_go_with_them() {
        let text = "# the flow\ntitle: T\nscenario: flow # its id\npage: p\nsteps:\n  # first\n  - as: alice\n    # what she writes\n    body:\n      status: x\n    # who\n    createResource: Task\n    step: one\n\n  - readHistory: ${t}\n    step: two\n    as: alice";
        insta::assert_snapshot!(formatted(text), @r"
        # the flow
        scenario: flow # its id
        title: T
        page: p
        steps:
          # first
          - step: one
            as: alice
            # who
            create: Task
            # what she writes
            body:
              status: x

          - step: two
            as: alice
            history: ${t}
        ");
    }

    #[test]
    fn maps_in_braces_keep_their_order_and_lose_their_aliases() {
        let text = "scenario: flow\nsteps:\n  - { as: alice, readResource: \"${t}\", step: one }\n";
        assert_eq!(
            formatted(text),
            "scenario: flow\nsteps:\n  - { as: alice, read: \"${t}\", step: one }\n"
        );
    }

    #[test]
    fn what_is_no_yaml_is_no_scenario() {
        let error = format(Path::new("flow.yaml"), "a: [").unwrap_err();
        assert!(matches!(error, FormatError::Invalid(_)));
    }

    /// Steps with their keys in any order, comments and blank lines between them.
    fn step() -> impl Strategy<Value = String> {
        let keys = vec![
            ("step", "step: one"),
            ("title", "title: \"a # b\""),
            ("as", "as: alice"),
            ("verb", "updateResource: ${t}"),
            (
                "body",
                "body:\n      b: 1\n      # inside\n      a: |\n        text\n        # no comment\n",
            ),
            (
                "expect",
                "expect:\n      body: { \"$.a\": x }\n      status: 200",
            ),
        ];
        (
            Just(keys).prop_shuffle(),
            prop::collection::vec(any::<bool>(), 6),
        )
            .prop_map(|(keys, comments)| {
                let mut text = String::new();
                for (index, ((name, key), comment)) in keys.into_iter().zip(comments).enumerate() {
                    if comment && index > 0 {
                        text.push_str(&format!("    # about {name}\n"));
                    }
                    let dash = if index == 0 { "  - " } else { "    " };
                    text.push_str(&format!("{dash}{}\n", key.trim_end()));
                }
                text
            })
    }

    proptest! {
        #[test]
        fn formatting_twice_changes_nothing_and_no_line_is_lost(
            steps in prop::collection::vec(step(), 1..4),
        ) {
            let text = format!("page: p\nscenario: flow\nsteps:\n{}", steps.join("\n"));
            let once = formatted(&text);
            prop_assert_eq!(&formatted(&once), &once);
            let comments = |text: &str| text.matches("# about").count();
            prop_assert_eq!(comments(&text), comments(&once));
            prop_assert!(!once.contains("updateResource"));
            let at = |key: &str| once.find(key).unwrap();
            prop_assert!(at("step: one") < at("as: alice") && at("as: alice") < at("update: "));
        }
    }
}
