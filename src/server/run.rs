//! Runs the server until it is told to stop, and stops it without losing an answer.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::net::TcpListener;

use super::jobs::Origin;
use super::router::router;
use super::state::App;
use crate::error::{Error, Result};
use crate::models::PullProgress;

/// How long answers in flight may take once the server was told to stop.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long what is left of connections may take after that.
const GRACE: Duration = Duration::from_secs(5);

/// Where to listen.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    /// Address and port; port 0 lets the system choose.
    pub addr: SocketAddr,
}

impl ServeOptions {
    /// Whether only this machine can reach the address.
    #[must_use]
    pub const fn is_loopback(&self) -> bool {
        match self.addr.ip() {
            IpAddr::V4(ip) => ip.is_loopback(),
            IpAddr::V6(ip) => ip.is_loopback(),
        }
    }
}

/// Serves until `stop` is done, then refuses new work, finishes the answers in
/// flight and returns. `listening` is told the address once it is open.
///
/// # Errors
/// [`Error::Usage`] when others could reach the address and there is no key;
/// [`Error::Io`] when it cannot be opened.
pub async fn serve(
    app: App,
    options: &ServeOptions,
    listening: impl FnOnce(SocketAddr),
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<()> {
    let reachable = !options.is_loopback() || !app.options.is_private();
    if reachable && !app.keys.any()? {
        let reached = app.options.public_hosts.first().cloned().unwrap_or_else(|| options.addr.to_string());
        return Err(Error::Usage(format!(
            "{reached} can be reached from other machines, and there is no key to keep strangers out; make one with \
             `attest keys create`, or listen on 127.0.0.1 without --public-host"
        )));
    }
    let listener = TcpListener::bind(options.addr).await.map_err(Error::io(options.addr.to_string()))?;
    listening(listener.local_addr().map_err(Error::io(options.addr.to_string()))?);
    let closed = tokio_util::sync::CancellationToken::new();
    let (closing, shut) = (app.clone(), closed.clone());
    tokio::spawn(async move {
        stop.await;
        closing.closing.cancel();
        closing.jobs.stop();
        let all = u32::try_from(closing.options.max_asks).unwrap_or(u32::MAX);
        // While answers are being finished, new requests still get their 503.
        if tokio::time::timeout(PATIENCE, closing.limits.asks.acquire_many(all)).await.is_err() {
            tracing::warn!("answers that take too long are cut off");
        }
        shut.cancel();
    });
    let shut = closed.clone();
    let server = axum::serve(listener, router(app)).with_graceful_shutdown(async move { shut.cancelled().await });
    tokio::select! {
        served = server => served.map_err(Error::io(options.addr.to_string())),
        () = async { closed.cancelled().await; tokio::time::sleep(GRACE).await } => Ok(()),
    }
}

impl App {
    /// Adds files and folders in the background.
    ///
    /// # Errors
    /// [`Error::Busy`] when too many wait already.
    pub fn add_in_background(&self, paths: Vec<std::path::PathBuf>, collection: &str) -> Result<()> {
        let whole = |path: std::path::PathBuf| path.canonicalize().unwrap_or(path);
        // People know it by its name; where it lies is for this machine alone.
        let name = |path: &std::path::Path| path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let files = paths.into_iter().map(whole).map(|path| (name(&path), path)).collect();
        let queued = self.jobs.queue(collection.to_owned(), files, Vec::new(), Origin::Folder);
        queued.map(drop).map_err(|_| Error::Busy { name: "of reading documents".to_owned() })
    }

    /// Fetches and loads the models; `/readyz` tells when that is done.
    ///
    /// # Errors
    /// When a model can neither be found nor fetched, or does not load.
    pub fn prepare(&self, progress: &mut dyn PullProgress) -> Result<()> {
        self.library.prepare_to_answer(progress)?;
        self.ready.store(true, Ordering::Relaxed);
        Ok(())
    }
}
