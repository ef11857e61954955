//! Which devices, mount points and types are looked at: an expression that leaves out, or one that lets in, as node_exporter's flags.

use regex::{Regex, RegexBuilder};

/// What a compiled expression may take.
const REGEX_BYTES_MAX: usize = 1 << 20;

/// Both empty: everything is looked at.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    exclude: Option<Regex>,
    include: Option<Regex>,
}

impl Filter {
    /// Expressions are found anywhere in a name unless they hold `^` and `$`.
    pub fn new(exclude: Option<&str>, include: Option<&str>) -> Result<Filter, String> {
        let compiled = |text: Option<&str>| match text.filter(|text| !text.is_empty()) {
            Some(text) => RegexBuilder::new(text).size_limit(REGEX_BYTES_MAX).build().map(Some).map_err(reason),
            None => Ok(None),
        };
        Ok(Filter { exclude: compiled(exclude)?, include: compiled(include)? })
    }

    /// For expressions of this crate; tests read each of them.
    pub(super) fn excluding(pattern: &str) -> Filter {
        Filter::new(Some(pattern), None).unwrap_or_default()
    }

    pub fn takes(&self, name: &str) -> bool {
        !self.exclude.as_ref().is_some_and(|exclude| exclude.is_match(name))
            && self.include.as_ref().is_none_or(|include| include.is_match(name))
    }

    fn texts(&self) -> (Option<&str>, Option<&str>) {
        (self.exclude.as_ref().map(Regex::as_str), self.include.as_ref().map(Regex::as_str))
    }
}

/// Without the drawing: its place is shown by who says it.
fn reason(error: regex::Error) -> String {
    let text = error.to_string();
    text.lines().last().unwrap_or("").trim_start_matches("error: ").to_string()
}

impl PartialEq for Filter {
    fn eq(&self, other: &Filter) -> bool {
        self.texts() == other.texts()
    }
}

#[cfg(test)]
mod tests {
    use super::super::HostOptions;
    use super::*;

    #[test]
    fn node_exporters_defaults() {
        let options = HostOptions::default();
        let check = |filter: &Filter, out: &[&str], taken: &[&str]| {
            out.iter().for_each(|name| assert!(!filter.takes(name), "{name} is taken"));
            taken.iter().for_each(|name| assert!(filter.takes(name), "{name} is left out"));
        };
        check(
            &options.disks,
            &["sda1", "vda15", "xvda1", "nvme0n1p2", "loop7", "zram0", "ram1", "fd0"],
            &["sda", "sdaa1", "vda", "nvme0n1", "dm-0", "md127", "mmcblk0", "sr0", "nvmep1"],
        );
        check(
            &options.mount_points,
            &["/dev", "/dev/shm", "/proc", "/sys/fs/cgroup", "/run/credentials/a.service", "/var/lib/docker/overlay2/x/merged"],
            &["/", "/devices", "/run", "/run/lock", "/var/lib/docker", "/mnt/a disk"],
        );
        check(
            &options.filesystem_types,
            &["cgroup", "cgroup2", "overlay", "proc", "tracefs"],
            &["ext4", "xfs", "nfs4", "tmpfs", "cgroup3"],
        );
        check(&options.network_devices, &[], &["lo", "eth0"]);
    }

    #[test]
    fn one_that_lets_in() {
        let filter = Filter::new(None, Some("^eth")).expect("fine");
        assert!(filter.takes("eth0") && !filter.takes("lo"));
        let both = Filter::new(Some("1$"), Some("^eth")).expect("fine");
        assert!(both.takes("eth0") && !both.takes("eth1") && !both.takes("lo"));
        assert!(Filter::new(Some("("), None).is_err());
        assert!(Filter::new(None, Some("(a{1000}){1000}")).is_err_and(|error| error.contains("size limit")));
    }
}
