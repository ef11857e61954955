//! `oauth2` of an HTTP configuration: where a token comes from, and for what.

use std::path::Path;

use bellbuoy_vocabulary::OAuth2Options;

use super::Files;
use super::http::{one_of, tls_config, url_problem};
use super::proxy;
use super::read::Fields;

/// Keys of the grant with a signed assertion (RFC 7523) and of secret managers.
const NOT_YET: [&str; 9] = [
    "client_secret_ref",
    "client_certificate_key_id",
    "client_certificate_key",
    "client_certificate_key_file",
    "client_certificate_key_ref",
    "signature_algorithm",
    "iss",
    "audience",
    "claims",
];

pub fn read(fields: Fields, folder: &Path, files: &Files) -> Option<Box<OAuth2Options>> {
    let client_id = fields.required("client_id");
    let token_url = fields.required("token_url");
    if let Some((text, reason)) = token_url.and_then(|text| Some((text, url_problem(text.as_str())?))) {
        fields.error(text.span(), format!("\"token_url\" is not a web address: {reason}"), "");
    }
    if let Some(grant) = fields.text("grant_type").filter(|text| !["", "client_credentials"].contains(&text.as_str())) {
        let message = format!("\"grant_type\" {:?} is not supported yet", grant.shown());
        fields.error(grant.span(), message, "leave it out or write client_credentials");
    }
    fields.not_yet(&NOT_YET);
    let tls = fields.map("tls_config", "tls_config").map(|tls| tls_config(tls, folder, files)).unwrap_or_default();
    let proxy = proxy::read(&fields, files);
    if let (Some(_), Some(_)) = (&tls.server_name, &proxy) {
        fields.error(fields.key_span("tls_config"), "server_name together with a proxy is not supported yet", "remove one of them");
    }
    let options = OAuth2Options {
        client_id: client_id.map_or(String::new(), |text| text.as_str().into()),
        client_secret: one_of(&fields, "client_secret", "client_secret_file", folder, files).unwrap_or_default(),
        scopes: fields.texts("scopes").iter().map(|text| text.as_str().to_string()).collect(),
        token_url: token_url.map_or(String::new(), |text| text.as_str().into()),
        endpoint_params: fields.pairs("endpoint_params").iter().map(|pair| (pair.name.to_string(), pair.value().to_string())).collect(),
        tls,
        proxy,
    };
    fields.finish();
    Some(Box::new(options))
}
