//! Who is on the other side, behind proxies that the settings trust.

use std::net::{IpAddr, SocketAddr};

use actix_web::HttpRequest;

use crate::settings::Settings;

/// The client's address: the peer's, or if that is a trusted proxy the nearest one it names that is no such proxy.
pub fn client_address(request: &HttpRequest, settings: &Settings) -> Option<IpAddr> {
    let mut address = request.peer_addr()?.ip().to_canonical();
    for hop in forwarded(request, "x-forwarded-for") {
        if !is_trusted(address, settings) {
            break;
        }
        match parse(hop) {
            Some(next) => address = next,
            None => break,
        }
    }
    Some(address)
}

/// Whether the browser's connection is encrypted.
pub fn is_https(request: &HttpRequest, settings: &Settings) -> bool {
    let by_proxy = request.peer_addr().is_some_and(|peer| is_trusted(peer.ip().to_canonical(), settings));
    settings.public_base_url.as_ref().is_some_and(|base| base.is_https())
        || (by_proxy && forwarded(request, "x-forwarded-proto").next().is_some_and(|scheme| scheme.eq_ignore_ascii_case("https")))
}

fn is_trusted(address: IpAddr, settings: &Settings) -> bool {
    settings.trusted_proxies.iter().any(|network| network.contains(&address))
}

/// The entries of a header that each proxy appends to, the nearest proxy's first.
fn forwarded<'a>(request: &'a HttpRequest, header: &str) -> impl Iterator<Item = &'a str> {
    let lines: Vec<&str> = request.headers().get_all(header).filter_map(|line| line.to_str().ok()).collect();
    lines.into_iter().rev().flat_map(|line| line.rsplit(',')).map(str::trim)
}

/// An address as proxies write it: some add the port, some brackets.
fn parse(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use actix_web::test::TestRequest;

    use super::*;
    use crate::settings::Flags;

    fn settings(variables: &[(&str, &str)]) -> Settings {
        let variables = variables.iter().map(|(name, value)| (name.into(), value.into()));
        Settings::load(None, variables, Flags::default(), Path::new("/nonexistent")).unwrap().0
    }

    fn seen(peer: &str, forwarded_for: &[&str]) -> String {
        let request = TestRequest::default().peer_addr(peer.parse().unwrap());
        let request = forwarded_for.iter().fold(request, |request, line| request.append_header(("x-forwarded-for", *line)));
        let settings = settings(&[("PLUGYARD_TRUSTED_PROXIES", "10.0.0.0/8,::1")]);
        client_address(&request.to_http_request(), &settings).unwrap().to_string()
    }

    #[test]
    fn strangers_cannot_name_another_address() {
        assert_eq!(seen("192.0.2.1:5", &["198.51.100.1"]), "192.0.2.1");
        assert_eq!(seen("[::ffff:192.0.2.1]:5", &[]), "192.0.2.1");
    }

    #[test]
    fn proxies_are_believed_up_to_the_first_stranger() {
        for peer in ["10.0.0.1:5", "[::1]:5", "[::ffff:10.0.0.1]:5"] {
            assert_eq!(seen(peer, &["198.51.100.1"]), "198.51.100.1");
        }
        assert_eq!(seen("10.0.0.1:5", &["203.0.113.9, 198.51.100.1, 10.0.0.2"]), "198.51.100.1");
        assert_eq!(seen("10.0.0.1:5", &["203.0.113.9", "198.51.100.1:4711", "10.0.0.2"]), "198.51.100.1");
        assert_eq!(seen("10.0.0.1:5", &["[2001:db8::1]:4711"]), "2001:db8::1");
        assert_eq!(seen("10.0.0.1:5", &["[2001:db8::1]"]), "2001:db8::1");
        assert_eq!(seen("10.0.0.1:5", &["198.51.100.1, unknown"]), "10.0.0.1");
        assert_eq!(seen("10.0.0.1:5", &["10.0.0.3, 10.0.0.2"]), "10.0.0.3");
        assert_eq!(seen("10.0.0.1:5", &[]), "10.0.0.1");
    }

    #[test]
    fn https_is_told_by_the_settings_or_a_proxy() {
        let request = |peer: &str, scheme: &str| {
            TestRequest::default().peer_addr(peer.parse().unwrap()).append_header(("x-forwarded-proto", scheme)).to_http_request()
        };
        let behind = settings(&[("PLUGYARD_TRUSTED_PROXIES", "10.0.0.1")]);
        assert!(is_https(&request("10.0.0.1:5", "https"), &behind));
        assert!(!is_https(&request("10.0.0.1:5", "https, http"), &behind));
        assert!(!is_https(&request("10.0.0.2:5", "https"), &behind));
        let public = settings(&[("PLUGYARD_PUBLIC_BASE_URL", "https://plugins.example.org")]);
        assert!(is_https(&request("10.0.0.2:5", "http"), &public));
    }
}
