//! The built-in form of a message, for when a template fails: state and names, each alert with its labels and annotations, and why the
//! message looks like this. In: a notice and the problems. Out: a text within the service's limit. It never fails and knows no markup.

use bellbuoy_vocabulary::Alert;

use crate::compose::Limit;
use crate::limit::more_alerts;
use crate::notice::Notice;

const ALERTS_MAX: usize = 100;

pub(crate) fn plain_subject(notice: &Notice) -> String {
    format!("[{}] {}", notice.status_word().to_uppercase(), notice.alert_names().join(", "))
}

/// For a receiver without a limit of its own.
pub(crate) fn plain_text(notice: &Notice, problems: &[String]) -> String {
    let no_limit = Limit::of(usize::MAX, &str::len, &|text, _| text.to_string());
    plain_within(notice, problems, &no_limit, str::to_string)
}

/// Within a limit: as many alerts as fit, how many there are more, and always the reason. `change` takes the service's markup out.
pub(crate) fn plain_within(notice: &Notice, problems: &[String], limit: &Limit, change: impl Fn(&str) -> String) -> String {
    let length = limit.length;
    let at_most = |text: String, max: usize| if length(&text) <= max { text } else { (limit.cut)(&text, max) };
    let reason = at_most(change(&plain_reason(problems)), limit.max / 3);
    let mut out = at_most(change(&format!("{}\n\n", plain_subject(notice))), limit.max / 3);
    let count = notice.alerts.len();
    for (at, alert) in notice.alerts.iter().enumerate() {
        let block = change(&plain_alert(notice, alert));
        let more = if at + 1 < count { format!("{}\n", more_alerts(count - at).trim_start()) } else { String::new() };
        let taken = length(&out) + length(&reason);
        if at < ALERTS_MAX && taken + length(&block) + length(&more) <= limit.max {
            out.push_str(&block);
            continue;
        }
        // One that is too long is shown in part when there is nothing else to show.
        let rest = if at == 0 { count - 1 } else { count - at };
        let more = if rest > 0 { format!("{}\n", more_alerts(rest).trim_start()) } else { String::new() };
        if at == 0 {
            let room = limit.max.saturating_sub(taken + length(&more) + 1);
            out.push_str(&at_most(block, room));
            out.push('\n');
        }
        out.push_str(&more);
        break;
    }
    at_most(out + &reason, limit.max)
}

/// Whether one of the problems is a template that failed; others are words that a service does not know.
pub(crate) fn has_failed(problems: &[String]) -> bool {
    problems.iter().any(|problem| problem.starts_with("template of "))
}

/// The last lines of a message whose template failed.
pub(crate) fn plain_reason(problems: &[String]) -> String {
    format!("\nThis plain form was sent because a template failed: {}\n", problems.join("; "))
}

fn plain_alert(notice: &Notice, alert: &Alert) -> String {
    let mut out = format!("{} {}\n", notice.alert_status(alert), alert.labels);
    for (name, value) in &alert.annotations {
        out.push_str(&format!("  {name}: {value}\n"));
    }
    out
}
