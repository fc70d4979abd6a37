//! `attest keys`: who may use the server.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use attest::Error;
use attest::server::{Keys, NewKey, Permission};

use super::out::{errln, outln};
use super::{Context, DONE, style};

#[derive(clap::Subcommand)]
pub enum KeysCommand {
    /// Make a key and print it; it is shown this once
    Create {
        /// What it is for
        name: String,
        /// What it allows: read, write (and read), admin (and write)
        #[arg(long, default_value = "read", value_name = "SCOPE")]
        scope: Permission,
        /// It may see this collection only (may be repeated); default: all
        #[arg(long, value_name = "NAME")]
        collection: Vec<String>,
        /// Days until it ends; default: until it is revoked
        #[arg(long, value_name = "N")]
        days: Option<u32>,
        /// Print JSON for tools
        #[arg(long)]
        json: bool,
    },
    /// List the keys
    List {
        /// Print JSON for tools
        #[arg(long)]
        json: bool,
    },
    /// Make a key worthless, at once
    Revoke {
        /// Its id, from `attest keys list`
        id: String,
    },
}

pub fn run(command: KeysCommand, context: &Context) -> Result<u8, Error> {
    let keys = Keys::open(&context.config.data_dir)?;
    match command {
        KeysCommand::Create { name, scope, collection, days, json } => {
            let valid = days.map(|days| Duration::from_secs(u64::from(days) * 86_400));
            let (token, info) = keys.create(&NewKey { name, permission: scope, collections: collection, valid })?;
            if json {
                super::print_json(&serde_json::json!({ "key": token, "info": info }));
            } else {
                outln!("{token}");
                errln!("{} this is the only time the key is shown; its id is {}", style::note_label(), info.id);
            }
        }
        KeysCommand::List { json } => {
            let list = keys.list()?;
            if json {
                super::print_json(&list);
                return Ok(DONE);
            }
            for key in list {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |age| age.as_secs());
                let ended = key.expires.is_some_and(|end| u64::try_from(end).is_ok_and(|end| end <= now));
                let state = if key.revoked {
                    "revoked"
                } else if ended {
                    "expired"
                } else {
                    ""
                };
                let sees = key.collections.map_or_else(|| "all collections".to_owned(), |names| names.join(", "));
                outln!("{}  {:<6} {:<24} {sees} {state}", style::dim(&key.id), key.permission.name(), key.name);
            }
        }
        KeysCommand::Revoke { id } => {
            if !keys.revoke(&id)? {
                let message = format!("no key has the id {id}; `attest keys list` shows them");
                return Err(attest::Error::Usage(message));
            }
            outln!("revoked {id}");
        }
    }
    Ok(DONE)
}
