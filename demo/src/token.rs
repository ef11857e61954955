//! Access tokens: JSON web tokens signed with HMAC-SHA-256 (RFC 7519, `alg` HS256).
//!
//! Forty lines over `ring`, which the program has for TLS anyway; a JWT library would bring a second set of ciphers.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use ring::rand::SystemRandom;
use serde::{Deserialize, Serialize};

use bellbuoy_vocabulary::Secret;

/// Only this header is accepted, so `alg` cannot be argued about.
const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;
/// A longer token is refused before it is decoded.
const TOKEN_BYTES_MAX: usize = 4096;

/// Makes and checks tokens.
pub(crate) struct Tokens {
    key: hmac::Key,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Claims {
    sub: String,
    /// Seconds since 1970 at which the token ends.
    exp: u64,
}

/// Why a token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    #[error("the token is not one of ours; ask POST /token for one")]
    Invalid,
    #[error("the token has ended; ask POST /token for a new one")]
    Expired,
}

impl Tokens {
    /// With the given secret, or with a random one. `Err` when the system has no randomness.
    pub(crate) fn new(secret: Option<&Secret>) -> anyhow::Result<Tokens> {
        let key = match secret {
            Some(secret) => {
                anyhow::ensure!(!secret.is_empty(), "the token secret is empty; set one or leave it out");
                hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes())
            }
            None => hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new())
                .map_err(|_| anyhow::anyhow!("no random numbers for the token secret; set one"))?,
        };
        Ok(Tokens { key })
    }

    /// A token for `subject` that ends at `expires_s`, in seconds since 1970.
    pub(crate) fn issue(&self, subject: &str, expires_s: u64) -> String {
        let claims = Claims { sub: subject.to_owned(), exp: expires_s };
        let claims = serde_json::to_string(&claims).expect("a string and a number are always JSON");
        let body = format!("{}.{}", URL_SAFE_NO_PAD.encode(HEADER), URL_SAFE_NO_PAD.encode(claims));
        let signature = URL_SAFE_NO_PAD.encode(hmac::sign(&self.key, body.as_bytes()));
        format!("{body}.{signature}")
    }

    /// The subject of a good token. `now_s`: seconds since 1970.
    pub(crate) fn check(&self, token: &str, now_s: u64) -> Result<String, TokenError> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(TokenError::Invalid);
        }
        let (body, signature) = token.rsplit_once('.').ok_or(TokenError::Invalid)?;
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| TokenError::Invalid)?;
        // Takes the same time for every wrong signature.
        hmac::verify(&self.key, body.as_bytes(), &signature).map_err(|_| TokenError::Invalid)?;
        let (header, claims) = body.split_once('.').ok_or(TokenError::Invalid)?;
        if header != URL_SAFE_NO_PAD.encode(HEADER) {
            return Err(TokenError::Invalid);
        }
        let claims = URL_SAFE_NO_PAD.decode(claims).map_err(|_| TokenError::Invalid)?;
        let claims: Claims = serde_json::from_slice(&claims).map_err(|_| TokenError::Invalid)?;
        if claims.exp <= now_s { Err(TokenError::Expired) } else { Ok(claims.sub) }
    }

    /// Whether two secrets are equal, in a time that does not tell how far they agree.
    pub(crate) fn same(&self, given: &str, expected: &str) -> bool {
        hmac::verify(&self.key, given.as_bytes(), hmac::sign(&self.key, expected.as_bytes()).as_ref()).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(secret: &str) -> Tokens {
        Tokens::new(Some(&Secret::new(secret))).expect("a good secret")
    }

    #[test]
    fn good_ended_and_forged() {
        let ours = tokens("secret");
        let token = ours.issue("admin", 100);
        assert_eq!(ours.check(&token, 99), Ok("admin".to_owned()));
        assert_eq!(ours.check(&token, 100), Err(TokenError::Expired));
        assert_eq!(tokens("other").check(&token, 99), Err(TokenError::Invalid));
        assert_eq!(Tokens::new(None).expect("random").check(&token, 99), Err(TokenError::Invalid));
        let unsigned = format!("{}.{}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#), URL_SAFE_NO_PAD.encode(r#"{"sub":"a","exp":999}"#));
        for bad in ["", ".", "..", "a.b.c", &token[..token.len() - 1], &format!("{token}x"), &unsigned, &"x".repeat(5000)] {
            assert_eq!(ours.check(bad, 0), Err(TokenError::Invalid), "{bad}");
        }
    }

    /// The expected token was made with Python's `hmac` and `base64`.
    #[test]
    fn as_other_libraries_make_it() {
        let expected = concat!(
            "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.",
            "eyJzdWIiOiJhZG1pbiIsImV4cCI6MTcwMDAwMDAwMH0.",
            "MgMB1DQuZVZ6gNpZwwbIyy_KEqOiVF5QGoYL2YPRo3w"
        );
        assert_eq!(tokens("secret").issue("admin", 1_700_000_000), expected);
    }

    #[test]
    fn passwords_are_compared_whole() {
        let tokens = tokens("secret");
        assert!(tokens.same("admin", "admin"));
        assert!(!tokens.same("admi", "admin") && !tokens.same("", "admin"));
        assert!(Tokens::new(Some(&Secret::new(""))).is_err());
    }
}
