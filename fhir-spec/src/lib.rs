//! What FHIR R4 4.0.1 says, as compact tables, with Medplum's own types and additions as an overlay.
//!
//! The crate answers four questions, without any I/O:
//!
//! - which elements a type has, how often, and of which types ([`Spec::type_def`]);
//! - which search parameters a resource type has ([`Spec::search_param`]);
//! - what a search parameter reads in a resource ([`Program`]);
//! - which parameters put a resource into a compartment ([`Spec::compartment`]).
//!
//! Everything is loaded once, at the first call of [`spec`].
//!
//! ```
//! use fhirward_spec::{ParamType, spec};
//! use serde_json::json;
//!
//! let communication = spec().resource("Communication").unwrap();
//! let (status, code) = communication.element("status").unwrap();
//! assert_eq!((status.min, status.max, &*code.code), (1, Some(1), "code"));
//!
//! let recipient = spec().search_param("Communication", "recipient").unwrap();
//! assert_eq!(recipient.param_type, ParamType::Reference);
//!
//! let message = json!({
//!     "resourceType": "Communication",
//!     "status": "in-progress",
//!     "recipient": [{ "reference": "Patient/homer" }, { "reference": "Practitioner/alice" }],
//! });
//! let read = recipient.program.collect(&message);
//! assert_eq!(read.len(), 2);
//! assert_eq!(read[0].data_type, "Reference");
//! assert_eq!(read[0].value["reference"], "Patient/homer");
//! ```

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod compile;
mod decode;
mod expression;
mod model;
mod program;
mod reference;
mod rows;
mod search;

pub use compile::CompileError;
pub use decode::LoadError;
pub use model::{Element, ElementType, Origin, TypeDef, TypeKind};
pub use program::{Extracted, Program, items, member};
pub use reference::reference_type;
pub use search::{Compartment, Component, ParamType, SearchParam};

use std::collections::HashMap;
use std::sync::LazyLock;

static SPEC: LazyLock<Spec> = LazyLock::new(|| decode::load().unwrap_or_default());

/// The tables: R4 4.0.1 and the Medplum overlay.
///
/// The data is compiled into the crate and a test loads all of it, so loading does not fail. If it
/// did (a build with other data), the tables would be empty: every type and parameter is then
/// unknown, which its users treat as a refusal. [`Spec::verify`] tells the two apart.
pub fn spec() -> &'static Spec {
    &SPEC
}

/// The loaded tables. Get them with [`spec`].
#[derive(Debug, Default)]
pub struct Spec {
    pub(crate) types: HashMap<&'static str, TypeDef>,
    pub(crate) resource_names: Box<[&'static str]>,
    /// Parameters by resource type, sorted by code, without the universal ones.
    pub(crate) params: HashMap<&'static str, Box<[SearchParam]>>,
    /// `_id` and the others that `Resource` gives to every type.
    pub(crate) universal: Box<[SearchParam]>,
    pub(crate) compartments: Box<[Compartment]>,
}

impl Spec {
    /// Loads the embedded tables once more and reports why they do not load, if they do not.
    ///
    /// # Errors
    /// When the embedded data cannot be inflated, read or compiled.
    pub fn verify() -> Result<(), LoadError> {
        decode::load().map(|_| ())
    }

    /// The concrete resource types, R4's and Medplum's, in alphabetical order.
    pub fn resource_types(&self) -> impl Iterator<Item = &'static str> {
        self.resource_names.iter().copied()
    }

    /// A concrete resource type. `Resource` and `DomainResource` are abstract: see [`Spec::type_def`].
    pub fn resource(&'static self, name: &str) -> Option<&'static TypeDef> {
        self.types
            .get(name)
            .filter(|t| t.kind == TypeKind::Resource && !t.is_abstract)
    }

    /// The type of a resource, by its `resourceType`.
    ///
    /// ```
    /// use fhirward_spec::spec;
    /// use serde_json::json;
    ///
    /// let task = spec().type_of(&json!({ "resourceType": "Task" })).unwrap();
    /// assert_eq!(&*task.name, "Task");
    /// assert!(spec().type_of(&json!({ "resourceType": "HumanName" })).is_none());
    /// ```
    pub fn type_of(&'static self, resource: &serde_json::Value) -> Option<&'static TypeDef> {
        self.resource(resource.get("resourceType")?.as_str()?)
    }

    /// Any type: a resource (abstract ones too), a datatype, a primitive, or a backbone element
    /// by its path (`Communication.payload`).
    pub fn type_def(&'static self, name: &str) -> Option<&'static TypeDef> {
        self.types.get(name)
    }

    /// All types, in no particular order.
    pub fn type_defs(&'static self) -> impl Iterator<Item = &'static TypeDef> {
        self.types.values()
    }

    /// The search parameter `code` of a concrete resource type, the universal ones (`_id`,
    /// `_lastUpdated`, `_tag`, `_security`, `_profile`, `_source`, `_compartment`, …) included.
    pub fn search_param(
        &'static self,
        resource_type: &str,
        code: &str,
    ) -> Option<&'static SearchParam> {
        self.resource(resource_type)?;
        let own = self.params.get(resource_type).and_then(|params| {
            let at = params.binary_search_by(|p| (*p.code).cmp(code)).ok()?;
            params.get(at)
        });
        own.or_else(|| self.universal.iter().find(|p| *p.code == *code))
    }

    /// All search parameters of a concrete resource type: its own by code, then the universal ones.
    pub fn search_params(
        &'static self,
        resource_type: &str,
    ) -> impl Iterator<Item = &'static SearchParam> {
        let known = self.resource(resource_type).is_some();
        let own = self.params.get(resource_type).into_iter().flatten();
        let universal = self.universal.iter();
        own.chain(universal).filter(move |_| known)
    }

    /// The compartment `Patient`, `Practitioner`, `Encounter`, `RelatedPerson` or `Device`.
    pub fn compartment(&'static self, name: &str) -> Option<&'static Compartment> {
        self.compartments.iter().find(|c| *c.name == *name)
    }

    /// The five compartments.
    pub fn compartments(&'static self) -> impl Iterator<Item = &'static Compartment> {
        self.compartments.iter()
    }
}
