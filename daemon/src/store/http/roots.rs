//! Certificates that connections to hubs trust: those of this machine.

use std::sync::LazyLock;

use gte_shared::environment::variable;
use rustls_native_certs::{CertificateResult, load_certs_from_paths};
use ureq::tls::{Certificate, RootCerts};

/// Variables that name a file of certificates in place of the system's, for other programs.
const FILES: [&str; 3] = ["SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"];

/// Variable that names folders of certificates, with colons between them.
const FOLDERS: &str = "SSL_CERT_DIR";

/// Trusted certificates, and what could not be read of them.
#[derive(Debug)]
pub(super) struct Roots {
    pub(super) certificates: RootCerts,
    /// Problems, for the error of a connection that fails.
    pub(super) problems: Vec<String>,
}

/// Notes for the user about certificates that variables name and that cannot be read.
pub(in crate::store) fn certificate_notes() -> impl Iterator<Item = String> {
    let problems = ROOTS.problems.iter();
    problems.map(|problem| format!("{problem}; the system's certificates are used"))
}

/// The certificates of this process, which are read once.
pub(super) static ROOTS: LazyLock<Roots> = LazyLock::new(Roots::load);

/// Certificates of the system. The library's own function for this reads the variables, which may
/// be empty or lead nowhere.
fn load_of_system() -> CertificateResult {
    let places = openssl_probe::probe();
    let mut loaded = load_certs_from_paths(places.cert_file.as_deref(), None);
    if loaded.certs.is_empty() {
        for folder in openssl_probe::candidate_cert_dirs() {
            let further = load_certs_from_paths(None, Some(folder));
            loaded.certs.extend(further.certs);
            loaded.errors.extend(further.errors);
        }
    }
    loaded
}

impl Roots {
    /// Reads the files and folders that variables name; without them, or where nothing can be read
    /// there, those of the system; without these, as in an empty container, the program has
    /// Mozilla's.
    fn load() -> Self {
        let mut problems = Vec::new();
        let mut found = Vec::new();
        let file = FILES.iter().find_map(|name| Some((*name, variable(name)?)));
        let mut add = |name: &str, path: &str, loaded: CertificateResult| {
            let errors = loaded.errors.iter();
            problems.extend(errors.map(|error| format!("{name} ({path}): {error}")));
            if loaded.certs.is_empty() && loaded.errors.is_empty() {
                problems.push(format!("{name} ({path}): no certificates"));
            }
            found.extend(loaded.certs);
        };
        if let Some((name, path)) = file {
            add(
                name,
                &path,
                load_certs_from_paths(Some(path.as_ref()), None),
            );
        }
        let folders = variable(FOLDERS).unwrap_or_default();
        for path in folders.split(':').filter(|path| !path.is_empty()) {
            add(
                FOLDERS,
                path,
                load_certs_from_paths(None, Some(path.as_ref())),
            );
        }
        if found.is_empty() {
            // A damaged file among those of the system does not concern the user.
            found = load_of_system().certs;
        }
        let owned = |certificate: &rustls::pki_types::CertificateDer<'_>| {
            Certificate::from_der(certificate).to_owned()
        };
        let certificates: Vec<Certificate<'static>> = found.iter().map(owned).collect();
        Self {
            certificates: if certificates.is_empty() {
                RootCerts::WebPki
            } else {
                RootCerts::new_with_certs(&certificates)
            },
            problems,
        }
    }
}
