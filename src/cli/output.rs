//! Results on standard output: text for people, JSON for programs.

use std::io::{self, ErrorKind, Write};

use clap::ValueEnum;
use comfy_table::{Table, presets::NOTHING};
use serde::Serialize;

use super::failure::Result;
use crate::error::Error;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Text,
    Json,
}

/// For lists that a command prints whole.
pub const ALL: usize = usize::MAX;

/// A command's result: one type that serialises for programs and has lines for people.
pub trait Report: Serialize {
    /// Without a final line break; empty when there is nothing to say.
    fn text(&self) -> String;
}

pub fn print(format: Format, report: &impl Report) -> Result<()> {
    let failed = |e| Error::storage("the result cannot be written", e);
    let text = match format {
        Format::Text => report.text(),
        Format::Json => serde_json::to_string_pretty(report).map_err(failed)?,
    };
    if text.is_empty() { Ok(()) } else { print_line(&text) }
}

/// Writes the text and a line break now. Who stops reading, as `head` does, has seen enough.
pub fn print_line(text: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    match writeln!(stdout, "{}", text.trim_end_matches('\n')).and_then(|()| stdout.flush()) {
        Err(e) if e.kind() != ErrorKind::BrokenPipe => Err(Error::storage("standard output cannot be written", e).into()),
        _ => Ok(()),
    }
}

/// Columns under a header line, without borders.
pub fn table<const N: usize>(header: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(header).add_rows(rows);
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.trim_fmt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_columns_and_nothing_else() {
        let rows = [["a".to_owned(), "long value".to_owned()], ["longer".to_owned(), String::new()]];
        assert_eq!(table(["NAME", "VALUE"], rows), "NAME    VALUE\na       long value\nlonger");
    }
}
