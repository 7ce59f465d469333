//! What an expression can come to, told from the types of FHIR alone: whether it may be `true`, and
//! which of its names stand for nothing.
//!
//! Only what is certain is said. A choice, a union, a function that is not named here may come to
//! anything.

use fhirward_spec::{TypeDef, TypeKind, spec};
use rh_fhirpath::ast::{OrOperator, TypeOperator};
use rh_fhirpath::{EqualityOperator, Expression, Invocation, Literal, Term};

use super::{Outcome, Stranger};

/// What a part comes to.
#[derive(Debug, Clone, Copy)]
enum Sort {
    /// It cannot be told.
    Any,
    /// Nothing: an element that does not exist, and what follows from it.
    Nothing,
    /// Values of a type of FHIR.
    Of(&'static TypeDef),
    /// A truth.
    Truth,
    /// Something else, in words.
    Plain(&'static str),
}

/// Functions that answer yes or no, also about nothing.
const ASK: [&str; 11] = [
    "all",
    "allFalse",
    "allTrue",
    "anyFalse",
    "anyTrue",
    "empty",
    "exists",
    "isDistinct",
    "subsetOf",
    "supersetOf",
    "hasValue",
];

/// Functions that answer yes or no about a value, and nothing about nothing.
const ASK_OF_VALUE: [&str; 9] = [
    "contains",
    "convertsToBoolean",
    "convertsToDate",
    "convertsToInteger",
    "endsWith",
    "matches",
    "matchesFull",
    "not",
    "startsWith",
];

/// Functions that come to a number.
const COUNT: [&str; 10] = [
    "abs",
    "ceiling",
    "count",
    "floor",
    "indexOf",
    "lastIndexOf",
    "length",
    "round",
    "toDecimal",
    "toInteger",
];

/// Functions that come to texts.
const SPELL: [&str; 11] = [
    "join",
    "lower",
    "replace",
    "replaceMatches",
    "split",
    "substring",
    "toChars",
    "toString",
    "trim",
    "upper",
    "decode",
];

/// Functions that leave some of what they are given.
const PICK: [&str; 8] = [
    "distinct", "exclude", "first", "last", "single", "skip", "tail", "take",
];

pub(super) struct Types<'s> {
    root: Sort,
    strangers: &'s mut Vec<Stranger>,
}

/// What an expression on a resource of a type comes to, and its names that stand for nothing.
pub(super) fn of(root: &Expression, resource_type: &str) -> (Outcome, Vec<Stranger>) {
    let mut strangers = Vec::new();
    let resource = spec().resource(resource_type).map_or(Sort::Any, Sort::Of);
    let mut types = Types {
        root: resource,
        strangers: &mut strangers,
    };
    let outcome = match types.sort(root, resource) {
        Sort::Nothing => Outcome::Nothing,
        Sort::Of(def) if &*def.name != "boolean" => Outcome::Never(def.name.to_string()),
        Sort::Plain(what) => Outcome::Never(what.to_owned()),
        Sort::Any | Sort::Truth | Sort::Of(_) => Outcome::Open,
    };
    (outcome, strangers)
}

impl Types<'_> {
    fn sort(&mut self, part: &Expression, here: Sort) -> Sort {
        use Expression as E;
        match part {
            E::Term(Term::Parenthesized(inner)) => self.sort(inner, here),
            E::Term(Term::Literal(literal)) => constant(literal),
            E::Term(Term::ExternalConstant(name)) => match name.as_str() {
                "before" | "after" => self.root,
                _ => Sort::Any,
            },
            E::Term(Term::Invocation(invocation)) => match invocation {
                Invocation::Member(name) if self.names_root(name) => self.root,
                _ => self.invoke(here, invocation, here),
            },
            E::Invocation { left, invocation } => {
                let left = self.sort(left, here);
                self.invoke(left, invocation, here)
            }
            E::Indexer { left, index } => {
                let left = self.sort(left, here);
                self.sort(index, Sort::Any);
                left
            }
            E::Polarity { operand, .. } => {
                self.sort(operand, here);
                Sort::Plain("a number")
            }
            E::Multiplicative { left, right, .. } => {
                self.both(left, right, here);
                Sort::Plain("a number")
            }
            E::Additive { left, right, .. } => {
                self.both(left, right, here);
                Sort::Plain("a number or a text")
            }
            E::Union { left, right } => {
                self.both(left, right, here);
                Sort::Any
            }
            E::Type { left, operator, .. } => {
                self.sort(left, here);
                match operator {
                    TypeOperator::Is => Sort::Truth,
                    TypeOperator::As => Sort::Any,
                }
            }
            E::Equality {
                left,
                operator,
                right,
            } => {
                let sides = self.compared(left, right, here);
                match operator {
                    // These compare nothing with nothing as well.
                    EqualityOperator::Equivalent | EqualityOperator::NotEquivalent => Sort::Truth,
                    EqualityOperator::Equal | EqualityOperator::NotEqual => needs_both(sides),
                }
            }
            E::Inequality { left, right, .. } | E::Membership { left, right, .. } => {
                needs_both(self.compared(left, right, here))
            }
            E::And { left, right } => needs_both(self.both(left, right, here)),
            E::Or {
                left,
                operator,
                right,
            } => match (self.both(left, right, here), operator) {
                ((Sort::Nothing, Sort::Nothing), _) => Sort::Nothing,
                ((Sort::Nothing, _) | (_, Sort::Nothing), OrOperator::Xor) => Sort::Nothing,
                _ => Sort::Truth,
            },
            E::Implies { left, right } => {
                self.both(left, right, here);
                Sort::Truth
            }
        }
    }

    fn both(&mut self, left: &Expression, right: &Expression, here: Sort) -> (Sort, Sort) {
        (self.sort(left, here), self.sort(right, here))
    }

    /// The sides of a comparison; a side that is one name and no element may have been meant as a
    /// text.
    fn compared(&mut self, left: &Expression, right: &Expression, here: Sort) -> (Sort, Sort) {
        let mut side = |side: &Expression, other: &Expression| {
            let before = self.strangers.len();
            let sort = self.sort(side, here);
            let one_name = matches!(
                side,
                Expression::Term(Term::Invocation(Invocation::Member(_)))
            );
            let beside_text = matches!(other, Expression::Term(Term::Literal(Literal::String(_))));
            if one_name && !beside_text {
                for stranger in self.strangers.iter_mut().skip(before) {
                    stranger.compared = true;
                }
            }
            sort
        };
        (side(left, right), side(right, left))
    }

    fn names_root(&self, name: &str) -> bool {
        matches!(self.root, Sort::Of(def) if &*def.name == name)
            || matches!(name, "Resource" | "DomainResource")
    }

    fn invoke(&mut self, base: Sort, invocation: &Invocation, here: Sort) -> Sort {
        match invocation {
            Invocation::This => here,
            Invocation::Index | Invocation::Total => Sort::Any,
            Invocation::Member(name) => self.member(base, name),
            Invocation::Function { name, parameters } => self.call(base, name, parameters),
        }
    }

    fn member(&mut self, base: Sort, name: &str) -> Sort {
        let def = match base {
            Sort::Of(def) => def,
            Sort::Nothing => return Sort::Nothing,
            Sort::Any | Sort::Truth | Sort::Plain(_) => return Sort::Any,
        };
        // Of every value, and what JSON has beside the elements.
        let always = ["id", "extension", "resourceType"].contains(&name)
            || (def.kind == TypeKind::Primitive && name == "value");
        if always {
            return Sort::Any;
        }
        if let Some(element) = def.element_named(name) {
            let [only] = &*element.types else {
                return Sort::Any;
            };
            return match spec().type_def(&only.code) {
                Some(def) if !def.is_abstract => Sort::Of(def),
                _ => Sort::Any,
            };
        }
        // `valueString` is no element of FHIRPath, and one of JSON.
        if def.element(name).is_some() {
            return Sort::Any;
        }
        self.strangers.push(Stranger {
            name: name.to_owned(),
            of: def.name.to_string(),
            compared: false,
        });
        Sort::Nothing
    }

    fn call(&mut self, base: Sort, name: &str, parameters: &[Expression]) -> Sort {
        let each = ["all", "exists", "select", "where"].contains(&name);
        let inside = if each { base } else { Sort::Any };
        let mut last = Sort::Any;
        for parameter in parameters {
            last = self.sort(parameter, inside);
        }
        match name {
            "where" => base,
            "select" => match (base, last) {
                (Sort::Nothing, _) | (_, Sort::Nothing) => Sort::Nothing,
                _ => last,
            },
            "now" | "today" | "timeOfDay" => Sort::Plain("a time"),
            name if PICK.contains(&name) => base,
            name if ASK.contains(&name) => Sort::Truth,
            name if ASK_OF_VALUE.contains(&name) => match base {
                Sort::Nothing => Sort::Nothing,
                _ => Sort::Truth,
            },
            name if COUNT.contains(&name) => Sort::Plain("a number"),
            name if SPELL.contains(&name) => Sort::Plain("a text"),
            _ => Sort::Any,
        }
    }
}

/// Of a comparison in which nothing stands on one side comes nothing.
fn needs_both(sides: (Sort, Sort)) -> Sort {
    match sides {
        (Sort::Nothing, _) | (_, Sort::Nothing) => Sort::Nothing,
        _ => Sort::Truth,
    }
}

fn constant(literal: &Literal) -> Sort {
    match literal {
        Literal::Null => Sort::Nothing,
        Literal::Boolean(true) => Sort::Truth,
        Literal::Boolean(false) => Sort::Plain("false"),
        Literal::String(_) => Sort::Plain("a text"),
        Literal::Number(_) | Literal::Integer(_) | Literal::LongNumber(_) => {
            Sort::Plain("a number")
        }
        Literal::Date(_) | Literal::DateTime(_) | Literal::Time(_) => Sort::Plain("a time"),
        Literal::Quantity { .. } => Sort::Plain("a quantity"),
        Literal::DateTimePrecision(_) => Sort::Any,
    }
}

/// Whether FHIRPath has a function of this name, as far as it is named here.
pub(super) fn is_function(name: &str) -> bool {
    ASK.contains(&name)
        || ASK_OF_VALUE.contains(&name)
        || COUNT.contains(&name)
        || SPELL.contains(&name)
        || PICK.contains(&name)
        || ["now", "today", "where", "select"].contains(&name)
}
