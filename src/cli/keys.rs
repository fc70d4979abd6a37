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
            let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |age| age.as_secs());
            for key in list {
                let state = if key.revoked { "revoked".to_owned() } else { ends(key.expires, now) };
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

/// When a key ends, in seconds since 1970, as a reader counts it `now`.
fn ends(expires: Option<i64>, now: u64) -> String {
    let Some(end) = expires.and_then(|end| u64::try_from(end).ok()) else { return String::new() };
    match end.saturating_sub(now).div_ceil(86_400) {
        0 => "expired".to_owned(),
        1 => "ends within a day".to_owned(),
        days => format!("ends in {days} days"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_counted_in_days() {
        let ends = |end| ends(Some(end), 1_000_000);
        assert_eq!(ends(1_000_000), "expired");
        assert_eq!(ends(1_000_060), "ends within a day");
        assert_eq!(ends(1_000_000 + 30 * 86_400), "ends in 30 days");
        assert_eq!(super::ends(None, 1), "");
    }
}
