//! Certificates of a company: named by variables, and told in errors.

use std::path::Path;
use std::process::Command;

use gte_tests::{Daemon, Output, Sandbox};

use super::pull::pull_with;

fn openssl(folder: &Path, arguments: &str) {
    let mut openssl = Command::new("openssl");
    openssl.args(arguments.split(' ')).current_dir(folder);
    let output = Output::of(&mut openssl);
    assert!(output.status.success(), "{arguments}: {output:?}");
}

/// Makes an authority, and a certificate of it for localhost: `ca.pem`, `cert.pem`, `key.pem`.
fn make_certificates(folder: &Path) {
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    openssl(
        folder,
        &format!("req -x509 {key} -keyout ca.key -out ca.pem -days 2 -subj /CN=test-ca"),
    );
    openssl(
        folder,
        &format!("req {key} -keyout key.pem -out request.pem -subj /CN=localhost"),
    );
    std::fs::write(folder.join("names"), "subjectAltName=DNS:localhost")
        .expect("a file can be written");
    openssl(
        folder,
        "x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out cert.pem",
    );
}

/// Message of a pull that fails.
fn pull(sandbox: &Sandbox, endpoint: &str, variables: &[(&str, &str)]) -> String {
    let output = pull_with(sandbox, endpoint, variables);
    assert_eq!(output.code(), Some(1), "{output:?}");
    output.stderr
}

#[test]
fn certificates_of_variables_are_trusted() {
    let server = Sandbox::default();
    let folder = server.path();
    make_certificates(folder);
    let path = |name: &str| folder.join(name).to_str().expect("UTF-8").to_owned();
    let (ca, certificate, key) = (path("ca.pem"), path("cert.pem"), path("key.pem"));
    // Any server will do whose certificate is the company's: this one has no repositories.
    let (_daemon, address) =
        Daemon::start_http(&server, &["--tls-cert", &certificate, "--tls-key", &key]);
    let port = address.rsplit(':').next().expect("a port");
    let endpoint = format!("https://localhost:{port}");
    let sandbox = Sandbox::default();
    let folder_of_ca = sandbox.path().join("certs");
    std::fs::create_dir(&folder_of_ca).expect("a folder can be created");
    // As Windows saves it: with a mark and other line ends, and text before it.
    let windows = std::fs::read_to_string(&ca)
        .expect("it was made")
        .replace('\n', "\r\n");
    let windows = format!("\u{feff}the company's\r\n{windows}");
    std::fs::write(folder_of_ca.join("company.pem"), windows).expect("a file can be written");
    let folders = format!("/not/there:{}", folder_of_ca.display());
    for (variable, value) in [
        ("SSL_CERT_FILE", ca.as_str()),
        ("SSL_CERT_DIR", &folders),
        ("CURL_CA_BUNDLE", &ca),
        ("REQUESTS_CA_BUNDLE", &ca),
    ] {
        let answered = pull(&sandbox, &endpoint, &[(variable, value)]);
        assert!(
            answered.contains("was not found (404)"),
            "{variable}: {answered}"
        );
    }
    let unknown = pull(&sandbox, &endpoint, &[]);
    assert!(
        unknown.contains("this machine does not know its issuer"),
        "{unknown}"
    );
    assert!(
        unknown.contains("hint: if a proxy of your company"),
        "{unknown}"
    );
    assert!(unknown.contains("SSL_CERT_FILE=FILE.pem"), "{unknown}");
    let missing = pull(&sandbox, &endpoint, &[("SSL_CERT_FILE", "/not/there.pem")]);
    assert!(
        missing.contains("SSL_CERT_FILE (/not/there.pem)"),
        "{missing}"
    );
    let name = pull(
        &sandbox,
        &format!("https://127.0.0.1:{port}"),
        &[("SSL_CERT_FILE", &ca)],
    );
    assert!(name.contains("it is for another name"), "{name}");
}

#[test]
fn http_behind_an_https_address_is_told() {
    let sandbox = Sandbox::default();
    let server = Sandbox::default();
    let (_daemon, address) = Daemon::start_http(&server, &[]);
    let told = pull(&sandbox, &format!("https://{address}"), &[]);
    assert!(told.contains("does not speak https"), "{told}");
    assert!(told.contains("hint: write http://"), "{told}");
}
