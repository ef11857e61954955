//! `/metrics/job/<job>{/<label>/<value>}` to a grouping key.
//!
//! In:    the path behind `/metrics/`, percent signs untouched. Out: labels, or what is wrong with them.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use bellbuoy_vocabulary::is_classic_label_name;

use super::Key;

const LABELS_MAX: usize = 64;
const VALUE_BYTES_MAX: usize = 4096;
/// Behind a label's name: its value is URL-safe base64, since a path has no way to write `/` or nothing.
const BASE64: &str = "@base64";
/// With and without padding.
const URL_SAFE: GeneralPurpose =
    GeneralPurpose::new(&base64::alphabet::URL_SAFE, GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent));

pub fn grouping(path: &str) -> Result<Key, String> {
    let mut parts: Vec<&str> = path.split('/').collect();
    // A slash at the end is nothing, unless it is a label's empty value.
    if parts.len() % 2 == 1 && parts.last() == Some(&"") {
        parts.pop();
    }
    if parts.len() % 2 == 1 {
        return Err(format!("odd number of components in label string {path:?}"));
    }
    if parts.len() / 2 > LABELS_MAX {
        return Err(format!("more than {LABELS_MAX} labels in the path"));
    }
    let mut key: Key = BTreeMap::new();
    for (index, two) in parts.chunks(2).enumerate() {
        let (name, value) = (plain(two[0])?, plain(two[1])?);
        let (name, value) = match name.strip_suffix(BASE64) {
            None => (name.as_str(), value),
            Some(name) => (name, decoded(name, value.trim_end_matches('='))?),
        };
        if !is_classic_label_name(name) || name.starts_with("__") {
            return Err(format!("improper label name {name:?}"));
        }
        if value.len() > VALUE_BYTES_MAX {
            return Err(format!("the value of label {name:?} has more than {VALUE_BYTES_MAX} bytes"));
        }
        // A second `job` in the path gives way to the first, as in the Pushgateway.
        if index == 0 || name != "job" {
            key.insert(name.to_string(), value);
        }
    }
    if key.get("job").is_none_or(String::is_empty) {
        return Err("job name is required".into());
    }
    Ok(key)
}

fn decoded(name: &str, value: &str) -> Result<String, String> {
    let bytes = URL_SAFE.decode(value).map_err(|error| format!("invalid base64 encoding for label {name}={value:?}: {error}"))?;
    String::from_utf8(bytes).map_err(|_| format!("the base64 of label {name} is not UTF-8"))
}

/// Percent signs decoded.
fn plain(part: &str) -> Result<String, String> {
    let bytes = part.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let hex = part.get(at + 1..at + 3).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (byte, hex) {
            (b'%', Some(decoded)) => {
                out.push(decoded);
                at += 3;
            }
            (b'%', None) => return Err(format!("invalid URL escape in {part:?}")),
            (byte, _) => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8(out).map_err(|_| format!("{part:?} is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, want: &str) {
        let got = match grouping(path) {
            Ok(key) => key.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(","),
            Err(error) => format!("error {error}"),
        };
        assert_eq!(got, want, "{path}");
    }

    #[test]
    fn paths_name_groups() {
        check("job/etl", "job=etl");
        check("job/etl/", "job=etl");
        check("job/etl/instance/a%20b", "instance=a b,job=etl");
        check("job/etl/x/", "job=etl,x=");
        check("job@base64/L3Zhci90bXA", "job=/var/tmp");
        check("job/a/path@base64/L3Zhci90bXA=/empty@base64/=", "empty=,job=a,path=/var/tmp");
        check("job/a/job/b", "job=a");
    }

    #[test]
    fn what_names_none_is_told_why() {
        check("job/", "error job name is required");
        check("job@base64/=", "error job name is required");
        check("job/a/b", "error odd number of components in label string \"job/a/b\"");
        check("job/a/__x/1", "error improper label name \"__x\"");
        check("job/a/x-y/1", "error improper label name \"x-y\"");
        check("job/a/x@base64/***", "error invalid base64 encoding for label x=\"***\": Invalid symbol 42, offset 0.");
        check("job/%zz", "error invalid URL escape in \"%zz\"");
    }
}
