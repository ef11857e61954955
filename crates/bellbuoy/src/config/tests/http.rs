//! Mistakes in `http_config`, which is the same wherever it stands.

use expect_test::{Expect, expect};

use super::{check_files, load_with};

/// The lines of a webhook's `http_config`, from line 7.
fn check(lines: &str, expected: Expect) {
    let lines = lines.replace('\n', "\n      ");
    let text = format!(
        "route: {{receiver: team}}\nreceivers:\n- name: team\n  webhook_configs:\n  - url: http://a/b\n    http_config:\n      {lines}\n"
    );
    check_files(&[("alertmanager.yml", &text)], expected);
}

#[test]
fn one_way_to_say_who_i_am() {
    check(
        "basic_auth: {username: a}\noauth2: {client_id: a, token_url: 'http://t/'}",
        expect!["alertmanager.yml:7:7: at most one of basic_auth, oauth2, authorization and bearer_token can be used; remove the others"],
    );
    check(
        "bearer_token: a\noauth2: {client_id: a, token_url: 'http://t/'}",
        expect!["alertmanager.yml:8:7: at most one of basic_auth, oauth2, authorization and bearer_token can be used; remove the others"],
    );
    check(
        "bearer_token: a\nbearer_token_file: b",
        expect![[r#"
        alertmanager.yml:8:7: at most one of bearer_token and bearer_token_file can be used
        alertmanager.yml:8:26: can not read bearer_token_file "b": no such file"#]],
    );
    check(
        "authorization: {type: Basic, credentials: a}",
        expect![[r#"alertmanager.yml:7:23: authorization type can not be "basic"; use basic_auth instead"#]],
    );
    check(
        "oauth2: {client_secret: a, client_secret_file: b, token_url: here}",
        expect![[r#"
        alertmanager.yml:7:15: "client_id" is missing in this oauth2; add `client_id: ...`
        alertmanager.yml:7:34: at most one of client_secret and client_secret_file can be used
        alertmanager.yml:7:54: can not read client_secret_file "b": no such file
        alertmanager.yml:7:68: "token_url" is not a web address: it must begin with http:// or https://"#]],
    );
    check(
        "oauth2: {client_id: a, token_url: 'http://t/', grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', iss: a}",
        expect![[r#"
        alertmanager.yml:7:66: "grant_type" "urn:ietf:params:oauth:grant-type:jwt-bearer" is not supported yet; leave it out or write client_credentials
        alertmanager.yml:7:113: "iss" is not supported yet; remove it"#]],
    );
    check(
        "oauth2: {client_id: a, token_url: 'http://t/', no_proxy: b, scope: [c]}",
        expect![[r#"
        alertmanager.yml:7:54: no_proxy says nothing without a proxy; add proxy_url
        alertmanager.yml:7:67: unknown field "scope" in oauth2; did you mean "scopes"?"#]],
    );
}

#[test]
fn proxies() {
    check("proxy_url: http://p:3128\nno_proxy: a,b\nproxy_connect_header: {X-A: [b]}", expect![""]);
    check("proxy_url: socks5://p:1080", expect![""]);
    check(
        "proxy_url: p:3128",
        expect![[
            r#"alertmanager.yml:7:18: "proxy_url" is not a proxy's address: it must begin with http://, https://, socks5:// or socks5h://; write for example http://proxy:3128"#
        ]],
    );
    check(
        "proxy_url: ftp://p",
        expect![[
            r#"alertmanager.yml:7:18: "proxy_url" is not a proxy's address: it must begin with http://, https://, socks5:// or socks5h://; write for example http://proxy:3128"#
        ]],
    );
    check("no_proxy: a", expect!["alertmanager.yml:7:7: no_proxy says nothing without a proxy; add proxy_url"]);
    check(
        "proxy_connect_header: {X-A: [b]}",
        expect!["alertmanager.yml:7:7: proxy_connect_header says nothing without a proxy; add proxy_url or proxy_from_environment"],
    );
    check(
        "proxy_url: http://p\nproxy_from_environment: true\nno_proxy: a",
        expect![[r#"
        alertmanager.yml:7:7: at most one of proxy_url and proxy_from_environment can be used; NO_PROXY of the environment counts too
        alertmanager.yml:9:7: at most one of no_proxy and proxy_from_environment can be used; NO_PROXY of the environment counts too"#]],
    );
    check(
        "proxy_url: http://p\nproxy_connect_header: {Host: [b], X-A: b, X-B: [\"a\\nb\"]}",
        expect![[r#"
        alertmanager.yml:8:30: header "Host" can not be set: it is made from other settings
        alertmanager.yml:8:46: "X-A" must be a list of values; write [value]
        alertmanager.yml:8:55: the value of header "X-B" has a line end or control character"#]],
    );
    check(
        "proxy_url: http://p\ntls_config: {server_name: a}",
        expect!["alertmanager.yml:8:7: server_name together with a proxy is not supported yet; remove one of them"],
    );
    check("proxy_from_environment: true", expect![""]);
}

#[test]
fn headers() {
    check("http_headers: {X-A: {values: [a], secrets: [b]}}", expect![""]);
    check(
        "http_headers: {User-Agent: {values: [a]}, 'a b': {values: [c]}}",
        expect![[r#"
        alertmanager.yml:7:22: header "User-Agent" can not be set: it is made from other settings
        alertmanager.yml:7:49: header "a b" can not be set: it is no header name"#]],
    );
    check(
        "http_headers: {X-A: {value: [a], files: [/nowhere/x]}, X-B: a}",
        expect![[r#"
        alertmanager.yml:7:28: unknown field "value" in header; did you mean "values"?
        alertmanager.yml:7:48: can not read files "/nowhere/x": no such file
        alertmanager.yml:7:67: header must be a map, not a value; write it as `name: value` lines"#]],
    );
    check(
        "http_headers: {X-A: {values: [\"a\\nb\"]}}",
        expect![[r#"alertmanager.yml:7:37: the value of header "X-A" has a line end or control character"#]],
    );
}

#[test]
fn tls() {
    check(
        "tls_config: {min_version: TLS13, max_version: TLS12}",
        expect![[r#"alertmanager.yml:7:53: "max_version" is below "min_version""#]],
    );
    check(
        "tls_config: {ca: nothing}",
        expect!["alertmanager.yml:7:24: ca holds no certificate that can be read; it must be PEM: -----BEGIN CERTIFICATE-----"],
    );
    check(
        "tls_config: {cert: a, key: b}",
        expect![[r#"
        alertmanager.yml:7:26: cert holds no certificate that can be read; it must be PEM: -----BEGIN CERTIFICATE-----
        alertmanager.yml:7:34: key holds no private key that can be read; it must be PEM: -----BEGIN PRIVATE KEY-----"#]],
    );
    check("tls_config: {min_version: TLS10, max_version: TLS13}", expect![""]);
}

#[test]
fn a_proxy_of_the_environment_that_is_none() {
    let text = "route: {receiver: team}\nreceivers:\n- name: team\n  webhook_configs:\n  - url: http://a/b\n    http_config: {proxy_from_environment: true}\n";
    let folder = super::Folder::with(&[("alertmanager.yml", text)]);
    let wrong = load_with(&folder.0, &[("https_proxy", "ftp://user:geheim@p")]);
    expect!["alertmanager.yml:6:19: HTTPS_PROXY of the environment is not a proxy's address: it must begin with http://, https://, socks5:// or socks5h://"].assert_eq(&folder.problems(&wrong));
    let right = load_with(&folder.0, &[("HTTP_PROXY", "p:3128")]);
    assert!(right.problems.is_empty());
    let shown = format!("{:?}", right.settings.expect("settings").receivers);
    assert!(!shown.contains("p:3128") && shown.contains("http: Some(<secret>)"), "{shown}");
}
