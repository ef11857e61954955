//! Mounted file systems: which are looked at (`/proc/self/mounts`), and their sizes from statvfs(3).

use super::{Filesystem, Out};

/// A line of `/proc/self/mounts`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Mount {
    pub device: String,
    pub mountpoint: String,
    pub fstype: String,
    pub readonly: bool,
}

/// What the boat makes of `/proc/self/mounts`: mounts to ask statvfs for, and lines that were not understood.
pub type FilesystemTexts = (Vec<Mount>, Vec<String>);

/// More mounts are not looked at: each costs a system call.
const MOUNTS_MAX: usize = 1_000;

/// The mounts of `/proc/self/mounts` that are watched, each mount point once (the last mount on it is the one that is seen).
pub fn mounts(text: &str) -> FilesystemTexts {
    let (mut found, mut problems): FilesystemTexts = Default::default();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let fields: Vec<&str> = line.split(' ').collect();
        let [device, mountpoint, fstype, options, ..] = fields[..] else {
            if problems.len() < 3 {
                problems.push(format!("/proc/self/mounts: unexpected line {:?}", line.chars().take(60).collect::<String>()));
            }
            continue;
        };
        let readonly = options.split(',').any(|option| option == "ro");
        let mount = Mount { device: unescaped(device), mountpoint: unescaped(mountpoint), fstype: fstype.to_string(), readonly };
        if !is_watched(&mount) {
            continue;
        }
        found.retain(|other| other.mountpoint != mount.mountpoint);
        if found.len() < MOUNTS_MAX {
            found.push(mount);
        } else if problems.last().is_none_or(|last| !last.contains("mounts are looked at")) {
            problems.push(format!("/proc/self/mounts: {MOUNTS_MAX} mounts are looked at, the others are left out"));
        }
    }
    (found, problems)
}

/// node_exporter's defaults: no mount points of devices, kernel and containers, no file systems without a device of their own.
pub fn is_watched(mount: &Mount) -> bool {
    const TYPES: &[&str] = &[
        "autofs",
        "binfmt_misc",
        "bpf",
        "cgroup",
        "cgroup2",
        "configfs",
        "debugfs",
        "devpts",
        "devtmpfs",
        "fusectl",
        "hugetlbfs",
        "iso9660",
        "mqueue",
        "nsfs",
        "overlay",
        "proc",
        "procfs",
        "pstore",
        "rpc_pipefs",
        "securityfs",
        "selinuxfs",
        "squashfs",
        "erofs",
        "sysfs",
        "tracefs",
    ];
    let below = |root: &str| mount.mountpoint.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let inside = |root: &str| mount.mountpoint.strip_prefix(root).is_some_and(|rest| rest.len() > 1 && rest.starts_with('/'));
    let left_out = below("/dev")
        || below("/proc")
        || below("/sys")
        || inside("/run/credentials")
        || inside("/var/lib/docker")
        || inside("/var/lib/containers/storage");
    !left_out && !TYPES.contains(&mount.fstype.as_str())
}

/// The kernel writes blanks and backslashes of names as octal numbers: `\040`.
fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        let octal = after.get(..3).filter(|digits| *byte == b'\\' && digits.iter().all(|digit| (b'0'..=b'7').contains(digit)));
        let value = octal.map(|digits| digits.iter().fold(0u32, |value, digit| value * 8 + u32::from(digit - b'0')));
        match value.and_then(|value| u8::try_from(value).ok()) {
            Some(value) => {
                bytes.push(value);
                rest = &after[3..];
            }
            None => {
                bytes.push(*byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

pub(super) fn read(filesystems: &[Filesystem], out: &mut Out) {
    for filesystem in filesystems {
        let mount = &filesystem.mount;
        let error = filesystem.usage.as_ref().err().map_or("", String::as_str);
        let labels =
            [("device", mount.device.as_str()), ("device_error", error), ("fstype", &mount.fstype), ("mountpoint", &mount.mountpoint)];
        out.gauge("node_filesystem_readonly", &labels, f64::from(u8::from(mount.readonly)));
        out.gauge("node_filesystem_device_error", &labels, f64::from(u8::from(filesystem.usage.is_err())));
        match &filesystem.usage {
            Ok(usage) => {
                out.gauge("node_filesystem_size_bytes", &labels, usage.size as f64);
                out.gauge("node_filesystem_free_bytes", &labels, usage.free as f64);
                out.gauge("node_filesystem_avail_bytes", &labels, usage.avail as f64);
                out.gauge("node_filesystem_files", &labels, usage.files as f64);
                out.gauge("node_filesystem_files_free", &labels, usage.files_free as f64);
            }
            Err(reason) => out.problems.push(format!("{}: no sizes: {reason}", mount.mountpoint)),
        }
    }
}
