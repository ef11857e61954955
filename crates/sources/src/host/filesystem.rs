//! Mounted file systems (`/proc/1/mountinfo`), and their sizes from statvfs(3).

use super::files::{Files, Unread};
use super::{HostOptions, Out};

/// Devices, kernel and containers.
pub(super) const MOUNT_POINTS_EXCLUDED: &str = r"^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)";
/// Without a device of their own, or never written.
pub(super) const TYPES_EXCLUDED: &str = "^(autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|fusectl|hugetlbfs|\
     iso9660|mqueue|nsfs|overlay|proc|procfs|pstore|rpc_pipefs|securityfs|selinuxfs|squashfs|erofs|sysfs|tracefs)$";

/// More mounts are not looked at: each costs a system call.
const MOUNTS_MAX: usize = 1_000;

/// The first process' mounts; those of this one where that is hidden.
const PATHS: [&str; 2] = ["/proc/1/mountinfo", "/proc/self/mountinfo"];

#[derive(Clone, Debug, PartialEq, Eq, Default)]
struct Mount {
    device: String,
    mount_point: String,
    fstype: String,
    /// `254:0`
    major: String,
    minor: String,
    readonly: bool,
}

pub(super) fn read(files: &dyn Files, options: &HostOptions, out: &mut Out) -> Result<(), String> {
    let (path, text) = text(files)?;
    let mut mounts: Vec<Mount> = Vec::new();
    let mut left_out = 0;
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let Some(mount) = mount(line) else {
            out.bad_line(path, line);
            continue;
        };
        if !options.mount_points.takes(&mount.mount_point) || !options.filesystem_types.takes(&mount.fstype) {
            continue;
        }
        // The last mount on a point is the one that is seen there.
        mounts.retain(|other| other.mount_point != mount.mount_point);
        if mounts.len() < MOUNTS_MAX { mounts.push(mount) } else { left_out += 1 }
    }
    if left_out > 0 {
        out.problem(format!("{path}: {MOUNTS_MAX} mounts are looked at, {left_out} are left out"));
    }
    let points: Vec<String> = mounts.iter().map(|mount| mount.mount_point.clone()).collect();
    for (mount, usage) in mounts.iter().zip(files.usages(&points)) {
        tell(mount, usage, out);
    }
    Ok(())
}

fn text(files: &dyn Files) -> Result<(&'static str, String), String> {
    let mut why = Unread::Absent;
    for path in PATHS {
        match files.read(path) {
            Ok(text) => return Ok((path, text)),
            Err(error) => why = error,
        }
    }
    Err(format!("{}: {why}", PATHS[1]))
}

/// `27 1 254:0 / /mnt rw,relatime shared:1 - ext4 /dev/vda rw,discard`: any number of fields before the dash.
fn mount(line: &str) -> Option<Mount> {
    let (place, source) = line.split_once(" - ")?;
    let place: Vec<&str> = place.split(' ').collect();
    let [_, _, device_number, _, mount_point, options, ..] = place[..] else { return None };
    let source: Vec<&str> = source.split(' ').collect();
    let [fstype, device, super_options, ..] = source[..] else { return None };
    let (major, minor) = device_number.split_once(':')?;
    let has = |options: &str, wanted: &str| options.split(',').any(|option| option == wanted);
    Some(Mount {
        // node_exporter turns back the blanks of mount points only; a device's name is as the kernel writes it.
        device: device.to_string(),
        mount_point: unescaped(mount_point),
        fstype: fstype.to_string(),
        major: major.to_string(),
        minor: minor.to_string(),
        readonly: has(options, "ro") || has(super_options, "ro") || has(super_options, "emergency_ro"),
    })
}

/// The kernel writes blanks, tabs, line ends and backslashes of names as octal numbers: `\040`.
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

fn tell(mount: &Mount, usage: Result<super::Usage, String>, out: &mut Out) {
    let error = usage.as_ref().err().map_or("", String::as_str);
    let labels =
        [("device", mount.device.as_str()), ("mountpoint", &mount.mount_point), ("fstype", &mount.fstype), ("device_error", error)];
    let failed = f64::from(u8::from(usage.is_err()));
    let help = "Whether an error occurred while getting statistics for the given device.";
    out.gauge("node_filesystem_device_error", help, &labels, failed);
    let readonly = f64::from(u8::from(mount.readonly));
    out.gauge("node_filesystem_readonly", "Filesystem read-only status.", &labels, readonly);
    // As node_exporter: one mount that can not be asked is in its own series, the collector has done its work.
    let Ok(usage) = usage else { return };
    out.gauge("node_filesystem_size_bytes", "Filesystem size in bytes.", &labels, usage.size as f64);
    out.gauge("node_filesystem_free_bytes", "Filesystem free space in bytes.", &labels, usage.free as f64);
    let help = "Filesystem space available to non-root users in bytes.";
    out.gauge("node_filesystem_avail_bytes", help, &labels, usage.avail as f64);
    out.gauge("node_filesystem_files", "Filesystem total file nodes.", &labels, usage.files as f64);
    out.gauge("node_filesystem_files_free", "Filesystem total free file nodes.", &labels, usage.files_free as f64);
    let help = "Filesystem space available including purgeable space (MacOS specific).";
    out.gauge("node_filesystem_purgeable_bytes", help, &labels, 0.0);
    let place = [
        ("device", mount.device.as_str()),
        ("major", mount.major.as_str()),
        ("minor", mount.minor.as_str()),
        ("mountpoint", mount.mount_point.as_str()),
    ];
    out.gauge("node_filesystem_mount_info", "Filesystem mount information.", &place, 1.0);
}
