//! A proxy for HTTP (RFC 9110, 3.7 and 9.3.6): passes requests on, and makes tunnels.

use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use super::World;

/// A proxy that writes down what passes.
pub struct Forward {
    pub port: u16,
    book: Arc<Book>,
}

/// What a proxy knows.
#[derive(Default)]
struct Book {
    /// The login that it wants.
    wanted: Option<String>,
    /// What it keeps to itself, by a part of method and target: nobody gets an answer.
    stalls: Option<&'static str>,
    seen: Mutex<Vec<String>>,
}

impl Forward {
    /// With `name:password` it lets nobody else pass.
    pub fn start(world: &World, wants: Option<&str>) -> Self {
        let wanted = wants.map(|login| format!("Basic {}", STANDARD.encode(login)));
        Self::with(
            world,
            Book {
                wanted,
                ..Book::default()
            },
        )
    }

    /// It passes everything on but requests like this one, which the server never sees.
    pub fn stalling(world: &World, at: &'static str) -> Self {
        let stalls = Some(at);
        Self::with(
            world,
            Book {
                stalls,
                ..Book::default()
            },
        )
    }

    fn with(world: &World, book: Book) -> Self {
        let book = Arc::new(book);
        let own = Arc::clone(&book);
        let port = world.runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let port = listener.local_addr().unwrap().port();
            tokio::spawn(async move {
                while let Ok((stream, _)) = listener.accept().await {
                    let book = Arc::clone(&own);
                    tokio::spawn(async move { pass(stream, &book).await });
                }
            });
            port
        });
        Forward { port, book }
    }

    /// Method and target of what passed, or tried to.
    pub fn seen(&self) -> Vec<String> {
        self.book.seen.lock().unwrap().clone()
    }
}

/// One connection, as a browser's proxy serves it: a tunnel, or requests to one server.
async fn pass(mut caller: TcpStream, book: &Book) {
    let mut upstream: Option<TcpStream> = None;
    loop {
        let Some((head, body)) = read(&mut caller).await else {
            return;
        };
        let mut words = head.split_whitespace();
        let method = words.next().unwrap();
        let target = words.next().unwrap();
        let line = format!("{method} {target}");
        let stalls = book.stalls.is_some_and(|part| line.contains(part));
        book.seen.lock().unwrap().push(line);
        if stalls {
            std::future::pending::<()>().await;
        }
        let login = header(&head, "proxy-authorization");
        if book.wanted.is_some() && login != book.wanted {
            let refusal = "HTTP/1.1 407 Proxy Authentication Required\r\n\
                           Proxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n";
            caller.write_all(refusal.as_bytes()).await.unwrap();
            continue;
        }
        if method == "CONNECT" {
            let mut server = TcpStream::connect(local(target)).await.unwrap();
            let made = b"HTTP/1.1 200 Connection established\r\n\r\n";
            caller.write_all(made).await.unwrap();
            let _ended = copy_bidirectional(&mut caller, &mut server).await;
            return;
        }
        let rest = target.trim_start_matches("http://");
        let (authority, path) = rest.split_once('/').unwrap();
        let own = head.lines().skip(1).filter(|line| {
            let name = line.split(':').next().unwrap_or_default().to_lowercase();
            !line.is_empty() && !name.starts_with("proxy-") && name != "connection"
        });
        let own: Vec<&str> = own.collect();
        let head = format!(
            "{method} /{path} HTTP/1.1\r\n{}\r\nConnection: close\r\n\r\n",
            own.join("\r\n")
        );
        let server = upstream.insert(TcpStream::connect(local(authority)).await.unwrap());
        server.write_all(head.as_bytes()).await.unwrap();
        server.write_all(&body).await.unwrap();
        let mut answer = Vec::new();
        server.read_to_end(&mut answer).await.unwrap();
        caller.write_all(&answer).await.unwrap();
        return;
    }
}

/// Every name is this machine: there is nothing else to reach.
fn local(authority: &str) -> String {
    let port = authority.rsplit(':').next().unwrap();
    format!("127.0.0.1:{port}")
}

fn header(head: &str, name: &str) -> Option<String> {
    head.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name)
            .then(|| value.trim().to_owned())
    })
}

/// The head of a request, and its body.
async fn read(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        let count = stream.read(&mut chunk).await.ok()?;
        if count == 0 {
            return None;
        }
        bytes.extend_from_slice(&chunk[..count]);
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
            continue;
        };
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let length: usize = header(&head, "content-length").map_or(0, |text| text.parse().unwrap());
        if bytes.len() >= end + 4 + length {
            return Some((head, bytes[end + 4..].to_vec()));
        }
    }
}
