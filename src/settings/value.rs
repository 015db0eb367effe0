//! How one setting is written: as text in the environment and in flags, as TOML in the file.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use bytesize::ByteSize;
use ipnet::IpNet;

/// A type that a setting can have. Refusals are half sentences that follow the key ("must be ..."), and never hold the
/// text of a secret.
pub trait Value: Sized {
    /// How an optional setting of this type says that there is none.
    const ABSENT: &'static str = "";
    const SECRET: bool = false;

    fn from_text(text: &str) -> Result<Self, String>;

    fn from_toml(value: &toml::Value) -> Result<Self, String> {
        match value {
            toml::Value::String(text) => Self::from_text(text),
            other => Err(format!("must be a string, not {}", described(other))),
        }
    }

    /// The value as text that `from_text` reads back; secrets masked.
    fn show(&self) -> String;

    /// The TOML that means the same as this text.
    fn sample(text: &str) -> String {
        quoted(text)
    }
}

/// A TOML value's type with its article, without the value itself.
pub fn described(value: &toml::Value) -> String {
    let kind = value.type_str();
    let article = if kind.starts_with(['a', 'i']) { "an" } else { "a" };
    format!("{article} {kind}")
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

impl<T: Value> Value for Option<T> {
    const SECRET: bool = T::SECRET;

    fn from_text(text: &str) -> Result<Self, String> {
        if text == T::ABSENT { Ok(None) } else { T::from_text(text).map(Some) }
    }

    fn from_toml(value: &toml::Value) -> Result<Self, String> {
        if value.as_str() == Some(T::ABSENT) { Ok(None) } else { T::from_toml(value).map(Some) }
    }

    fn show(&self) -> String {
        self.as_ref().map_or_else(|| T::ABSENT.to_owned(), T::show)
    }

    fn sample(text: &str) -> String {
        if text == T::ABSENT { quoted(text) } else { T::sample(text) }
    }
}

/// Separated by commas in text, an array in TOML.
impl<T: Value> Value for Vec<T> {
    const SECRET: bool = T::SECRET;

    fn from_text(text: &str) -> Result<Self, String> {
        items(text).map(T::from_text).collect()
    }

    fn from_toml(value: &toml::Value) -> Result<Self, String> {
        match value {
            toml::Value::Array(values) => values.iter().map(T::from_toml).collect(),
            other => Err(format!("must be an array, not {}", described(other))),
        }
    }

    fn show(&self) -> String {
        self.iter().map(T::show).collect::<Vec<_>>().join(",")
    }

    fn sample(text: &str) -> String {
        format!("[{}]", items(text).map(T::sample).collect::<Vec<_>>().join(", "))
    }
}

fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty())
}

impl Value for bool {
    fn from_text(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| format!("must be true or false, not {text:?}"))
    }

    fn from_toml(value: &toml::Value) -> Result<Self, String> {
        value.as_bool().ok_or_else(|| format!("must be true or false, not {}", described(value)))
    }

    fn show(&self) -> String {
        self.to_string()
    }

    fn sample(text: &str) -> String {
        text.to_owned()
    }
}

impl Value for u64 {
    fn from_text(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| format!("must be a whole number, not {text:?}"))
    }

    fn from_toml(value: &toml::Value) -> Result<Self, String> {
        let number = value.as_integer().ok_or_else(|| format!("must be a whole number, not {}", described(value)))?;
        Self::try_from(number).map_err(|_| format!("must not be negative, as {number} is"))
    }

    fn show(&self) -> String {
        self.to_string()
    }

    fn sample(text: &str) -> String {
        text.to_owned()
    }
}

impl Value for usize {
    fn from_text(text: &str) -> Result<Self, String> {
        u64::from_text(text).and_then(narrow)
    }

    fn from_toml(value: &toml::Value) -> Result<Self, String> {
        u64::from_toml(value).and_then(narrow)
    }

    fn show(&self) -> String {
        self.to_string()
    }

    fn sample(text: &str) -> String {
        text.to_owned()
    }
}

fn narrow(number: u64) -> Result<usize, String> {
    usize::try_from(number).map_err(|_| format!("must be a number that this machine can count to, not {number}"))
}

/// Bytes as a number, or with a unit. TOML may write either.
impl Value for ByteSize {
    fn from_text(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| format!("must be a size such as \"100 MiB\" or a number of bytes, not {text:?}"))
    }

    fn from_toml(value: &toml::Value) -> Result<Self, String> {
        match value {
            toml::Value::String(text) => Self::from_text(text),
            toml::Value::Integer(_) => u64::from_toml(value).map(Self),
            other => Err(format!("must be a size such as \"100 MiB\" or a number of bytes, not {}", described(other))),
        }
    }

    /// Exact, so with a unit only where that loses nothing.
    fn show(&self) -> String {
        let bytes = self.as_u64();
        [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)]
            .into_iter()
            .find(|(_, unit)| bytes > 0 && bytes.is_multiple_of(*unit))
            .map_or_else(|| bytes.to_string(), |(name, unit)| format!("{} {name}", bytes / unit))
    }
}

impl Value for Duration {
    const ABSENT: &'static str = "keep";

    fn from_text(text: &str) -> Result<Self, String> {
        humantime::parse_duration(text).map_err(|_| format!("must be a duration such as \"24h\" or \"30d\", not {text:?}"))
    }

    fn show(&self) -> String {
        humantime::format_duration(*self).to_string()
    }
}

impl Value for SocketAddr {
    fn from_text(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| format!("must be an address with a port, such as 127.0.0.1:8420 or [::1]:8420, not {text:?}"))
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Value for PathBuf {
    fn from_text(text: &str) -> Result<Self, String> {
        if text.is_empty() { Err("must be a path, not empty".to_owned()) } else { Ok(Self::from(text)) }
    }

    fn show(&self) -> String {
        self.display().to_string()
    }
}

/// A network such as `10.0.0.0/8`, or the address of a single machine.
impl Value for IpNet {
    fn from_text(text: &str) -> Result<Self, String> {
        text.parse()
            .or_else(|_| text.parse().map(|address: std::net::IpAddr| address.into()))
            .map_err(|_| format!("must hold addresses or networks such as 10.0.0.0/8, not {text:?}"))
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Value for semver::Version {
    fn from_text(text: &str) -> Result<Self, String> {
        text.parse().map_err(|e| format!("must be a semantic version, not {text:?}: {e}"))
    }

    fn show(&self) -> String {
        self.to_string()
    }
}
