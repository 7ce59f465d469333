//! From the text of an alternative to the pattern that a value must match.

use fhirward_spec::{ParamType, SearchParam};

use super::probe::Pattern;
use super::syntax::{Alternative, Piece};
use crate::values::BadValue;
use crate::values::date::DatePattern;
use crate::values::number::NumberPattern;
use crate::values::quantity::QuantityPattern;
use crate::values::reference::ReferencePattern;
use crate::values::string::StringPattern;
use crate::values::token::TokenPattern;
use crate::values::uri::UriPattern;

/// One alternative of a plain parameter, from the texts between its pipes.
pub(super) fn plain(kind: ParamType, parts: &[String]) -> Result<Pattern, BadValue> {
    let whole = parts.join("|");
    let views: Vec<&str> = parts.iter().map(String::as_str).collect();
    Ok(match kind {
        ParamType::Token => Pattern::Token(match views.as_slice() {
            [code] => TokenPattern::code(code),
            ["", ""] => {
                return Err(BadValue::new(
                    "names neither system nor code",
                    "write `code`, `system|code`, `|code` or `system|`",
                ));
            }
            [system, code] => TokenPattern::in_system(system, code),
            _ => {
                return Err(BadValue::new(
                    "has more than one `|`",
                    "write `code` or `system|code`; a pipe in a value is `\\|`",
                ));
            }
        }),
        ParamType::String => Pattern::String(StringPattern::new(&whole)?),
        ParamType::Uri => Pattern::Uri(UriPattern::new(&whole)),
        ParamType::Date => Pattern::Date(DatePattern::parse(&whole)?),
        ParamType::Number => Pattern::Number(NumberPattern::parse(&whole)?),
        ParamType::Quantity => Pattern::Quantity(QuantityPattern::parse(&views)?),
        ParamType::Reference => Pattern::reference(ReferencePattern::parse(&whole, &[], None)?),
        ParamType::Composite | ParamType::Special => {
            return Err(BadValue::new(
                "belongs to a parameter without plain values",
                "use another parameter",
            ));
        }
    })
}

/// `a$b`: one value for each component, all of which the same element must have.
pub(super) fn composite(
    param: &'static SearchParam,
    alternative: &Alternative,
) -> Result<Pattern, BadValue> {
    let mut values: Vec<Vec<String>> = vec![vec![String::new()]];
    for piece in &alternative.pieces {
        match (piece, values.last_mut()) {
            (Piece::Dollar, _) => values.push(vec![String::new()]),
            (Piece::Pipe, Some(parts)) => parts.push(String::new()),
            (Piece::Text(text), Some(parts)) => {
                if let Some(last) = parts.last_mut() {
                    last.push_str(text);
                }
            }
            _ => {}
        }
    }
    if values.len() != param.components.len() {
        let names: Vec<&str> = param.components.iter().map(|c| &*c.code).collect();
        return Err(BadValue::new(
            format!("has {} parts, not {}", values.len(), param.components.len()),
            format!(
                "write one value for each of {}, joined by `$`",
                names.join(", ")
            ),
        ));
    }
    param
        .components
        .iter()
        .zip(&values)
        .map(|(component, parts)| Ok((component, plain(component.param_type, parts)?)))
        .collect::<Result<Vec<_>, BadValue>>()
        .map(Pattern::Composite)
}
