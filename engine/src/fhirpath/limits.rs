//! What an expression may cost.
//!
//! The library parses, evaluates and drops an expression by recursion, and has no budget: a long or
//! deep one overflows the stack, and loops within loops go on for as long as they like. So an
//! expression is looked at before it is parsed, in one pass over its text, and a resource before the
//! expression is evaluated on it.

use serde_json::Value;

/// The longest expression, in bytes.
pub const MAX_BYTES: usize = 4096;

/// The deepest nesting of brackets.
pub const MAX_DEPTH: usize = 32;

/// The most operators, steps of a path, calls and indexes together.
pub const MAX_OPERATIONS: usize = 150;

/// The most calls that go through a collection.
pub const MAX_LOOPS: usize = 12;

/// The most steps of an evaluation, estimated from above.
pub const MAX_STEPS: u64 = 2_000_000;

/// Calls that evaluate what is in their brackets for each item.
const LOOPS: [&str; 7] = [
    "where",
    "select",
    "all",
    "exists",
    "repeat",
    "aggregate",
    "trace",
];

/// Calls that compare items of a collection with one another.
const PAIRS: [&str; 8] = [
    "distinct",
    "isDistinct",
    "intersect",
    "exclude",
    "subsetOf",
    "supersetOf",
    "union",
    "combine",
];

/// Calls that can make a text longer than any in the resource.
const GROWING: [&str; 4] = ["replace", "replaceMatches", "join", "repeat"];

/// Operators that are words.
const WORDS: [&str; 10] = [
    "and", "or", "xor", "implies", "div", "mod", "in", "contains", "as", "is",
];

/// What an expression costs, before it is known on what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// How often the size of the resource counts as a factor.
    power: u32,
    /// Whether the length of texts counts as size.
    by_length: bool,
}

impl Cost {
    /// Looks at an expression.
    ///
    /// # Errors
    /// Which limit it exceeds.
    pub fn of(expression: &str) -> Result<Self, String> {
        if expression.len() > MAX_BYTES {
            return Err(format!("it is longer than {MAX_BYTES} bytes"));
        }
        let mut scan = Scan::default();
        let mut rest = expression;
        while let Some(c) = rest.chars().next() {
            let used = match c {
                '\'' | '"' | '`' => quoted(rest, c),
                '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
                '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |at| at + 2),
                c if is_word(c) => {
                    let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
                    let (word, behind) = rest.split_at_checked(end).unwrap_or((rest, ""));
                    let brackets = behind.trim_start().strip_prefix('(');
                    scan.word(word, brackets.map(str::trim_start));
                    end
                }
                c => {
                    scan.sign(c);
                    c.len_utf8()
                }
            };
            scan.within_limits()?;
            rest = rest.get(used..).unwrap_or_default();
        }
        Ok(scan.cost())
    }

    /// Whether the expression may be evaluated on these resources.
    ///
    /// # Errors
    /// That they are too large for it.
    pub fn affords<'v>(self, resources: impl IntoIterator<Item = &'v Value>) -> Result<(), String> {
        let (mut values, mut longest) = (1, 1);
        for resource in resources {
            measure(resource, &mut values, &mut longest);
        }
        let size: u64 = if self.by_length {
            values.max(longest)
        } else {
            values
        };
        let steps = (0..self.power).try_fold(1_u64, |steps, _| steps.checked_mul(size));
        if steps.is_some_and(|steps| steps <= MAX_STEPS) {
            Ok(())
        } else {
            Err(format!(
                "it goes through a resource of {values} values too often to be evaluated"
            ))
        }
    }
}

#[derive(Debug, Default)]
struct Scan {
    operations: usize,
    depth: usize,
    deepest: usize,
    /// For each open bracket, whether it is that of a loop.
    open: Vec<bool>,
    /// Whether the next bracket is that of a loop.
    loops_next: bool,
    loops: usize,
    nested: u32,
    most_nested: u32,
    pairs: bool,
    growing: u32,
    selects: bool,
    joins_texts: bool,
}

impl Scan {
    /// `arguments` are what is behind the bracket of a call.
    fn word(&mut self, word: &str, arguments: Option<&str>) {
        if WORDS.contains(&word) {
            self.operations += 1;
        }
        let Some(arguments) = arguments else {
            return;
        };
        self.loops_next = LOOPS.contains(&word) && !arguments.starts_with(')');
        self.loops += usize::from(self.loops_next);
        self.pairs |= PAIRS.contains(&word);
        self.growing += u32::from(GROWING.contains(&word));
        self.selects |= matches!(word, "select" | "aggregate");
    }

    fn sign(&mut self, c: char) {
        match c {
            '(' | '[' | '{' => {
                self.operations += 1;
                let is_loop = std::mem::take(&mut self.loops_next);
                self.open.push(is_loop);
                self.depth += 1;
                self.nested += u32::from(is_loop);
                self.deepest = self.deepest.max(self.depth);
                self.most_nested = self.most_nested.max(self.nested);
            }
            ')' | ']' | '}' => {
                if let Some(is_loop) = self.open.pop() {
                    self.depth -= 1;
                    self.nested -= u32::from(is_loop);
                }
            }
            '|' | '~' => {
                self.operations += 1;
                self.pairs = true;
            }
            '&' | '+' => {
                self.operations += 1;
                self.joins_texts = true;
            }
            '.' | '-' | '*' | '/' | '=' | '<' | '>' | '!' | ',' => self.operations += 1,
            _ => {}
        }
    }

    fn within_limits(&self) -> Result<(), String> {
        if self.depth > MAX_DEPTH {
            return Err(format!("its brackets are more than {MAX_DEPTH} deep"));
        }
        if self.operations > MAX_OPERATIONS {
            return Err(format!("it has more than {MAX_OPERATIONS} operations"));
        }
        if self.loops > MAX_LOOPS {
            return Err(format!(
                "it goes through collections more than {MAX_LOOPS} times"
            ));
        }
        if self.growing > 2 {
            return Err("it makes texts longer more than twice".to_owned());
        }
        Ok(())
    }

    fn cost(&self) -> Cost {
        let grows = self.growing > 0 || (self.selects && self.joins_texts);
        Cost {
            // What is in the brackets of a loop may go through the resource once more.
            power: 1
                + self.most_nested
                + u32::from(self.pairs)
                + self.growing.max(u32::from(grows)),
            by_length: grows,
        }
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The length of a text in quotes, with them.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

fn measure(value: &Value, values: &mut u64, longest: &mut u64) {
    *values = values.saturating_add(1);
    match value {
        Value::String(text) => {
            *longest = (*longest).max(u64::try_from(text.len()).unwrap_or(u64::MAX));
        }
        Value::Array(items) => items.iter().for_each(|item| measure(item, values, longest)),
        Value::Object(members) => members
            .values()
            .for_each(|member| measure(member, values, longest)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case::plain("%after.status = 'final'", 1)]
    #[case::a_loop("%after.recipient.where(reference = 'x').exists()", 2)]
    #[case::loops_in_a_row("a.where(b).select(c)", 2)]
    #[case::a_loop_in_a_loop("a.where(b.where(c))", 3)]
    #[case::pairs("(a | b).isDistinct()", 2)]
    #[case::in_a_text("'a.where(b.where(c | d))' = x", 1)]
    #[case::in_a_comment("a // .where(b.where(c))", 1)]
    #[case::growing("a.replace('a', 'b')", 2)]
    #[case::growing_by_select("a.select($this & $this)", 3)]
    fn factors(#[case] expression: &str, #[case] power: u32) {
        assert_eq!(Cost::of(expression).map(|cost| cost.power), Ok(power));
    }

    #[rstest]
    #[case::brackets("(".repeat(33) + "true" + &")".repeat(33))]
    #[case::steps("true".to_owned() + &".not()".repeat(100))]
    #[case::words("true".to_owned() + &" and true".repeat(200))]
    #[case::indexes("a".to_owned() + &"[0]".repeat(200))]
    #[case::signs("-".repeat(200) + "1")]
    #[case::union("1".to_owned() + &"|1".repeat(200))]
    #[case::replaced("'a'".to_owned() + &".replace('a','aa')".repeat(3))]
    #[case::long("a".repeat(5000))]
    fn too_much(#[case] expression: String) {
        assert!(Cost::of(&expression).is_err());
    }

    #[test]
    fn a_large_resource_is_not_gone_through_twice() {
        let items: Vec<Value> = (0..5000).map(|n| json!({ "url": n })).collect();
        let large = json!({ "extension": items });
        let afford = |text: &str| Cost::of(text).and_then(|cost| cost.affords([&large]));
        assert_eq!(afford("extension.exists()"), Ok(()));
        assert!(afford("extension.where(url = 1)").is_err());
        let small = json!({ "extension": [{ "url": 1 }] });
        let cost = Cost::of("extension.where(url = 1)").unwrap();
        assert_eq!(cost.affords([&small]), Ok(()));
    }
}
