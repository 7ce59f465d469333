//! Every error is an OperationOutcome.

use reqwest::Method;
use rstest::rstest;
use serde_json::json;

use crate::support::World;

#[rstest]
#[case::unknown_path(Method::GET, "/nothing", 404, "not-found")]
#[case::root(Method::GET, "/", 404, "not-found")]
#[case::unknown_below_the_base(Method::GET, "Patient/1/2/3/4", 404, "not-found")]
#[case::unknown_type(Method::GET, "Patiant", 400, "invalid")]
#[case::unknown_type_of_instance(Method::GET, "Patiant/1", 400, "invalid")]
#[case::datatype(Method::GET, "HumanName/1", 400, "invalid")]
#[case::missing(Method::GET, "Patient/1", 404, "not-found")]
#[case::no_id(Method::GET, "Patient/%20", 404, "not-found")]
#[case::put_on_type(Method::PUT, "Patient", 405, "not-supported")]
#[case::post_on_instance(Method::POST, "Patient/1", 405, "not-supported")]
#[case::delete_on_type(Method::DELETE, "Patient", 405, "not-supported")]
#[case::patch_on_type(Method::PATCH, "Patient", 405, "not-supported")]
#[case::no_criteria(Method::DELETE, "Patient?", 405, "not-supported")]
#[case::criteria_of_no_search(Method::DELETE, "Patient?_count=1", 400, "invalid")]
#[case::empty_criteria(Method::DELETE, "Patient?_format=json", 400, "invalid")]
#[case::unknown_criteria(Method::DELETE, "Patient?colour=red", 400, "invalid")]
#[case::criteria_of_binary(Method::DELETE, "Binary?_id=1", 400, "not-supported")]
#[case::get_on_search(Method::GET, "Patient/_search", 405, "not-supported")]
#[case::delete_on_base(Method::DELETE, "", 405, "not-supported")]
#[case::operation(Method::POST, "Patient/1/$everything", 400, "not-supported")]
#[case::get_of_token(Method::GET, "/oauth2/token", 405, "not-supported")]
#[case::parameter_on_read(Method::GET, "Patient/1?name=a", 400, "not-supported")]
#[case::count_on_read(Method::GET, "Patient/1?_summary=count", 400, "invalid")]
#[case::parameter_on_history(Method::GET, "Patient/_history?name=a", 400, "not-supported")]
#[case::no_time(Method::GET, "Patient/_history?_at=soon", 400, "invalid")]
#[case::unknown_element(Method::GET, "Patient?_elements=nam", 400, "invalid")]
#[case::xml(Method::GET, "Patient?_format=xml", 406, "not-supported")]
#[tokio::test]
async fn statuses(
    #[case] method: Method,
    #[case] path: &str,
    #[case] status: u16,
    #[case] issue: &str,
) {
    let world = World::new().await;
    let headers = [("content-type", "application/fhir+json")];
    let answer = world.admin.send(method, path, &headers, None).await;
    assert_eq!(
        (answer.status, answer.issue().as_str()),
        (status, issue),
        "{}",
        answer.text
    );
    if status == 405 {
        assert!(!answer.header("allow").is_empty());
    }
}

#[tokio::test]
async fn a_type_that_nobody_knows_is_near_one_that_everybody_does() {
    let world = World::new().await;
    assert!(
        world
            .admin
            .get("Comunication")
            .await
            .words()
            .contains("`Communication`")
    );
}

#[rstest]
#[case::broken("{\n  \"resourceType\": \"Patient\",\n  oops }", "line 3, column 3")]
#[case::cut_off("{ \"resourceType\": \"Patient\"", "line 1")]
#[case::two_values("{} {}", "line 1, column 4")]
#[case::repeated_key(
    "{\"resourceType\":\"Patient\",\n\"active\":true,\"active\":false}",
    "line 2, column 15"
)]
#[case::comment("{} // hi", "comments")]
#[case::empty("", "empty")]
#[case::array("[]", "an array")]
#[case::string("\"x\"", "a string")]
#[case::null("null", "null")]
#[case::no_type("{}", "no `resourceType`")]
#[case::another_type("{\"resourceType\":\"Task\"}", "`Task`")]
#[tokio::test]
async fn bodies(#[case] body: &str, #[case] words: &str) {
    let world = World::new().await;
    let headers = [("content-type", "application/fhir+json")];
    let answer = world
        .admin
        .send(Method::POST, "Patient", &headers, Some(body.into()))
        .await;
    assert_eq!(
        (answer.status, answer.issue().as_str()),
        (400, "structure"),
        "{}",
        answer.text
    );
    assert!(answer.words().contains(words), "{}", answer.words());
}

#[rstest]
#[case::xml(Method::POST, "Patient", "application/fhir+xml", 415)]
#[case::text(Method::POST, "Patient", "text/plain", 415)]
#[case::latin(Method::POST, "Patient", "application/json; charset=latin1", 415)]
#[case::patch_of_xml(Method::PATCH, "Patient/1", "application/xml-patch+xml", 415)]
#[case::form_for_search(Method::POST, "Patient/_search", "application/json", 415)]
#[case::raw_binary(Method::POST, "Binary", "image/png", 201)]
#[case::json(Method::POST, "Patient", "application/json", 201)]
#[case::json_with_charset(Method::POST, "Patient", "application/fhir+json; charset=UTF-8", 201)]
#[tokio::test]
async fn content_types(
    #[case] method: Method,
    #[case] path: &str,
    #[case] content_type: &str,
    #[case] status: u16,
) {
    let world = World::new().await;
    let body = json!({ "resourceType": "Patient" }).to_string();
    let answer = world
        .admin
        .send(method, path, &[("content-type", content_type)], Some(body))
        .await;
    assert_eq!(answer.status, status, "{}", answer.text);
    if status == 415 {
        assert_eq!(answer.issue(), "not-supported");
        assert!(answer.words().contains("accepted"));
    }
}

#[tokio::test]
async fn a_body_without_a_content_type_is_refused() {
    let world = World::new().await;
    let answer = world
        .admin
        .send(Method::POST, "Patient", &[], Some("{}".into()))
        .await;
    assert_eq!(answer.status, 415);
}

#[rstest]
#[case::html("text/html", 404)]
#[case::browser("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", 404)]
#[case::xml("application/fhir+xml", 406)]
#[tokio::test]
async fn errors_are_outcomes_whatever_is_accepted(#[case] accept: &str, #[case] status: u16) {
    let world = World::new().await;
    let answer = world
        .admin
        .send(Method::GET, "Patient/1", &[("accept", accept)], None)
        .await;
    assert_eq!(answer.status, status);
    answer.issue();
}

#[rstest]
#[case("GET", "if-none-exist", "identifier=x")]
#[case("GET", "x-http-method-override", "PUT")]
#[tokio::test]
async fn headers_that_would_change_the_meaning_are_not_ignored(
    #[case] method: Method,
    #[case] name: &str,
    #[case] value: &str,
) {
    let world = World::new().await;
    let headers = [("content-type", "application/fhir+json"), (name, value)];
    let answer = world
        .admin
        .send(
            method,
            "Patient",
            &headers,
            Some("{\"resourceType\":\"Patient\"}".into()),
        )
        .await;
    assert_eq!(
        (answer.status, answer.issue().as_str()),
        (400, "not-supported")
    );
    assert!(answer.words().contains(name));
}

#[tokio::test]
async fn a_body_that_is_too_large() {
    let world = World::with_limits(|limits| limits.body_bytes = 1000).await;
    let body = json!({ "resourceType": "Patient", "language": "x".repeat(2000) }).to_string();
    let headers = [("content-type", "application/fhir+json")];
    let answer = world
        .admin
        .send(Method::POST, "Patient", &headers, Some(body))
        .await;
    assert_eq!((answer.status, answer.issue().as_str()), (413, "too-long"));
    assert!(answer.words().contains("1000 bytes"));
}

#[rstest]
#[case::of_the_server(50)]
#[case::of_the_parser(5000)]
#[tokio::test]
async fn a_body_that_is_too_deep(#[case] depth: usize) {
    let world = World::with_limits(|limits| limits.json_depth = 20).await;
    let body = format!(
        "{{\"resourceType\":\"Patient\",\"x\":{}{}}}",
        "[".repeat(depth),
        "]".repeat(depth)
    );
    let headers = [("content-type", "application/fhir+json")];
    let answer = world
        .admin
        .send(Method::POST, "Patient", &headers, Some(body))
        .await;
    assert_eq!(answer.status, 400);
    answer.issue();
}

#[tokio::test]
async fn one_issue_for_each_thing_that_is_wrong() {
    let world = World::new().await;
    let answer = world
        .admin
        .post("Communication", &json!({ "resourceType": "Communication" }))
        .await;
    assert_eq!((answer.status, answer.issue().as_str()), (400, "required"));
    assert_eq!(
        answer.json()["issue"][0]["expression"],
        json!(["Communication.status"])
    );
    assert_eq!(answer.json()["issue"][0]["severity"], "error");
}
