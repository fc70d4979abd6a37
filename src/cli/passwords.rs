//! Passwords of encrypted PDFs, for every command that reads files.

use attest::Config;

use super::environment;

#[derive(clap::Args)]
pub struct Passwords {
    /// Password to try on encrypted PDFs (may be repeated) [env: ATTEST_PDF_PASSWORD]
    #[arg(long, value_name = "PASSWORD")]
    password: Vec<String>,
}

impl Passwords {
    /// The settings, with these passwords beside those that stand there.
    pub fn added_to(self, config: &Config) -> Config {
        let mut config = config.clone();
        let named = environment("ATTEST_PDF_PASSWORD").filter(|_| self.password.is_empty());
        config.ingest.passwords.extend(self.password);
        config.ingest.passwords.extend(named.map(|password| password.to_string_lossy().into_owned()));
        config
    }
}
