//! `/proc/net/netstat`, `/proc/net/snmp` and `/proc/net/snmp6`: counters of the protocols.

use super::Out;
use super::files::{Files, Unread, needed};

/// node_exporter's default: `^(.*_(InErrors|InErrs)|Ip_Forwarding|Ip(6|Ext)_(InOctets|OutOctets)|Icmp6?_(InMsgs|OutMsgs)|...)$`.
fn is_wanted(protocol: &str, name: &str) -> bool {
    if matches!(name, "InErrors" | "InErrs") {
        return true;
    }
    match protocol {
        "Ip" => name == "Forwarding",
        "Ip6" | "IpExt" => matches!(name, "InOctets" | "OutOctets"),
        "Icmp" | "Icmp6" => matches!(name, "InMsgs" | "OutMsgs"),
        "TcpExt" => {
            name.starts_with("Listen")
                || name.starts_with("Syncookies")
                || matches!(name, "TCPSynRetrans" | "TCPTimeouts" | "TCPOFOQueue" | "TCPRcvQDrop")
        }
        "Tcp" => matches!(name, "ActiveOpens" | "InSegs" | "OutSegs" | "OutRsts" | "PassiveOpens" | "RetransSegs" | "CurrEstab"),
        "Udp" | "Udp6" => matches!(name, "InDatagrams" | "OutDatagrams" | "NoPorts" | "RcvbufErrors" | "SndbufErrors"),
        _ => false,
    }
}

pub(super) fn read(files: &dyn Files, out: &mut Out) -> Result<(), String> {
    for path in ["/proc/net/netstat", "/proc/net/snmp"] {
        pairs(path, &needed(files, path)?, out);
    }
    let path = "/proc/net/snmp6";
    match files.read(path) {
        Ok(text) => lines(path, &text, out),
        // No IPv6 here.
        Err(Unread::Absent) => {}
        Err(why) => return Err(format!("{path}: {why}")),
    }
    Ok(())
}

/// Two lines each: `Tcp: RtoMin MaxConn`, `Tcp: 200 -1`.
fn pairs(path: &str, text: &str, out: &mut Out) {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    while let Some(names) = lines.next() {
        let values = lines.next().unwrap_or("");
        let both = names.split_once(':').zip(values.split_once(':'));
        let Some(((protocol, names_of), (_, values_of))) = both.filter(|((one, _), (other, _))| one == other) else {
            out.bad_line(path, names);
            continue;
        };
        let (names_of, values_of): (Vec<&str>, Vec<&str>) =
            (names_of.split_ascii_whitespace().collect(), values_of.split_ascii_whitespace().collect());
        if names_of.len() != values_of.len() {
            out.bad_line(path, values);
            continue;
        }
        for (name, value) in names_of.iter().zip(values_of) {
            tell(path, protocol, name, value, out);
        }
    }
}

/// `Ip6InReceives   4`
fn lines(path: &str, text: &str, out: &mut Out) {
    for line in text.lines() {
        let mut fields = line.split_ascii_whitespace();
        let (Some(key), Some(value)) = (fields.next(), fields.next()) else { continue };
        if let Some(at) = key.find('6') {
            tell(path, &key[..=at], &key[at + 1..], value, out);
        }
    }
}

fn tell(path: &str, protocol: &str, name: &str, value: &str, out: &mut Out) {
    if !is_wanted(protocol, name) {
        return;
    }
    // Some of them may be -1.
    match value.parse::<f64>().ok().filter(|value| value.is_finite()) {
        Some(value) => out.untyped(&format!("node_netstat_{protocol}_{name}"), &format!("Statistic {protocol}{name}."), value),
        None => out.bad_line(path, &format!("{protocol}: {name} {value}")),
    }
}
