//! Binary: content of any media type, as itself or as a resource, and the URLs that open it.

pub(crate) mod attachment;
mod content;
mod disposition;
pub(crate) mod media;
mod range;
pub(crate) mod rest;
pub(crate) mod storage;
pub(crate) mod stored;
mod upload;
