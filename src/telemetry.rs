//! Structured logs on standard error.

use std::io::{self, IsTerminal};

use tracing::Subscriber;
use tracing_subscriber::{EnvFilter, fmt::MakeWriter, util::SubscriberInitExt};

use crate::{
    error::{Error, Result},
    settings::{LogFormat, Settings},
};

/// Sends this process's events and spans to standard error, as the settings say.
///
/// # Errors
///
/// `Error::Setup` when the process already logs somewhere.
pub fn init_logging(settings: &Settings) -> Result<()> {
    subscriber(settings, io::stderr, io::stderr().is_terminal())?.try_init().map_err(|e| Error::Setup(format!("cannot start logging: {e}")))
}

fn subscriber<W>(settings: &Settings, writer: W, colours: bool) -> Result<Box<dyn Subscriber + Send + Sync>>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_new(settings.log_level.as_str()).map_err(|e| Error::Setup(format!("setting log_level: {e}")))?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_ansi(colours);
    Ok(match settings.log_format {
        LogFormat::Text => Box::new(lines.finish()),
        LogFormat::Json => Box::new(lines.json().flatten_event(true).finish()),
    })
}

#[cfg(test)]
mod tests {
    use std::{
        path::Path,
        sync::{Arc, Mutex},
    };

    use super::*;
    use crate::settings::Flags;

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is written for one event of each of two levels.
    fn logged(environment: &[(&str, &str)]) -> String {
        let environment = environment.iter().map(|(name, value)| (name.into(), value.into()));
        let nowhere = Path::new("/nonexistent");
        let (settings, _) = Settings::load(None, environment, Flags::default(), nowhere).unwrap();
        let buffer = Buffer::default();
        let made = buffer.clone();
        tracing::subscriber::with_default(subscriber(&settings, move || made.clone(), false).unwrap(), || {
            tracing::info!(request_id = "r1", "hello");
            tracing::debug!("detail");
        });
        let bytes = buffer.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn text_by_default_without_debug_events() {
        let text = logged(&[]);
        assert!(text.contains("INFO") && text.contains("hello request_id=\"r1\""), "{text}");
        assert!(!text.contains("detail"), "{text}");
    }

    #[test]
    fn json_on_demand_one_object_per_line() {
        let text = logged(&[("PLUGYARD_LOG_FORMAT", "json"), ("PLUGYARD_LOG_LEVEL", "plugyard=debug")]);
        let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2);
        assert_eq!((&lines[0]["level"], &lines[0]["message"], &lines[0]["request_id"]), (&"INFO".into(), &"hello".into(), &"r1".into()));
        assert_eq!(lines[1]["message"], "detail");
    }

    #[test]
    fn the_filter_can_silence_everything() {
        assert_eq!(logged(&[("PLUGYARD_LOG_LEVEL", "off")]), "");
    }
}
