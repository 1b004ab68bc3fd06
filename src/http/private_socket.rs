//! The private socket between `gate` and the inner server.
//!
//! It is a Unix socket in a directory of our own (mode 0700, made anew, never taken over). Where no directory can be
//! written it is a loopback TCP port, which other users of the host can reach: without a ticket that somebody waits for
//! they get 404, but the weaknesses of `tiny_http` are open to them there.

use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Binds the socket in the first of `dirs` that lets us make a directory, else on loopback.
///
/// # Errors
/// If loopback cannot be bound either.
pub fn listen(dirs: &[PathBuf]) -> io::Result<(tiny_http::Listener, Address, Option<PrivateDir>)> {
    for dir in dirs {
        let bound = PrivateDir::create(dir).and_then(|home| Ok((UnixListener::bind(home.socket())?, home)));
        match bound {
            Ok((listener, home)) => return Ok((listener.into(), Address::Unix(home.socket()), Some(home))),
            Err(error) => log::debug!("no private socket in {}: {error}", dir.display()),
        }
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    log::warn!("no directory for a private socket is writable; the inner web server listens on {address} instead");
    Ok((listener.into(), Address::Tcp(address), None))
}

/// Where the inner server listens.
#[derive(Debug, Clone)]
pub enum Address {
    /// The usual socket.
    Unix(PathBuf),
    /// The loopback port that stands in for it.
    Tcp(SocketAddr),
}

impl Address {
    /// Connects. The time left until `by` is given to each read and write, which are two or three of each.
    ///
    /// # Errors
    /// `ConnectionRefused` and `NotFound` mean that nobody listens there any more.
    pub fn dial(&self, by: Instant) -> io::Result<Box<dyn Duplex>> {
        let time = Some(by.saturating_duration_since(Instant::now()).max(Duration::from_millis(1)));
        Ok(match self {
            Self::Unix(path) => {
                let stream = UnixStream::connect(path)?;
                stream.set_read_timeout(time)?;
                stream.set_write_timeout(time)?;
                Box::new(stream)
            }
            Self::Tcp(address) => {
                let stream = TcpStream::connect(address)?;
                stream.set_read_timeout(time)?;
                stream.set_write_timeout(time)?;
                Box::new(stream)
            }
        })
    }
}

/// Either kind of connection.
pub trait Duplex: Read + Write {}
impl<T: Read + Write> Duplex for T {}

/// A directory that only we can enter, removed with the socket in it when dropped.
#[derive(Debug)]
pub struct PrivateDir(PathBuf);

impl PrivateDir {
    /// Fails if the name exists, whatever it is. The name is random so that nobody can take it in advance.
    fn create(parent: &Path) -> io::Result<Self> {
        let random = RandomState::new().hash_one(std::process::id());
        let path = parent.join(format!("{}-{random:016x}", env!("CARGO_PKG_NAME")));
        fs::DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self(path))
    }

    fn socket(&self) -> PathBuf {
        self.0.join("inner")
    }
}

impl Drop for PrivateDir {
    fn drop(&mut self) {
        let _ = fs::remove_file(self.socket());
        let _ = fs::remove_dir(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_socket_is_private_and_goes_with_its_directory() {
        let parent = PrivateDir::create(&std::env::temp_dir()).unwrap();
        let (_listener, address, home) = listen(&["/nonexistent".into(), parent.0.clone()]).unwrap();
        let made = fs::read_dir(&parent.0).unwrap().next().unwrap().unwrap();
        assert_eq!(made.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        assert!(matches!(&address, Address::Unix(path) if path.starts_with(made.path())), "{address:?}");
        assert!(address.dial(Instant::now()).is_ok());
        drop(home);
        assert!(!made.path().exists());
    }

    #[test]
    fn loopback_stands_in_and_a_path_too_long_is_passed_over() {
        let parent = PrivateDir::create(&std::env::temp_dir()).unwrap();
        let long = parent.0.join("x".repeat(100)); // a socket's path may have about 108 bytes
        fs::create_dir(&long).unwrap();
        let (_listener, address, home) = listen(std::slice::from_ref(&long)).unwrap();
        assert!(home.is_none() && matches!(address, Address::Tcp(_)), "{address:?}");
        assert!(address.dial(Instant::now()).is_ok());
        fs::remove_dir(&long).expect("the directory made in vain is removed");
    }
}
