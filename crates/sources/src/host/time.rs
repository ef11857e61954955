//! The clock, its time zone and what it is made of (`/sys/devices/system/clocksource`).

use super::files::{Files, word};
use super::{Facts, Out};

const SYS: &str = "/sys/devices/system/clocksource";

pub(super) fn read(files: &dyn Files, facts: &Facts, out: &mut Out) -> Result<(), String> {
    out.gauge("node_time_seconds", "System time in seconds since epoch (1970).", &[], facts.now.seconds());
    let (zone, offset) = &facts.zone;
    out.gauge("node_time_zone_offset_seconds", "System time zone offset in seconds.", &[("time_zone", zone)], f64::from(*offset));
    let sources = files.list(SYS).into_iter().filter(|name| name.starts_with("clocksource"));
    for (device, name) in sources.enumerate() {
        let device = device.to_string();
        let of = |file: &str| word(files, &format!("{SYS}/{name}/{file}")).unwrap_or_default();
        for source in of("available_clocksource").split_ascii_whitespace() {
            let help = "Available clocksources read from '/sys/devices/system/clocksource'.";
            out.gauge("node_time_clocksource_available_info", help, &[("device", &device), ("clocksource", source)], 1.0);
        }
        let help = "Current clocksource read from '/sys/devices/system/clocksource'.";
        let current = of("current_clocksource");
        out.gauge("node_time_clocksource_current_info", help, &[("device", &device), ("clocksource", &current)], 1.0);
    }
    Ok(())
}
