//! Content types by extension.

use crate::domain::ReleasePath;

/// The type a browser is told, with the charset where it matters: bundles are UTF-8.
pub fn of(path: &ReleasePath) -> String {
    let name = path.as_str();
    match name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase()).as_deref() {
        // RFC 9239, which the library's list is older than.
        Some("js" | "mjs") => return "text/javascript; charset=utf-8".to_owned(),
        Some("map") => return "application/json; charset=utf-8".to_owned(),
        _ => {}
    }
    let guess = mime_guess::from_path(name).first_or_octet_stream();
    let essence = guess.essence_str();
    let is_text =
        guess.type_() == "text" || matches!(essence, "application/json" | "application/xml" | "application/xhtml+xml" | "image/svg+xml");
    if is_text { format!("{essence}; charset=utf-8") } else { essence.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_modules_and_wasm_are_what_browsers_insist_on() {
        for (path, expected) in [
            ("a.js", "text/javascript; charset=utf-8"),
            ("a.mjs", "text/javascript; charset=utf-8"),
            ("a.css", "text/css; charset=utf-8"),
            ("a.js.map", "application/json; charset=utf-8"),
            ("a.wasm", "application/wasm"),
            ("a.svg", "image/svg+xml; charset=utf-8"),
            ("a.woff2", "font/woff2"),
            ("LICENSE", "application/octet-stream"),
        ] {
            assert_eq!(of(&path.parse().unwrap()), expected, "{path}");
        }
    }
}
