//! What a path below the FHIR base means.

/// A path below the FHIR base. Names and ids are as they stand in the path, unchecked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route<'a> {
    /// The base itself: batch and transaction.
    System,
    /// `metadata`
    Metadata,
    /// `_history`
    SystemHistory,
    /// `_search`, or the base with parameters
    SystemSearch,
    /// `Type`
    Type(&'a str),
    /// `Type/_search`
    TypeSearch(&'a str),
    /// `Type/_history`
    TypeHistory(&'a str),
    /// `Type/id`
    Instance(&'a str, &'a str),
    /// `Type/id/_history`
    InstanceHistory(&'a str, &'a str),
    /// `Type/id/_history/version`
    Version(&'a str, &'a str, &'a str),
    /// `$name`
    SystemOperation(&'a str),
    /// `Type/$name`
    TypeOperation(&'a str, &'a str),
    /// `Type/id/$name`
    InstanceOperation(&'a str, &'a str, &'a str),
    /// Nothing of FHIR's.
    Unknown,
}

impl<'a> Route<'a> {
    /// Reads a path without its leading slash.
    pub(crate) fn parse(path: &'a str) -> Self {
        let segments: Vec<&str> = path.strip_suffix('/').unwrap_or(path).split('/').collect();
        if let Some(name) = segments.last().and_then(|last| last.strip_prefix('$')) {
            return match *segments.as_slice() {
                [_] => Self::SystemOperation(name),
                [t, _] => Self::TypeOperation(t, name),
                [t, id, _] => Self::InstanceOperation(t, id, name),
                _ => Self::Unknown,
            };
        }
        match *segments.as_slice() {
            [""] => Self::System,
            ["metadata"] => Self::Metadata,
            ["_history"] => Self::SystemHistory,
            ["_search"] => Self::SystemSearch,
            [t] => Self::Type(t),
            [t, "_search"] => Self::TypeSearch(t),
            [t, "_history"] => Self::TypeHistory(t),
            [t, id] => Self::Instance(t, id),
            [t, id, "_history"] => Self::InstanceHistory(t, id),
            [t, id, "_history", version] => Self::Version(t, id, version),
            _ => Self::Unknown,
        }
    }

    /// The resource type in the path.
    pub(crate) fn resource_type(&self) -> Option<&'a str> {
        match *self {
            Self::Type(t)
            | Self::TypeSearch(t)
            | Self::TypeHistory(t)
            | Self::Instance(t, _)
            | Self::InstanceHistory(t, _)
            | Self::TypeOperation(t, _)
            | Self::InstanceOperation(t, _, _)
            | Self::Version(t, _, _) => Some(t),
            _ => None,
        }
    }

    /// The methods that mean something here.
    pub(crate) fn allowed(&self) -> &'static str {
        match self {
            Self::System | Self::SystemSearch | Self::TypeSearch(_) => "POST",
            Self::Metadata
            | Self::SystemHistory
            | Self::TypeHistory(_)
            | Self::InstanceHistory(..)
            | Self::Version(..) => "GET, HEAD",
            // The last three with criteria.
            Self::Type(_) => "GET, HEAD, POST, PUT, PATCH, DELETE",
            Self::Instance(..) => "GET, HEAD, PUT, PATCH, DELETE",
            Self::TypeOperation(..) => "POST",
            Self::InstanceOperation(..) => "GET, HEAD, POST",
            Self::SystemOperation(_) | Self::Unknown => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("", Route::System)]
    #[case("metadata", Route::Metadata)]
    #[case("_history", Route::SystemHistory)]
    #[case("Patient", Route::Type("Patient"))]
    #[case("Patient/", Route::Type("Patient"))]
    #[case("Patient/_search", Route::TypeSearch("Patient"))]
    #[case("Patient/_history", Route::TypeHistory("Patient"))]
    #[case("Patient/1", Route::Instance("Patient", "1"))]
    #[case("Patient/1/_history", Route::InstanceHistory("Patient", "1"))]
    #[case("Patient/1/_history/2", Route::Version("Patient", "1", "2"))]
    #[case(
        "Patient/1/$everything",
        Route::InstanceOperation("Patient", "1", "everything")
    )]
    #[case("Patient/$validate", Route::TypeOperation("Patient", "validate"))]
    #[case("$graphql", Route::SystemOperation("graphql"))]
    #[case("Patient/1/_history/2/$meta", Route::Unknown)]
    #[case("Patient/1/Observation", Route::Unknown)]
    #[case("Patient/1/_history/2/3", Route::Unknown)]
    #[case("//", Route::Instance("", ""))]
    fn paths(#[case] path: &str, #[case] route: Route<'_>) {
        assert_eq!(Route::parse(path), route);
    }
}
