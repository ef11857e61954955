//! Prints this host as node_exporter would: `cargo run -p bellbuoy-sources --example host [--save DIR]`.
//!
//! With `--save` the texts that were read are kept in the folder, as fixtures for tests.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use bellbuoy_exposition::{Format, TextWriter};
use bellbuoy_sources::host::{Filesystem, HostSample, ProcTexts, Uname, Usage, mounts, typed_samples};
use bellbuoy_vocabulary::{METRIC_NAME, Timestamp};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let save = args.iter().position(|arg| arg == "--save").and_then(|at| args.get(at + 1)).map(Path::new);
    let read = |name: &str| {
        let text = fs::read_to_string(Path::new("/proc").join(name)).ok()?;
        if let Some(folder) = save {
            let file = folder.join(name.replace('/', "_"));
            fs::write(&file, &text).unwrap_or_else(|error| eprintln!("{}: {error}", file.display()));
        }
        Some(text)
    };
    let (mounts, mut problems) = mounts(&read("self/mounts").unwrap_or_default());
    let kernel = |name: &str| read(&format!("sys/kernel/{name}")).map(|text| text.trim_end().to_string()).unwrap_or_default();
    let uname = Uname {
        sysname: kernel("ostype"),
        nodename: kernel("hostname"),
        release: kernel("osrelease"),
        version: kernel("version"),
        machine: std::env::consts::ARCH.to_string(),
        domainname: kernel("domainname"),
    };
    let texts = ProcTexts {
        stat: read("stat"),
        meminfo: read("meminfo"),
        loadavg: read("loadavg"),
        diskstats: read("diskstats"),
        net_dev: read("net/dev"),
        vmstat: read("vmstat"),
        pressure_cpu: read("pressure/cpu"),
        pressure_memory: read("pressure/memory"),
        pressure_io: read("pressure/io"),
        filesystems: mounts.into_iter().map(|mount| Filesystem { usage: usage(&mount.mountpoint), mount }).collect(),
        uname: Some(uname),
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let (samples, more) = typed_samples(&texts, Timestamp::from_seconds(now.as_secs_f64()));
    problems.extend(more);
    print!("{}", exposition(&samples));
    problems.iter().for_each(|problem| eprintln!("{problem}"));
}

/// statvfs(3) by way of coreutils; a program that runs for long asks the system itself.
fn usage(mountpoint: &str) -> Result<Usage, String> {
    let output = Command::new("stat").args(["-f", "-c", "%S %b %f %a %c %d", mountpoint]).output().map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let numbers: Vec<u64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let [block, size, free, avail, files, files_free] = numbers[..] else {
        return Err(String::from_utf8_lossy(&output.stderr).trim().to_string());
    };
    Ok(Usage { size: size * block, free: free * block, avail: avail * block, files, files_free })
}

fn exposition(samples: &[HostSample]) -> String {
    let mut families: BTreeMap<&str, Vec<&HostSample>> = BTreeMap::new();
    for sample in samples {
        families.entry(sample.labels.name()).or_default().push(sample);
    }
    let mut writer = TextWriter::new(Format::PrometheusText);
    for (name, samples) in families {
        writer.family(name, samples[0].kind, "");
        for sample in samples {
            let labels: Vec<(&str, &str)> = sample.labels.iter().filter(|(label, _)| *label != METRIC_NAME).collect();
            writer.sample("", &labels, sample.value);
        }
    }
    writer.finish()
}
