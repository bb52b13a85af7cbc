//! TLS 1.3 of the client side: whom to trust, who we are, whom we expect.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use thiserror::Error;

/// Bytes that TLS keeps for a socket that is full.
const OUT_BYTES: usize = 64 * 1024;

/// Files and names, all files PEM.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TlsOptions {
    /// Who signs the venue's certificate; `None`: whom the system trusts.
    pub ca: Option<PathBuf>,
    /// Our certificate with its chain, and its key, for venues that ask for one.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// Name that the venue's certificate must have; `None`: the host of the address.
    pub server_name: Option<String>,
}

/// TLS that is ready to connect.
#[derive(Clone, Debug)]
pub struct Tls {
    config: Arc<ClientConfig>,
    server_name: Option<ServerName<'static>>,
}

/// A file or a name that cannot be used.
#[derive(Debug, Error)]
#[error("{what}: {problem}")]
pub struct TlsError {
    /// The file or name.
    pub what: String,
    /// What is wrong with it.
    pub problem: String,
}

impl Tls {
    /// Reads the files.
    pub fn load(options: &TlsOptions) -> Result<Tls, TlsError> {
        let versions = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .expect("the provider has suites of TLS 1.3");
        let builder = versions.with_root_certificates(roots(options.ca.as_deref())?);
        let mut config = match &options.identity {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => builder
                .with_client_auth_cert(certificates(certificate)?, private_key(key)?)
                .map_err(|error| wrong(key.display(), error))?,
        };
        config.resumption = Resumption::disabled();
        let server_name = options.server_name.as_deref().map(server_name).transpose()?;
        Ok(Tls { config: Arc::new(config), server_name })
    }

    /// The client's side of a connection to `address` (host and port).
    pub(crate) fn open(&self, address: &str) -> std::io::Result<ClientConnection> {
        let name = match &self.server_name {
            Some(name) => name.clone(),
            None => server_name(host(address)).map_err(std::io::Error::other)?,
        };
        let opened = ClientConnection::new(self.config.clone(), name);
        let mut connection = opened.map_err(std::io::Error::other)?;
        connection.set_buffer_limit(Some(OUT_BYTES));
        Ok(connection)
    }
}

fn wrong(what: impl std::fmt::Display, problem: impl std::fmt::Display) -> TlsError {
    TlsError { what: what.to_string(), problem: problem.to_string() }
}

fn server_name(name: &str) -> Result<ServerName<'static>, TlsError> {
    ServerName::try_from(name.to_owned()).map_err(|error| wrong(format!("server name {name:?}"), error))
}

/// The host of `host:port` and `[ipv6]:port`.
fn host(address: &str) -> &str {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    host.trim_start_matches('[').trim_end_matches(']')
}

fn roots(ca: Option<&Path>) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    match ca {
        Some(path) => {
            for certificate in certificates(path)? {
                roots.add(certificate).map_err(|error| wrong(path.display(), error))?;
            }
        }
        // What the system has and this library cannot read is skipped, like everywhere.
        None => drop(roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs)),
    }
    match roots.is_empty() {
        true => Err(wrong("certificates of the system", "there are none; name the venue's authority")),
        false => Ok(roots),
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match read {
        Ok(found) if found.is_empty() => Err(wrong(path.display(), "holds no certificate (PEM)")),
        Ok(found) => Ok(found),
        Err(error) => Err(wrong(path.display(), error)),
    }
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| wrong(path.display(), error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_an_address_is_the_name_expected() {
        for (address, name) in
            [("venue.example:9003", "venue.example"), ("127.0.0.1:1", "127.0.0.1"), ("[::1]:1", "::1")]
        {
            assert_eq!(host(address), name);
            assert!(server_name(host(address)).is_ok());
        }
        assert!(server_name("no name").is_err());
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let options = TlsOptions { ca: Some("/no/such.pem".into()), ..TlsOptions::default() };
        assert!(Tls::load(&options).unwrap_err().to_string().contains("/no/such.pem"));
    }
}
