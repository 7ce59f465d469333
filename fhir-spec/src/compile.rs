//! From a search expression to a program, typed by the element tables.

use std::collections::HashMap;
use std::error::Error;
use std::fmt;

use crate::expression::{Expr, parse};
use crate::model::TypeDef;
use crate::program::{Body, Condition, Path, Program, Step};

/// Why a search expression cannot be compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompileError {
    pub(crate) expression: String,
    pub(crate) message: String,
}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot compile `{}`: {}", self.expression, self.message)
    }
}

impl Error for CompileError {}

/// The types that expressions are checked against.
pub(crate) type Types = HashMap<&'static str, TypeDef>;

/// Compiles an expression whose focus is a value of the type `focus`.
pub(crate) fn compile(
    types: &Types,
    focus: &str,
    expression: &str,
) -> Result<Program, CompileError> {
    let compiler = Compiler { types, focus };
    let compiled = parse(expression).and_then(|expr| compiler.body(&expr));
    match compiled {
        Ok(body) => Ok(Program { body }),
        Err(message) => Err(CompileError {
            expression: expression.to_owned(),
            message,
        }),
    }
}

struct Compiler<'t> {
    types: &'t Types,
    focus: &'t str,
}

impl Compiler<'_> {
    fn body(&self, expr: &Expr<'_>) -> Result<Body, String> {
        match expr {
            Expr::Exists(_) | Expr::NotEqual(..) | Expr::And(..) => {
                self.condition(expr).map(Body::Condition)
            }
            other => Ok(Body::Paths(self.paths(other)?.into())),
        }
    }

    fn condition(&self, expr: &Expr<'_>) -> Result<Condition, String> {
        Ok(match expr {
            Expr::Exists(of) => Condition::Exists(self.paths(of)?.into()),
            Expr::NotEqual(of, literal) => Condition::NotEqual(self.paths(of)?.into(), *literal),
            Expr::And(left, right) => Condition::And(
                Box::new(self.condition(left)?),
                Box::new(self.condition(right)?),
            ),
            _ => return Err("a path stands where a condition is needed".to_owned()),
        })
    }

    fn paths(&self, expr: &Expr<'_>) -> Result<Vec<Path>, String> {
        match expr {
            Expr::Resource => Ok(vec![self.start()?]),
            Expr::Start(name) if self.is_focus(name) => Ok(vec![self.start()?]),
            Expr::Start(name) => self.member(vec![self.start()?], name),
            Expr::Member(of, name) => self.member(self.paths(of)?, name),
            Expr::Index(of, index) => {
                let mut paths = self.paths(of)?;
                for path in &mut paths {
                    set_index(path, *index)?;
                }
                Ok(paths)
            }
            Expr::OfType(of, name) => self.of_type(self.paths(of)?, name),
            Expr::WhereEquals(of, name, text) => {
                let mut paths = self.paths(of)?;
                for path in &mut paths {
                    self.one_member(path.data_type, name)?;
                    path.steps.push(Step::WhereEquals {
                        name: (*name).into(),
                        text: (*text).into(),
                    });
                }
                Ok(paths)
            }
            Expr::WhereResolvesTo(of, name) => {
                if !self.types.contains_key(name) {
                    return Err(format!("unknown type `{name}`"));
                }
                let mut paths = self.paths(of)?;
                paths.retain(|path| path.data_type == "Reference");
                if paths.is_empty() {
                    return Err("`resolve()` of something that is not a reference".to_owned());
                }
                for path in &mut paths {
                    path.steps.push(Step::WhereReferenceTo((*name).into()));
                }
                Ok(paths)
            }
            Expr::Union(parts) => {
                let mut all: Vec<Path> = Vec::new();
                for part in parts {
                    for path in self.paths(part)? {
                        if !all.contains(&path) {
                            all.push(path);
                        }
                    }
                }
                Ok(all)
            }
            Expr::Exists(_) | Expr::NotEqual(..) | Expr::And(..) => {
                Err("a condition stands where a path is needed".to_owned())
            }
        }
    }

    fn start(&self) -> Result<Path, String> {
        Ok(Path {
            steps: Vec::new(),
            data_type: self.type_name(self.focus)?,
            many: false,
        })
    }

    /// Whether a name at the start of a path is the focus's type or one that it is derived from.
    fn is_focus(&self, name: &str) -> bool {
        let mut current = Some(self.focus);
        while let Some(type_name) = current {
            if type_name == name {
                return true;
            }
            current = self.types.get(type_name).and_then(|t| t.base.as_deref());
        }
        false
    }

    fn member(&self, paths: Vec<Path>, name: &str) -> Result<Vec<Path>, String> {
        let mut members = Vec::new();
        for path in &paths {
            let element = self.one_member(path.data_type, name)?;
            for (json_name, element_type) in element.json_names() {
                let mut steps = path.steps.clone();
                steps.push(Step::Member {
                    sibling: format!("_{json_name}").into(),
                    name: json_name.into(),
                    index: None,
                });
                members.push(Path {
                    steps,
                    data_type: self.type_name(&element_type.code)?,
                    many: path.many || element.is_list(),
                });
            }
        }
        Ok(members)
    }

    fn one_member(&self, type_name: &str, name: &str) -> Result<&crate::model::Element, String> {
        self.types
            .get(type_name)
            .and_then(|t| t.element_named(name))
            .ok_or_else(|| format!("`{type_name}` has no element `{name}`"))
    }

    /// What is of a type, or of one that is derived from it: a `canonical` is a `uri`.
    fn of_type(&self, paths: Vec<Path>, name: &str) -> Result<Vec<Path>, String> {
        let before = paths.len();
        let mut kept = paths;
        kept.retain(|path| self.is_a(path.data_type, name));
        if kept.is_empty() {
            return Err(format!("none of the {before} types is `{name}`"));
        }
        Ok(kept)
    }

    fn is_a(&self, data_type: &str, name: &str) -> bool {
        let mut current = Some(data_type);
        while let Some(data_type) = current {
            // Some published expressions write `DateTime` for `dateTime`.
            if data_type.eq_ignore_ascii_case(name) {
                return true;
            }
            current = self.types.get(data_type).and_then(|t| t.base.as_deref());
        }
        false
    }

    fn type_name(&self, name: &str) -> Result<&'static str, String> {
        self.types
            .get_key_value(name)
            .map(|(key, _)| *key)
            .ok_or_else(|| format!("unknown type `{name}`"))
    }
}

/// An index counts among everything selected so far. As a step it counts within one array, which
/// is the same only if the path leads to one array.
fn set_index(path: &mut Path, wanted: usize) -> Result<(), String> {
    let Some((Step::Member { index, .. }, before)) = path.steps.split_last_mut() else {
        return Err("an index needs a member before it".to_owned());
    };
    let indexed = |step: &Step| !matches!(step, Step::Member { index: None, .. });
    if !before.iter().all(indexed) || index.is_some() {
        return Err("an index is supported on the first member only".to_owned());
    }
    *index = Some(wanted);
    path.many = false;
    Ok(())
}
