//! Builds `ui/` into OUT_DIR by npm and Vite. Nothing that is built, and nothing of others, is committed.
//!
//! `BELLBUOY_UI_DIST=DIR` takes pages that were built elsewhere (`npm run build` in `ui/`): for machines without Node.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

const SOURCES: [&str; 7] = ["src", "public", "index.html", "package.json", "package-lock.json", "vite.config.ts", "tsconfig.json"];

fn main() {
    let ui = Path::new(&env::var("CARGO_MANIFEST_DIR").unwrap()).join("../../ui");
    let out = PathBuf::from(env::var("OUT_DIR").unwrap()).join("ui");
    println!("cargo::rerun-if-env-changed=BELLBUOY_UI_DIST");
    let _ = fs::remove_dir_all(&out);
    let done = match env::var("BELLBUOY_UI_DIST") {
        Ok(dist) => {
            println!("cargo::rerun-if-changed={dist}");
            copy(Path::new(&dist), &out).map_err(|error| format!("cannot copy BELLBUOY_UI_DIST={dist}: {error}"))
        }
        Err(_) => {
            for source in SOURCES {
                println!("cargo::rerun-if-changed={}", ui.join(source).display());
            }
            build(&ui, &out)
        }
    };
    if let Err(error) = done.and_then(|()| whole(&out)) {
        eprintln!(
            "{error}\n\nThe pages are built by Node 20 or newer (https://nodejs.org, or `apt-get install nodejs npm`). Without it either"
        );
        eprintln!("- build them where Node is (`npm ci && npm run build` in ui/), copy ui/dist here, and set BELLBUOY_UI_DIST to it, or");
        eprintln!("- build the program without pages: cargo build --release --no-default-features");
        std::process::exit(1);
    }
}

fn build(ui: &Path, out: &Path) -> Result<(), String> {
    let lock = ui.join("package-lock.json");
    let stamp = ui.join("node_modules/.installed-by-cargo");
    let wanted = fs::read(&lock).map_err(|error| format!("cannot read {}: {error}", lock.display()))?;
    if fs::read(&stamp).ok().as_ref() != Some(&wanted) {
        run(ui, "npm", &["ci", "--ignore-scripts", "--no-audit", "--no-fund"])?;
        fs::write(&stamp, &wanted).map_err(|error| format!("cannot write {}: {error}", stamp.display()))?;
    }
    let out = out.to_str().ok_or("OUT_DIR is not UTF-8")?;
    run(ui, "npm", &["run", "--silent", "build", "--", "--outDir", out, "--emptyOutDir", "--logLevel", "warn"])
}

fn run(ui: &Path, program: &str, arguments: &[&str]) -> Result<(), String> {
    let line = format!("`{program} {}` in {}", arguments.join(" "), ui.display());
    let output = Command::new(program).args(arguments).current_dir(ui).output().map_err(|error| format!("cannot start {line}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    Err(format!("{line} failed ({}):\n{}", output.status, String::from_utf8_lossy(&said).trim()))
}

/// A program with empty pages would be found out by its users.
fn whole(out: &Path) -> Result<(), String> {
    let scripts = fs::read_dir(out.join("assets"))
        .map(|files| files.flatten().filter(|file| file.path().extension().is_some_and(|kind| kind == "js")).count());
    if !out.join("index.html").is_file() || scripts.unwrap_or(0) == 0 {
        return Err(format!("the pages in {} have no index.html or no script", out.display()));
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() { copy(&entry.path(), &target)? } else { fs::copy(entry.path(), &target).map(|_| ())? }
    }
    Ok(())
}
