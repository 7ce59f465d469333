//! The pages of `/oauth2/authorize`: small, without scripts, and framed by nobody.

use std::fmt::Write as _;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;

/// A form with hidden fields, what is to be filled in, and what to say before it.
pub(super) struct Form<'a> {
    pub(super) title: &'a str,
    /// What went wrong the last time.
    pub(super) wrong: Option<&'a str>,
    pub(super) hidden: Vec<(&'a str, &'a str)>,
    pub(super) inputs: Inputs<'a>,
}

/// What is to be filled in.
pub(super) enum Inputs<'a> {
    Password,
    /// Ids of memberships, and what each is called.
    Memberships(&'a [(String, String)]),
}

impl Form<'_> {
    pub(super) fn response(&self, status: StatusCode) -> Response {
        let mut body = String::new();
        if let Some(wrong) = self.wrong {
            push(&mut body, "<p role=\"alert\">", wrong, "</p>\n");
        }
        body.push_str("<form method=\"post\" action=\"authorize\">\n");
        for (name, value) in &self.hidden {
            body.push_str("<input type=\"hidden\"");
            attribute(&mut body, "name", name);
            attribute(&mut body, "value", value);
            body.push_str(">\n");
        }
        match &self.inputs {
            Inputs::Password => body.push_str(
                "<p><label>E-mail <input type=\"email\" name=\"email\" autocomplete=\"username\" \
                 required autofocus></label></p>\n\
                 <p><label>Password <input type=\"password\" name=\"password\" \
                 autocomplete=\"current-password\" required></label></p>\n\
                 <p><button>Sign in</button></p>\n",
            ),
            Inputs::Memberships(memberships) => {
                for (id, name) in *memberships {
                    body.push_str("<p><button name=\"membership\"");
                    attribute(&mut body, "value", id);
                    push(&mut body, ">", name, "</button></p>\n");
                }
            }
        }
        body.push_str("</form>\n");
        page(status, self.title, &body)
    }
}

/// A page that says why there is nothing to fill in.
pub(super) fn refusal(text: &str) -> Response {
    let mut body = String::new();
    push(&mut body, "<p role=\"alert\">", text, "</p>\n");
    page(StatusCode::BAD_REQUEST, "Sign in", &body)
}

fn page(status: StatusCode, title: &str, body: &str) -> Response {
    let mut html = String::from(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n",
    );
    push(&mut html, "<title>", title, "</title>\n");
    push(&mut html, "<h1>", title, "</h1>\n");
    html.push_str(body);
    let mut response = Response::new(Body::from(html));
    *response.status_mut() = status;
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
        ),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("x-content-type-options"), "nosniff"),
    ] {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

fn push(html: &mut String, before: &str, text: &str, after: &str) {
    html.push_str(before);
    escape(html, text);
    html.push_str(after);
}

fn attribute(html: &mut String, name: &str, value: &str) {
    // Writing to a String does not fail.
    let _written = write!(html, " {name}=\"");
    escape(html, value);
    html.push('"');
}

fn escape(html: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_shown_becomes_markup() {
        let mut html = String::new();
        attribute(&mut html, "value", "\"><script>'&");
        assert_eq!(html, " value=\"&quot;&gt;&lt;script&gt;&#39;&amp;\"");
    }
}
