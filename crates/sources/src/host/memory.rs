//! `/proc/meminfo`: `MemFree:  20455544 kB` is `node_memory_MemFree_bytes`; a line without a unit is a plain number.
//!
//! Every line becomes a sample, as in node_exporter up to 1.8; newer ones leave out some (`KReclaimable`, `Hugetlb`, ...).

use super::{Out, number};

pub(super) fn read(text: &str, out: &mut Out) {
    let before = out.samples.len();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let mut fields = line.split_ascii_whitespace();
        let (key, value, unit) = (fields.next(), fields.next().and_then(number), fields.next());
        let (Some(key), Some(value)) = (key.and_then(|key| key.strip_suffix(':')), value) else {
            out.bad_line(line);
            continue;
        };
        // `Active(anon)` is `Active_anon`.
        let key = key.replace('(', "_").replace(')', "");
        match unit {
            Some("kB") => out.gauge(&format!("node_memory_{key}_bytes"), &[], value * 1024.0),
            None => out.gauge(&format!("node_memory_{key}"), &[], value),
            Some(_) => out.bad_line(line),
        }
    }
    if out.samples.len() == before {
        out.nothing("memory");
    }
}
