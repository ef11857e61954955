//! `host:` of bellbuoy.yml: this machine under node_exporter's names, its containers under cAdvisor's.
//!
//! ```yaml
//! host:
//!   interval: 15s
//!   job: node
//!   instance: trainer-1                  # the host's name when there is none
//!   listen: 127.0.0.1:9100               # told there, for a scrape job of prometheus.yml, instead of stored from here
//!   collectors: [cpu, meminfo]           # all of them when there are none
//!   mount_points_exclude: ^/(dev|proc)   # and ..._include; also filesystem_types_, disks_, network_devices_
//!   procfs: /host/proc                   # in a container that has the host's files
//!   sysfs: /host/sys
//!   rootfs: /host
//! ```

use bellbuoy_sources::host::{Collector, Filter, HostOptions};
use bellbuoy_vocabulary::Millis;

use super::read::{Fields, did_you_mean};
use super::settings::HostSettings;
use crate::machine::Places;

pub fn read(fields: Fields) -> HostSettings {
    let interval = fields.duration("interval").unwrap_or(Millis::from_seconds(15));
    if interval < Millis::from_seconds(1) {
        fields.error(fields.key_span("interval"), "\"interval\" must be at least 1s", "the usual is 15s");
    }
    let default = HostOptions::default();
    let options = HostOptions {
        collectors: collectors(&fields),
        mount_points: filter(&fields, "mount_points_exclude", "mount_points_include", default.mount_points),
        filesystem_types: filter(&fields, "filesystem_types_exclude", "filesystem_types_include", default.filesystem_types),
        disks: filter(&fields, "disks_exclude", "disks_include", default.disks),
        network_devices: filter(&fields, "network_devices_exclude", "network_devices_include", default.network_devices),
    };
    let usual = Places::default();
    let settings = HostSettings {
        interval,
        job: fields.string("job").unwrap_or_else(|| "node".into()),
        instance: fields.string("instance"),
        listen: fields.string("listen").filter(|address| !address.is_empty()),
        options,
        places: Places {
            procfs: fields.string("procfs").unwrap_or(usual.procfs),
            sysfs: fields.string("sysfs").unwrap_or(usual.sysfs),
            rootfs: fields.string("rootfs").unwrap_or(usual.rootfs),
        },
    };
    fields.finish();
    settings
}

fn collectors(fields: &Fields) -> Vec<Collector> {
    if !fields.has("collectors") {
        return Collector::ALL.to_vec();
    }
    let mut found = Vec::new();
    for text in fields.texts("collectors") {
        match Collector::of(text.as_str()) {
            Some(collector) if found.contains(&collector) => {}
            Some(collector) => found.push(collector),
            None => {
                let names = Collector::ALL.map(Collector::name);
                let help = did_you_mean(text.as_str(), names);
                let help = if help.is_empty() { format!("one of {}", names.join(", ")) } else { help };
                fields.error(text.span(), format!("unknown collector {:?}", text.shown()), help);
            }
        }
    }
    found
}

/// As with node_exporter's flags, what lets in replaces the usual exclusion.
fn filter(fields: &Fields, exclude: &'static str, include: &'static str, default: Filter) -> Filter {
    let (exclude, include) = (fields.text(exclude), fields.text(include));
    if exclude.is_none() && include.is_none() {
        return default;
    }
    let mut usable = Filter::default();
    for text in [exclude, include].into_iter().flatten() {
        if let Err(reason) = Filter::new(Some(text.as_str()), None) {
            let reason = text.details(&reason);
            fields.error(text.span(), format!("bad regular expression {:?}: {reason}", text.shown()), "");
        }
    }
    if let Ok(filter) = Filter::new(exclude.map(|text| text.as_str()), include.map(|text| text.as_str())) {
        usable = filter;
    }
    usable
}
