//! `attest completions`: the completion script of a shell.

use clap::CommandFactory;

#[derive(clap::Args)]
pub struct CompletionsArgs {
    /// The shell
    shell: clap_complete::Shell,
}

pub fn run(args: &CompletionsArgs) -> u8 {
    clap_complete::generate(args.shell, &mut super::Cli::command(), "attest", &mut std::io::stdout());
    super::DONE
}
