//! `/etc/os-release`: which distribution, which version of it, until when it is looked after (freedesktop.org, os-release(5)).

use std::collections::BTreeMap;

use bellbuoy_vocabulary::Timestamp;

use super::Out;
use super::files::{Files, Unread};

const PATHS: [&str; 2] = ["/etc/os-release", "/usr/lib/os-release"];

/// Label and key.
const LABELS: [(&str, &str); 12] = [
    ("build_id", "BUILD_ID"),
    ("id", "ID"),
    ("id_like", "ID_LIKE"),
    ("image_id", "IMAGE_ID"),
    ("image_version", "IMAGE_VERSION"),
    ("name", "NAME"),
    ("pretty_name", "PRETTY_NAME"),
    ("variant", "VARIANT"),
    ("variant_id", "VARIANT_ID"),
    ("version", "VERSION"),
    ("version_codename", "VERSION_CODENAME"),
    ("version_id", "VERSION_ID"),
];

pub(super) fn read(files: &dyn Files, out: &mut Out) -> Result<(), String> {
    let text = text(files)?;
    let known: BTreeMap<&str, String> = text
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .filter_map(|line| line.split_once('='))
        .map(|(key, value)| (key.trim(), unquoted(value.trim())))
        .collect();
    let of = |key: &str| known.get(key).map_or("", String::as_str);
    let help = "A metric with a constant '1' value labeled by build_id, id, id_like, image_id, image_version, \
        name, pretty_name, variant, variant_id, version, version_codename, version_id.";
    out.gauge("node_os_info", help, &LABELS.map(|(label, key)| (label, of(key))), 1.0);
    let labels = [("id", of("ID")), ("id_like", of("ID_LIKE")), ("name", of("NAME"))];
    if let Some(version) = version(of("VERSION_ID")) {
        out.gauge("node_os_version", "Metric containing the major.minor part of the OS version.", &labels, version);
    }
    let end = of("SUPPORT_END");
    if !end.is_empty() {
        let Some(day) = Timestamp::parse_rfc3339(&format!("{end}T00:00:00Z")) else {
            return Err(format!("os-release: SUPPORT_END={end:?} is not a day"));
        };
        let help = "Metric containing the end-of-life date timestamp of the OS.";
        out.gauge("node_os_support_end_timestamp_seconds", help, &[], day.seconds());
    }
    Ok(())
}

fn text(files: &dyn Files) -> Result<String, String> {
    for path in PATHS {
        match files.read(path) {
            Ok(text) => return Ok(text),
            Err(Unread::Absent) => {}
            Err(why) => return Err(format!("{path}: {why}")),
        }
    }
    Err(format!("{}: {}", PATHS[0], Unread::Absent))
}

/// `24.04.1` is 24.04.
fn version(text: &str) -> Option<f64> {
    let whole = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let part = text[whole..].strip_prefix('.').map_or(0, |rest| 1 + rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len()));
    text[..whole + part].parse().ok().filter(|version| *version > 0.0)
}

/// As a shell: `'raw'`, `"with \" and \\"`, or bare.
fn unquoted(text: &str) -> String {
    if let Some(raw) = text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        return raw.to_string();
    }
    let inner = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        out.push(if c == '\\' { chars.next().unwrap_or('\\') } else { c });
    }
    out
}
