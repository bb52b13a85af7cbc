//! Where a venue is, and how to get there.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

#[cfg(feature = "tls")]
use crate::tls::Tls;

/// What a path of a Unix socket begins with, where an address is a word.
const UNIX: &str = "unix:";

/// Where a venue takes orders. From a word: `unix:PATH`, or host and port for TCP.
#[derive(Clone, Debug)]
pub enum Address {
    /// Host and port, in plaintext. Resolved anew for every connection.
    Tcp(String),
    /// The socket of a venue on the same host.
    Unix(PathBuf),
    /// Host and port, TLS 1.3.
    #[cfg(feature = "tls")]
    Tls(String, Tls),
}

impl From<&str> for Address {
    fn from(word: &str) -> Self {
        match word.strip_prefix(UNIX) {
            Some(path) => Address::Unix(path.into()),
            None => Address::Tcp(word.into()),
        }
    }
}

impl From<String> for Address {
    fn from(word: String) -> Self {
        word.as_str().into()
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Address::Tcp(address.to_string())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Tcp(address) => f.write_str(address),
            Address::Unix(path) => write!(f, "{UNIX}{}", path.display()),
            #[cfg(feature = "tls")]
            Address::Tls(address, _) => f.write_str(address),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_a_path_or_a_host_and_says_itself_again() {
        for word in ["127.0.0.1:9001", "venue.example:9001", "unix:/run/ringside/oe.sock", "unix:oe.sock"] {
            assert_eq!(Address::from(word).to_string(), word);
            assert_eq!(matches!(Address::from(word), Address::Unix(_)), word.starts_with("unix:"));
        }
    }
}
