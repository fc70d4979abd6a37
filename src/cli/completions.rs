//! `attest completions`: the completion script of a shell.

use clap::CommandFactory;

use super::out::out;

#[derive(clap::Args)]
pub struct CompletionsArgs {
    /// The shell
    shell: clap_complete::Shell,
}

pub fn run(args: &CompletionsArgs) -> u8 {
    // Written by way of memory, since clap does not bear a reader that has had enough.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::Cli::command(), "attest", &mut script);
    out!("{}", String::from_utf8_lossy(&script));
    super::DONE
}
