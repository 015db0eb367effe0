//! Which form of a file a client gets, by its `Accept-Encoding` (RFC 9110, section 12.5.3).

use actix_web::http::header::{self, HeaderMap};

use crate::{
    app::contents::{Content, Representation},
    domain::coding::Coding,
};

/// In thousandths: the RFC has at most three decimals.
type Weight = u16;

/// Of the plain form, where the client says nothing of it: it takes it, and likes anything it names better.
const TAKEN: Weight = 1;

/// The form that the client likes best; of those it likes equally, the first of br, gzip and plain. None when it takes
/// none of those there are.
pub fn choose<'a>(headers: &HeaderMap, content: &'a Content) -> Option<&'a Representation> {
    let wanted = Wanted::read(headers);
    let mut best = (0, None);
    for one in content.encoded.iter().chain([&content.plain]) {
        let weight = wanted.weight_of(one.coding);
        if weight > best.0 {
            best = (weight, Some(one));
        }
    }
    best.1
}

/// What the header says of the codings that we have.
#[derive(Debug, Default, PartialEq)]
struct Wanted {
    br: Option<Weight>,
    gzip: Option<Weight>,
    identity: Option<Weight>,
    /// `*`: what is not named.
    others: Option<Weight>,
}

impl Wanted {
    fn read(headers: &HeaderMap) -> Self {
        let mut wanted = Self::default();
        let lines = headers.get_all(header::ACCEPT_ENCODING).filter_map(|line| line.to_str().ok());
        for element in lines.flat_map(|line| line.split(',')) {
            let (name, parameters) = element.split_once(';').unwrap_or((element, ""));
            // What cannot be read is not wanted.
            let weight = if parameters.trim().is_empty() { 1000 } else { weight(parameters).unwrap_or(0) };
            let name = name.trim();
            let known = [("br", &mut wanted.br), ("gzip", &mut wanted.gzip), ("identity", &mut wanted.identity), ("*", &mut wanted.others)];
            for (coding, slot) in known {
                if name.eq_ignore_ascii_case(coding) || (coding == "gzip" && name.eq_ignore_ascii_case("x-gzip")) {
                    *slot = Some(weight);
                }
            }
        }
        wanted
    }

    fn weight_of(&self, coding: Option<Coding>) -> Weight {
        match coding {
            Some(Coding::Br) => self.br.or(self.others).unwrap_or(0),
            Some(Coding::Gzip) => self.gzip.or(self.others).unwrap_or(0),
            None => self.identity.or(self.others).unwrap_or(TAKEN),
        }
    }
}

/// `q=0.5`: a digit and up to three decimals, at most 1.
fn weight(parameters: &str) -> Option<Weight> {
    let (name, value) = parameters.trim().split_once('=')?;
    if !name.eq_ignore_ascii_case("q") {
        return None;
    }
    let (whole, decimals) = value.split_once('.').unwrap_or((value, ""));
    if decimals.len() > 3 || !decimals.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let thousandths: Weight = format!("{decimals:0<3}").parse().ok()?;
    match (whole, thousandths) {
        ("0", some) => Some(some),
        ("1", 0) => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn weights(accept: &str) -> [Weight; 3] {
        let request = TestRequest::default().insert_header((header::ACCEPT_ENCODING, accept)).to_http_request();
        let wanted = Wanted::read(request.headers());
        [Some(Coding::Br), Some(Coding::Gzip), None].map(|coding| wanted.weight_of(coding))
    }

    #[test]
    fn weights_are_read_as_the_rfc_has_them() {
        for (accept, expected) in [
            ("br", [1000, 0, TAKEN]),
            ("gzip, deflate, br, zstd", [1000, 1000, TAKEN]),
            ("GZip;Q=0.5 , x-other", [0, 500, TAKEN]),
            ("x-gzip", [0, 1000, TAKEN]),
            ("br;q=0.001, gzip;q=1.000, identity;q=0", [1, 1000, 0]),
            ("*", [1000, 1000, 1000]),
            ("*;q=0", [0, 0, 0]),
            ("gzip;q=0, *;q=0.25", [250, 0, 250]),
            ("identity;q=0.5, *;q=0", [0, 0, 500]),
            ("br;q=2, gzip;q=0.1234", [0, 0, TAKEN]),
            ("br;level=1", [0, 0, TAKEN]),
            ("", [0, 0, TAKEN]),
        ] {
            assert_eq!(weights(accept), expected, "{accept}");
        }
    }
}
