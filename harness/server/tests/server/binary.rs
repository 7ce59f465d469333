//! Binary: what is uploaded, who reads it in which form, and the URLs that open it.

use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{Actor, Answer, World};

const PDF: &str = "%PDF-1.7 not really";

async fn upload(actor: &Actor, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    actor
        .send(Method::POST, path, headers, Some(body.to_owned()))
        .await
}

async fn make(actor: &Actor, context: &str) -> String {
    let mut headers = vec![("content-type", "application/pdf")];
    if !context.is_empty() {
        headers.push(("x-security-context", context));
    }
    let answer = upload(actor, "Binary?_filename=report.pdf", &headers, PDF).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.reference()
}

/// Medplum, "Binary data", and R4 binary.html: content goes in and out under its own media type.
#[rstest]
#[case::pdf("application/pdf", PDF)]
#[case::text("text/plain; charset=utf-8", "words")]
#[case::json("application/json", "{\"a\": [1, 2]}")]
#[case::other_resource("application/fhir+json", "{\"resourceType\":\"Patient\"}")]
#[case::xml("application/fhir+xml", "<Binary xmlns=\"http://hl7.org/fhir\"/>")]
#[case::empty("text/plain", "")]
#[tokio::test]
async fn content_comes_back_as_it_was_sent(#[case] media: &str, #[case] body: &str) {
    let world = World::new().await;
    let made = upload(&world.admin, "Binary", &[("content-type", media)], body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    assert_eq!(made.json()["contentType"], media);
    assert_eq!(
        made.json().get("data"),
        None,
        "it is not sent back as base64"
    );
    let read = world.admin.get(&made.reference()).await;
    assert_eq!((read.status, read.header("content-type")), (200, media));
    assert_eq!(read.text, body);
}

#[tokio::test]
async fn a_binary_as_json_is_the_same_resource() {
    let world = World::new().await;
    let binary =
        json!({ "resourceType": "Binary", "contentType": "text/plain", "data": "d29yZHM=" });
    let made = world.admin.post("Binary", &binary).await;
    assert_eq!(made.json()["data"], "d29yZHM=");
    assert_eq!(world.admin.get(&made.reference()).await.text, "words");
}

/// What MedplumClient sends with `readResource` and with `download`, and a browser with a link.
#[rstest]
#[case::read_resource("application/fhir+json, */*; q=0.1", true)]
#[case::download("*/*", false)]
#[case::browser(
    "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    false
)]
#[case::other_type("image/png", false)]
#[tokio::test]
async fn the_form_is_what_the_reader_asks_for(#[case] accept: &str, #[case] resource: bool) {
    let world = World::new().await;
    let binary = make(&world.admin, "").await;
    let headers = [("accept", accept)];
    let versions = world.admin.get(&format!("{binary}/_history")).await;
    let version = &versions.json()["entry"][0]["resource"]["meta"]["versionId"];
    for path in [
        binary.clone(),
        format!("{binary}/_history/{}", version.as_str().unwrap()),
    ] {
        let read = world.admin.send(Method::GET, &path, &headers, None).await;
        assert_eq!(read.status, 200, "{}", read.text);
        if resource {
            assert_eq!(read.json()["resourceType"], "Binary");
            assert!(read.json()["data"].is_string());
        } else {
            assert_eq!(read.text, PDF);
        }
    }
}

#[rstest]
#[case::part("bytes=0-3", 206, "bytes 0-3/19", "%PDF")]
#[case::end("bytes=-6", 206, "bytes 13-18/19", "really")]
#[case::behind("bytes=19-", 416, "bytes */19", "")]
#[case::unreadable("bytes=x", 200, "", PDF)]
#[tokio::test]
async fn ranges(
    #[case] range: &str,
    #[case] status: u16,
    #[case] shown: &str,
    #[case] content: &str,
) {
    let world = World::new().await;
    let binary = make(&world.admin, "").await;
    let read = world
        .admin
        .send(Method::GET, &binary, &[("range", range)], None)
        .await;
    assert_eq!((read.status, &*read.text), (status, content));
    assert_eq!(read.header("content-range"), shown);
    assert_eq!(read.header("accept-ranges"), "bytes");
}

#[tokio::test]
async fn a_reader_that_has_the_version_does_not_get_it_again() {
    let world = World::new().await;
    let binary = make(&world.admin, "").await;
    let head = world.admin.send(Method::HEAD, &binary, &[], None).await;
    assert_eq!((head.status, head.header("content-length")), (200, "19"));
    assert_eq!(head.text, "");
    let etag = head.header("etag").to_owned();
    let again = [("if-none-match", &*etag)];
    let again = world.admin.send(Method::GET, &binary, &again, None).await;
    assert_eq!((again.status, &*again.text), (304, ""));
}

/// Content of unknown origin must not run in the server's name.
#[rstest]
#[case::html("text/html", "attachment")]
#[case::svg("image/svg+xml", "attachment")]
#[case::png("image/png", "inline")]
#[tokio::test]
async fn content_does_not_run(#[case] media: &str, #[case] disposition: &str) {
    let world = World::new().await;
    let headers = [("content-type", media)];
    let name = "Binary?_filename=..%2Fa%22.html";
    let made = upload(&world.admin, name, &headers, "<script>").await;
    let read = world.admin.get(&made.reference()).await;
    assert_eq!(read.header("x-content-type-options"), "nosniff");
    assert_eq!(
        read.header("content-security-policy"),
        "default-src 'none'; sandbox"
    );
    assert_eq!(
        read.header("content-disposition"),
        format!("{disposition}; filename=\"a_.html\"; filename*=UTF-8''a%22.html")
    );
}

/// flow `binary-with-security-context`: who cannot read the context has no way to the content.
#[tokio::test]
async fn without_the_context_there_is_no_way_to_the_content() {
    let world = World::new().await;
    let homer = world.admin.make(json!({ "resourceType": "Patient" })).await;
    let (_, id) = homer.split_once('/').unwrap();
    let may_read = json!([
        { "resourceType": "Binary" },
        { "resourceType": "Patient", "criteria": format!("Patient?_id={id}") },
    ]);
    let insider = world.actor(may_read).await;
    let outsider = world
        .actor(json!([
            { "resourceType": "Binary" },
            { "resourceType": "Patient", "criteria": "Patient?_id=another" },
        ]))
        .await;
    let binary = make(&world.admin, &homer).await;
    let versions = world.admin.get(&format!("{binary}/_history")).await;
    let version = versions.json()["entry"][0]["resource"]["meta"]["versionId"].clone();
    let version = format!("{binary}/_history/{}", version.as_str().unwrap());
    let fhir = ("accept", "application/fhir+json");
    let any = ("accept", "*/*");
    for (method, path, header) in [
        (Method::GET, &*binary, any),
        (Method::GET, &*binary, fhir),
        (Method::GET, &*binary, ("range", "bytes=0-0")),
        (Method::HEAD, &*binary, any),
        (Method::GET, &*version, any),
        (Method::GET, &*version, fhir),
        (Method::GET, &*format!("{binary}/_history"), fhir),
    ] {
        let hidden = outsider.send(method.clone(), path, &[header], None).await;
        assert_eq!(hidden.status, 404, "{method} {path} {header:?}");
        let shown = insider.send(method.clone(), path, &[header], None).await;
        assert!(shown.status < 300, "{method} {path} {header:?}");
    }
    let all = outsider.get("Binary/_history").await;
    assert!(!all.text.contains(&binary), "{}", all.text);
    let put = [("content-type", "text/plain")];
    let put = outsider.send(Method::PUT, &binary, &put, Some("x".into()));
    assert_eq!(put.await.status, 404);
}

#[tokio::test]
async fn a_context_that_leads_nowhere_is_nobodys() {
    let world = World::new().await;
    let reader = world
        .actor(json!([{ "resourceType": "Binary" }, { "resourceType": "Patient" }]))
        .await;
    let binary = make(&world.admin, "Patient/none").await;
    assert_eq!(reader.get(&binary).await.status, 404);
    let headers = [
        ("content-type", "text/plain"),
        ("x-security-context", "Patient/none"),
    ];
    assert_eq!(upload(&reader, "Binary", &headers, "x").await.status, 403);
}

#[tokio::test]
async fn hidden_data_is_no_content() {
    let world = World::new().await;
    let reader = world
        .actor(json!([{ "resourceType": "Binary", "hiddenFields": ["data"] }]))
        .await;
    let binary = make(&world.admin, "").await;
    let read = reader.get(&binary).await;
    assert_eq!((read.status, &*read.text), (200, ""));
}

/// Medplum, "Binary security context": one that was uploaded without a context gets it later.
#[tokio::test]
async fn content_keeps_its_context_and_a_context_keeps_the_content() {
    let world = World::new().await;
    let patient = world.admin.make(json!({ "resourceType": "Patient" })).await;
    let binary = make(&world.admin, "").await;
    let id = binary.strip_prefix("Binary/").unwrap();
    let context = json!({ "reference": patient });
    let put = json!({
        "resourceType": "Binary",
        "id": id,
        "contentType": "application/pdf",
        "securityContext": context,
    });
    let put = world.admin.put(&binary, &put).await;
    assert_eq!(put.status, 200, "{}", put.text);
    assert_eq!(world.admin.get(&binary).await.text, PDF);
    let raw = [("content-type", "text/plain")];
    let raw = world
        .admin
        .send(Method::PUT, &binary, &raw, Some("new".into()));
    let raw = raw.await;
    assert_eq!(raw.status, 200, "{}", raw.text);
    assert_eq!(raw.json()["securityContext"], context);
    assert_eq!(world.admin.get(&binary).await.text, "new");
}

#[rstest]
#[case::context(&[("x-security-context", "Patient")], "Binary", 400)]
#[case::parameter(&[], "Binary?name=x", 400)]
#[case::media_type(&[("content-type", "pdf")], "Binary", 400)]
#[case::broken_resource(&[("content-type", "application/fhir+json")], "Binary", 400)]
#[tokio::test]
async fn odd_uploads_are_refused(
    #[case] headers: &[(&str, &str)],
    #[case] path: &str,
    #[case] status: u16,
) {
    let world = World::new().await;
    let answer = upload(&world.admin, path, headers, "{").await;
    assert_eq!(answer.status, status);
    answer.issue();
}

#[tokio::test]
async fn content_that_is_too_large_is_refused() {
    let world = World::with_limits(|limits| limits.body_bytes = 1000).await;
    let large = "x".repeat(1001);
    let headers = [("content-type", "text/plain")];
    assert_eq!(
        upload(&world.admin, "Binary", &headers, &large)
            .await
            .status,
        413
    );
}

fn with_attachment(url: &str) -> Value {
    json!({
        "resourceType": "Communication",
        "status": "in-progress",
        "payload": [{ "contentAttachment": { "contentType": "application/pdf", "url": url } }],
    })
}

fn shown_url(message: &Value) -> String {
    let url = &message["payload"][0]["contentAttachment"]["url"];
    url.as_str().unwrap().to_owned()
}

/// Medplum, "Binary data": an attachment's URL is written in any form, stored as one, and shown as
/// one that opens.
#[tokio::test]
async fn an_attachment_is_shown_as_a_url_that_opens() {
    let world = World::new().await;
    let made = upload(
        &world.admin,
        "Binary?_filename=report.pdf",
        &[("content-type", "application/pdf")],
        PDF,
    )
    .await;
    let binary = made.reference();
    let signed = made.json()["url"].as_str().unwrap().to_owned();
    let absolute = format!("{}fhir/R4/{binary}", world.server.base_url);
    // Who may not read Binary is shown what is stored.
    let blind = world
        .actor(json!([{ "resourceType": "Communication" }]))
        .await;
    for url in [&*binary, &*absolute, &*signed] {
        let message = world.admin.make(with_attachment(url)).await;
        assert_eq!(shown_url(&blind.get(&message).await.json()), binary);
        for path in [
            message.clone(),
            format!("Communication?_id={}", message.split_once('/').unwrap().1),
            format!("{message}/_history"),
        ] {
            let body = world.admin.get(&path).await.json();
            let resource = body.pointer("/entry/0/resource").unwrap_or(&body);
            let url = shown_url(resource);
            assert!(url.starts_with(&format!("{}storage/", world.server.base_url)));
            let opened = world.nobody().get(&url).await;
            assert_eq!((opened.status, &*opened.text), (200, PDF), "{url}");
            assert_eq!(opened.header("content-type"), "application/pdf");
            let part = [("range", "bytes=1-3")];
            let part = world.nobody().send(Method::GET, &url, &part, None).await;
            assert_eq!((part.status, &*part.text), (206, "PDF"));
        }
    }
}

#[tokio::test]
async fn writing_back_what_was_shown_changes_nothing() {
    let world = World::new().await;
    let binary = make(&world.admin, "").await;
    let message = world.admin.make(with_attachment(&binary)).await;
    let shown = world.admin.get(&message).await.json();
    let put = world.admin.put(&message, &shown).await.json();
    assert_eq!(put["meta"]["versionId"], shown["meta"]["versionId"]);
    let place = "/payload/0/contentAttachment/url";
    let patch = json!([
        { "op": "test", "path": place, "value": binary },
        { "op": "add", "path": "/payload/0/contentAttachment/title", "value": "a" },
    ]);
    let patched = world.admin.patch(&message, &patch).await;
    assert_eq!(patched.status, 200, "{}", patched.text);
}

#[tokio::test]
async fn a_url_opens_only_what_its_reader_may_read() {
    let world = World::new().await;
    let patient = world.admin.make(json!({ "resourceType": "Patient" })).await;
    let (_, id) = patient.split_once('/').unwrap();
    let of = |id: &str| {
        json!([
            { "resourceType": "Communication" },
            { "resourceType": "Binary" },
            { "resourceType": "Patient", "criteria": format!("Patient?_id={id}") },
        ])
    };
    let (insider, outsider) = (world.actor(of(id)).await, world.actor(of("other")).await);
    let binary = make(&world.admin, &patient).await;
    let message = world.admin.make(with_attachment(&binary)).await;
    assert_eq!(shown_url(&outsider.get(&message).await.json()), binary);
    let url = shown_url(&insider.get(&message).await.json());
    let nobody = world.nobody();
    assert_eq!(nobody.get(&url).await.status, 200);
    // Another's name on the URL does not open it.
    let forged = url.replace(&insider.membership, &world.admin.membership);
    assert_eq!(nobody.get(&forged).await.status, 401);
    let bare = url.split('?').next().unwrap();
    assert_eq!(nobody.get(bare).await.status, 401);
    // Rights that are withdrawn close it.
    world
        .admin
        .delete(&format!("ProjectMembership/{}", insider.membership))
        .await;
    assert_eq!(nobody.get(&url).await.status, 404);
}

/// Medplum, "Sending messages and attachments": the message stays when its file is gone.
#[tokio::test]
async fn a_deleted_binary_is_gone_and_its_message_stays() {
    let world = World::new().await;
    let binary = make(&world.admin, "").await;
    let message = world.admin.make(with_attachment(&binary)).await;
    let url = shown_url(&world.admin.get(&message).await.json());
    assert_eq!(world.admin.delete(&binary).await.status, 200);
    assert_eq!(world.nobody().get(&url).await.status, 410);
    let read = world.admin.get(&message).await;
    assert_eq!(
        (read.status, shown_url(&read.json())),
        (200, binary.clone())
    );
    assert_eq!(world.admin.get(&binary).await.status, 410);
}
