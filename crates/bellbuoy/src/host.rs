//! sources: looks at this machine when `host:` of bellbuoy.yml asks for it, each interval; with `listen`, when somebody scrapes it.
//!
//! In:    what `machine` reads. Out: series under node_exporter's and cAdvisor's names, with `job` and `instance`, and `up`; or a page.
//! Never: stops because a part of the machine can not be read: that part says so in `node_scrape_collector_success`.

use std::collections::HashSet;
use std::sync::Arc;

use bellbuoy_sources::host::{Files, Host};
use bellbuoy_sources::series;
use bellbuoy_vocabulary::{Labels, METRIC_NAME};
use tokio::sync::watch;
use tracing::warn;

use crate::clock;
use crate::config::HostSettings;
use crate::host_page;
use crate::machine::Machine;
use crate::path::Path;
use crate::port;

/// Until `stopped`.
pub async fn run(path: Arc<Path>, settings: HostSettings, mut stopped: watch::Receiver<bool>) {
    if let Some(address) = &settings.listen {
        let routes = host_page::routes(settings.options.clone(), settings.places.clone());
        return port::serve("this machine", address, routes, stopped).await;
    }
    let mut ticks = tokio::time::interval(settings.interval.to_std());
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let machine = Machine::new(settings.places.clone());
    let mut host = Host::new(settings.options.clone());
    let mut last_problems = Vec::new();
    let mut last_series: HashSet<Labels> = HashSet::new();
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = stopped.changed() => return,
        }
        let now = clock::now();
        let timeouts = machine.timeouts();
        let (families, problems) = tokio::task::block_in_place(|| machine.look(&mut host, &settings.options.collectors));
        path.telemetry.mount_timeouts.add(machine.timeouts() - timeouts);
        if problems != last_problems {
            problems.iter().for_each(|problem| warn!("host: {problem}"));
            last_problems = problems;
        }
        let instance = settings.instance.clone().unwrap_or_else(|| name(&machine));
        let more = [("job", settings.job.as_str()), ("instance", &instance)];
        let mut found = series(&families, &more);
        found.push((Labels::from_pairs([(METRIC_NAME, "up"), more[0], more[1]]), 1.0));
        let there: HashSet<Labels> = found.iter().map(|(labels, _)| labels.clone()).collect();
        let ended: Vec<Labels> = last_series.difference(&there).cloned().collect();
        last_series = there;
        tokio::task::block_in_place(|| path.append_and_end(&found, &ended, now));
    }
}

fn name(machine: &Machine) -> String {
    machine.read("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_string()
}
