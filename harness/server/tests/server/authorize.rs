//! `/oauth2/authorize`: signing in on a page of the server, for a client elsewhere.

use reqwest::Method;
use rstest::rstest;
use serde_json::json;

use crate::support::{Actor, Answer, CHALLENGE, PASSWORD, VERIFIER, World};

const THERE: &str = "http://localhost:3000/back?x=1";

/// A client that is registered with `THERE`.
async fn client(world: &World) -> String {
    world.invite("alice@example.com", json!({})).await;
    let path = format!("/admin/projects/{}/client", world.server.project);
    let body = json!({ "name": "<app>", "redirectUris": [THERE] });
    let client = world.admin.post(&path, &body).await;
    assert_eq!(client.status, 201, "{}", client.text);
    client.json()["id"].as_str().unwrap().to_owned()
}

fn query(client: &str, change: (&str, &str)) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", client),
        ("redirect_uri", THERE),
        ("state", "a\"b"),
        ("scope", "openid"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ] {
        let value = if change.0 == name { change.1 } else { value };
        if !value.is_empty() {
            query.append_pair(name, value);
        }
    }
    query.finish()
}

async fn fill_in(actor: &Actor, form: String) -> Answer {
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    actor
        .send(Method::POST, "/oauth2/authorize", &headers, Some(form))
        .await
}

/// Where an answer sends the browser, with its parameters.
fn sent(answer: &Answer) -> (String, Vec<(String, String)>) {
    assert_eq!(answer.status, 303, "{}", answer.text);
    let url = url::Url::parse(answer.header("location")).unwrap();
    let pairs = url.query_pairs().into_owned().collect();
    (
        format!("{}{}", url.origin().ascii_serialization(), url.path()),
        pairs,
    )
}

fn value<'p>(pairs: &'p [(String, String)], name: &str) -> &'p str {
    let found = pairs.iter().find(|(key, _)| key == name);
    found.map_or("", |(_, value)| value.as_str())
}

#[tokio::test]
async fn a_page_asks_for_the_password_and_sends_a_code() {
    let world = World::new().await;
    let client = client(&world).await;
    let nobody = world.nobody();
    let query = query(&client, ("", ""));
    let page = nobody.get(&format!("/oauth2/authorize?{query}")).await;
    assert_eq!(page.status, 200);
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(
        page.header("content-security-policy")
            .contains("frame-ancestors 'none'")
    );
    assert!(
        page.text.contains("Sign in to &lt;app&gt;"),
        "{}",
        page.text
    );
    assert!(page.text.contains("value=\"a&quot;b\""), "{}", page.text);

    let wrong = format!("{query}&email=alice%40example.com&password=wrong");
    let again = fill_in(&nobody, wrong).await;
    assert_eq!(again.status, 400);
    assert!(again.text.contains("role=\"alert\""));
    let right = format!(
        "{query}&email=alice%40example.com&password={}",
        PASSWORD.replace(' ', "+")
    );
    let (place, pairs) = sent(&fill_in(&nobody, right).await);
    assert_eq!(place, "http://localhost:3000/back");
    assert_eq!((value(&pairs, "x"), value(&pairs, "state")), ("1", "a\"b"));
    let code = value(&pairs, "code");

    let form = |redirect: &str| {
        let redirect: String = url::form_urlencoded::byte_serialize(redirect.as_bytes()).collect();
        format!(
            "grant_type=authorization_code&code={code}&client_id={client}\
             &code_verifier={VERIFIER}&redirect_uri={redirect}"
        )
    };
    let answer = nobody.token(&[], &form(THERE)).await;
    let alice = nobody.with(&answer);
    assert_eq!(alice.get("Patient").await.status, 200);
}

#[tokio::test]
async fn a_code_is_redeemed_for_where_it_was_sent() {
    let world = World::new().await;
    let client = client(&world).await;
    let nobody = world.nobody();
    let form = format!(
        "{}&email=alice%40example.com&password={}",
        query(&client, ("", "")),
        PASSWORD.replace(' ', "+")
    );
    let (_, pairs) = sent(&fill_in(&nobody, form).await);
    let refused = nobody.redeem(value(&pairs, "code"), &client).await;
    assert_eq!(refused.json()["error"], "invalid_grant", "{}", refused.text);
}

#[tokio::test]
async fn who_has_several_memberships_chooses_on_the_page() {
    let world = World::new().await;
    let client = client(&world).await;
    let more = json!({ "password": null, "forceNewMembership": true });
    let second = world.invite("alice@example.com", more).await;
    let nobody = world.nobody();
    let query = query(&client, ("", ""));
    let form = format!(
        "{query}&email=alice%40example.com&password={}",
        PASSWORD.replace(' ', "+")
    );
    let page = fill_in(&nobody, form).await;
    assert_eq!(page.status, 200, "{}", page.text);
    let second = second["id"].as_str().unwrap();
    assert!(page.text.contains(second), "{}", page.text);
    let (_, rest) = page.text.split_once("name=\"login\" value=\"").unwrap();
    let (login, _) = rest.split_once('"').unwrap();
    let form = format!("{query}&login={login}&membership={second}");
    let (_, pairs) = sent(&fill_in(&nobody, form).await);
    assert!(!value(&pairs, "code").is_empty());
}

/// Nothing is sent to an address that the client is not registered with.
#[rstest]
#[case::unknown_client(("client_id", "x"))]
#[case::another_place(("redirect_uri", "http://evil.example/"))]
#[case::only_its_beginning(("redirect_uri", "http://localhost:3000/back?x=1&y=2"))]
#[case::no_place(("redirect_uri", ""))]
#[tokio::test]
async fn errors_stay_here_until_the_client_is_known(#[case] change: (&str, &str)) {
    let world = World::new().await;
    let client = client(&world).await;
    let path = format!("/oauth2/authorize?{}", query(&client, change));
    let answer = world.nobody().get(&path).await;
    assert_eq!(answer.status, 400);
    assert!(answer.header("location").is_empty());
    assert!(answer.header("content-type").starts_with("text/html"));
}

#[rstest]
#[case::implicit(("response_type", "token"), "unsupported_response_type")]
#[case::no_challenge(("code_challenge", ""), "invalid_request")]
#[case::plain(("code_challenge_method", "plain"), "invalid_request")]
#[case::bad_scope(("scope", "user/Patient.zz"), "invalid_scope")]
#[tokio::test]
async fn errors_go_to_the_client_then(#[case] change: (&str, &str), #[case] error: &str) {
    let world = World::new().await;
    let client = client(&world).await;
    let path = format!("/oauth2/authorize?{}", query(&client, change));
    let (place, pairs) = sent(&world.nobody().get(&path).await);
    assert_eq!(place, "http://localhost:3000/back");
    assert_eq!(
        (value(&pairs, "error"), value(&pairs, "state")),
        (error, "a\"b")
    );
}
