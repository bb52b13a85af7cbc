//! Where `send` goes, and how: from its flags to an address of the client.

use std::path::PathBuf;

use ringside_client::{Address, Tls, TlsOptions};

use super::SendError;

/// TLS 1.3 to the venue
#[derive(clap::Args, Debug)]
pub(super) struct TlsArgs {
    /// Speaks TLS to HOST:PORT
    #[arg(long)]
    tls: bool,
    /// Who signs the venue's certificate, PEM [default: whom the system trusts]
    #[arg(long, requires = "tls", value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Our certificate, PEM, for venues that ask for one
    #[arg(long, requires = "tls", requires = "key", value_name = "FILE")]
    cert: Option<PathBuf>,
    /// Its private key, PEM
    #[arg(long, requires = "tls", requires = "cert", value_name = "FILE")]
    key: Option<PathBuf>,
    /// Name that the venue's certificate must have [default: the host of --to]
    #[arg(long, requires = "tls", value_name = "NAME")]
    server_name: Option<String>,
}

impl TlsArgs {
    /// Where to connect, and how.
    pub(super) fn address(&self, to: &str) -> Result<Address, SendError> {
        let address = Address::from(to);
        match address {
            _ if !self.tls => Ok(address),
            Address::Tcp(host) => {
                let options = TlsOptions {
                    ca: self.ca.clone(),
                    identity: self.cert.clone().zip(self.key.clone()),
                    server_name: self.server_name.clone(),
                };
                Ok(Address::Tls(host, Tls::load(&options)?))
            }
            _ => Err(SendError::NoTls { to: to.into() }),
        }
    }
}
