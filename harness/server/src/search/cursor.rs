//! `_cursor`: behind or before which resource a page lies.

use super::page::{Position, stale_cursor};
use super::scope::Scope;
use super::sort::{SortKey, Sorted};
use crate::http::outcome::Failure;

/// A place between two pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cursor {
    position: Position,
    pub(crate) side: Side,
}

/// Which of the two pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// The one that starts behind the resource.
    Behind,
    /// The one that ends before it.
    Before,
}

const BEFORE: &str = "before_";

impl Cursor {
    pub(crate) fn new(position: Position, side: Side) -> Self {
        Self { position, side }
    }

    /// Reads a `_cursor`.
    ///
    /// # Errors
    /// 400.
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        let (text, side) = match text.strip_prefix(BEFORE) {
            Some(text) => (text, Side::Before),
            None => (text, Side::Behind),
        };
        Ok(Self::new(Position::parse(text)?, side))
    }

    pub(crate) fn to_text(&self) -> String {
        let place = self.position.to_text();
        match self.side {
            Side::Behind => place,
            Side::Before => format!("{BEFORE}{place}"),
        }
    }

    /// The resource at the place, as it was when it was shown.
    ///
    /// # Errors
    /// 400 when there is none, or the actor may not see it: a place among hidden resources would
    /// tell about their content.
    pub(crate) fn place(
        &self,
        scope: &Scope<'_>,
        types: &[&str],
        keys: &[SortKey],
    ) -> Result<Sorted, Failure> {
        types
            .iter()
            .find_map(|kind| self.position.version(scope.view, kind))
            .filter(|version| scope.access.finds(&version.resource))
            .map(|version| Sorted::new(version, keys))
            .ok_or_else(stale_cursor)
    }
}
