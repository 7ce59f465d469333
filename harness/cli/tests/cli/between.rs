//! Something between the command and a server that answers some requests itself.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

/// The status of a request that does not reach the server, by its method and path.
type Refuses = dyn Fn(&str, &str) -> Option<u16> + Send + Sync;

/// Starts it; its address. It ends with the tests.
pub fn start(
    server: &str,
    refuses: impl Fn(&str, &str) -> Option<u16> + Send + Sync + 'static,
) -> String {
    let behind = server
        .trim_start_matches("http://")
        .trim_end_matches('/')
        .to_owned();
    let refuses: Arc<Refuses> = Arc::new(refuses);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        for connection in listener.incoming() {
            let (behind, refuses) = (behind.clone(), Arc::clone(&refuses));
            thread::spawn(move || pass_on(connection.unwrap(), &behind, &*refuses));
        }
    });
    address
}

/// One request a connection.
fn pass_on(mut connection: TcpStream, behind: &str, refuses: &Refuses) {
    let mut reader = BufReader::new(connection.try_clone().unwrap());
    let mut first = String::new();
    if reader.read_line(&mut first).is_err() || first.is_empty() {
        return;
    }
    let (mut head, mut length) = (first.clone(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
        if !lower.starts_with("connection:") {
            head.push_str(&line);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let mut words = first.split_whitespace();
    let (method, path) = (words.next().unwrap(), words.next().unwrap());
    if let Some(status) = refuses(method, path) {
        let issue = r#"{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"forbidden"}]}"#;
        let length = issue.len();
        let answer = format!(
            "HTTP/1.1 {status} No\r\nContent-Type: application/fhir+json\r\n\
             Content-Length: {length}\r\nConnection: close\r\n\r\n{issue}"
        );
        connection.write_all(answer.as_bytes()).unwrap();
        return;
    }
    let mut server = TcpStream::connect(behind).unwrap();
    head.push_str("Connection: close\r\n\r\n");
    server.write_all(head.as_bytes()).unwrap();
    server.write_all(&body).unwrap();
    // Whoever has gone away needs no answer.
    let _: Result<u64, _> = std::io::copy(&mut server, &mut connection);
}
