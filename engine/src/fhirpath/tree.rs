//! Walks through an expression.

use rh_fhirpath::{Expression, Invocation, Literal, Term};

/// The parts of an expression that are evaluated on the same input, and those that a function
/// evaluates on each item.
pub fn parts(expression: &Expression) -> (Vec<&Expression>, &[Expression]) {
    use Expression as E;
    match expression {
        E::Term(Term::Parenthesized(inner)) => (vec![inner], &[]),
        E::Term(Term::Invocation(Invocation::Function { parameters, .. })) => (vec![], parameters),
        E::Term(_) => (vec![], &[]),
        E::Invocation { left, invocation } => match invocation {
            Invocation::Function { parameters, .. } => (vec![left], parameters),
            _ => (vec![left], &[]),
        },
        E::Polarity { operand, .. } => (vec![operand], &[]),
        E::Type { left, .. } => (vec![left], &[]),
        E::Indexer { left, index } => (vec![left, index], &[]),
        E::Multiplicative { left, right, .. }
        | E::Additive { left, right, .. }
        | E::Union { left, right }
        | E::Inequality { left, right, .. }
        | E::Equality { left, right, .. }
        | E::Membership { left, right, .. }
        | E::And { left, right }
        | E::Or { left, right, .. }
        | E::Implies { left, right } => (vec![left, right], &[]),
    }
}

/// Rewrites every part, the innermost first. `inside` says whether the part is evaluated on items
/// and not on the resource.
pub fn rewrite<F, R>(expression: &mut Expression, inside: bool, change: &mut F) -> Result<(), R>
where
    F: FnMut(&mut Expression, bool) -> Result<(), R>,
{
    use Expression as E;
    match expression {
        E::Term(Term::Parenthesized(inner)) => rewrite(inner, inside, change)?,
        E::Term(Term::Invocation(Invocation::Function { parameters, .. })) => {
            for parameter in parameters {
                rewrite(parameter, true, change)?;
            }
        }
        E::Term(_) => {}
        E::Invocation { left, invocation } => {
            rewrite(left, inside, change)?;
            if let Invocation::Function { parameters, .. } = invocation {
                for parameter in parameters {
                    rewrite(parameter, true, change)?;
                }
            }
        }
        E::Polarity { operand: left, .. } | E::Type { left, .. } => rewrite(left, inside, change)?,
        E::Indexer { left, index: right }
        | E::Multiplicative { left, right, .. }
        | E::Additive { left, right, .. }
        | E::Union { left, right }
        | E::Inequality { left, right, .. }
        | E::Equality { left, right, .. }
        | E::Membership { left, right, .. }
        | E::And { left, right }
        | E::Or { left, right, .. }
        | E::Implies { left, right } => {
            rewrite(left, inside, change)?;
            rewrite(right, inside, change)?;
        }
    }
    change(expression, inside)
}

/// Shows every part, the outermost first.
pub fn each<'e>(expression: &'e Expression, see: &mut impl FnMut(&'e Expression)) {
    see(expression);
    let (same, items) = parts(expression);
    for part in same.into_iter().chain(items) {
        each(part, see);
    }
}

/// The member or function that an expression ends in.
pub fn invocation(expression: &Expression) -> Option<&Invocation> {
    match expression {
        Expression::Term(Term::Invocation(invocation))
        | Expression::Invocation { invocation, .. } => Some(invocation),
        _ => None,
    }
}

/// The name of the element that an expression ends in.
pub fn member(expression: &Expression) -> Option<&str> {
    match expression {
        Expression::Term(Term::Parenthesized(inner)) => member(inner),
        _ => match invocation(expression)? {
            Invocation::Member(name) => Some(name),
            _ => None,
        },
    }
}

/// The literal that an expression is.
pub fn literal(expression: &Expression) -> Option<&Literal> {
    match expression {
        Expression::Term(Term::Literal(literal)) => Some(literal),
        Expression::Term(Term::Parenthesized(inner)) => literal(inner),
        _ => None,
    }
}

/// `left.invocation`.
pub fn then(left: Expression, invocation: Invocation) -> Expression {
    Expression::Invocation {
        left: Box::new(left),
        invocation,
    }
}
