//! The private socket between the gate and the inner server.
//!
//! It is a Unix socket in a new directory of our own (mode 0700). A process that was killed leaves its directory behind; the
//! next one removes it. Where no directory can be written the socket is a port on loopback, which other users of the machine
//! reach too: without the ticket of a request that is waiting they get 404, but one packet to `tiny_http` can end the process.

use std::ffi::OsStr;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A socket that listens.
pub struct PrivateSocket {
    /// The socket.
    pub listener: OwnedFd,
    /// Where to connect to it.
    pub address: Address,
    /// The directory to remove when it is no longer needed.
    pub home: Option<PrivateDir>,
}

impl PrivateSocket {
    /// Binds the socket in the first of `dirs` in which we can make a directory, else on loopback.
    ///
    /// # Errors
    /// If loopback cannot be bound either.
    pub fn listen(dirs: &[PathBuf]) -> io::Result<Self> {
        for dir in dirs {
            let bound = PrivateDir::create(dir).and_then(|home| Ok((UnixListener::bind(home.socket())?, home)));
            match bound {
                Ok((listener, home)) => {
                    let address = Address::Unix(home.socket());
                    return Ok(Self { listener: listener.into(), address, home: Some(home) });
                }
                Err(error) => log::debug!("cannot make a private socket in {}: {error}", dir.display()),
            }
        }
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        log::warn!(
            "the inner web server listens on {address}, where any local user can crash it, because no directory for a \
             private socket is writable: set XDG_RUNTIME_DIR to one, or make /run or /dev/shm writable"
        );
        Ok(Self { listener: listener.into(), address: Address::Tcp(address), home: None })
    }
}

/// Where the inner server listens.
#[derive(Debug, Clone)]
pub enum Address {
    /// The path of the usual socket.
    Unix(PathBuf),
    /// The port on loopback that takes its place.
    Tcp(SocketAddr),
}

impl Address {
    /// Connects within this time. Each read and write gets as long again; a request needs two or three of each.
    ///
    /// # Errors
    /// See [`is_gone`].
    pub fn connect(&self, time: Duration) -> io::Result<Box<dyn Duplex>> {
        Ok(match self {
            Self::Unix(path) => {
                let stream = UnixStream::connect(path)?;
                stream.set_read_timeout(Some(time))?;
                stream.set_write_timeout(Some(time))?;
                Box::new(stream)
            }
            Self::Tcp(address) => {
                let stream = TcpStream::connect_timeout(address, time)?;
                stream.set_read_timeout(Some(time))?;
                stream.set_write_timeout(Some(time))?;
                Box::new(stream)
            }
        })
    }
}

/// Either kind of connection.
pub trait Duplex: Read + Write {}
impl<T: Read + Write> Duplex for T {}

/// A directory that only we can enter. Dropping it removes it and the socket in it.
#[derive(Debug)]
pub struct PrivateDir(PathBuf);

/// What the names of our directories begin with.
const PREFIX: &str = concat!(env!("CARGO_PKG_NAME"), "-");
/// A random number of so many hexadecimal digits follows.
const RANDOM_DIGITS: usize = 16;
/// The name of the socket.
const SOCKET: &str = "inner";

impl PrivateDir {
    /// Fails if the name exists, whatever it is. The name is random, so that it cannot be taken in advance.
    fn create(parent: &Path) -> io::Result<Self> {
        let random = RandomState::new().hash_one(std::process::id());
        let path = parent.join(format!("{PREFIX}{random:0RANDOM_DIGITS$x}"));
        fs::DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self(path))
    }

    fn socket(&self) -> PathBuf {
        self.0.join(SOCKET)
    }

    /// Removes from `dirs` the directories that killed processes of the same user left there.
    pub fn remove_abandoned(&self, dirs: &[PathBuf]) {
        let Ok(own) = fs::symlink_metadata(&self.0) else { return };
        for entry in dirs.iter().filter_map(|dir| fs::read_dir(dir).ok()).flatten().flatten() {
            if is_ours(&entry.file_name()) && is_abandoned(&entry.path(), own.uid()) {
                remove(&entry.path());
            }
        }
    }
}

impl Drop for PrivateDir {
    fn drop(&mut self) {
        remove(&self.0);
    }
}

/// Nothing but a socket of ours and the directory, and that only if nothing else is in it.
fn remove(home: &Path) {
    let socket = home.join(SOCKET);
    if fs::symlink_metadata(&socket).is_ok_and(|socket| socket.file_type().is_socket()) {
        let _ = fs::remove_file(socket);
    }
    let _ = fs::remove_dir(home);
}

fn is_ours(name: &OsStr) -> bool {
    let random = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    random.is_some_and(|random| random.len() == RANDOM_DIGITS && random.bytes().all(is_digit))
}

/// A younger directory may belong to a process that has not bound its socket yet, which takes microseconds.
const ABANDONED_AGE: Duration = Duration::from_secs(60);

/// Whether this is a directory, not a link to one, that this user made with our mode, and no process listens there.
fn is_abandoned(home: &Path, user: u32) -> bool {
    let Ok(found) = fs::symlink_metadata(home) else { return false };
    let is_old = || found.modified().is_ok_and(|at| at.elapsed().is_ok_and(|age| age > ABANDONED_AGE));
    found.is_dir()
        && (found.uid(), found.mode() & 0o777) == (user, 0o700)
        && is_old()
        && UnixStream::connect(home.join(SOCKET)).is_err_and(|error| is_gone(&error))
}

/// Whether a connection failed because the server is gone.
pub fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionRefused | ErrorKind::NotFound)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{File, FileTimes};
    use std::os::unix::fs::{PermissionsExt, chown, symlink};
    use std::time::SystemTime;

    const TIME: Duration = Duration::from_secs(5);

    /// A directory that is removed with all that a test makes in it.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("private-socket-{name}-{}", std::process::id()));
            fs::create_dir(&path).unwrap();
            Self(path)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    #[test]
    fn the_socket_is_private_and_goes_with_its_directory() {
        let parent = Scratch::new("private");
        let socket = PrivateSocket::listen(&["/nonexistent".into(), parent.0.clone()]).unwrap();
        let made = fs::read_dir(&parent.0).unwrap().next().unwrap().unwrap();
        assert_eq!(made.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        assert!(is_ours(&made.file_name()));
        assert!(
            matches!(&socket.address, Address::Unix(path) if path.starts_with(made.path())),
            "{:?}",
            socket.address
        );
        assert!(socket.address.connect(TIME).is_ok());
        drop(socket.home);
        assert!(!made.path().exists());
    }

    #[test]
    fn loopback_takes_its_place_where_the_path_is_too_long() {
        let parent = Scratch::new("long");
        let long = parent.0.join("x".repeat(100)); // a socket's path has some 108 bytes at most
        fs::create_dir(&long).unwrap();
        let socket = PrivateSocket::listen(std::slice::from_ref(&long)).unwrap();
        assert!(socket.home.is_none() && matches!(socket.address, Address::Tcp(_)), "{:?}", socket.address);
        assert!(socket.address.connect(TIME).is_ok());
        fs::remove_dir(&long).expect("the directory made in vain is removed");
    }

    /// A directory of this name, with a socket in it that was bound, as old as this.
    fn left_behind(parent: &Scratch, name: &str, age: Duration) -> (PathBuf, UnixListener) {
        let home = parent.0.join(name);
        fs::DirBuilder::new().mode(0o700).create(&home).unwrap();
        let listener = UnixListener::bind(home.join(SOCKET)).unwrap();
        make_older(&home, age);
        (home, listener)
    }

    fn make_older(home: &Path, age: Duration) {
        let times = FileTimes::new().set_modified(SystemTime::now() - age);
        File::open(home).unwrap().set_times(times).unwrap();
    }

    #[test]
    fn what_killed_processes_left_is_removed_and_nothing_else() {
        let (parent, elsewhere) = (Scratch::new("abandoned"), Scratch::new("elsewhere"));
        let name = |number: u64| format!("{PREFIX}{number:016x}");
        let old = ABANDONED_AGE * 2;
        let left = |number, age| left_behind(&parent, &name(number), age).0;

        let abandoned = [left(1, old), left(2, ABANDONED_AGE + Duration::from_secs(1))];
        let empty = left(3, old);
        fs::remove_file(empty.join(SOCKET)).unwrap();
        make_older(&empty, old);

        let (busy, _listener) = left_behind(&parent, &name(4), old);
        let open = left(5, old);
        fs::set_permissions(&open, fs::Permissions::from_mode(0o755)).unwrap();
        let file = parent.0.join(name(6));
        fs::write(&file, "").unwrap();
        let full = left(7, old);
        fs::write(full.join("more"), "").unwrap();
        make_older(&full, old);
        let other_socket = left(8, old);
        fs::remove_file(other_socket.join(SOCKET)).unwrap();
        fs::write(other_socket.join(SOCKET), "").unwrap();
        make_older(&other_socket, old);
        let (far, _) = left_behind(&elsewhere, &name(9), old);
        let link = parent.0.join(name(9));
        symlink(&far, &link).unwrap();
        let mut kept = vec![busy, open, file, full, other_socket, far, link];
        kept.extend([ABANDONED_AGE / 2, Duration::ZERO].into_iter().zip(10..).map(|(age, number)| left(number, age)));
        for strange in
            [format!("{PREFIX}1"), format!("{}0", name(1)), format!("{PREFIX}{}", "A".repeat(16)), "x".into()]
        {
            kept.push(left_behind(&parent, &strange, old).0);
        }
        let foreign = left(12, old);
        if chown(&foreign, Some(4242), None).is_ok() {
            kept.push(foreign); // only root can give a directory away
        }

        let socket = PrivateSocket::listen(std::slice::from_ref(&parent.0)).unwrap();
        socket.home.as_ref().unwrap().remove_abandoned(&["/nonexistent".into(), parent.0.clone()]);
        for path in kept {
            assert!(fs::symlink_metadata(&path).is_ok(), "{} is gone", path.display());
        }
        for path in abandoned.into_iter().chain([empty]) {
            assert!(!path.exists(), "{} is still there", path.display());
        }
        assert!(socket.address.connect(TIME).is_ok(), "its own is young");
    }
}
