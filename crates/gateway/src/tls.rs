//! TLS 1.3 of the server side, without any I/O of its own: certificates in, a rustls configuration out, and what a client's
//! certificate says about its owner.
//!
//! TLS 1.3 only: no renegotiation, no static key exchange. No resumption and no early data either: every connection shows
//! its certificate, and recorded bytes are worth nothing a second time.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};
use thiserror::Error;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

/// Permissions of everybody else.
const OTHERS: u32 = 0o007;

/// Files of a TLS listener, all PEM.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TlsFiles {
    /// The venue's certificate, then those that lead to its authority.
    pub certificate: PathBuf,
    /// Its private key. Nobody but owner and group may read it.
    pub key: PathBuf,
    /// Who signs clients' certificates. Given: a client without such a certificate is refused.
    pub client_ca: Option<PathBuf>,
}

/// What a listener needs.
#[derive(Clone, Debug)]
pub struct TlsSetup {
    /// For every connection.
    pub config: Arc<ServerConfig>,
    /// What the operator should know, but does not keep the venue from starting.
    pub warnings: Vec<String>,
}

/// A file that cannot be used.
#[derive(Debug, Error)]
#[error("{key}: {problem}")]
pub struct TlsError {
    /// Which of them: `certificate`, `key` or `client_ca`.
    pub key: &'static str,
    /// What is wrong with it; names the file.
    pub problem: String,
}

/// Reads the files and checks that they belong together.
pub fn load(files: &TlsFiles) -> Result<TlsSetup, TlsError> {
    let chain = certificates("certificate", &files.certificate)?;
    let key = private_key(&files.key)?;
    let versions = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("the provider has suites of TLS 1.3");
    let builder = match &files.client_ca {
        None => versions.with_no_client_auth(),
        Some(path) => versions.with_client_cert_verifier(client_verifier(path)?),
    };
    let warnings = chain.first().and_then(|leaf| validity_warning(&files.certificate, leaf));
    let mut config = builder.with_single_cert(chain, key).map_err(|error| TlsError {
        key: "key",
        problem: match error {
            rustls::Error::InconsistentKeys(_) => {
                format!("{} is not the key of {}", files.key.display(), files.certificate.display())
            }
            other => format!("{}: {other}", files.key.display()),
        },
    })?;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.max_early_data_size = 0;
    Ok(TlsSetup { config: Arc::new(config), warnings: warnings.into_iter().collect() })
}

fn certificates(key: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let wrong = |problem: String| TlsError { key, problem: format!("{} {problem}", path.display()) };
    let read =
        CertificateDer::pem_file_iter(path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    let found: Result<Vec<_>, _> = read.collect();
    let found = found.map_err(|error| wrong(format!("cannot be read: {error}")))?;
    match found.is_empty() {
        true => Err(wrong("holds no certificate (PEM)".into())),
        false => Ok(found),
    }
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let wrong = |problem: String| TlsError { key: "key", problem: format!("{} {problem}", path.display()) };
    let found = std::fs::metadata(path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    let mode = found.permissions().mode();
    if mode & OTHERS != 0 {
        return Err(wrong(format!("is open to others (mode {:04o}); chmod 0600 it", mode & 0o7777)));
    }
    PrivateKeyDer::from_pem_file(path).map_err(|error| wrong(format!("holds no private key (PEM): {error}")))
}

fn client_verifier(path: &Path) -> Result<Arc<dyn rustls::server::danger::ClientCertVerifier>, TlsError> {
    let wrong =
        |problem: String| TlsError { key: "client_ca", problem: format!("{}: {problem}", path.display()) };
    let mut roots = RootCertStore::empty();
    for certificate in certificates("client_ca", path)? {
        roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
    }
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::new(ring::default_provider()))
        .build()
        .map_err(|error| wrong(error.to_string()))
}

fn validity_warning(path: &Path, leaf: &CertificateDer<'_>) -> Option<String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64);
    let (_, leaf) = X509Certificate::from_der(leaf).ok()?;
    let validity = leaf.validity();
    if now > validity.not_after.timestamp() {
        return Some(format!("{} has expired ({})", path.display(), validity.not_after));
    }
    let early = now < validity.not_before.timestamp();
    early.then(|| format!("{} is not valid before {}", path.display(), validity.not_before))
}

/// True when a certificate is in this name: one of its subject alternative names (DNS, mail or URI), or its subject's
/// common name, letter by letter. The chain must have been checked before.
pub fn is_in_name(certificate: &[u8], wanted: &str) -> bool {
    let Ok((_, certificate)) = X509Certificate::from_der(certificate) else { return false };
    let alternative = certificate.subject_alternative_name().ok().flatten();
    let named = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) | GeneralName::RFC822Name(name) | GeneralName::URI(name) => {
            *name == wanted
        }
        _ => false,
    };
    alternative.is_some_and(|extension| extension.value.general_names.iter().any(named))
        || certificate.subject().iter_common_name().any(|name| name.as_str() == Ok(wanted))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, DnType, KeyPair, SanType};

    struct Scratch(tempfile::TempDir);

    impl Scratch {
        fn write(&self, name: &str, text: &str, mode: u32) -> PathBuf {
            let path = self.0.path().join(name);
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            path
        }

        fn files(&self, params: CertificateParams) -> TlsFiles {
            let key = KeyPair::generate().unwrap();
            let certificate = params.self_signed(&key).unwrap();
            TlsFiles {
                certificate: self.write("cert.pem", &certificate.pem(), 0o644),
                key: self.write("key.pem", &key.serialize_pem(), 0o600),
                client_ca: None,
            }
        }
    }

    fn scratch() -> Scratch {
        Scratch(tempfile::tempdir().unwrap())
    }

    fn params() -> CertificateParams {
        CertificateParams::new(vec!["localhost".into()]).unwrap()
    }

    fn refusal(files: &TlsFiles) -> (&'static str, String) {
        let error = load(files).unwrap_err();
        (error.key, error.problem)
    }

    #[test]
    fn what_is_wrong_with_a_file_is_told_with_its_key_and_name() {
        let scratch = scratch();
        let good = scratch.files(params());
        assert!(load(&good).unwrap().warnings.is_empty());
        let missing = scratch.0.path().join("nosuch.pem");
        let text = scratch.write("text.pem", "hello", 0o600);
        let other = scratch.write("other.pem", &KeyPair::generate().unwrap().serialize_pem(), 0o600);
        let client_ca = Some(text.clone());
        let cases = [
            (TlsFiles { certificate: missing.clone(), ..good.clone() }, "certificate", "nosuch.pem"),
            (TlsFiles { certificate: text.clone(), ..good.clone() }, "certificate", "text.pem"),
            (TlsFiles { key: missing, ..good.clone() }, "key", "nosuch.pem"),
            (TlsFiles { key: text, ..good.clone() }, "key", "text.pem"),
            (TlsFiles { key: other, ..good.clone() }, "key", "is not the key of"),
            (TlsFiles { client_ca, ..good }, "client_ca", "text.pem"),
        ];
        for (files, key, words) in cases {
            let (found, problem) = refusal(&files);
            assert!(found == key && problem.contains(words), "{found}: {problem}");
        }
    }

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        let scratch = scratch();
        let files = scratch.files(params());
        std::fs::set_permissions(&files.key, std::fs::Permissions::from_mode(0o644)).unwrap();
        let (key, problem) = refusal(&files);
        assert!(key == "key" && problem.contains("0644"), "{problem}");
        std::fs::set_permissions(&files.key, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(load(&files).is_ok(), "its group may: that is how services share a key");
    }

    #[test]
    fn an_expired_certificate_is_a_warning() {
        let scratch = scratch();
        let mut params = params();
        params.not_after = rcgen::date_time_ymd(2020, 1, 1);
        params.not_before = rcgen::date_time_ymd(2019, 1, 1);
        let setup = load(&scratch.files(params)).unwrap();
        assert!(setup.warnings[0].contains("has expired"), "{:?}", setup.warnings);
    }

    #[test]
    fn a_certificate_is_in_the_names_it_has_and_no_other() {
        let mut params = params();
        params.subject_alt_names.push(SanType::Rfc822Name("desk@alice.example".try_into().unwrap()));
        params.distinguished_name.push(DnType::CommonName, "alice-desk");
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        for name in ["localhost", "desk@alice.example", "alice-desk"] {
            assert!(is_in_name(certificate.der(), name), "{name}");
        }
        for name in ["", "alice", "LOCALHOST", "alice-desk2"] {
            assert!(!is_in_name(certificate.der(), name), "{name}");
        }
        assert!(!is_in_name(b"no certificate", "alice-desk"));
    }
}
