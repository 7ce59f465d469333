//! Whether somebody is for the server whom they have to be.

use crate::client::Acting;

/// Why they are not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotThem {
    /// The server takes them for somebody else.
    Other,
    /// No policy counts for them: what they see is everything, and nobody's view.
    Admin,
}

/// A token of somebody else would make every test of isolation pass, and one of an admin every test of
/// access. `may_be_admin` is what `bypass: true` says.
///
/// # Errors
/// Why it is not `wanted`, `Type/id`, who acts.
pub fn is_them(acting: &Acting, wanted: &str, may_be_admin: bool) -> Result<(), NotThem> {
    if acting.reference != wanted {
        Err(NotThem::Other)
    } else if acting.admin && !may_be_admin {
        Err(NotThem::Admin)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::them("Practitioner/a", false, false, Ok(()))]
    #[case::other("Practitioner/b", false, true, Err(NotThem::Other))]
    #[case::admin("Practitioner/a", true, false, Err(NotThem::Admin))]
    #[case::declared("Practitioner/a", true, true, Ok(()))]
    fn who_acts(
        #[case] reference: &str,
        #[case] admin: bool,
        #[case] may_be_admin: bool,
        #[case] expected: Result<(), NotThem>,
    ) {
        let reference = reference.to_owned();
        let acting = Acting { reference, admin };
        assert_eq!(is_them(&acting, "Practitioner/a", may_be_admin), expected);
    }
}
