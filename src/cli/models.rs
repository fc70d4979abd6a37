//! `attest models`: what there is, where it lies, whether it is whole.

use attest::{ModelState, Registry};

use super::out::{errln, outln};
use super::progress::Bars;
use super::{Context, DONE, FAILED, style};

#[derive(clap::Subcommand)]
pub enum ModelsCommand {
    /// Download models; without names, those that the settings use
    Pull {
        /// Names as in `attest models list`
        names: Vec<String>,
    },
    /// List the models that can be used, and which are there
    List {
        /// Print JSON for tools
        #[arg(long)]
        json: bool,
    },
    /// Compute the checksums of downloaded models anew; without names, of all that are there
    Verify {
        /// Names as in `attest models list`
        names: Vec<String>,
    },
}

pub fn run(command: ModelsCommand, context: &Context) -> Result<u8, attest::Error> {
    let registry = Registry::new(context.config.models_dir.clone());
    match command {
        ModelsCommand::Pull { names } => pull(&registry, names, context),
        ModelsCommand::List { json } => list(&registry, json),
        ModelsCommand::Verify { names } => verify(&registry, names, context),
    }
}

fn pull(registry: &Registry, names: Vec<String>, context: &Context) -> Result<u8, attest::Error> {
    known(registry, &names)?;
    let mut bars = Bars::new(context);
    let pulled = if names.is_empty() {
        context.open()?.prepare_to_answer(&mut bars)
    } else {
        names.iter().try_for_each(|name| registry.ensure(name, &mut bars).map(drop))
    };
    drop(bars);
    if let Err(attest::Error::Cancelled) = pulled {
        errln!("{} what has arrived is kept; the same command goes on from there", style::note_label());
    }
    pulled?;
    if !context.quiet {
        errln!("models are in {}", registry.folder().display());
    }
    Ok(DONE)
}

fn list(registry: &Registry, json: bool) -> Result<u8, attest::Error> {
    let models = registry.list();
    if json {
        let rows: Vec<_> = models
            .iter()
            .map(|model| {
                serde_json::json!({
                    "name": model.entry.name,
                    "role": model.entry.role,
                    "licence": model.entry.licence,
                    "bytes": model.entry.bytes(),
                    "present": model.state == ModelState::Present,
                })
            })
            .collect();
        super::print_json(&rows);
        return Ok(DONE);
    }
    outln!("{:<34} {:<9} {:>9}  {:<11} state", "name", "role", "size", "licence");
    for model in models {
        let state = match model.state {
            ModelState::Present => "ready".to_owned(),
            ModelState::Partial { bytes } => format!("{} downloaded", style::shown_bytes(bytes)),
            ModelState::Missing => "-".to_owned(),
        };
        outln!(
            "{:<34} {:<9} {:>9}  {:<11} {state}",
            model.entry.name,
            model.entry.role,
            style::shown_bytes(model.entry.bytes()),
            model.entry.licence
        );
    }
    outln!("{}", style::dim(&format!("in {}", registry.folder().display())));
    Ok(DONE)
}

fn verify(registry: &Registry, names: Vec<String>, context: &Context) -> Result<u8, attest::Error> {
    let names = if names.is_empty() {
        let present = registry.list().into_iter().filter(|model| model.state == ModelState::Present);
        present.map(|model| model.entry.name.clone()).collect()
    } else {
        names
    };
    if names.is_empty() {
        errln!("no model is in {}; `attest models pull` fetches them", registry.folder().display());
    }
    known(registry, &names)?;
    let mut code = DONE;
    for name in names {
        if context.cancelled() {
            return Err(attest::Error::Cancelled);
        }
        match registry.verify(&name, &mut Bars::new(context)) {
            Ok(_) => outln!("{name} is what it should be"),
            Err(error) => {
                errln!("{} {error}", style::error_label());
                code = FAILED;
            }
        }
    }
    Ok(code)
}

/// Refuses names that no model has before anything is done with the others.
fn known(registry: &Registry, names: &[String]) -> Result<(), attest::Error> {
    names.iter().try_for_each(|name| registry.entry(name).map(drop))
}
