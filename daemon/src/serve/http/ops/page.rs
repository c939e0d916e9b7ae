//! `GET /`: the page.

use std::sync::LazyLock;

use axum::http::HeaderName;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::IntoResponse;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};

/// The page, which asks nobody else for anything.
const PAGE: &str = include_str!("../../../../assets/page.html");

/// Policy under which the page runs: its own script and style, by their hashes, and requests to its
/// own server alone (CSP level 3).
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let script = hash_of("script");
    let style = hash_of("style");
    format!(
        "default-src 'none'; script-src 'sha256-{script}'; style-src 'sha256-{style}'; \
         img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    )
});

/// Answers with the page.
pub(in crate::serve::http) async fn page() -> impl IntoResponse {
    let headers: [(HeaderName, &str); 5] = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, POLICY.as_str()),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Another version of the daemon has another page.
        (CACHE_CONTROL, "no-cache"),
    ];
    (headers, PAGE)
}

/// Hash of the content of the page's one element of a name.
fn hash_of(element: &str) -> String {
    let (begin, end) = (format!("<{element}>"), format!("</{element}>"));
    let content = PAGE
        .split_once(&begin)
        .and_then(|(_, rest)| rest.split_once(&end));
    let content = content.map_or("", |(content, _)| content);
    BASE64_STANDARD.encode(Sha256::digest(content))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_one_script_and_one_style() {
        for element in ["script", "style"] {
            assert_eq!(PAGE.matches(&format!("<{element}")).count(), 1);
            let empty = BASE64_STANDARD.encode(Sha256::digest(""));
            assert_ne!(hash_of(element), empty);
        }
        for outside in [
            "src=",
            "@import",
            "url(",
            " style=",
            " onclick=",
            "integrity=",
        ] {
            assert!(!PAGE.contains(outside), "{outside}");
        }
        assert_eq!(PAGE.matches("<link").count(), 1, "an empty icon");
    }
}
