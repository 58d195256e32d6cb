//! [`Target`]: the machines that this binary is made for.

use std::fmt;
use std::fs::File;
use std::io::Read as _;

use memchr::memmem;
use serde::Serialize;

#[derive(Serialize)]
pub(crate) struct Target {
    os: &'static str,
    arch: &'static str,
    libc: Option<&'static str>,
    /// The oldest version of that library with which this binary starts.
    libc_floor: Option<String>,
}

impl Target {
    pub(crate) fn of_this_binary() -> Self {
        let libc = match () {
            () if cfg!(target_env = "gnu") && cfg!(target_os = "linux") => Some("glibc"),
            () if cfg!(target_env = "musl") => Some("musl"),
            () => None,
        };
        let libc_floor = libc.filter(|libc| *libc == "glibc").and_then(|_| glibc_floor());
        Self { os: std::env::consts::OS, arch: std::env::consts::ARCH, libc, libc_floor }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.os, self.arch)?;
        match (self.libc, &self.libc_floor) {
            (Some(libc), Some(floor)) => write!(f, " with {libc} {floor} or newer"),
            (Some(libc), None) => write!(f, " with {libc}"),
            _ => Ok(()),
        }
    }
}

/// Returns the newest version of glibc that this binary names, which depends on where it was built.
fn glibc_floor() -> Option<String> {
    let here = glibc_floor as fn() -> Option<String> as usize;
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    let path = maps.lines().filter(|line| holds(line, here)).find_map(|line| Some(&line[line.find('/')?..]))?;
    let mut start = Vec::new();
    File::open(path).ok()?.take(NAMES_END).read_to_end(&mut start).ok()?;
    newest_version(&start).map(|minor| format!("2.{minor}"))
}

/// Returns whether a line of the list of mapped files covers an address.
fn holds(line: &str, address: usize) -> bool {
    let range = line.split(' ').next().and_then(|range| range.split_once('-'));
    let number = |text| usize::from_str_radix(text, 16).unwrap_or_default();
    range.is_some_and(|(start, end)| (number(start)..number(end)).contains(&address))
}

fn newest_version(binary: &[u8]) -> Option<u32> {
    let minors = memmem::find_iter(binary, GLIBC).filter_map(|at| {
        let rest = &binary[at + GLIBC.len()..];
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()
    });
    minors.max()
}

const GLIBC: &[u8] = b"GLIBC_2.";
// Names of versions stand in front of the code, which may be long.
const NAMES_END: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_that_is_named_is_the_floor() {
        assert_eq!(newest_version(b"\0GLIBC_2.2.5\0GLIBC_2.34\0GLIBC_2.9\0GLIBC_2.x"), Some(34));
        assert_eq!(newest_version(b"no library"), None);
    }

    #[test]
    fn this_binary_is_found_by_the_address_of_its_code() {
        if cfg!(all(target_os = "linux", target_env = "gnu")) {
            let minor: u32 = glibc_floor().unwrap()[2..].parse().unwrap();
            // The oldest that the compiler still makes binaries for.
            assert!(minor >= 17, "{minor}");
        }
    }
}
