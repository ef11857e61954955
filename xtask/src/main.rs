//! `cargo run -p xtask -- tidy`: is the repository as CONTRIBUTING.md says? `-- edges`: the table for ARCHITECTURE.md.

mod tidy;

use std::process::ExitCode;

fn main() -> anyhow::Result<ExitCode> {
    match std::env::args().nth(1).as_deref() {
        Some("tidy") => {
            let findings = tidy::run(&tidy::root())?;
            for finding in &findings {
                println!("{finding}");
            }
            eprintln!("{} findings", findings.len());
            Ok(if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Some("edges") => {
            print!("{}", tidy::edges_text());
            Ok(ExitCode::SUCCESS)
        }
        _ => {
            eprintln!("usage: cargo run -p xtask -- tidy | edges");
            Ok(ExitCode::from(2))
        }
    }
}
