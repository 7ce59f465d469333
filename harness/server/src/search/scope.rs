//! What a search is made in: what there is, and who asks.

use crate::access::Access;
use crate::rest::Context;
use crate::store::View;

/// The resources that can be searched, the rights of who searches, and the server's own address.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scope<'a> {
    pub(crate) view: &'a dyn View,
    pub(crate) access: Access<'a>,
    /// The FHIR base, with its slash.
    pub(crate) base: &'a str,
}

impl<'a> From<&Context<'a>> for Scope<'a> {
    fn from(context: &Context<'a>) -> Self {
        Self {
            view: context.view,
            access: context.access,
            base: &context.app.fhir_base,
        }
    }
}
