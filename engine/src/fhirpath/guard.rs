//! What rh-fhirpath 0.3.0 gets wrong, and how a constraint is kept from being true by it.
//! Source: policy-semantics R.10: what cannot be evaluated denies.
//!
//! | fault | here |
//! | --- | --- |
//! | an absent element is read from any member whose name begins so (`performerType` for `performer`) | the copy has the name, `null` or the choice's value ([`copy`]) |
//! | `value[x]` as a Quantity has no code and no system | the copy has the value itself; refused beside a literal quantity |
//! | dates are compared as texts, or by the day before the zone | all moments in UTC and of one length; refused where they overlap ([`moments`]) |
//! | `now()` has the zone of the machine | taken once, in UTC |
//! | a decimal is not what was written (`0.1`) | refused where it would have to equal a literal |
//! | `not()` of a stored `false` is `false` | `(… and true).not()` |
//! | several values count as `true` | `….single()` wherever a boolean is asked for |
//! | `anyTrue()` and its kin, `toString()`, `toInteger()` answer nothing for one stored value | refused |
//! | `~` and `!~` compare texts as `=` does, and decimals exactly | refused |
//! | `ofType`, `as` know no type of nested elements and few datatypes | the choice's own name (`valueString`); refused for anything else |
//! | `is` knows as little | refused but for resources |
//! | `extension(url)` takes a URL that only begins so | `extension.where(url = …)`; refused beside extensions of primitives |
//! | `children()` and `descendants()` would show what the copy added | refused where something was |
//! | `resolve()`, `conformsTo()`, `memberOf()` and others have no server to ask, or answer by halves | refused |

use fhirward_spec::{TypeKind, spec};
use rh_fhirpath::ast::TypeOperator;
use rh_fhirpath::{
    EqualityOperator, EvaluationContext, Expression, FhirPathEvaluator, FhirPathExpression,
    FhirPathParser, FhirPathValue, Invocation, Literal, Term,
};
use serde_json::Value;
use std::collections::BTreeSet;

use super::copy::{self, Found, Used};
use super::{moments, tree};

/// An expression and the resources, made safe.
pub struct Guarded {
    /// What to evaluate.
    pub expression: FhirPathExpression,
    /// `%before`.
    pub before: Option<Value>,
    /// `%after`, and the resource itself.
    pub after: Value,
}

/// The functions that do as FHIRPath says, on copies.
const FUNCTIONS: [&str; 47] = [
    "abs",
    "all",
    "ceiling",
    "children",
    "combine",
    "contains",
    "count",
    "descendants",
    "distinct",
    "empty",
    "endsWith",
    "exclude",
    "exists",
    "first",
    "floor",
    "iif",
    "indexOf",
    "intersect",
    "isDistinct",
    "join",
    "last",
    "lastIndexOf",
    "length",
    "lower",
    "matches",
    "matchesFull",
    "not",
    "now",
    "replace",
    "replaceMatches",
    "round",
    "select",
    "single",
    "skip",
    "split",
    "startsWith",
    "subsetOf",
    "substring",
    "supersetOf",
    "tail",
    "take",
    "toChars",
    "today",
    "trim",
    "union",
    "upper",
    "where",
];

/// The functions that read a text, and would see how a date was brought into another form.
const READ_TEXT: [&str; 17] = [
    "contains",
    "endsWith",
    "indexOf",
    "join",
    "lastIndexOf",
    "length",
    "lower",
    "matches",
    "matchesFull",
    "replace",
    "replaceMatches",
    "split",
    "startsWith",
    "substring",
    "toChars",
    "trim",
    "upper",
];

/// A choice that is asked for by its type: its name, and whether it is the resource's own.
struct Choice {
    name: String,
    own: bool,
}

/// Makes an expression and the resources safe; the reason where that is not possible.
pub fn guarded(
    parsed: FhirPathExpression,
    before: Option<&Value>,
    after: &Value,
) -> Result<Guarded, String> {
    let mut root = parsed.root;
    refuse_functions(&root)?;
    let quantities = has(&root, |part| {
        matches!(tree::literal(part), Some(Literal::Quantity { .. }))
    });
    let (mut choices, mut extensions) = (Vec::new(), false);
    let now = now(&root)?;
    tree::rewrite(&mut root, false, &mut |part, inside| {
        rewrite(
            part,
            inside,
            quantities,
            now.as_deref(),
            &mut choices,
            &mut extensions,
        )
    })?;

    let used = Used {
        names: names(&root),
        quantities,
    };
    let mut found = Found::default();
    let mut after = after.clone();
    let mut before = before.cloned();
    for resource in before.iter_mut().chain([&mut after]) {
        copy::protect(resource, &used, &mut found)?;
    }
    for choice in &choices {
        let there = if choice.own { &found.own } else { &found.all };
        if there.contains(&choice.name) {
            return Err(format!(
                "the type of `{}` is asked for, which is no choice everywhere",
                choice.name
            ));
        }
    }
    if extensions && found.siblings {
        return Err("extensions of primitives are not read by `extension()`".to_owned());
    }
    if found.added && calls(&root, &["children", "descendants"]) {
        return Err("`children()` and `descendants()` cannot be asked of this resource".to_owned());
    }
    refuse_texts_of_dates(&root, &used, &found)?;
    refuse_blurred(&root, &found)?;
    Ok(Guarded {
        expression: FhirPathExpression { root },
        before,
        after,
    })
}

fn refuse_functions(root: &Expression) -> Result<(), String> {
    let mut refused = None;
    tree::each(root, &mut |part| match tree::invocation(part) {
        Some(Invocation::Function { name, .. })
            if !FUNCTIONS.contains(&&**name)
                && !matches!(&**name, "ofType" | "as" | "is" | "extension") =>
        {
            refused = Some(format!("`{name}()` is not evaluated"));
        }
        Some(Invocation::Member(name)) if matches!(&**name, "Resource" | "DomainResource") => {
            refused = Some(format!("`{name}` is not evaluated; begin with the element"));
        }
        _ => {}
    });
    refused.map_or(Ok(()), Err)
}

/// The time in UTC, where the expression asks for it.
fn now(root: &Expression) -> Result<Option<String>, String> {
    if !calls(root, &["now"]) {
        return Ok(None);
    }
    let parsed = FhirPathParser::new().parse("now()");
    let context = EvaluationContext::new(Value::Null);
    match parsed.and_then(|parsed| FhirPathEvaluator::new().evaluate(&parsed, &context)) {
        Ok(FhirPathValue::DateTime(text)) => moments::canonical(&text).map(Some),
        _ => None,
    }
    .ok_or_else(|| "the time is not known".to_owned())
}

fn rewrite(
    part: &mut Expression,
    inside: bool,
    quantities: bool,
    now: Option<&str>,
    choices: &mut Vec<Choice>,
    extensions: &mut bool,
) -> Result<(), String> {
    match part {
        Expression::Term(Term::Literal(literal)) => moment(literal),
        Expression::Equality {
            operator: EqualityOperator::Equivalent | EqualityOperator::NotEquivalent,
            ..
        } => Err("`~` and `!~` are not evaluated; compare with `=`".to_owned()),
        Expression::And { left, right }
        | Expression::Or { left, right, .. }
        | Expression::Implies { left, right } => {
            one_value(left);
            one_value(right);
            Ok(())
        }
        Expression::Type {
            left,
            operator,
            type_specifier,
        } => {
            let asked = type_specifier.qualified_name.join(".");
            let strict = matches!(operator, TypeOperator::Is);
            if let Some(changed) = of_type(left, &asked, strict, inside, quantities, choices)? {
                *part = changed;
            }
            Ok(())
        }
        Expression::Term(Term::Invocation(Invocation::Function { name, .. })) if name == "now" => {
            if let Some(now) = now {
                *part = Expression::Term(Term::Literal(Literal::DateTime(now.to_owned())));
            }
            Ok(())
        }
        Expression::Term(Term::Invocation(invocation @ Invocation::Function { .. })) => {
            // Without anything before it, a function is asked of the input.
            let asked = ["not", "ofType", "as", "is", "extension"];
            let Invocation::Function { name, parameters } = &mut *invocation else {
                return Ok(());
            };
            one_criterion(name, parameters);
            if !asked.contains(&&**name) {
                return Ok(());
            }
            let this = Expression::Term(Term::Invocation(Invocation::This));
            *part = tree::then(this, invocation.clone());
            rewrite(part, inside, quantities, now, choices, extensions)
        }
        Expression::Invocation {
            left,
            invocation: Invocation::Function { name, parameters },
        } => {
            one_criterion(name, parameters);
            match (&**name, parameters.as_slice()) {
                ("not", _) => {
                    one_value(left);
                    let truth = Expression::Term(Term::Literal(Literal::Boolean(true)));
                    let value = std::mem::replace(&mut **left, truth.clone());
                    **left = Expression::And {
                        left: Box::new(value),
                        right: Box::new(truth),
                    };
                }
                ("ofType" | "as" | "is", [asked]) => {
                    let asked =
                        type_name(asked).ok_or_else(|| format!("`{name}()` needs a type"))?;
                    let strict = name == "is";
                    if let Some(changed) =
                        of_type(left, &asked, strict, inside, quantities, choices)?
                    {
                        *part = changed;
                    }
                }
                ("extension", [url]) if matches!(tree::literal(url), Some(Literal::String(_))) => {
                    *extensions = true;
                    let same = Expression::Equality {
                        left: Box::new(Expression::Term(Term::Invocation(Invocation::Member(
                            "url".to_owned(),
                        )))),
                        operator: EqualityOperator::Equal,
                        right: Box::new(url.clone()),
                    };
                    let all =
                        tree::then((**left).clone(), Invocation::Member("extension".to_owned()));
                    *part = tree::then(
                        all,
                        Invocation::Function {
                            name: "where".to_owned(),
                            parameters: vec![same],
                        },
                    );
                }
                ("ofType" | "as" | "is" | "extension", _) => {
                    return Err(format!("`{name}()` is not evaluated with this argument"));
                }
                _ => {}
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Where a boolean is asked for there must be one value at most; several are an error, which the
/// library takes for `true`.
fn one_value(part: &mut Expression) {
    let may_be_several = match part {
        Expression::Term(Term::Literal(_)) => false,
        Expression::Term(_)
        | Expression::Invocation { .. }
        | Expression::Indexer { .. }
        | Expression::Union { .. }
        | Expression::Type { .. } => true,
        _ => false,
    };
    if may_be_several {
        let nothing = Expression::Term(Term::Literal(Literal::Null));
        let value = std::mem::replace(part, nothing);
        let single = Invocation::Function {
            name: "single".to_owned(),
            parameters: Vec::new(),
        };
        *part = tree::then(value, single);
    }
}

/// The same of what a function asks of each item.
fn one_criterion(function: &str, parameters: &mut [Expression]) {
    if matches!(function, "where" | "all" | "exists" | "iif")
        && let Some(criterion) = parameters.first_mut()
    {
        one_value(criterion);
    }
}

/// A literal moment in the one form.
fn moment(literal: &mut Literal) -> Result<(), String> {
    match literal {
        Literal::DateTime(text) => {
            // Without a time it is a date; without a zone or seconds it is no moment.
            let canonical = moments::canonical(text);
            match canonical {
                Some(canonical) => *text = canonical,
                None if text.trim_end_matches('T').contains('T') => {
                    return Err(format!("`@{text}` is no moment; write seconds and a zone"));
                }
                None => {}
            }
        }
        Literal::String(text) => {
            if let Some(canonical) = moments::canonical(text) {
                *text = canonical;
            }
        }
        _ => {}
    }
    Ok(())
}

/// `X.value.ofType(string)` as `X.valueString`. Nothing where the library is right about the type.
fn of_type(
    left: &Expression,
    asked: &str,
    is: bool,
    inside: bool,
    quantities: bool,
    choices: &mut Vec<Choice>,
) -> Result<Option<Expression>, String> {
    let asked = asked.strip_prefix("FHIR.").unwrap_or(asked);
    let refused = || {
        Err(format!(
            "whether something is a `{asked}` is not evaluated here"
        ))
    };
    let Some(kind) = spec().type_def(asked).filter(|kind| !kind.is_abstract) else {
        return refused();
    };
    if matches!(kind.kind, TypeKind::Resource) {
        // A list of one is no resource to the library.
        let one = matches!(left, Expression::Term(Term::ExternalConstant(_)));
        return if is && !one { refused() } else { Ok(None) };
    }
    let (Some(name), false) = (tree::member(left), is) else {
        return refused();
    };
    let own = match left {
        Expression::Term(Term::Invocation(_)) => !inside,
        Expression::Invocation { left, .. } => match &**left {
            Expression::Term(Term::ExternalConstant(_)) => true,
            Expression::Term(Term::Invocation(Invocation::Member(root))) => {
                !inside && root.starts_with(char::is_uppercase)
            }
            _ => false,
        },
        _ => return refused(),
    };
    choices.push(Choice {
        name: name.to_owned(),
        own,
    });
    if quantities && asked == "Quantity" {
        return Ok(None);
    }
    let mut letters = asked.chars();
    let mut spelled = name.to_owned();
    spelled.extend(letters.next().map(|c| c.to_ascii_uppercase()));
    spelled.push_str(letters.as_str());
    let mut changed = left.clone();
    match &mut changed {
        Expression::Term(Term::Invocation(invocation))
        | Expression::Invocation { invocation, .. } => {
            *invocation = Invocation::Member(spelled);
        }
        _ => return refused(),
    }
    Ok(Some(changed))
}

/// A type as an argument: `string`, `FHIR.string` or `'string'`.
fn type_name(argument: &Expression) -> Option<String> {
    match argument {
        Expression::Term(Term::Literal(Literal::String(name))) => Some(name.clone()),
        Expression::Term(Term::Invocation(Invocation::Member(name))) => Some(name.clone()),
        Expression::Invocation {
            left,
            invocation: Invocation::Member(name),
        } => Some(format!("{}.{name}", type_name(left)?)),
        _ => None,
    }
}

/// A date that was brought into another form must not be read as a text.
fn refuse_texts_of_dates(root: &Expression, used: &Used, found: &Found) -> Result<(), String> {
    let Some(name) = used.names.intersection(&found.changed).next() else {
        return Ok(());
    };
    let reads =
        calls(root, &READ_TEXT) || has(root, |part| matches!(part, Expression::Additive { .. }));
    if reads {
        return Err(format!("`{name}` is a date, and cannot be read as a text"));
    }
    Ok(())
}

/// Where values are compared, dates must be apart, and decimals must not be those of a literal.
fn refuse_blurred(root: &Expression, found: &Found) -> Result<(), String> {
    let mut refused = None;
    tree::each(root, &mut |part| {
        if !matches!(
            part,
            Expression::Equality { .. }
                | Expression::Inequality { .. }
                | Expression::Membership { .. }
        ) {
            return;
        }
        // What `$this` is was said elsewhere.
        let this = has(part, |inner| {
            matches!(tree::invocation(inner), Some(Invocation::This))
        });
        let names = names(if this { root } else { part });
        let mut dates: Vec<&str> = Vec::new();
        let mut decimals = Vec::new();
        tree::each(part, &mut |inner| match tree::literal(inner) {
            Some(Literal::Date(text) | Literal::DateTime(text)) => {
                dates.push(text.trim_end_matches('T'))
            }
            Some(Literal::Number(number)) => decimals.extend(number.to_string().parse::<f64>()),
            _ => {}
        });
        let stored = found.dates.iter().filter(|(name, _)| names.contains(name));
        dates.extend(stored.map(|(_, text)| &**text));
        // Years alone may be texts, which are compared well.
        if dates.len() > 1 && moments::blurred(dates.iter().copied()) {
            refused = Some("dates are compared that are not equally precise".to_owned());
        }
        let numbers = found
            .numbers
            .iter()
            .filter(|(name, _)| names.contains(name));
        if numbers
            .into_iter()
            .any(|(_, number)| decimals.contains(number))
        {
            refused = Some("a decimal is compared with the same decimal".to_owned());
        }
    });
    refused.map_or(Ok(()), Err)
}

fn names(root: &Expression) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    tree::each(root, &mut |part| {
        if let Some(Invocation::Member(name)) = tree::invocation(part) {
            names.insert(name.clone());
        }
    });
    names
}

fn calls(root: &Expression, functions: &[&str]) -> bool {
    has(
        root,
        |part| matches!(tree::invocation(part), Some(Invocation::Function { name, .. }) if functions.contains(&&**name)),
    )
}

fn has(root: &Expression, is: impl Fn(&Expression) -> bool) -> bool {
    let mut found = false;
    tree::each(root, &mut |part| found |= is(part));
    found
}
