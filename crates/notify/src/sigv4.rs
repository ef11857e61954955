//! AWS' signature of a request, version 4: the proof that its sender has the secret key, good for some minutes around `now`.

use bellbuoy_vocabulary::{Secret, Timestamp};
use ring::hmac;

use crate::sha256;

/// Whose signature, and for which service.
pub(crate) struct Signer<'a> {
    pub access_key: &'a str,
    pub secret_key: &'a Secret,
    /// Of keys for a while.
    pub session_token: Option<&'a Secret>,
    pub region: &'a str,
    pub service: &'a str,
}

impl Signer<'_> {
    /// The headers to add to a POST of `body`: `X-Amz-Date`, `Authorization` and perhaps `X-Amz-Security-Token`. Signed are also the address' host and `content_type`.
    pub fn headers(&self, url: &str, content_type: &str, body: &str, now: Timestamp) -> Vec<(String, String)> {
        let (host, path) = host_and_path(url);
        let date = basic_date(now);
        let mut signed = vec![("content-type", content_type), ("host", &host), ("x-amz-date", &date)];
        let mut headers = Vec::new();
        if let Some(token) = self.session_token {
            signed.push(("x-amz-security-token", token.expose()));
            headers.push(("X-Amz-Security-Token".into(), token.expose().to_string()));
        }
        let authorization = self.authorization("POST", &path, &signed, body, &date);
        headers.extend([("X-Amz-Date".into(), date), ("Authorization".into(), authorization)]);
        headers
    }

    /// `signed`: names in lower case and in their order.
    fn authorization(&self, method: &str, path: &str, signed: &[(&str, &str)], body: &str, date: &str) -> String {
        let names: Vec<&str> = signed.iter().map(|(name, _)| *name).collect();
        let names = names.join(";");
        let headers: String = signed.iter().map(|(name, value)| format!("{name}:{}\n", value.trim())).collect();
        // No query: what we sign has none.
        let request = format!("{method}\n{path}\n\n{headers}\n{names}\n{}", sha256::hex(body));
        let day = date.get(..8).unwrap_or(date);
        let scope = format!("{day}/{}/{}/aws4_request", self.region, self.service);
        let text = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", sha256::hex(&request));
        let mut key = mac(format!("AWS4{}", self.secret_key.expose()).as_bytes(), day);
        for part in [self.region, self.service, "aws4_request"] {
            key = mac(key.as_ref(), part);
        }
        let signature: String = mac(key.as_ref(), &text).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        format!("AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={signature}", self.access_key)
    }
}

fn mac(key: &[u8], text: &str) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes())
}

/// `20150830T123600Z`
fn basic_date(now: Timestamp) -> String {
    let text = Timestamp(now.0.div_euclid(1000) * 1000).rfc3339();
    text.chars().filter(|c| !matches!(c, '-' | ':')).collect()
}

/// As the request will have them: without the port that the scheme means anyway, and with a path.
fn host_and_path(url: &str) -> (String, String) {
    let (scheme, rest) = url.split_once("://").unwrap_or(("https", url));
    let (host, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
    let host = host.rsplit('@').next().unwrap_or(host).to_lowercase();
    let usual = if scheme == "http" { ":80" } else { ":443" };
    (host.strip_suffix(usual).unwrap_or(&host).to_string(), path.split(['?', '#']).next().unwrap_or("/").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of AWS' own suite for signature version 4: `get-vanilla`, `post-vanilla`, `post-x-www-form-urlencoded`.
    #[test]
    fn signatures_of_amazons_suite() {
        let secret_key = Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
        let signer =
            Signer { access_key: "AKIDEXAMPLE", secret_key: &secret_key, session_token: None, region: "us-east-1", service: "service" };
        let now = Timestamp::parse_rfc3339("2015-08-30T12:36:00.9Z").expect("a time");
        let date = basic_date(now);
        assert_eq!(date, "20150830T123600Z");
        let vanilla = [("host", "example.amazonaws.com"), ("x-amz-date", date.as_str())];
        for (method, signature) in [
            ("GET", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
            ("POST", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        ] {
            assert_eq!(
                signer.authorization(method, "/", &vanilla, "", &date),
                format!(
                    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature={signature}"
                )
            );
        }
        let headers = signer.headers("https://example.amazonaws.com", "application/x-www-form-urlencoded", "Param1=value1", now);
        let signature = "Signature=ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a";
        assert!(headers[1].1.ends_with(signature), "{headers:?}");
    }

    /// `post-sts-header-before`
    #[test]
    fn a_session_token_is_signed() {
        let token = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";
        let (secret_key, token) = (Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"), Secret::new(token));
        let signer = Signer {
            access_key: "AKIDEXAMPLE",
            secret_key: &secret_key,
            session_token: Some(&token),
            region: "us-east-1",
            service: "service",
        };
        let date = "20150830T123600Z";
        let signed = [("host", "example.amazonaws.com"), ("x-amz-date", date), ("x-amz-security-token", token.expose())];
        let authorization = signer.authorization("POST", "/", &signed, "", date);
        assert!(authorization.ends_with("85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"), "{authorization}");
        let headers = signer.headers("https://h/", "a/b", "", Timestamp(0));
        assert_eq!((headers[0].0.as_str(), headers[0].1.as_str()), ("X-Amz-Security-Token", token.expose()));
        assert!(headers[2].1.contains("SignedHeaders=content-type;host;x-amz-date;x-amz-security-token,"), "{headers:?}");
    }

    #[test]
    fn hosts_and_paths() {
        for (url, host, path) in [
            ("https://sns.eu-west-1.amazonaws.com/", "sns.eu-west-1.amazonaws.com", "/"),
            ("https://SNS.x:443", "sns.x", "/"),
            ("http://127.0.0.1:4566/a/b?c", "127.0.0.1:4566", "/a/b"),
            ("http://u:p@h:80/x", "h", "/x"),
        ] {
            assert_eq!(host_and_path(url), (host.to_string(), path.to_string()), "{url}");
        }
    }
}
