//! A browser on another page.

use reqwest::Method;
use rstest::rstest;
use serde_json::json;

use crate::support::World;
use fhirward_server::Origins;

const PAGE: &str = "http://localhost:3000";

#[rstest]
#[case::fhir("Patient", "POST")]
#[case::instance("Patient/1", "PATCH")]
#[case::token("/oauth2/token", "POST")]
#[case::login("/auth/login", "POST")]
#[case::invite("/admin/projects/x/invite", "POST")]
#[case::metadata("metadata", "GET")]
#[case::nowhere("/nowhere", "GET")]
#[tokio::test]
async fn a_page_may_ask_before_it_has_a_token(#[case] path: &str, #[case] method: &str) {
    let world = World::new().await;
    let headers = [
        ("origin", PAGE),
        ("access-control-request-method", method),
        (
            "access-control-request-headers",
            "authorization,content-type,x-medplum",
        ),
    ];
    let answer = world
        .nobody()
        .send(Method::OPTIONS, path, &headers, None)
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.header("access-control-allow-origin"), PAGE);
    assert_eq!(answer.header("access-control-allow-credentials"), "true");
    assert!(
        answer
            .header("access-control-allow-methods")
            .contains(method)
    );
    assert_eq!(
        answer.header("access-control-allow-headers"),
        "authorization,content-type,x-medplum"
    );
}

#[tokio::test]
async fn a_page_reads_answers_errors_and_the_headers_it_needs() {
    let world = World::new().await;
    let headers = [("origin", PAGE)];
    let actor = &world.admin;
    let patient = actor.make(json!({ "resourceType": "Patient" })).await;
    for (path, status) in [
        (patient.as_str(), 200),
        ("Patient/x", 404),
        ("Nonsense", 400),
    ] {
        let answer = actor.send(Method::GET, path, &headers, None).await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("access-control-allow-origin"), PAGE);
        assert!(answer.header("vary").contains("origin"));
        let exposed = answer.header("access-control-expose-headers");
        for name in ["etag", "location", "last-modified", "content-location"] {
            assert!(exposed.contains(name), "{exposed}");
        }
    }
    let answer = world
        .nobody()
        .send(Method::GET, "Patient", &headers, None)
        .await;
    assert_eq!(answer.status, 401, "an origin gives no access");
    assert_eq!(answer.header("access-control-allow-origin"), PAGE);
}

#[tokio::test]
async fn pages_can_be_limited() {
    let world = World::with(|config| {
        config.sign_in.origins = Origins::Only(vec![PAGE.into()]);
    })
    .await;
    for (origin, allowed) in [(PAGE, PAGE), ("http://localhost:3001", ""), ("null", "")] {
        let headers = [("origin", origin)];
        let answer = world
            .admin
            .send(Method::GET, "Patient", &headers, None)
            .await;
        assert_eq!(answer.header("access-control-allow-origin"), allowed);
    }
}
