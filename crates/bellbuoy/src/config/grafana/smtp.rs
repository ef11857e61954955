//! How Grafana sends mail: `[smtp]` of grafana.ini and `GF_SMTP_*` variables, which win; else alertmanager.yml's `global`.

use std::collections::BTreeMap;

use bellbuoy_vocabulary::{Secret, TlsOptions};

use super::super::receivers::Smtp;

/// Where the keys of `[smtp]` come from.
pub struct SmtpKeys<'a> {
    /// Of grafana.ini.
    pub ini: &'a BTreeMap<String, String>,
    pub env: &'a dyn Fn(&str) -> Option<String>,
    /// The text of a file that a variable names.
    pub file: &'a dyn Fn(&str) -> Option<String>,
}

impl SmtpKeys<'_> {
    fn get(&self, key: &str) -> Option<String> {
        let name = format!("GF_SMTP_{}", key.to_uppercase());
        let value = (self.env)(&name);
        let value = value.or_else(|| (self.file)(&(self.env)(&format!("{name}__FILE"))?));
        value.or_else(|| self.ini.get(key).cloned()).filter(|value| !value.is_empty())
    }

    fn flag(&self, key: &str) -> bool {
        self.get(key).is_some_and(|value| matches!(value.to_ascii_lowercase().as_str(), "true" | "1" | "yes" | "on"))
    }
}

/// The settings of mail, or why there are none.
pub fn read(keys: &SmtpKeys, alertmanager: &Smtp) -> Result<Smtp, String> {
    let Some(host) = keys.get("host") else {
        if alertmanager.smarthost.is_some() && alertmanager.from.is_some() {
            return Ok(alertmanager.clone());
        }
        if keys.flag("enabled") {
            return Err("no SMTP server for this contact point: `host` of [smtp] is not set".into());
        }
        return Err("no SMTP server for this contact point".into());
    };
    if !keys.flag("enabled") {
        return Err("SMTP is not enabled: `enabled` of [smtp] is not true".into());
    }
    let smarthost = if host.contains(':') { host } else { format!("{host}:25") };
    let address = keys.get("from_address").unwrap_or_else(|| "admin@grafana.localhost".into());
    let from = match keys.get("from_name") {
        Some(name) => format!("{name} <{address}>"),
        None => address,
    };
    // Grafana's default is to use TLS where the server offers it; a password is never sent without.
    let require_tls = match keys.get("starttls_policy").as_deref() {
        Some("MandatoryStartTLS") => Some(true),
        Some("NoStartTLS") => Some(false),
        _ => Some(keys.get("user").is_some()),
    };
    let ca = keys.get("ca").filter(|ca| ca.contains("BEGIN CERTIFICATE"));
    Ok(Smtp {
        from: Some(from),
        smarthost: Some(smarthost),
        hello: keys.get("ehlo_identity"),
        auth_username: keys.get("user"),
        auth_password: keys.get("password").map(Secret::new),
        require_tls,
        tls: TlsOptions { ca, insecure_skip_verify: keys.flag("skip_verify"), ..TlsOptions::default() },
        ..Smtp::default()
    })
}

/// The keys of a section of grafana.ini. Comments begin with `#` or `;`; a value may stand in quotes, three of them too.
pub fn section(text: &str, wanted: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut inside = false;
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            inside = name.trim() == wanted;
        } else if inside
            && !line.starts_with(['#', ';'])
            && let Some((key, value)) = line.split_once('=')
        {
            let value = value.trim();
            let plain = ["\"\"\"", "\"", "`", "'"].into_iter().find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote));
            found.insert(key.trim().to_ascii_lowercase(), plain.unwrap_or(value).to_string());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(ini: &str, env: &[(&str, &str)], expected: Expect) {
        let ini = section(ini, "smtp");
        let env = |name: &str| env.iter().find(|(known, _)| *known == name).map(|(_, value)| value.to_string());
        let file = |path: &str| (path == "/secret").then(|| "from a file".to_string());
        let found = match read(&SmtpKeys { ini: &ini, env: &env, file: &file }, &Smtp::default()) {
            Err(why) => why,
            Ok(smtp) => format!(
                "{} from {} user {} password {} tls {:?}",
                smtp.smarthost.unwrap_or_default(),
                smtp.from.unwrap_or_default(),
                smtp.auth_username.unwrap_or_default(),
                smtp.auth_password.map_or("none".into(), |password| password.expose().to_string()),
                smtp.require_tls,
            ),
        };
        expected.assert_eq(&found);
    }

    #[test]
    fn of_file_and_variables() {
        check("", &[], expect!["no SMTP server for this contact point"]);
        check("[smtp]\nhost = mail:587\n", &[], expect!["SMTP is not enabled: `enabled` of [smtp] is not true"]);
        check("[smtp]\nenabled = true\n", &[], expect!["no SMTP server for this contact point: `host` of [smtp] is not set"]);
        check(
            "[server]\nhost = other\n[smtp]\nenabled = true\n;host = old\nhost = mail:587\nuser = me\npassword = \"\"\"p#1;x\"\"\"\nfrom_address = a@b.c\nfrom_name = Grafana\n[log]\nuser = x\n",
            &[],
            expect!["mail:587 from Grafana <a@b.c> user me password p#1;x tls Some(true)"],
        );
        check(
            "[smtp]\nenabled = false\nhost = mail:587\n",
            &[("GF_SMTP_ENABLED", "true"), ("GF_SMTP_HOST", "relay"), ("GF_SMTP_PASSWORD__FILE", "/secret")],
            expect!["relay:25 from admin@grafana.localhost user  password from a file tls Some(false)"],
        );
    }
}
