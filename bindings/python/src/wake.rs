//! A pair of connected ends: a byte written to one makes the other readable.

use std::io;

#[cfg(unix)]
mod ends {
    use std::os::fd::AsRawFd as _;

    pub(crate) type End = std::os::unix::net::UnixStream;
    pub(crate) type Number = std::os::fd::RawFd;

    pub(super) fn connected() -> std::io::Result<(End, End)> {
        End::pair()
    }

    /// Returns what the operating system knows an end by.
    pub(crate) fn number(end: &End) -> Number {
        end.as_raw_fd()
    }
}

#[cfg(windows)]
mod ends {
    use std::net::{Ipv4Addr, TcpListener, TcpStream};
    use std::os::windows::io::{AsRawSocket as _, RawSocket};

    pub(crate) type End = TcpStream;
    pub(crate) type Number = RawSocket;

    pub(super) fn connected() -> std::io::Result<(End, End)> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let writer = TcpStream::connect(listener.local_addr()?)?;
        loop {
            let (reader, address) = listener.accept()?;
            // Anybody on this machine may have connected first.
            if address == writer.local_addr()? {
                return Ok((reader, writer));
            }
        }
    }

    /// Returns what the operating system knows an end by.
    pub(crate) fn number(end: &End) -> Number {
        end.as_raw_socket()
    }
}

pub(crate) use ends::{End, Number, number};

/// Returns two ends, neither of which ever blocks.
pub(crate) fn pair() -> io::Result<(End, End)> {
    let (reader, writer) = ends::connected()?;
    reader.set_nonblocking(true)?;
    writer.set_nonblocking(true)?;
    Ok((reader, writer))
}
