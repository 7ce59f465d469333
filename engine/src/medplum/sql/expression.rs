//! `_filter`: comparisons joined by `and`, `or` and `not`, each a filter of its own.

use super::{Backend, Fault, Outcome, Row, Truth, all, any, not};
use crate::medplum::parse::{Filter, Operator};

/// How deep parentheses may go.
const MAX_DEPTH: usize = 32;

pub(super) fn condition_of(
    resource_type: &str,
    tokens: &mut Vec<String>,
    row: Row<'_>,
    world: Backend<'_>,
    depth: usize,
) -> Outcome {
    let mut left = operand(resource_type, tokens, row, world, depth)?;
    while let Some(word) = tokens.last().cloned() {
        let join: fn([Truth; 2]) -> Truth = match word.as_str() {
            "and" => |pair| all(pair),
            "or" => |pair| any(pair),
            _ => break,
        };
        tokens.pop();
        let right = operand(resource_type, tokens, row, world, depth)?;
        left = join([left, right]);
    }
    Ok(left)
}

pub(super) fn condition(
    resource_type: &str,
    text: &str,
    row: Row<'_>,
    world: Backend<'_>,
) -> Outcome {
    let mut tokens = tokenize(text);
    tokens.reverse();
    let truth = condition_of(resource_type, &mut tokens, row, world, 0)?;
    if tokens.is_empty() {
        Ok(truth)
    } else {
        Err(Fault::Unknown(format!(
            "`_filter={text}` is not understood"
        )))
    }
}

fn operand(
    resource_type: &str,
    tokens: &mut Vec<String>,
    row: Row<'_>,
    world: Backend<'_>,
    depth: usize,
) -> Outcome {
    let unknown = || Fault::Unknown("a `_filter` that is not understood".to_owned());
    if depth > MAX_DEPTH {
        return Err(unknown());
    }
    match tokens.pop().ok_or_else(unknown)?.as_str() {
        "not" => operand(resource_type, tokens, row, world, depth + 1).map(not),
        "(" => {
            let inner = condition_of(resource_type, tokens, row, world, depth + 1)?;
            match tokens.pop().as_deref() {
                Some(")") => Ok(inner),
                _ => Err(unknown()),
            }
        }
        code => {
            let word = tokens.pop().ok_or_else(unknown)?;
            let operator = match word.as_str() {
                "co" => Operator::Contains,
                word => Operator::verbatim(word),
            };
            let filter = Filter {
                code: code.to_owned(),
                operator,
                value: tokens.pop().ok_or_else(unknown)?,
            };
            super::condition(resource_type, &filter, row, world)
        }
    }
}

fn tokenize(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut current = String::new();
    let mut quoted = false;
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            '(' | ')' if !quoted => {
                tokens.push(std::mem::take(&mut current));
                tokens.push(c.to_string());
            }
            c if c.is_whitespace() && !quoted => tokens.push(std::mem::take(&mut current)),
            c => current.push(c),
        }
    }
    tokens.push(current);
    tokens.retain(|token| !token.is_empty());
    tokens
}
