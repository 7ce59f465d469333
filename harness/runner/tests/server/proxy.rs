//! A proxy that spoils what passes through it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What happens to a request.
#[derive(Debug, Clone)]
pub enum Weather {
    /// It passes.
    Fair,
    /// Its answer comes late.
    Late(Duration),
    /// The connection breaks before the server sees it.
    Reset,
    /// The server does what it is asked, and the connection breaks before the answer.
    Lost,
    /// Half of the answer's body, then the end.
    Half,
    /// The length in the head is not that of the body, by so much.
    Length(i64),
    /// Another answer: status, headers and body; the server sees nothing.
    Answer(u16, &'static str, Vec<u8>),
}

/// A request, as it passes.
#[derive(Debug, Clone)]
pub struct Ask {
    pub method: String,
    pub path: String,
    pub token: String,
}

impl Ask {
    pub fn is(&self, method: &str, path: &str) -> bool {
        self.method == method && self.path.starts_with(&format!("/fhir/R4/{path}"))
    }
}

type Script = dyn Fn(&Ask) -> Weather + Send + Sync;

/// A proxy before a server.
pub struct Proxy {
    pub base: String,
    pub asked: Arc<Mutex<Vec<Ask>>>,
}

impl Proxy {
    pub async fn before(
        upstream: &str,
        script: impl Fn(&Ask) -> Weather + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let world = Arc::new(World {
            upstream: upstream.trim_end_matches('/').replace("http://", ""),
            base: base.trim_end_matches('/').replace("http://", ""),
            script: Box::new(script),
            asked: Arc::clone(&asked),
        });
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let world = Arc::clone(&world);
                tokio::spawn(async move { world.serve(stream).await });
            }
        });
        Self { base, asked }
    }

    pub fn count(&self, wanted: impl Fn(&Ask) -> bool) -> usize {
        self.asked
            .lock()
            .unwrap()
            .iter()
            .filter(|ask| wanted(ask))
            .count()
    }
}

struct World {
    upstream: String,
    base: String,
    script: Box<Script>,
    asked: Arc<Mutex<Vec<Ask>>>,
}

impl World {
    /// One request a connection.
    async fn serve(&self, mut stream: TcpStream) {
        let Some((head, body)) = read(&mut stream).await else {
            return;
        };
        let mut words = head.split_whitespace();
        let header = |name: &str| {
            head.lines().find_map(|line| {
                let (key, value) = line.split_once(':')?;
                key.eq_ignore_ascii_case(name)
                    .then(|| value.trim().to_owned())
            })
        };
        let ask = Ask {
            method: words.next().unwrap_or_default().to_owned(),
            path: words.next().unwrap_or_default().to_owned(),
            token: header("authorization")
                .unwrap_or_default()
                .replace("Bearer ", ""),
        };
        let weather = (self.script)(&ask);
        self.asked.lock().unwrap().push(ask);
        match weather {
            Weather::Reset => {}
            Weather::Answer(status, headers, body) => {
                let head = format!(
                    "HTTP/1.1 {status} X\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n",
                    body.len()
                );
                send(&mut stream, head.as_bytes(), &body).await;
            }
            Weather::Fair => {
                self.pass(&mut stream, &head, &body, |n| n, |n| n as i64)
                    .await
            }
            Weather::Late(wait) => {
                tokio::time::sleep(wait).await;
                self.pass(&mut stream, &head, &body, |n| n, |n| n as i64)
                    .await;
            }
            Weather::Half => {
                self.pass(&mut stream, &head, &body, |n| n / 2, |n| n as i64)
                    .await
            }
            Weather::Length(by) => {
                self.pass(&mut stream, &head, &body, |n| n, |n| n as i64 + by)
                    .await;
            }
            Weather::Lost => drop(self.ask(&head, &body).await),
        }
    }

    async fn pass(
        &self,
        stream: &mut TcpStream,
        head: &str,
        body: &[u8],
        keep: impl Fn(usize) -> usize,
        length: impl Fn(usize) -> i64,
    ) {
        let Some((head, body)) = self.ask(head, body).await else {
            return;
        };
        let lines: Vec<&str> = head
            .lines()
            .filter(|line| {
                let line = line.to_ascii_lowercase();
                !line.is_empty()
                    && !line.starts_with("content-length:")
                    && !line.starts_with("connection:")
            })
            .collect();
        let head = format!(
            "{}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            lines.join("\r\n"),
            length(body.len()).max(0)
        );
        send(stream, head.as_bytes(), &body[..keep(body.len())]).await;
    }

    /// Asks the server behind; its addresses in the answer become those of the proxy.
    async fn ask(&self, head: &str, body: &[u8]) -> Option<(String, Vec<u8>)> {
        let mut server = TcpStream::connect(&self.upstream).await.ok()?;
        let lines: Vec<&str> = head
            .lines()
            .filter(|line| {
                !line.is_empty() && !line.to_ascii_lowercase().starts_with("connection:")
            })
            .collect();
        let head = format!("{}\r\nconnection: close\r\n\r\n", lines.join("\r\n"));
        send(&mut server, head.as_bytes(), body).await;
        let mut bytes = Vec::new();
        server.read_to_end(&mut bytes).await.ok()?;
        let text = String::from_utf8_lossy(&bytes).replace(&self.upstream, &self.base);
        let (head, body) = text.split_once("\r\n\r\n")?;
        Some((head.to_owned(), body.as_bytes().to_vec()))
    }
}

async fn read(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        let n = stream.read(&mut chunk).await.ok().filter(|n| *n > 0)?;
        bytes.extend_from_slice(&chunk[..n]);
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
            continue;
        };
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let length = head
            .to_ascii_lowercase()
            .lines()
            .find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok())
            .unwrap_or(0usize);
        let mut body = bytes[end + 4..].to_vec();
        while body.len() < length {
            let n = stream.read(&mut chunk).await.ok().filter(|n| *n > 0)?;
            body.extend_from_slice(&chunk[..n]);
        }
        return Some((head, body));
    }
}

/// Whoever asked may be gone already.
async fn send(stream: &mut TcpStream, head: &[u8], body: &[u8]) {
    let sent = async {
        stream.write_all(head).await?;
        stream.write_all(body).await?;
        stream.shutdown().await
    };
    drop(sent.await);
}
