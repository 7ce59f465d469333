//! A program on the loopback that is called, remembers what it was told, and answers as it is told.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{Mutex as AsyncMutex, oneshot};

use crate::support::PATIENCE;

/// A program that is called.
pub struct Sink {
    pub url: String,
    calls: AsyncMutex<UnboundedReceiver<Call>>,
    answers: Arc<Mutex<VecDeque<Answer>>>,
}

/// What a call is answered, and after what.
struct Answer {
    response: Response,
    held: Option<oneshot::Receiver<()>>,
}

/// One call.
#[derive(Debug)]
pub struct Call {
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Call {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// The text of the message that is told of.
    pub fn words(&self) -> String {
        words(&self.json())
    }
}

/// The text of a message.
pub fn words(message: &Value) -> String {
    let text = &message["payload"][0]["contentString"];
    text.as_str().unwrap_or_default().to_owned()
}

#[derive(Clone)]
struct Shared {
    calls: UnboundedSender<Call>,
    answers: Arc<Mutex<VecDeque<Answer>>>,
}

impl Sink {
    pub async fn new() -> Self {
        let (sender, calls) = unbounded_channel();
        let answers = Arc::<Mutex<VecDeque<Answer>>>::default();
        let shared = Shared {
            calls: sender,
            answers: Arc::clone(&answers),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let router = Router::new().fallback(called).with_state(shared);
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            url,
            calls: AsyncMutex::new(calls),
            answers,
        }
    }

    /// What the next call is answered; calls beyond those are answered with 200.
    pub fn answer(&self, answer: impl IntoResponse) {
        self.push(answer.into_response(), None);
    }

    fn push(&self, response: Response, held: Option<oneshot::Receiver<()>>) {
        let answer = Answer { response, held };
        self.answers.lock().unwrap().push_back(answer);
    }

    /// The next call fails, once what is returned is dropped.
    pub fn fail_later(&self) -> oneshot::Sender<()> {
        let (release, held) = oneshot::channel();
        let failure = StatusCode::SERVICE_UNAVAILABLE.into_response();
        self.push(failure, Some(held));
        release
    }

    pub fn fail(&self, times: usize) {
        for _ in 0..times {
            self.answer(StatusCode::SERVICE_UNAVAILABLE);
        }
    }

    /// The next call.
    pub async fn next(&self) -> Call {
        tokio::time::timeout(PATIENCE, self.calls.lock().await.recv())
            .await
            .unwrap_or_else(|_| panic!("nobody called"))
            .unwrap()
    }

    /// Whether somebody has called and was not yet listened to.
    pub async fn was_called(&self) -> bool {
        self.calls.lock().await.try_recv().is_ok()
    }
}

async fn called(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    // Nobody may listen any more.
    drop(shared.calls.send(Call { headers, body }));
    let answer = shared.answers.lock().unwrap().pop_front();
    let Some(answer) = answer else {
        return StatusCode::OK.into_response();
    };
    if let Some(held) = answer.held {
        // Nothing is ever sent.
        let _: Result<(), oneshot::error::RecvError> = held.await;
    }
    answer.response
}
