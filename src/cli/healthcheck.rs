//! `healthcheck`: asks the exporter on this machine for `/health`, with just enough HTTP for that.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::cli::error::Error;
use crate::config::Config;

/// How long it takes at most; container engines are configured to wait a little longer.
const TIME_MAX: Duration = Duration::from_secs(3);

/// Longest line of a status, such as `HTTP/1.1 200 OK`.
const STATUS_BYTES_MAX: usize = 256;

/// Asks the exporter. Invalid settings are a failure like any other, since container engines know no codes but 0 and 1.
pub fn healthcheck() -> Result<(), Error> {
    let address = Config::local_address().map_err(|faults| Error::Failed(faults.to_string()))?;
    let status = ask(address).map_err(|error| Error::Failed(format!("no exporter answers at {address}: {error}")))?;
    let is_well = status.starts_with("HTTP/1.") && status.split(' ').nth(1) == Some("200");
    if is_well { Ok(()) } else { Err(Error::Failed(format!("unhealthy: {}", status.trim_end().escape_debug()))) }
}

/// The first line of the response.
fn ask(address: SocketAddr) -> io::Result<String> {
    let deadline = Instant::now() + TIME_MAX;
    let mut stream = TcpStream::connect_timeout(&address, TIME_MAX)?;
    stream.set_write_timeout(Some(TIME_MAX))?;
    stream.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut status = Vec::new();
    while !status.ends_with(b"\n") && status.len() < STATUS_BYTES_MAX {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        // Byte by byte, so that the line ends where it ends; it is short.
        if (&stream).take(1).read_to_end(&mut status)? == 0 {
            break;
        }
    }
    Ok(String::from_utf8_lossy(&status).into_owned())
}
