//! Texts of a few values: `/proc/loadavg`, the main lines of `/proc/vmstat`, and uname.

use super::{Out, Uname, number};

pub(super) fn loadavg(text: &str, out: &mut Out) {
    let values: Vec<Option<f64>> = text.split_ascii_whitespace().take(3).map(number).collect();
    let [Some(one), Some(five), Some(fifteen)] = values[..] else {
        out.bad_line(text.lines().next().unwrap_or(""));
        return;
    };
    out.gauge("node_load1", &[], one);
    out.gauge("node_load5", &[], five);
    out.gauge("node_load15", &[], fifteen);
}

/// node_exporter's default: `^(oom_kill|pgpg|pswp|pg.*fault).*`.
pub(super) fn vmstat(text: &str, out: &mut Out) {
    let wanted = |key: &str| {
        key.starts_with("oom_kill")
            || key.starts_with("pgpg")
            || key.starts_with("pswp")
            || (key.starts_with("pg") && key[2..].contains("fault"))
    };
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        match line.split_once(' ') {
            Some((key, value)) => match number(value.trim()) {
                Some(value) if wanted(key) => out.untyped(&format!("node_vmstat_{key}"), value),
                Some(_) => {}
                None => out.bad_line(line),
            },
            None => out.bad_line(line),
        }
    }
}

pub(super) fn uname(uname: &Uname, out: &mut Out) {
    let labels = [
        ("sysname", uname.sysname.as_str()),
        ("nodename", &uname.nodename),
        ("release", &uname.release),
        ("version", &uname.version),
        ("machine", &uname.machine),
        ("domainname", &uname.domainname),
    ];
    out.gauge("node_uname_info", &labels, 1.0);
}
