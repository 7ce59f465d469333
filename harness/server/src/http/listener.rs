//! A listener that serves a limited number of connections at a time, none of them idle for long
//! and none of them held by a client that hardly takes its answer.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::ConnectInfo;
use axum::extract::connect_info::Connected;
use axum::http::Extensions;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep};

/// Accepts only while there is room. Others wait in the system's queue.
#[derive(Debug)]
pub(crate) struct LimitedListener {
    listener: TcpListener,
    room: Arc<Semaphore>,
    idle_timeout: Duration,
}

impl LimitedListener {
    pub(crate) fn new(
        listener: TcpListener,
        max_connections: usize,
        idle_timeout: Duration,
    ) -> Self {
        let room = Arc::new(Semaphore::new(max_connections.min(Semaphore::MAX_PERMITS)));
        Self {
            listener,
            room,
            idle_timeout,
        }
    }
}

impl Listener for LimitedListener {
    type Io = Connection<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection<TcpStream>, SocketAddr) {
        // The semaphore is never closed; were it, connections would go unlimited, not unserved.
        let permit = Arc::clone(&self.room).acquire_owned().await.ok();
        let (stream, addr) = Listener::accept(&mut self.listener).await;
        // Small answers must not wait for the acknowledgement of earlier ones. A socket that
        // cannot do it is still served.
        let _: io::Result<()> = stream.set_nodelay(true);
        (Connection::new(stream, permit, self.idle_timeout), addr)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// The requests under way on one connection.
#[derive(Debug, Clone, Default)]
pub(crate) struct Activity(Arc<AtomicUsize>);

impl Activity {
    /// Counts a request until the guard is dropped.
    pub(crate) fn begin(&self) -> UnderWay {
        self.0.fetch_add(1, Ordering::AcqRel);
        UnderWay(self.clone())
    }

    fn is_idle(&self) -> bool {
        self.0.load(Ordering::Acquire) == 0
    }
}

/// Who is at the other end of a connection.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    /// The requests under way on the connection.
    pub(crate) activity: Activity,
    address: IpAddr,
}

impl Peer {
    /// The address that a request comes from. A proxy in front of the server hides it.
    pub(crate) fn address(extensions: &Extensions) -> Option<String> {
        let ConnectInfo(peer) = extensions.get::<ConnectInfo<Self>>()?;
        Some(peer.address.to_string())
    }
}

impl Connected<IncomingStream<'_, LimitedListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, LimitedListener>) -> Self {
        Self {
            activity: stream.io().activity.clone(),
            address: stream.remote_addr().ip(),
        }
    }
}

/// A request that is being answered.
#[derive(Debug)]
pub(crate) struct UnderWay(Activity);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// What a client that is slower than its answer must take of it within the idle timeout. At 10
/// seconds that is some 6 kB a second.
const LEAST_TAKEN: usize = 64 * 1024;

/// A connection that ends when it is idle for too long, and gives its place back when it ends.
#[derive(Debug)]
pub(crate) struct Connection<S> {
    stream: S,
    _permit: Option<OwnedSemaphorePermit>,
    activity: Activity,
    idle_timeout: Duration,
    idle: Pin<Box<Sleep>>,
    /// Since an answer waits for its reader: how much was taken, and when that must be enough.
    taking: Option<Taking>,
}

#[derive(Debug)]
struct Taking {
    taken: usize,
    end: Pin<Box<Sleep>>,
}

impl<S> Connection<S> {
    fn new(stream: S, permit: Option<OwnedSemaphorePermit>, idle_timeout: Duration) -> Self {
        Self {
            stream,
            _permit: permit,
            activity: Activity::default(),
            idle_timeout,
            idle: Box::pin(sleep(idle_timeout)),
            taking: None,
        }
    }

    /// Starts the time anew.
    fn progress(&mut self) {
        self.idle.as_mut().reset(Instant::now() + self.idle_timeout);
    }

    /// What is pending stays so, or fails once there was no request for too long. Bytes that
    /// arrive do not start the time anew: a head sent byte by byte would never end.
    fn pending<T>(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        // A request has a limit of its own. The time starts again after it.
        if !self.activity.is_idle() {
            self.progress();
        }
        match self.idle.as_mut().poll(cx) {
            Poll::Ready(()) if self.activity.is_idle() => {
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
            _ => Poll::Pending,
        }
    }

    /// An answer that is being taken is no idleness, unless hardly anything of it is taken: then
    /// the rest is not worth the place.
    fn written(
        &mut self,
        cx: &mut Context<'_>,
        result: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match result {
            Poll::Ready(result) => {
                self.progress();
                if let (Some(taking), Ok(bytes)) = (&mut self.taking, &result) {
                    taking.taken = taking.taken.saturating_add(*bytes);
                    if taking.taken >= LEAST_TAKEN {
                        self.taking = None;
                    }
                }
                Poll::Ready(result)
            }
            Poll::Pending => {
                let timeout = self.idle_timeout;
                let taking = self.taking.get_or_insert_with(|| Taking {
                    taken: 0,
                    end: Box::pin(sleep(timeout)),
                });
                match taking.end.as_mut().poll(cx) {
                    Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
                    Poll::Pending => self.pending(cx),
                }
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Connection<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.stream).poll_read(cx, buf) {
            Poll::Pending => self.pending(cx),
            ready @ Poll::Ready(_) => ready,
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Connection<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.written(cx, result)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Whoever flushes has handed over all of the answer.
        self.taking = None;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.written(cx, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
    use tokio::time::timeout;

    use super::*;

    const IDLE: Duration = Duration::from_secs(10);

    /// A connection, and the other end of it.
    fn connection() -> (Connection<DuplexStream>, DuplexStream) {
        let (own, other) = duplex(1024);
        (Connection::new(own, None, IDLE), other)
    }

    fn kind<T>(result: io::Result<T>) -> Option<io::ErrorKind> {
        result.err().map(|error| error.kind())
    }

    #[tokio::test(start_paused = true)]
    async fn bytes_that_arrive_do_not_start_the_time_anew() {
        let (mut connection, mut other) = connection();
        let begun = Instant::now();
        let sending = async {
            loop {
                sleep(IDLE / 20).await;
                other.write_all(b"G").await.unwrap();
            }
        };
        let reading = async { while connection.read_u8().await.is_ok() {} };
        tokio::select! { () = reading => {}, () = sending => {} }
        assert!(begun.elapsed() >= IDLE && begun.elapsed() < IDLE * 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_under_way_is_no_idleness() {
        let (mut connection, _other) = connection();
        let under_way = connection.activity.begin();
        assert!(timeout(IDLE * 100, connection.read_u8()).await.is_err());
        drop(under_way);
        let ended = Instant::now();
        let read = connection.read_u8().await;
        assert_eq!(kind(read), Some(io::ErrorKind::TimedOut));
        assert!(ended.elapsed() <= IDLE);
    }

    /// Writes an answer to a client that takes so much at a time, and then waits.
    async fn taken(bytes: usize, pause: Duration) -> (io::Result<()>, Duration) {
        let (mut connection, mut other) = connection();
        let begun = Instant::now();
        let reading = tokio::spawn(async move {
            let mut part = vec![0; bytes];
            while other.read_exact(&mut part).await.is_ok() {
                sleep(pause).await;
            }
        });
        let written = connection.write_all(&[0; 10 * LEAST_TAKEN]).await;
        reading.abort();
        (written, begun.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_hardly_taken_is_cut_off() {
        let (written, after) = taken(1, IDLE / 20).await;
        assert_eq!(kind(written), Some(io::ErrorKind::TimedOut));
        assert!(after >= IDLE && after < IDLE * 2, "{after:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_taken_slowly_arrives() {
        let (written, after) = taken(LEAST_TAKEN, IDLE * 9 / 10).await;
        assert_eq!(kind(written), None);
        assert!(after > IDLE * 8, "{after:?}");
    }
}
