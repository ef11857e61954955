//! `bellbuoy init`: writes one of the ready-made stacks, to begin with.
//!
//! In:    a stack's name and a folder. Out: its files. Never: overwrites anything.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Args;

use crate::stacks::{STACKS, Stack};

#[derive(Debug, Args)]
pub struct Init {
    /// Which one; without it they are listed.
    #[arg(value_name = "STACK")]
    pub stack: Option<String>,
    /// Where to; a folder of the stack's name here when absent. It is made when it is not there.
    #[arg(value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

pub fn run(command: Init) -> anyhow::Result<ExitCode> {
    let Some(name) = command.stack else {
        for stack in STACKS {
            say!("{:<18} {}", stack.name, stack.about);
        }
        say!("\nbellbuoy init STACK [DIR] writes one.");
        return Ok(ExitCode::SUCCESS);
    };
    let Some(stack) = STACKS.iter().find(|stack| stack.name == name) else {
        let names: Vec<&str> = STACKS.iter().map(|stack| stack.name).collect();
        bail!("unknown stack {name:?}; one of {}", names.join(", "));
    };
    let dir = command.dir.unwrap_or_else(|| PathBuf::from(stack.name));
    write(stack, &dir)?;
    say!("{}: {} files in {}", stack.name, stack.files.len(), dir.display());
    let shown = shell_word(&dir);
    say!("\nWhat to do next ({}/README.md says more):\n", dir.display());
    say!("  cd {shown}");
    for line in stack.next.iter().chain(&["bellbuoy check .", "bellbuoy up ."]) {
        say!("  {line}");
    }
    Ok(ExitCode::SUCCESS)
}

/// Nothing is written when something is in the way.
fn write(stack: &Stack, dir: &Path) -> anyhow::Result<()> {
    let there: Vec<&str> = stack.files.iter().map(|(path, _)| *path).filter(|path| dir.join(path).symlink_metadata().is_ok()).collect();
    if !there.is_empty() {
        bail!("{} has {} already; nothing was written. Name another folder", dir.display(), there.join(", "));
    }
    for (path, text) in stack.files {
        let path = dir.join(path);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).with_context(|| format!("make the folder {}", folder.display()))?;
        }
        // `create_new`: what appeared since the look above is not overwritten either.
        let written = OpenOptions::new().write(true).create_new(true).open(&path).and_then(|mut file| file.write_all(text.as_bytes()));
        written.with_context(|| format!("write {}", path.display()))?;
    }
    Ok(())
}

/// For a line that people copy.
fn shell_word(path: &Path) -> String {
    let text = path.display().to_string();
    if text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-+@%=:,".contains(c)) {
        text
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_one_word_of_a_shell() {
        assert_eq!(shell_word(Path::new("a/b-1")), "a/b-1");
        assert_eq!(shell_word(Path::new("it's mine")), r"'it'\''s mine'");
    }
}
