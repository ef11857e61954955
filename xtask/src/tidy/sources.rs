//! What every Rust file must have at its head and must not have in its body.

use super::Finding;

/// Only these may ask the clock and use tokio: the boat, the services beside the path, the tools.
const MAY_ASK_THE_CLOCK: [&str; 5] = ["crates/bellbuoy/", "crates/instrument/", "demo/", "bench/", "xtask/"];
/// This file names the forbidden words.
const OWN: &str = "xtask/src/tidy/sources.rs";

/// A reason on the line or the one above lifts a ban: `// tidy: allow sleep( because ...`.
const ALLOW: &str = "tidy: allow ";

struct Ban {
    word: &'static str,
    scope: Scope,
    message: &'static str,
    fix: &'static str,
}

#[derive(PartialEq)]
enum Scope {
    Everywhere,
    /// Outside of `MAY_ASK_THE_CLOCK`.
    PureCrates,
    Tests,
}

const BANS: [Ban; 8] = [
    Ban { word: "SystemTime::now", scope: Scope::PureCrates, message: "reads the clock", fix: "take `now: Timestamp` as an argument" },
    Ban { word: "Instant::now", scope: Scope::PureCrates, message: "reads the clock", fix: "take `now: Timestamp` as an argument" },
    Ban { word: "tokio", scope: Scope::PureCrates, message: "uses tokio", fix: "return what is to be done; the boat does it" },
    Ban { word: "sleep(", scope: Scope::Tests, message: "sleeps in a test", fix: "pass `now` in, or wait for the event itself" },
    Ban { word: "dbg!", scope: Scope::Everywhere, message: "`dbg!` left behind", fix: "remove it" },
    Ban { word: "todo!", scope: Scope::Everywhere, message: "`todo!` left behind", fix: "write it, or return an error that says so" },
    Ban { word: "unimplemented!", scope: Scope::Everywhere, message: "`unimplemented!` left behind", fix: "return an error that says so" },
    Ban { word: "#[ignore", scope: Scope::Everywhere, message: "ignores a test", fix: "mend the test, or delete it" },
];

/// Every file says what it is; every lib.rs says where it stands on the path.
pub fn check_head(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let head: Vec<&str> = text.lines().take_while(|line| line.starts_with("//!")).collect();
    let first = head.first().map(|line| line.trim_start_matches("//!").trim()).unwrap_or_default();
    // The limit catches heads that only repeat the file's name.
    if first.len() < 12 {
        findings.push(Finding::new(path, 1, "does not begin with a `//!` sentence", "say what the file is for"));
        return findings;
    }
    if !path.ends_with("src/lib.rs") {
        return findings;
    }
    if !first.contains(" > ") && !first.to_lowercase().contains("beside") {
        let fix =
            "begin with the path in a code span (`scrape > store > [promql] > ...`) and what it is, or with its place beside the path";
        findings.push(Finding::new(path, 1, "does not say its place on the path", fix));
    }
    for word in ["In:", "Out:", "Never:", "Read:"] {
        if !head.iter().any(|line| line.trim_start_matches("//!").trim_start().starts_with(word)) {
            findings.push(Finding::new(path, 1, format!("the head has no `{word}` line"), "see crates/vocabulary/src/lib.rs"));
        }
    }
    findings
}

/// Words that a file of its kind must not contain. Comments may.
pub fn check_words(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    if path == OWN {
        return findings;
    }
    // Examples of a stage are measurements of it.
    let pure = !MAY_ASK_THE_CLOCK.iter().any(|folder| path.starts_with(folder)) && !path.contains("/examples/");
    let mut in_tests = is_test_file(path);
    let mut previous = "";
    for (index, line) in text.lines().enumerate() {
        in_tests |= line.trim() == "#[cfg(test)]";
        let code = line.split("//").next().unwrap_or_default();
        for ban in &BANS {
            let applies = match ban.scope {
                Scope::Everywhere => true,
                Scope::PureCrates => pure,
                Scope::Tests => in_tests,
            };
            let allowed = [line, previous].iter().any(|line| line.contains(ALLOW) && line.contains(ban.word));
            if applies && !allowed && has_word(code, ban.word) {
                findings.push(Finding::new(path, index + 1, ban.message, ban.fix));
            }
        }
        previous = line;
    }
    findings
}

/// `sleep(` is not in `oversleep(`, nor `tokio` in `tokioish`.
fn has_word(code: &str, word: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let open_end = word.ends_with(letter);
    code.match_indices(word).any(|(at, _)| {
        let before = code[..at].chars().next_back().is_some_and(letter) && word.starts_with(letter);
        let after = open_end && code[at + word.len()..].chars().next().is_some_and(letter);
        !before && !after
    })
}

pub fn is_test_file(path: &str) -> bool {
    path.contains("/tests/") || path.ends_with("/tests.rs")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(path: &str, text: &str) -> Vec<(usize, String)> {
        check_words(path, text).into_iter().map(|finding| (finding.line, finding.message)).collect()
    }

    #[test]
    fn clocks_and_tokio_are_found_in_pure_crates_only() {
        let text = "//! x\nlet a = Instant::now();\nuse tokio::sync;\n// Instant::now in a comment\n";
        assert_eq!(words("crates/rules/src/a.rs", text), [(2, "reads the clock".to_string()), (3, "uses tokio".to_string())]);
        assert!(words("crates/bellbuoy/src/a.rs", text).is_empty());
        assert!(words("crates/rules/examples/a.rs", text).is_empty());
        assert!(words("crates/rules/src/a.rs", "let tokioish = 1;").is_empty());
    }

    #[test]
    fn sleeping_is_found_in_tests_only() {
        let text = "fn wait() { sleep(x); }\n#[cfg(test)]\nmod tests { fn t() { thread::sleep(x); } }\n";
        assert_eq!(words("crates/bellbuoy/src/a.rs", text), [(3, "sleeps in a test".to_string())]);
        assert_eq!(words("crates/bellbuoy/tests/it/main.rs", "thread::sleep(x);").len(), 1);
        assert!(
            words("crates/bellbuoy/tests/it/main.rs", "// tidy: allow sleep( because a process has no other sign\nsleep(x);").is_empty()
        );
    }

    #[test]
    fn unfinished_work_is_found() {
        for line in ["dbg!(x);", "todo!()", "unimplemented!()", "#[ignore]", "#[ignore = \"slow\"]"] {
            assert_eq!(words("demo/src/a.rs", line).len(), 1, "{line}");
        }
    }

    #[test]
    fn heads_are_wanted() {
        let good = "//! scrape > [store]: samples to series.\n//!\n//! In:    a\n//! Out:   b\n//! Never: c\n//! Read:  d\n";
        assert!(check_head("crates/store/src/lib.rs", good).is_empty());
        assert_eq!(check_head("crates/store/src/lib.rs", "//! scrape > [store]: samples to series.\n").len(), 4);
        assert_eq!(check_head("crates/store/src/lib.rs", &good.replace(" > ", " ")).len(), 1);
        assert_eq!(check_head("crates/store/src/head.rs", "use x;\n").len(), 1);
        assert_eq!(check_head("crates/store/src/head.rs", "//! head\n").len(), 1);
        assert!(check_head("crates/store/src/head.rs", "//! The newest samples.\n").is_empty());
    }
}
