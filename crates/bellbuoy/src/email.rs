//! tell: hands a composed mail to an SMTP server.
//!
//! In:    an `EmailMessage`, and the answer to the attempt before. Out: an `Answer` with the server's code.
//! Never: shows the password; lets one refused recipient keep the mail from the others.

mod auth;
mod session;

use std::collections::HashSet;
use std::time::Duration;

use bellbuoy_notify::{Answer, EmailMessage, FailKind};
use lettre::address::{Address, Envelope};
use lettre::message::header::{ContentDisposition, ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Mailboxes, Message, MultiPart, SinglePart};

use self::session::{Refused, Session, Stop};

/// Stands in an answer before the recipients that have the mail already, so that the next attempt leaves them out.
const TAKEN: &str = "already sent to ";
const TAKEN_END: &str = "; ";

/// One attempt. A mail that some recipients have and others not yet is tried again for the others.
pub async fn send(mail: &EmailMessage, timeout: Duration, last_answer: &str) -> Answer {
    let taken = taken_of(last_answer);
    let (message, recipients) = match message(mail) {
        Ok(built) => built,
        Err(reason) => return Answer::Email { code: 553, text: reason },
    };
    let recipients: Vec<Address> = recipients.into_iter().filter(|address| !taken.contains(&address.to_string())).collect();
    if recipients.is_empty() {
        return Answer::Email { code: 250, text: String::new() };
    }
    let sender = message.envelope().from().cloned();
    let dialog = async {
        let mut session = Session::open(&mail.settings, timeout).await?;
        let refused = session.deliver(sender, &recipients, &message.formatted()).await?;
        session.close().await;
        Ok(refused)
    };
    let late = || Stop::Failed { kind: FailKind::Timeout, reason: "the server did not answer in time".into() };
    match tokio::time::timeout(timeout, dialog).await.unwrap_or_else(|_| Err(late())) {
        Ok(refused) => answer(taken, &recipients, refused),
        // What is known of the recipients is handed on to the next attempt.
        Err(Stop::Refused { code, text }) => Answer::Email { code, text: format!("{}{text}", note(&taken)) },
        Err(Stop::Failed { kind, reason }) => Answer::Failed { kind, reason: format!("{}{reason}", note(&taken)) },
    }
}

/// For the record of a delivered mail: who did not get it, if anybody.
pub fn left_out(answer: &Answer) -> Option<&str> {
    match answer {
        Answer::Email { code: 200..=299, text } if !text.is_empty() => Some(text),
        _ => None,
    }
}

/// The server took the mail for those that it did not refuse.
fn answer(mut taken: Vec<String>, recipients: &[Address], refused: Vec<Refused>) -> Answer {
    let (later, never): (Vec<Refused>, Vec<Refused>) = refused.into_iter().partition(|refused| refused.code / 100 == 4);
    let words = |list: &[Refused]| {
        let each: Vec<String> = list.iter().map(|refused| format!("{}: {} {}", refused.address, refused.code, refused.text)).collect();
        each.join(", ")
    };
    if later.is_empty() {
        let text = if never.is_empty() { String::new() } else { format!("refused for {}", words(&never)) };
        return Answer::Email { code: 250, text };
    }
    // Those that were refused for good are as done as those that took it.
    let open: HashSet<&Address> = later.iter().map(|refused| &refused.address).collect();
    taken.extend(recipients.iter().filter(|address| !open.contains(address)).map(Address::to_string));
    Answer::Email { code: later[0].code, text: format!("{}put off for {}", note(&taken), words(&later)) }
}

fn note(taken: &[String]) -> String {
    if taken.is_empty() { String::new() } else { format!("{TAKEN}{}{TAKEN_END}", taken.join(", ")) }
}

fn taken_of(last_answer: &str) -> Vec<String> {
    let list = last_answer.split_once(TAKEN).and_then(|(_, rest)| rest.split_once(TAKEN_END));
    list.map(|(list, _)| list.split(", ").map(str::to_string).collect()).unwrap_or_default()
}

/// The mail, and whom it goes to.
fn message(mail: &EmailMessage) -> Result<(Message, Vec<Address>), String> {
    let wrong = |text: &str, error: &dyn std::fmt::Display| format!("mail address {text:?}: {error}");
    let from: Mailbox = mail.from.trim().parse().map_err(|error| wrong(&mail.from, &error))?;
    let to: Mailboxes = mail.to.trim().trim_matches(',').parse().map_err(|error| wrong(&mail.to, &error))?;
    let mut recipients: Vec<Address> = Vec::new();
    for mailbox in to.iter().filter(|mailbox| !mailbox.email.to_string().contains(TAKEN_END.trim())) {
        if !recipients.contains(&mailbox.email) {
            recipients.push(mailbox.email.clone());
        }
    }
    let envelope = Envelope::new(Some(from.email.clone()), recipients.clone()).map_err(|error| wrong(&mail.to, &error))?;
    let has = |name: &str| mail.headers.iter().any(|(header, _)| header.eq_ignore_ascii_case(name));
    let mut builder = Message::builder().envelope(envelope).subject(mail.subject.clone());
    builder = match mail.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("from")) {
        Some((_, shown)) => builder.from(shown.trim().parse().map_err(|error| wrong(shown, &error))?),
        None => builder.from(from),
    };
    if !has("to") {
        builder = builder.mailbox(lettre::message::header::To::from(to));
    }
    if !has("message-id") {
        builder = builder.message_id(Some(mail.message_id.clone()));
    }
    if !mail.references.is_empty() {
        builder = builder.references(mail.references.clone()).in_reply_to(mail.references.clone());
    }
    for (name, value) in mail.headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("from")) {
        let name = HeaderName::new_from_ascii(name.clone()).map_err(|_| format!("mail header {name:?} is not valid"))?;
        builder = builder.raw_header(HeaderValue::new(name, value.replace(['\r', '\n'], " ")));
    }
    let text = SinglePart::builder().header(ContentType::TEXT_PLAIN).body(mail.text.clone());
    let html = SinglePart::builder().header(ContentType::TEXT_HTML);
    let both = || MultiPart::alternative().singlepart(text.clone()).singlepart(html.body(mail.html.clone()));
    // Mail programs show a picture below the text when it comes after it; users' HTML knows nothing of it.
    let built = match (mail.html.is_empty(), mail.picture.is_empty()) {
        (true, true) => builder.singlepart(text),
        (false, true) => builder.multipart(both()),
        (true, false) => builder.multipart(MultiPart::mixed().singlepart(text).singlepart(picture(mail))),
        (false, false) => builder.multipart(MultiPart::mixed().multipart(both()).singlepart(picture(mail))),
    };
    let built = built.map_err(|error| format!("the mail could not be built: {error}"))?;
    Ok((built, recipients))
}

fn picture(mail: &EmailMessage) -> SinglePart {
    let png = ContentType::parse("image/png").unwrap_or(ContentType::TEXT_PLAIN);
    SinglePart::builder().header(png).header(ContentDisposition::inline_with_name("alert.png")).body(mail.picture.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(address: &str, code: u16) -> Refused {
        Refused { address: address.parse().expect("an address"), code, text: "no".into() }
    }

    #[test]
    fn who_has_the_mail_is_known_at_the_next_attempt() {
        let all: Vec<Address> = ["a@x.y", "b@x.y", "c@x.y"].map(|text| text.parse().expect("an address")).to_vec();
        assert_eq!(answer(vec![], &all, vec![]), Answer::Email { code: 250, text: String::new() });
        let some = answer(vec![], &all, vec![refused("b@x.y", 550)]);
        assert_eq!(left_out(&some), Some("refused for b@x.y: 550 no"));
        let later = answer(vec!["d@x.y".into()], &all, vec![refused("b@x.y", 451), refused("c@x.y", 550)]);
        let Answer::Email { code: 451, text } = &later else { panic!("{later:?}") };
        assert_eq!(text, "already sent to d@x.y, a@x.y, c@x.y; put off for b@x.y: 451 no");
        assert_eq!(taken_of(&format!("SMTP 451 {text}")), ["d@x.y", "a@x.y", "c@x.y"]);
        assert_eq!(left_out(&later), None);
        assert!(taken_of("dns: no such host").is_empty());
    }
}
