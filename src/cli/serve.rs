//! `attest serve`: the page, REST, the OpenAI-compatible API and MCP over HTTP.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use attest::Error;
use attest::server::{App, AppOptions, ServeOptions, serve};

use super::out::errln;
use super::passwords::Passwords;
use super::progress::Bars;
use super::{Context, DONE, style};

#[derive(clap::Args)]
pub struct ServeArgs {
    /// Address to listen on; any but a loopback address needs a key (`attest keys create`)
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
    addr: SocketAddr,
    /// Add these files and folders in the background (may be repeated); unchanged ones are skipped
    #[arg(long, value_name = "PATH")]
    docs: Vec<PathBuf>,
    #[command(flatten)]
    passwords: Passwords,
    /// Put --docs into this collection
    #[arg(long, value_name = "NAME", default_value = attest::DEFAULT_COLLECTION)]
    collection: String,
    /// Name that a proxy in front of a loopback address is called by, such as `docs.example.com` (may be repeated);
    /// needs a key
    #[arg(long, value_name = "HOST", value_parser = host)]
    public_host: Vec<String>,
    /// Origin whose pages may call the server, such as `https://help.example.com` (may be repeated)
    #[arg(long, value_name = "ORIGIN")]
    allow_origin: Vec<String>,
    /// Take the page from this folder instead of the program (for working on it)
    #[arg(long, value_name = "DIR")]
    web_dir: Option<PathBuf>,
    /// Answers that are written or wait at once; more are told to come back
    #[arg(long, default_value_t = 4, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    max_asks: u16,
    /// Largest upload, in mebibytes
    #[arg(long, default_value_t = 128, value_name = "MIB", value_parser = clap::value_parser!(u32).range(1..=65_536))]
    max_upload_mib: u32,
    /// Requests a minute for each key; 0 means no limit
    #[arg(long, default_value_t = 600, value_name = "N")]
    rate: u32,
}

pub fn run(args: ServeArgs, context: &Context) -> Result<u8, Error> {
    let options = ServeOptions { addr: args.addr };
    let app = App::open(
        args.passwords.added_to(&context.config),
        AppOptions {
            loopback: options.is_loopback(),
            public_hosts: args.public_host,
            allow_origins: args.allow_origin,
            web_dir: args.web_dir,
            max_asks: usize::from(args.max_asks),
            max_upload: args.max_upload_mib as usize * (1 << 20),
            rate: NonZeroU32::new(args.rate),
            ..AppOptions::default()
        },
    )?;
    if let Some(missing) = args.docs.iter().find(|path| !path.exists()) {
        return Err(Error::Usage(format!("{} does not exist", missing.display())));
    }
    if !args.docs.is_empty() {
        app.add_in_background(args.docs, &args.collection)?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Error::io("the threads of the server"))?;
    let mut bars = Bars::new(context);
    let models = app.clone();
    std::thread::spawn(move || {
        // The page can be used meanwhile; `/readyz` tells.
        if let Err(error) = models.prepare(&mut bars) {
            errln!("{} {error}", style::error_label());
        }
    });
    let told = |address: SocketAddr| errln!("attest is at http://{address} (Ctrl-C stops it)");
    let result = runtime.block_on(serve(app, &options, told, stopped()));
    // Work that does not end must not keep the program alive.
    runtime.shutdown_timeout(Duration::from_secs(2));
    result.map(|()| DONE)
}

fn host(name: &str) -> Result<String, String> {
    let plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'));
    if plain {
        Ok(name.to_owned())
    } else {
        Err("a host is a name such as docs.example.com, without https:// and port".into())
    }
}

/// Done when Ctrl-C or SIGTERM came; their handler only sets a flag.
pub async fn stopped() {
    let mut tick = tokio::time::interval(Duration::from_millis(50));
    while !super::CANCEL.load(std::sync::atomic::Ordering::Relaxed) {
        tick.tick().await;
    }
}
