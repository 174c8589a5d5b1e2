//! Where a server is reached.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV6};
use std::str::FromStr;

/// Maximum length of a host's name in bytes (RFC 1035).
const LONGEST_NAME: usize = 253;

/// Maximum length of a part of it in bytes.
const LONGEST_LABEL: usize = 63;

/// Maximum number of characters of an invalid address that its error repeats.
const MOST_TOLD: usize = 60;

/// Where a server is reached: a host's name or number, and a port, as HOST:PORT. A host's number of IP version 6
/// stands in brackets. A
/// text is parsed into one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(String);

/// Why a text is no [`Address`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not HOST:PORT: {why}")]
pub struct InvalidAddress {
    text: String,
    why: &'static str,
}

impl Address {
    /// An address at which a server is to listen. Its port may be 0: then the system chooses one.
    ///
    /// # Errors
    /// Why it is none.
    pub fn to_listen_at(text: &str) -> Result<Address, InvalidAddress> {
        Address::parse(text, 0)
    }

    /// The address as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn parse(text: &str, lowest_port: u16) -> Result<Address, InvalidAddress> {
        match problem_with(text, lowest_port) {
            None => Ok(Address(text.to_owned())),
            Some(why) => {
                let is_long = text.chars().nth(MOST_TOLD).is_some();
                let told: String = text.chars().take(MOST_TOLD).collect();
                Err(InvalidAddress { text: if is_long { told + "…" } else { told }, why })
            }
        }
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Address {
        Address(address.to_string())
    }
}

fn problem_with(text: &str, lowest_port: u16) -> Option<&'static str> {
    if text.is_empty() {
        return Some("it is empty; write for example 127.0.0.1:4001");
    }
    if text.contains("://") {
        return Some("it is a URL; write only the host and the port");
    }
    if text.chars().any(|char| char.is_whitespace() || char.is_control()) {
        return Some("it contains a space or a control character");
    }
    let Some((host, port)) = text.rsplit_once(':') else {
        return Some("it has no port; write for example 127.0.0.1:4001");
    };
    if !port.bytes().all(|byte| byte.is_ascii_digit())
        || !port.parse().is_ok_and(|port: u16| port >= lowest_port)
    {
        return Some(match lowest_port {
            0 => "its port is not a number from 0 to 65535",
            _ => "its port is not a number from 1 to 65535",
        });
    }
    if host.starts_with('[') {
        let is_good = text.parse::<SocketAddrV6>().is_ok();
        return (!is_good).then_some("the brackets do not contain an IPv6 address");
    }
    if host.contains(':') {
        return Some("write an IPv6 address in brackets, as in [::1]:4001");
    }
    problem_with_name(host)
}

fn problem_with_name(host: &str) -> Option<&'static str> {
    if host.is_empty() {
        return Some("it has no host; write for example 127.0.0.1:4001");
    }
    if host.len() > LONGEST_NAME {
        return Some("the name of a host has at most 253 characters");
    }
    let is_good = |label: &str| {
        let is_usual = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        (1..=LONGEST_LABEL).contains(&label.len()) && label.bytes().all(is_usual)
    };
    let name = host.strip_suffix('.').unwrap_or(host);
    if !name.split('.').all(is_good) {
        return Some("the name of a host has letters, digits and hyphens, with single dots between them");
    }
    // No name ends in a number, so this is meant as a number.
    let is_number =
        name.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
    (is_number && name.parse::<Ipv4Addr>().is_err())
        .then_some("its host is not an IPv4 address, such as 127.0.0.1")
}

impl FromStr for Address {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Address, InvalidAddress> {
        Address::parse(text, 1)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Address, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_ports_are_addresses() {
        let long = format!("{}:1", ["a".repeat(63).as_str(); 3].join("."));
        for text in [
            "127.0.0.1:4001",
            "[::1]:4001",
            "[fe80::1%2]:65535",
            "raft-1.example.org:1",
            "n1:4001",
            "my_host.:80",
            &long,
        ] {
            let address: Address = text.parse().unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(address.to_string(), text);
            assert_eq!(
                serde_json::from_str::<Address>(&serde_json::to_string(&address).unwrap()).unwrap(),
                address
            );
        }
        assert!(Address::to_listen_at("127.0.0.1:0").is_ok());
    }

    #[test]
    fn nothing_else_is_one() {
        let too_long = format!("{}:1", ["a".repeat(63).as_str(); 4].join("."));
        for text in [
            "",
            ":",
            "host",
            "host:",
            ":4001",
            "host:0",
            "host:65536",
            "host:+1",
            "host: 1",
            "http://127.0.0.1:4001",
            "http://h",
            "::1:4001",
            "::1",
            "[::1]",
            "[::1]:0",
            "[x]:1",
            "a b:4001",
            " a:1",
            "a:1\n",
            "\u{1b}[31mred:1",
            "a..b:1",
            ".a:1",
            "a/b:1",
            "user@host:1",
            "ä:1",
            "1.2.3:1",
            "300.1.1.1:80",
            "1.2.3.4.5:6",
            &too_long,
        ] {
            let error = text.parse::<Address>().expect_err(text).to_string();
            assert!(error.contains("HOST:PORT") && !error.chars().any(char::is_control), "{error}");
        }
        let error = "h".repeat(1_000_000).parse::<Address>().unwrap_err().to_string();
        assert!(error.len() < 300, "{}", error.len());
        assert!("http://h:1".parse::<Address>().unwrap_err().to_string().contains("URL"));
        assert!("::1:4001".parse::<Address>().unwrap_err().to_string().contains("[::1]:4001"));
    }
}
