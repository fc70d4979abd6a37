//! `attest mcp`: MCP over stdin and stdout.

use attest::Error;
use attest::server::{App, AppOptions, serve_stdio};

use super::out::errln;
use super::progress::Bars;
use super::{Context, DONE, style};

pub fn run(context: &Context) -> Result<u8, Error> {
    let app = App::open(context.config.clone(), AppOptions::default())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Error::io("the threads of the server"))?;
    let mut bars = Bars::new(context);
    let models = app.clone();
    std::thread::spawn(move || {
        if let Err(error) = models.prepare(&mut bars) {
            errln!("{} {error}", style::error_label());
        }
    });
    let result = runtime.block_on(async {
        tokio::select! {
            result = serve_stdio(app) => result,
            () = super::serve::stopped() => Ok(()),
        }
    });
    // The thread that reads stdin does not end by itself.
    runtime.shutdown_background();
    result.map(|()| DONE)
}
