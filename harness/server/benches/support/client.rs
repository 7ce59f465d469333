//! A client that costs little: requests are bytes that were made before, and of an answer only the
//! status and the length are read.

use std::net::SocketAddr;

use fhirward_server::Running;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A request and the status that it must have.
#[derive(Debug, Clone)]
pub struct Request {
    pub bytes: Vec<u8>,
    pub expected: u16,
}

impl Request {
    pub fn new(method: &str, path: &str, token: &str, body: &str, expected: u16) -> Self {
        let bytes = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
             content-type: application/fhir+json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        Self {
            bytes: bytes.into_bytes(),
            expected,
        }
    }
}

/// A kept-alive connection.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    answer: Vec<u8>,
}

impl Connection {
    pub async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            answer: Vec::with_capacity(64 * 1024),
        }
    }

    /// Sends a request; the status of the answer, once all of it is there.
    pub async fn send(&mut self, request: &[u8]) -> u16 {
        self.stream.write_all(request).await.unwrap();
        self.answer.clear();
        let (head, length) = loop {
            let read = self.stream.read_buf(&mut self.answer).await.unwrap();
            assert!(read > 0, "the server closed the connection");
            if let Some(head) = self.answer.windows(4).position(|end| end == b"\r\n\r\n") {
                break (head + 4, content_length(&self.answer[..head]));
            }
        };
        while self.answer.len() < head + length {
            let read = self.stream.read_buf(&mut self.answer).await.unwrap();
            assert!(read > 0, "the server closed the connection");
        }
        std::str::from_utf8(&self.answer[9..12])
            .unwrap()
            .parse()
            .unwrap()
    }

    fn body(&self) -> &[u8] {
        let head = self.answer.windows(4).position(|end| end == b"\r\n\r\n");
        &self.answer[head.unwrap() + 4..]
    }
}

fn content_length(head: &[u8]) -> usize {
    let head = std::str::from_utf8(head).unwrap();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    length.map_or(0, |length| length.parse().unwrap())
}

/// A token of a client.
pub async fn token(server: &Running, client: &str, secret: &str) -> String {
    let form = format!("grant_type=client_credentials&client_id={client}&client_secret={secret}");
    let request = format!(
        "POST /oauth2/token HTTP/1.1\r\nhost: localhost\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{form}",
        form.len()
    );
    let mut connection = Connection::open(server.addr).await;
    let status = connection.send(request.as_bytes()).await;
    let answer: serde_json::Value = serde_json::from_slice(connection.body()).unwrap();
    assert_eq!(status, 200, "{answer}");
    answer["access_token"].as_str().unwrap().to_owned()
}
