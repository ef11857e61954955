//! The command `bellbuoy`: reads the command line, starts the log, calls the command.
//!
//! Exit status: 0 fine, 1 the answer is "no" (findings, drift), 2 could not do it.

use std::process::ExitCode;

use bellbuoy::cmd;
use clap::Parser;

fn main() -> ExitCode {
    let command = cmd::CommandLine::parse();
    match cmd::run(command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("bellbuoy: {error:#}");
            ExitCode::from(2)
        }
    }
}
