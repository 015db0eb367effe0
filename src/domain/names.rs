//! What every platform accepts as the name of a file or folder, so that a plugins folder can move between them.

/// Whether Windows takes the name for a device, with or without an extension (`con`, `NUL.txt`, `com¹`).
pub fn is_windows_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name).trim_end().to_ascii_uppercase();
    match stem.as_str() {
        "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$" => true,
        _ => ["COM", "LPT"].iter().any(|port| {
            stem.strip_prefix(port)
                .is_some_and(|rest| matches!(rest, "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "¹" | "²" | "³"))
        }),
    }
}

/// Why the text cannot be one component of a release's path, if so. The text is already decoded.
pub fn component_fault(component: &str) -> Option<&'static str> {
    match component {
        "" => Some("has an empty path component"),
        "." | ".." => Some("has a relative path component"),
        _ if component.len() > 255 => Some("has a path component longer than 255 bytes"),
        _ if component.ends_with(['.', ' ']) => Some("has a path component that ends in a dot or space"),
        _ if component.chars().any(char::is_control) => Some("has a control character in its path"),
        _ if component.contains(['/', '\\', '<', '>', ':', '"', '|', '?', '*']) => Some("has a character in its path that Windows refuses"),
        _ if is_windows_device(component) => Some("has a path component that is a device name on Windows"),
        _ => None,
    }
}
