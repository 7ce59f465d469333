//! The server under test: where what lies, and the way in.

use url::Url;

use super::auth::Auth;
use super::profile::{Layout, ServerProfile, WhoAmIKind};
use super::traffic::Traffic;
use super::transport::Transport;
use crate::actor::ActorsFile;

/// A server and the admin's way in.
#[derive(Debug, Clone)]
pub struct Target {
    /// The FHIR base, with a slash at its end.
    pub base_url: Url,
    /// The token endpoint; nothing where the server is to be asked for it.
    pub token_url: Option<Url>,
    /// Where people sign in with a password, `…/auth/login`.
    pub login_url: Url,
    /// Where projects are administered, `…/admin/projects/`.
    pub admin_url: Url,
    /// Where the server says who is acting.
    pub who_am_i: WhoAmI,
    /// The way in for the project admin; on an open server nobody's.
    pub admin: Auth,
    /// The actors, where somebody else made them.
    pub actors: Option<ActorsFile>,
    /// How connections are made.
    pub transport: Transport,
    /// What all callers share.
    pub traffic: Traffic,
    /// What is known of this kind of server.
    pub profile: ServerProfile,
}

/// Where a server says who is acting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WhoAmI {
    /// At this address, as Medplum does.
    Medplum(Url),
    /// At the userinfo endpoint, which its OpenID configuration names.
    Userinfo,
    /// Nowhere.
    Nowhere,
}

/// A URL that cannot be that of a server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{url}` cannot be the address of a server: {reason}")]
pub struct BadServer {
    url: String,
    reason: String,
}

impl Target {
    /// The path of the FHIR base below the root of a server laid out like Medplum.
    const FHIR: &'static str = "fhir/R4/";

    /// A server by its address, which the profile says how to read.
    ///
    /// # Errors
    /// An address that is not http or https, or that carries a user name or password.
    pub fn new(
        server: &str,
        admin: impl Into<Auth>,
        profile: ServerProfile,
    ) -> Result<Self, BadServer> {
        let bad = |reason: &str| BadServer {
            // What stands before an @ may be a password.
            url: server.rsplit('@').next().unwrap_or_default().to_owned(),
            reason: reason.to_owned(),
        };
        let mut root = Url::parse(server).map_err(|error| bad(&error.to_string()))?;
        if !matches!(root.scheme(), "http" | "https") || !root.has_host() {
            return Err(bad("it must start with http:// or https://"));
        }
        if !root.username().is_empty() || root.password().is_some() {
            return Err(bad("a user name or password does not belong in it"));
        }
        root.set_query(None);
        root.set_fragment(None);
        let path = root.path().trim_end_matches('/').to_owned();
        let below = path.strip_suffix("/fhir/R4");
        let medplum = match profile.address.layout {
            Layout::Medplum => true,
            Layout::Base => false,
            Layout::Either => path.is_empty() || below.is_some(),
        };
        let path = if medplum {
            below.unwrap_or(&path)
        } else {
            &path
        };
        root.set_path(&format!("{path}/"));
        let join = |path: &str| root.join(path).map_err(|error| bad(&error.to_string()));
        Ok(Self {
            base_url: if medplum {
                join(Self::FHIR)?
            } else {
                root.clone()
            },
            token_url: medplum.then(|| join("oauth2/token")).transpose()?,
            login_url: join("auth/login")?,
            admin_url: join("admin/projects/")?,
            who_am_i: match profile.who_am_i.kind {
                WhoAmIKind::Medplum if medplum => WhoAmI::Medplum(join("auth/me")?),
                WhoAmIKind::Userinfo => WhoAmI::Userinfo,
                WhoAmIKind::Medplum | WhoAmIKind::None => WhoAmI::Nowhere,
            },
            admin: admin.into(),
            actors: None,
            transport: Transport::default(),
            traffic: Traffic::default(),
            profile,
        })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(
        "medplum",
        "https://h/",
        "https://h/fhir/R4/",
        Some("https://h/oauth2/token")
    )]
    #[case(
        "medplum",
        "https://h/fhir/R4",
        "https://h/fhir/R4/",
        Some("https://h/oauth2/token")
    )]
    #[case(
        "medplum",
        "https://h/m",
        "https://h/m/fhir/R4/",
        Some("https://h/m/oauth2/token")
    )]
    #[case("hapi", "https://h/fhir", "https://h/fhir/", None)]
    #[case("hapi", "https://h", "https://h/", None)]
    #[case(
        "generic",
        "https://h",
        "https://h/fhir/R4/",
        Some("https://h/oauth2/token")
    )]
    #[case(
        "generic",
        "https://h/m/fhir/R4/",
        "https://h/m/fhir/R4/",
        Some("https://h/m/oauth2/token")
    )]
    #[case("generic", "https://h/baseR4", "https://h/baseR4/", None)]
    fn the_profile_says_how_an_address_is_read(
        #[case] profile: &str,
        #[case] server: &str,
        #[case] base: &str,
        #[case] token: Option<&str>,
    ) {
        let profile = ServerProfile::named(profile).unwrap();
        let target = Target::new(server, Auth::Nobody, profile).unwrap();
        assert_eq!(target.base_url.as_str(), base);
        assert_eq!(target.token_url.as_ref().map(Url::as_str), token);
    }

    #[rstest]
    #[case("ftp://h/", "must start with http")]
    #[case("https://user:pass@h/", "does not belong in it")]
    #[case("nothing", "relative URL")]
    fn what_is_no_server(#[case] server: &str, #[case] says: &str) {
        let error = Target::new(server, Auth::Nobody, ServerProfile::generic()).unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
        assert!(!error.to_string().contains("pass@"));
    }
}
