//! From the embedded data to the tables.

use std::collections::HashMap;
use std::error::Error;
use std::fmt;

use crate::Spec;
use crate::compile::{CompileError, Types, compile};
use crate::model::{Element, ElementType, Origin, TypeDef, TypeKind};
use crate::program::{Body, Program};
use crate::rows::{ElementRow, File, ParamRow, TypeRow};
use crate::search::{Compartment, CompartmentParams, Component, ParamType, SearchParam};

static R4: &[u8] = include_bytes!("../data/r4.json.zz");
static MEDPLUM: &[u8] = include_bytes!("../data/medplum.json.zz");

/// More than the tables need, far less than would hurt.
const MAX_INFLATED: usize = 8 * 1024 * 1024;

/// Why the tables cannot be loaded.
#[derive(Debug)]
pub enum LoadError {
    /// The data is not zlib data, or too large.
    Inflate(String),
    /// The data is not the expected JSON.
    Json(serde_json::Error),
    /// The tables contradict themselves.
    Table(String),
    /// A search expression does not fit the element tables.
    Expression(CompileError),
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoadError::Inflate(message) => write!(f, "cannot inflate the tables: {message}"),
            LoadError::Json(error) => write!(f, "cannot read the tables: {error}"),
            LoadError::Table(message) => write!(f, "the tables are wrong: {message}"),
            LoadError::Expression(error) => write!(f, "the tables are wrong: {error}"),
        }
    }
}

impl Error for LoadError {}

impl From<CompileError> for LoadError {
    fn from(error: CompileError) -> Self {
        LoadError::Expression(error)
    }
}

pub(crate) fn load() -> Result<Spec, LoadError> {
    load_from(R4, MEDPLUM)
}

fn load_from(r4: &[u8], medplum: &[u8]) -> Result<Spec, LoadError> {
    let (r4, medplum) = (inflate(r4)?, inflate(medplum)?);
    let r4: File<'_> = serde_json::from_slice(&r4).map_err(LoadError::Json)?;
    let medplum: File<'_> = serde_json::from_slice(&medplum).map_err(LoadError::Json)?;
    let files = [(&r4, Origin::R4), (&medplum, Origin::Medplum)];

    let mut types = Types::new();
    for (file, origin) in files {
        add_types(&mut types, file, origin)?;
    }
    check_type_codes(&types)?;

    let (mut params, mut universal) = (HashMap::<_, Vec<_>>::new(), Vec::new());
    for (file, origin) in files {
        for row in &file.params {
            add_param(&types, row, origin, &mut params, &mut universal)?;
        }
    }
    for list in params.values_mut() {
        list.sort_by(|a: &SearchParam, b| a.code.cmp(&b.code));
    }

    let mut resource_names: Vec<&'static str> = types
        .iter()
        .filter(|(_, t)| t.kind == TypeKind::Resource && !t.is_abstract)
        .map(|(name, _)| *name)
        .collect();
    resource_names.sort_unstable();
    let mut sorted = HashMap::with_capacity(params.len());
    for (name, list) in params {
        sorted.insert(name, list.into_boxed_slice());
    }
    let compartments = files
        .iter()
        .flat_map(|(file, _)| &file.compartments)
        .map(|(name, resources)| compartment(name, resources))
        .collect();
    Ok(Spec {
        types,
        resource_names: resource_names.into(),
        params: sorted,
        universal: universal.into(),
        compartments,
    })
}

fn inflate(data: &[u8]) -> Result<Vec<u8>, LoadError> {
    miniz_oxide::inflate::decompress_to_vec_zlib_with_limit(data, MAX_INFLATED)
        .map_err(|error| LoadError::Inflate(error.to_string()))
}

/// The tables live as long as the process, and values that programs hand out name types of them.
/// So type names and code lists are leaked, once each.
fn leak_name(name: &str) -> &'static str {
    Box::leak(Box::<str>::from(name))
}

fn add_types(types: &mut Types, file: &File<'_>, origin: Origin) -> Result<(), LoadError> {
    let mut codes: HashMap<&str, &'static [Box<str>]> = HashMap::with_capacity(file.codes.len());
    for (name, list) in &file.codes {
        let list: Vec<Box<str>> = list.iter().map(|code| Box::from(&**code)).collect();
        codes.insert(name, Vec::leak(list));
    }
    for row in &file.types {
        let own: Result<Vec<Element>, LoadError> = row
            .elements
            .iter()
            .map(|e| element(e, &codes, origin))
            .collect();
        let own = own?;
        if let Some(existing) = types.get_mut(row.name) {
            let inherited = std::mem::take(&mut existing.elements);
            existing.elements = merge(inherited.into_vec(), own);
        } else {
            let type_def = type_def(types, row, own, origin)?;
            types.insert(leak_name(row.name), type_def);
        }
    }
    Ok(())
}

fn type_def(
    types: &Types,
    row: &TypeRow<'_>,
    own: Vec<Element>,
    origin: Origin,
) -> Result<TypeDef, LoadError> {
    let (kind, is_abstract) = match row.kind {
        "resource" => (TypeKind::Resource, false),
        "abstract-resource" => (TypeKind::Resource, true),
        "complex" => (TypeKind::Complex, false),
        "abstract-complex" => (TypeKind::Complex, true),
        "primitive" => (TypeKind::Primitive, false),
        "backbone" => (TypeKind::Backbone, false),
        other => return Err(LoadError::Table(format!("unknown kind `{other}`"))),
    };
    let inherited = match row.base {
        None => Vec::new(),
        Some(base) => types
            .get(base)
            .ok_or_else(|| LoadError::Table(format!("`{}` before its base `{base}`", row.name)))?
            .elements
            .to_vec(),
    };
    Ok(TypeDef {
        name: row.name.into(),
        kind,
        origin,
        is_abstract,
        base: row.base.map(Box::from),
        elements: merge(inherited, own),
    })
}

/// Inherited elements first; an own element of the same name takes the inherited one's place.
fn merge(mut elements: Vec<Element>, own: Vec<Element>) -> Box<[Element]> {
    for element in own {
        match elements.iter_mut().find(|e| e.name == element.name) {
            Some(inherited) => *inherited = element,
            None => elements.push(element),
        }
    }
    elements.into()
}

fn element(
    row: &ElementRow<'_>,
    codes: &HashMap<&str, &'static [Box<str>]>,
    origin: Origin,
) -> Result<Element, LoadError> {
    let (name, choice) = match row.name.strip_suffix("[x]") {
        Some(name) => (name, true),
        None => (row.name, false),
    };
    let required_codes = match row.codes {
        None => None,
        Some(set) => Some(
            *codes
                .get(set)
                .ok_or_else(|| LoadError::Table(format!("unknown value set `{set}`")))?,
        ),
    };
    Ok(Element {
        name: name.into(),
        choice,
        min: row.min,
        max: row.max,
        types: row.types.split_whitespace().map(element_type).collect(),
        required_codes,
        origin,
    })
}

fn element_type(text: &str) -> ElementType {
    let (code, targets) = text.split_once('>').unwrap_or((text, ""));
    ElementType {
        code: code.into(),
        targets: list(targets),
    }
}

fn list(text: &str) -> Box<[Box<str>]> {
    text.split(',')
        .filter(|item| !item.is_empty())
        .map(Box::from)
        .collect()
}

fn check_type_codes(types: &Types) -> Result<(), LoadError> {
    for type_def in types.values() {
        for element in &type_def.elements {
            if element.types.is_empty() || (!element.choice && element.types.len() > 1) {
                return Err(LoadError::Table(format!(
                    "`{}.{}` has {} types",
                    type_def.name,
                    element.name,
                    element.types.len()
                )));
            }
            for t in &element.types {
                if !types.contains_key(&*t.code) {
                    return Err(LoadError::Table(format!("unknown type `{}`", t.code)));
                }
            }
        }
    }
    Ok(())
}

fn add_param(
    types: &Types,
    row: &ParamRow<'_>,
    origin: Origin,
    params: &mut HashMap<&'static str, Vec<SearchParam>>,
    universal: &mut Vec<SearchParam>,
) -> Result<(), LoadError> {
    let param_type: ParamType = row.param_type.parse().map_err(LoadError::Table)?;
    for (base, expression) in &row.bases {
        let Some((name, _)) = types.get_key_value::<str>(base) else {
            return Err(LoadError::Table(format!("unknown base type `{base}`")));
        };
        let program = if expression.is_empty() {
            Program::default()
        } else {
            compile(types, name, expression)?
        };
        let components: Result<Box<[Component]>, LoadError> = row
            .components
            .iter()
            .map(|c| component(types, name, &program, c))
            .collect();
        let param = SearchParam {
            code: row.code.into(),
            param_type,
            targets: list(row.targets),
            expression: (*expression).into(),
            origin,
            program,
            components: components?,
        };
        // `DomainResource` has only `_text`; it goes with `Resource`, where every type has it.
        match *name {
            "Resource" | "DomainResource" => universal.push(param),
            concrete => params.entry(concrete).or_default().push(param),
        }
    }
    Ok(())
}

fn component(
    types: &Types,
    base: &'static str,
    composite: &Program,
    (code, param_type, expression): &(&str, &str, &str),
) -> Result<Component, LoadError> {
    let from_resource = expression.starts_with("%resource");
    let focus = if from_resource {
        vec![base]
    } else {
        composite.data_types()
    };
    let mut program: Option<Program> = None;
    for focus in focus {
        let compiled = compile(types, focus, expression)?;
        match &program {
            None => program = Some(compiled),
            Some(first) if reads_the_same(first, &compiled) => {}
            Some(_) => {
                return Err(LoadError::Table(format!(
                    "`{expression}` differs between the elements of a composite of `{base}`"
                )));
            }
        }
    }
    Ok(Component {
        code: (*code).into(),
        param_type: param_type.parse().map_err(LoadError::Table)?,
        program: program.unwrap_or_default(),
        from_resource,
    })
}

fn reads_the_same(a: &Program, b: &Program) -> bool {
    match (&a.body, &b.body) {
        (Body::Paths(a), Body::Paths(b)) => {
            let same = |(a, b): (&crate::program::Path, &crate::program::Path)| {
                a.steps == b.steps && a.data_type == b.data_type
            };
            a.len() == b.len() && a.iter().zip(b).all(same)
        }
        _ => a == b,
    }
}

fn compartment(name: &str, resources: &[(&str, Vec<&str>)]) -> Compartment {
    let mut resources: Vec<CompartmentParams> = resources
        .iter()
        .map(|(name, params)| {
            (
                (*name).into(),
                params.iter().map(|p| Box::from(*p)).collect(),
            )
        })
        .collect();
    resources.sort();
    Compartment {
        name: name.into(),
        resources: resources.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::{LoadError, MEDPLUM, R4, load_from};

    #[test]
    fn the_embedded_tables_load() {
        if let Err(error) = load_from(R4, MEDPLUM) {
            panic!("{error}");
        }
    }

    #[test]
    fn damaged_data_is_an_error() {
        let cut = R4.get(..R4.len() / 2).unwrap();
        assert!(matches!(
            load_from(cut, MEDPLUM),
            Err(LoadError::Inflate(_))
        ));
        assert!(matches!(load_from(R4, b"x"), Err(LoadError::Inflate(_))));
        let empty = miniz_oxide::deflate::compress_to_vec_zlib(b"{}", 1);
        assert!(matches!(
            load_from(&empty, MEDPLUM),
            Err(LoadError::Json(_))
        ));
    }
}
