//! `/proc/meminfo`: `MemFree:  20455544 kB` is `node_memory_MemFree_bytes`; a line without a unit is a plain number.

use super::files::{Files, needed};
use super::{Out, number};

const PATH: &str = "/proc/meminfo";

/// node_exporter since 1.9 says these and no others: a new line of the kernel is not a new series by itself.
const KEYS: [&str; 51] = [
    "Active",
    "Active(anon)",
    "Active(file)",
    "AnonHugePages",
    "AnonPages",
    "Bounce",
    "Buffers",
    "Cached",
    "CmaFree",
    "CmaTotal",
    "CommitLimit",
    "Committed_AS",
    "DirectMap1G",
    "DirectMap2M",
    "DirectMap4k",
    "Dirty",
    "HardwareCorrupted",
    "HugePages_Free",
    "HugePages_Rsvd",
    "HugePages_Surp",
    "HugePages_Total",
    "Hugepagesize",
    "Inactive",
    "Inactive(anon)",
    "Inactive(file)",
    "KernelStack",
    "Mapped",
    "MemAvailable",
    "MemFree",
    "MemTotal",
    "Mlocked",
    "NFS_Unstable",
    "PageTables",
    "Percpu",
    "SReclaimable",
    "SUnreclaim",
    "Shmem",
    "ShmemHugePages",
    "ShmemPmdMapped",
    "Slab",
    "SwapCached",
    "SwapFree",
    "SwapTotal",
    "Unevictable",
    "VmallocChunk",
    "VmallocTotal",
    "VmallocUsed",
    "Writeback",
    "WritebackTmp",
    "Zswap",
    "Zswapped",
];

pub(super) fn read(files: &dyn Files, out: &mut Out) -> Result<(), String> {
    let mut found = 0;
    for line in needed(files, PATH)?.lines().filter(|line| !line.trim().is_empty()) {
        let mut fields = line.split_ascii_whitespace();
        let (key, value, unit) = (fields.next(), fields.next().and_then(number), fields.next());
        let (Some(key), Some(value)) = (key.and_then(|key| key.strip_suffix(':')), value) else {
            out.bad_line(PATH, line);
            continue;
        };
        if !KEYS.contains(&key) {
            continue;
        }
        // `Active(anon)` is `Active_anon`.
        let mut name = key.replace('(', "_").replace(')', "");
        let factor = match unit {
            Some("kB") => {
                name.push_str("_bytes");
                1024.0
            }
            None => 1.0,
            Some(_) => {
                out.bad_line(PATH, line);
                continue;
            }
        };
        found += 1;
        out.gauge(&format!("node_memory_{name}"), &format!("Memory information field {name}."), &[], value * factor);
    }
    if found == 0 { Err(format!("{PATH}: no memory in it")) } else { Ok(()) }
}
