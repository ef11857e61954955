//! Texts of a few values: `/proc/loadavg`, the main lines of `/proc/vmstat`, and uname from `/proc/sys/kernel`.

use super::files::{Files, needed, word};
use super::{Facts, Out, number};

pub(super) fn loadavg(files: &dyn Files, out: &mut Out) -> Result<(), String> {
    let path = "/proc/loadavg";
    let text = needed(files, path)?;
    let values: Vec<Option<f64>> = text.split_ascii_whitespace().take(3).map(number).collect();
    let [Some(one), Some(five), Some(fifteen)] = values[..] else {
        out.bad_line(path, text.lines().next().unwrap_or(""));
        return Ok(());
    };
    out.gauge("node_load1", "1m load average.", &[], one);
    out.gauge("node_load5", "5m load average.", &[], five);
    out.gauge("node_load15", "15m load average.", &[], fifteen);
    Ok(())
}

pub(super) fn vmstat(files: &dyn Files, out: &mut Out) -> Result<(), String> {
    // node_exporter's default: `^(oom_kill|pgpg|pswp|pg.*fault).*`.
    let wanted = |key: &str| {
        key.starts_with("oom_kill")
            || key.starts_with("pgpg")
            || key.starts_with("pswp")
            || key.strip_prefix("pg").is_some_and(|rest| rest.contains("fault"))
    };
    let path = "/proc/vmstat";
    for line in needed(files, path)?.lines().filter(|line| !line.trim().is_empty()) {
        match line.split_once(' ').and_then(|(key, value)| Some((key, number(value.trim())?))) {
            Some((key, value)) if wanted(key) => {
                out.untyped(&format!("node_vmstat_{key}"), &format!("/proc/vmstat information field {key}."), value);
            }
            Some(_) => {}
            None => out.bad_line(path, line),
        }
    }
    Ok(())
}

pub(super) fn uname(files: &dyn Files, facts: &Facts, out: &mut Out) -> Result<(), String> {
    let of = |name: &str| needed(files, &format!("/proc/sys/kernel/{name}")).map(|text| text.trim().to_string());
    let [sysname, nodename, release, version, domainname] =
        [of("ostype")?, of("hostname")?, of("osrelease")?, of("version")?, of("domainname")?];
    let machine = word(files, "/proc/sys/kernel/arch").unwrap_or_else(|| facts.machine.clone());
    let labels = [
        ("sysname", sysname.as_str()),
        ("release", &release),
        ("version", &version),
        ("machine", &machine),
        ("nodename", &nodename),
        ("domainname", &domainname),
    ];
    out.gauge("node_uname_info", "Labeled system information as provided by the uname system call.", &labels, 1.0);
    Ok(())
}
