//! Connections on which nothing gets done are ended, whatever they send: the web framework limits the time of the first header of a
//! connection and of an idle one, and a later header that comes octet by octet is neither.
//!
//! Knows when requests begin and end on a connection, and nothing of what they are.

use std::any::Any;
use std::net::{Shutdown, TcpStream as Socket};
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix_tls::accept::openssl::TlsStream;
use actix_web::HttpRequest;
use actix_web::dev::Extensions;
use actix_web::rt::net::TcpStream;
use tokio::sync::oneshot;

/// What is under way on one connection.
#[derive(Debug, Default)]
struct Progress {
    /// Requests that are being answered.
    under_way: AtomicUsize,
    /// Requests that were answered, ever.
    answered: AtomicUsize,
}

/// Lives as long as the connection, in its extensions.
struct Open {
    progress: Arc<Progress>,
    _end: oneshot::Sender<()>,
}

/// A request is being answered for as long as this lives.
pub(super) struct UnderWay(Arc<Progress>);

/// Ends the connection when for `patience` no request is under way and none was answered; called once for each connection. Where its
/// socket cannot be had a second time, nothing watches it.
pub(super) fn watch(patience: Duration, stream: &dyn Any, extensions: &mut Extensions) {
    let plain = stream.downcast_ref::<TcpStream>();
    let tcp = plain.or_else(|| stream.downcast_ref::<TlsStream<TcpStream>>().map(|stream| stream.get_ref()));
    let Some(Ok(socket)) = tcp.map(|tcp| tcp.as_fd().try_clone_to_owned()) else { return };
    let (end, ended) = oneshot::channel();
    let progress = Arc::new(Progress::default());
    actix_web::rt::spawn(wait(patience, Arc::clone(&progress), ended, Socket::from(socket)));
    extensions.insert(Open { progress, _end: end });
}

impl UnderWay {
    /// A request came on the connection that it belongs to. `None` where nothing watches.
    pub(super) fn begin(request: &HttpRequest) -> Option<Self> {
        let progress = Arc::clone(&request.conn_data::<Open>()?.progress);
        progress.under_way.fetch_add(1, Ordering::Relaxed);
        Some(Self(progress))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.answered.fetch_add(1, Ordering::Relaxed);
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn wait(patience: Duration, progress: Arc<Progress>, mut ended: oneshot::Receiver<()>, socket: Socket) {
    loop {
        let before = progress.answered.load(Ordering::Relaxed);
        tokio::select! {
            biased;
            // The connection is gone: its socket must not stay open here.
            _ = &mut ended => return,
            () = tokio::time::sleep(patience) => {}
        }
        let rests = progress.under_way.load(Ordering::Relaxed) == 0;
        if rests && progress.answered.load(Ordering::Relaxed) == before {
            // It may have ended by itself in this moment.
            drop(socket.shutdown(Shutdown::Both));
            return;
        }
    }
}
