//! Which addresses may be fetched from.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use url::{Host, Url};

/// In bytes; more than any address has that somebody means.
const MAX_LENGTH: usize = 2048;

pub struct Rules {
    /// Whether plain http will do.
    pub http: bool,
    /// Networks that may be reached although they are not public.
    pub allowed: Vec<IpNet>,
}

impl Rules {
    /// Refusals are sentences.
    pub fn parse(&self, address: &str) -> Result<Url, String> {
        if address.len() > MAX_LENGTH {
            return Err(format!("the address has more than {MAX_LENGTH} bytes"));
        }
        // The parser would drop blanks and line breaks, so that what is checked would not be what was written.
        if address.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err("the address holds blanks or control characters".to_owned());
        }
        let url = Url::parse(address).map_err(|e| format!("the address is not a URL: {e}"))?;
        self.check(&url).map(|()| url)
    }

    /// What can be said before the host is resolved. Numbers in any notation are addresses here already: the parser reads
    /// `2130706433` and `0x7f.1` as 127.0.0.1 (WHATWG URL, "host parsing").
    pub fn check(&self, url: &Url) -> Result<(), String> {
        match url.scheme() {
            "https" => {}
            "http" if self.http => {}
            "http" => return Err("the address must begin with https:// (the setting fetch_http allows http)".to_owned()),
            other => return Err(format!("the address must begin with https://, not {other}:")),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("the address must not hold a user name or password".to_owned());
        }
        let ip = match url.host() {
            Some(Host::Ipv4(ip)) => IpAddr::V4(ip),
            Some(Host::Ipv6(ip)) => IpAddr::V6(ip),
            Some(Host::Domain(name)) if !name.trim_matches('.').is_empty() => return Ok(()),
            _ => return Err("the address names no host".to_owned()),
        };
        if self.permits(ip) { Ok(()) } else { Err(not_permitted(url.host_str().unwrap_or_default(), ip)) }
    }

    pub fn permits(&self, ip: IpAddr) -> bool {
        is_public(ip) || self.allowed.iter().any(|network| network.contains(&ip.to_canonical()) || network.contains(&ip))
    }
}

pub fn not_permitted(host: &str, ip: IpAddr) -> String {
    let canonical = ip.to_canonical();
    if host.trim_matches(['[', ']']) == canonical.to_string() {
        format!("{host} is not a public address; the setting fetch_allowed_networks can allow it")
    } else {
        format!("{host} leads to an address that is not public; the setting fetch_allowed_networks can allow it")
    }
}

/// Whether the address belongs to a host on the internet, and to nothing that is nearer or that stands for another
/// address (IANA's special-purpose registries, RFC 6890).
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => !SPECIAL_V4.iter().any(|(base, bits)| same_network(u32::from(ip).into(), u32::from(*base).into(), *bits, 32)),
        // Unicast is 2000::/3 and nothing else: neither ::1, fc00::/7, fe80::/10, ::ffff:0:0/96 nor 64:ff9b::/96.
        IpAddr::V6(ip) => {
            let within = |(base, bits): &(Ipv6Addr, u32)| same_network(ip.into(), u128::from(*base), *bits, 128);
            within(&(Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3)) && !SPECIAL_V6.iter().any(within)
        }
    }
}

fn same_network(a: u128, b: u128, bits: u32, width: u32) -> bool {
    (a ^ b) >> (width - bits) == 0
}

const SPECIAL_V4: &[(Ipv4Addr, u32)] = &[
    // This network.
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    // Shared by customers of a carrier (RFC 6598); some clouds' metadata, too.
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    // Link-local, with the metadata of most clouds.
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    // Documentation.
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    // 6to4 relays.
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    // Benchmarks.
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    // Multicast, reserved, broadcast.
    (Ipv4Addr::new(224, 0, 0, 0), 3),
];

const SPECIAL_V6: &[(Ipv6Addr, u32)] = &[
    // Protocol assignments, Teredo among them.
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    // Documentation.
    (Ipv6Addr::new(0x2001, 0x0db8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
    // 6to4: stands for an IPv4 address.
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(http: bool, allowed: &[&str]) -> Rules {
        Rules { http, allowed: allowed.iter().map(|network| network.parse().unwrap()).collect() }
    }

    #[test]
    fn hosts_on_the_internet_are_public_and_nothing_else() {
        for public in ["8.8.8.8", "140.82.121.4", "100.63.255.255", "100.128.0.0", "172.32.0.1", "2606:4700::1", "2a00:1450::200e"] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        for special in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.100.100.200",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:a9fe:a9fe::1",
            "3fff::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(special.parse().unwrap()), "{special}");
        }
    }

    #[test]
    fn what_the_setting_lists_may_be_reached_in_any_notation() {
        let rules = rules(true, &["127.0.0.0/8", "fd00::/8"]);
        for allowed in ["127.0.0.1", "::ffff:127.0.0.1", "fd00::1"] {
            assert!(rules.permits(allowed.parse().unwrap()), "{allowed}");
        }
        for other in ["10.0.0.1", "::1", "fe80::1", "::ffff:10.0.0.1"] {
            assert!(!rules.permits(other.parse().unwrap()), "{other}");
        }
    }

    #[test]
    fn a_name_waits_for_its_addresses_but_a_number_is_one() {
        let rules = rules(true, &[]);
        for fine in [
            "https://example.org/a.zip",
            "https://example.org.:8443/a?b#c",
            "http://localhost/",
            "https://8.8.8.8/",
            "https://[2606:4700::1]/",
        ] {
            assert!(rules.parse(fine).is_ok(), "{fine}");
        }
        for number in [
            "http://127.0.0.1/",
            "http://127.1/",
            "http://2130706433/",
            "http://0x7f000001/",
            "http://0x7f.0.0.1/",
            "http://0177.0.0.1/",
            "http://017700000001/",
            "http://127.0.0.1./",
            "http://①②⑦.⓪.⓪.①/",
            "http://%31%32%37.0.0.1/",
            "http://0/",
            "http://[::1]/",
            "http://[::]/",
            "http://[::ffff:7f00:1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[0:0:0:0:0:0:0:1]/",
            "http://169.254.169.254/latest",
            "http://2852039166/",
            "http://[fd00:ec2::254]/",
            "http://[64:ff9b::a9fe:a9fe]/",
            "http://[2002:7f00:1::]/",
            "http://10.1.2.3:8080/",
        ] {
            let refused = rules.parse(number).unwrap_err();
            assert!(refused.contains("fetch_allowed_networks"), "{number}: {refused}");
        }
    }

    #[test]
    fn other_addresses_are_refused_with_the_reason() {
        let rules = rules(false, &[]);
        for (address, reason) in [
            ("", "not a URL"),
            ("example.org/a.zip", "not a URL"),
            ("//example.org/a.zip", "not a URL"),
            ("http://example.org/a.zip", "fetch_http"),
            ("file:///etc/passwd", "must begin with https://"),
            ("ftp://example.org/a.zip", "must begin with https://"),
            ("gopher://127.0.0.1:6379/_x", "must begin with https://"),
            ("data:application/zip;base64,UEs=", "must begin with https://"),
            ("git@github.com:me/notes", "not a URL"),
            ("https://user@example.org/", "user name or password"),
            ("https://:secret@example.org/", "user name or password"),
            ("https://example.org@127.0.0.1/", "user name or password"),
            ("https://127.0.0.1#@example.org/", "not a public address"),
            ("https://127.0.0.1\\@example.org/", "not a public address"),
            ("https://exa mple.org/", "blanks or control characters"),
            ("https://example.org/\r\nx", "blanks or control characters"),
            ("https:///", "not a URL"),
            ("https://./", "no host"),
            ("https://[::1", "not a URL"),
            ("https://1.2.3.4.5/", "not a URL"),
        ] {
            let refused = rules.parse(address).map(String::from).unwrap_err();
            assert!(refused.contains(reason), "{address}: {refused}");
        }
        assert!(rules.parse(&format!("https://example.org/{}", "a".repeat(3000))).unwrap_err().contains("2048"));
    }
}
