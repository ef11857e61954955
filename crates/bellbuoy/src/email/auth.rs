//! Who we are, for an SMTP server: CRAM-MD5 with a secret, PLAIN or LOGIN with a password, the first of the server's list that we can.
//!
//! The three dialogs are spelled here because `lettre` knows no CRAM-MD5 and no identity beside the user.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bellbuoy_notify::{EmailSettings, FailKind};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::Ehlo;
use lettre::transport::smtp::extension::ClientId;

use super::session::{Stop, stop};

/// A server without AUTH gets the mail without, as from Alertmanager.
pub async fn authenticate(
    connection: &mut AsyncSmtpConnection,
    settings: &EmailSettings,
    hello: ClientId,
    local: bool,
) -> Result<(), Stop> {
    // Asked again for the mechanisms that lettre does not keep.
    let offer = connection.command(Ehlo::new(hello)).await.map_err(stop)?;
    let offered = offer.message().find_map(|line| line.strip_prefix("AUTH ").or(line.strip_prefix("AUTH=")).map(str::to_uppercase));
    let Some(offered) = offered else { return Ok(()) };
    let (secret, password) = (settings.auth_secret.expose(), settings.auth_password.expose());
    let user = &settings.auth_username;
    for mechanism in offered.split_whitespace() {
        match mechanism {
            "CRAM-MD5" if !secret.is_empty() => {
                let challenge = ask(connection, "AUTH CRAM-MD5").await?;
                let challenge = BASE64_STANDARD.decode(challenge.trim()).unwrap_or_default();
                let proof = format!("{user} {}", keyed_md5(secret.as_bytes(), &challenge));
                return ask(connection, &BASE64_STANDARD.encode(proof)).await.map(drop);
            }
            "PLAIN" if !password.is_empty() => {
                if !connection.is_encrypted() && !local {
                    let reason = "the connection is not encrypted, so the password is not sent; set require_tls".to_string();
                    return Err(Stop::Failed { kind: FailKind::Other, reason });
                }
                let words = format!("{}\0{user}\0{password}", settings.auth_identity);
                return ask(connection, &format!("AUTH PLAIN {}", BASE64_STANDARD.encode(words))).await.map(drop);
            }
            "LOGIN" if !password.is_empty() => {
                ask(connection, "AUTH LOGIN").await?;
                ask(connection, &BASE64_STANDARD.encode(user)).await?;
                return ask(connection, &BASE64_STANDARD.encode(password)).await.map(drop);
            }
            _ => {}
        }
    }
    let reason = format!("the server offers {offered}; CRAM-MD5 needs auth_secret, PLAIN and LOGIN need auth_password");
    Err(Stop::Failed { kind: FailKind::Other, reason })
}

async fn ask(connection: &mut AsyncSmtpConnection, line: &str) -> Result<String, Stop> {
    let answer = connection.command(format!("{line}\r\n")).await.map_err(stop)?;
    Ok(answer.first_line().unwrap_or("").to_string())
}

/// HMAC-MD5 (RFC 2104), in lower-case hexadecimal digits.
fn keyed_md5(key: &[u8], text: &[u8]) -> String {
    const BLOCK: usize = 64;
    let mut block = [0; BLOCK];
    if key.len() > BLOCK {
        block[..16].copy_from_slice(&md5::compute(key).0);
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let pad = |with: u8| block.map(|byte| byte ^ with).to_vec();
    let inner = md5::compute([pad(0x36), text.to_vec()].concat());
    format!("{:x}", md5::compute([pad(0x5c), inner.0.to_vec()].concat()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keyed_md5_of_the_standards() {
        // RFC 2195, section 2, and RFC 2202, section 2, test 6.
        assert_eq!(keyed_md5(b"tanstaaftanstaaf", b"<1896.697170952@postoffice.reston.mci.net>"), "b913a602c7eda7a495b4e6e7334d3890");
        assert_eq!(keyed_md5(&[0xaa; 80], b"Test Using Larger Than Block-Size Key - Hash Key First"), "6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd");
    }
}
