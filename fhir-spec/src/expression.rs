//! The part of FHIRPath that R4's search expressions are written in.
//!
//! ```text
//! expression = comparison { "and" comparison }
//! comparison = union [ "!=" ("true" | "false") ]
//! union      = cast { "|" cast }
//! cast       = path [ "as" name ]
//! path       = ( name | "%resource" | "(" expression ")" ) { "." step | "[" number "]" }
//! step       = name | "as(" name ")" | "ofType(" name ")" | "exists()" | "where(" filter ")"
//! filter     = "resolve() is" name | name "=" "'" text "'"
//! ```

/// A parsed expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Expr<'e> {
    /// The name at the start of a path: a type or a member of the focus.
    Start(&'e str),
    /// `%resource`
    Resource,
    /// `.name`
    Member(Box<Expr<'e>>, &'e str),
    /// `[0]`
    Index(Box<Expr<'e>>, usize),
    /// `as T`, `.as(T)`, `.ofType(T)`
    OfType(Box<Expr<'e>>, &'e str),
    /// `.where(name = 'text')`
    WhereEquals(Box<Expr<'e>>, &'e str, &'e str),
    /// `.where(resolve() is T)`
    WhereResolvesTo(Box<Expr<'e>>, &'e str),
    /// `.exists()`
    Exists(Box<Expr<'e>>),
    /// `!= true`, `!= false`
    NotEqual(Box<Expr<'e>>, bool),
    /// `and`
    And(Box<Expr<'e>>, Box<Expr<'e>>),
    /// `|`
    Union(Vec<Expr<'e>>),
}

/// How deep parentheses may nest. R4 nests them once.
const MAX_DEPTH: usize = 16;

/// Parses a search expression.
pub(crate) fn parse(text: &str) -> Result<Expr<'_>, String> {
    let mut parser = Parser {
        rest: text,
        depth: 0,
    };
    let expr = parser.expression()?;
    parser.space();
    if parser.rest.is_empty() {
        Ok(expr)
    } else {
        Err(format!("unexpected `{}`", parser.rest))
    }
}

struct Parser<'e> {
    rest: &'e str,
    depth: usize,
}

impl<'e> Parser<'e> {
    fn space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn eat(&mut self, token: &str) -> bool {
        self.space();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, token: &str) -> Result<(), String> {
        if self.eat(token) {
            Ok(())
        } else {
            Err(format!("expected `{token}` at `{}`", self.rest))
        }
    }

    /// A whole word, so that `as` does not begin `asserter`.
    fn eat_word(&mut self, word: &str) -> bool {
        let before = self.rest;
        if self.eat(word) && !self.rest.starts_with(is_name_char) {
            return true;
        }
        self.rest = before;
        false
    }

    fn name(&mut self) -> Result<&'e str, String> {
        self.space();
        let end = self
            .rest
            .find(|c| !is_name_char(c))
            .unwrap_or(self.rest.len());
        match self.rest.split_at_checked(end) {
            Some((name, rest)) if !name.is_empty() => {
                self.rest = rest;
                Ok(name)
            }
            _ => Err(format!("expected a name at `{}`", self.rest)),
        }
    }

    fn expression(&mut self) -> Result<Expr<'e>, String> {
        let mut left = self.comparison()?;
        while self.eat_word("and") {
            left = Expr::And(Box::new(left), Box::new(self.comparison()?));
        }
        Ok(left)
    }

    fn comparison(&mut self) -> Result<Expr<'e>, String> {
        let left = self.union()?;
        if !self.eat("!=") {
            return Ok(left);
        }
        match self.name()? {
            "true" => Ok(Expr::NotEqual(Box::new(left), true)),
            "false" => Ok(Expr::NotEqual(Box::new(left), false)),
            other => Err(format!("cannot compare with `{other}`")),
        }
    }

    fn union(&mut self) -> Result<Expr<'e>, String> {
        let first = self.cast()?;
        let mut all = vec![first];
        while self.eat("|") {
            all.push(self.cast()?);
        }
        Ok(match all.len() {
            1 => all.remove(0),
            _ => Expr::Union(all),
        })
    }

    fn cast(&mut self) -> Result<Expr<'e>, String> {
        let path = self.path()?;
        if self.eat_word("as") {
            return Ok(Expr::OfType(Box::new(path), self.name()?));
        }
        Ok(path)
    }

    fn path(&mut self) -> Result<Expr<'e>, String> {
        let mut expr = if self.eat("(") {
            self.depth += 1;
            if self.depth > MAX_DEPTH {
                return Err("too many nested parentheses".to_owned());
            }
            let inner = self.expression()?;
            self.expect(")")?;
            self.depth -= 1;
            inner
        } else if self.eat("%resource") {
            Expr::Resource
        } else {
            Expr::Start(self.name()?)
        };
        loop {
            if self.eat(".") {
                expr = self.step(expr)?;
            } else if self.eat("[") {
                let index = self.name()?;
                let index = index
                    .parse()
                    .map_err(|_| format!("`{index}` is no index"))?;
                self.expect("]")?;
                expr = Expr::Index(Box::new(expr), index);
            } else {
                return Ok(expr);
            }
        }
    }

    fn step(&mut self, focus: Expr<'e>) -> Result<Expr<'e>, String> {
        let focus = Box::new(focus);
        let name = self.name()?;
        if !self.eat("(") {
            return Ok(Expr::Member(focus, name));
        }
        let step = match name {
            "as" | "ofType" => Expr::OfType(focus, self.name()?),
            "exists" => Expr::Exists(focus),
            "where" => self.filter(focus)?,
            other => return Err(format!("unknown function `{other}`")),
        };
        self.expect(")")?;
        Ok(step)
    }

    fn filter(&mut self, focus: Box<Expr<'e>>) -> Result<Expr<'e>, String> {
        let name = self.name()?;
        if name == "resolve" {
            self.expect("(")?;
            self.expect(")")?;
            return if self.eat_word("is") {
                Ok(Expr::WhereResolvesTo(focus, self.name()?))
            } else {
                Err(format!("expected `is` at `{}`", self.rest))
            };
        }
        self.expect("=")?;
        self.expect("'")?;
        match self.rest.split_once('\'') {
            Some((text, rest)) => {
                self.rest = rest;
                Ok(Expr::WhereEquals(focus, name, text))
            }
            None => Err("text without an end".to_owned()),
        }
    }
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::{Expr, parse};

    fn start(name: &str) -> Box<Expr<'_>> {
        Box::new(Expr::Start(name))
    }

    #[test]
    fn a_cast_binds_tighter_than_a_union() {
        let expected = Expr::Union(vec![Expr::OfType(start("a"), "T"), Expr::Start("b")]);
        assert_eq!(parse("a as T | b").unwrap(), expected);
    }

    #[test]
    fn keywords_are_whole_words() {
        let expected = Expr::Member(start("Condition"), "asserter");
        assert_eq!(parse("Condition.asserter").unwrap(), expected);
    }

    #[test]
    fn errors_name_the_place() {
        assert_eq!(parse("a.(b)").unwrap_err(), "expected a name at `(b)`");
        assert_eq!(parse("a.first()").unwrap_err(), "unknown function `first`");
        assert_eq!(parse("a b").unwrap_err(), "unexpected `b`");
        assert_eq!(parse("a.where(x='y)").unwrap_err(), "text without an end");
        assert!(parse("").is_err());
        assert!(parse(&"(".repeat(100)).is_err());
    }
}
