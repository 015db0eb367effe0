//! `plugyard state export` and `import`

use std::{
    fs::File,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};
use futures_util::stream;
use reqwest::{Body, Method};
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::place::{Owner, Place, request};
use crate::{
    app::state::{self, ImportMode},
    cli::{Outcome, failure::Result, global::Global, output::Report, remote::read},
    error::Error,
    files::Spool,
};

/// Bytes read at once.
const PIECE: usize = 64 * 1024;
/// Standard input.
const STDIN: &str = "-";

/// Write a user's entries as one text: a line of JSON for each, with checksums; without history.
#[derive(Args)]
pub struct Export {
    #[command(flatten)]
    owner: Owner,
    /// Only of this plugin.
    plugin: Option<String>,
    /// Where to; left out: standard output. The file is there when it is whole.
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
}

/// Take in what `state export` wrote: all of it, or nothing.
#[derive(Args)]
pub struct Import {
    #[command(flatten)]
    owner: Owner,
    /// The export; - for standard input.
    file: PathBuf,
    /// What becomes of entries that are there.
    #[arg(long, value_enum)]
    mode: Mode,
    /// Only say what would happen.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Mode {
    /// Those that the export lacks are deleted.
    Replace,
    /// They take the content of the export; others stay.
    Merge,
    /// They stay as they are.
    Skip,
}

#[derive(Serialize, Deserialize)]
struct Imported {
    dry_run: bool,
    created: u64,
    updated: u64,
    unchanged: u64,
    skipped: u64,
    deleted: u64,
}

impl Report for Imported {
    fn text(&self) -> String {
        let Self { dry_run, created, updated, unchanged, skipped, deleted } = self;
        let would = if *dry_run { "nothing is written; this would be: " } else { "" };
        format!("{would}{created} created, {updated} updated, {unchanged} unchanged, {skipped} skipped, {deleted} deleted")
    }
}

/// Where an export goes.
enum Sink {
    Stdout(io::Stdout),
    /// Beside the file that it is to become.
    File(NamedTempFile, PathBuf),
    /// A pipe, device or link: what it leads to takes the bytes as they come.
    Other(File, PathBuf),
}

impl Sink {
    fn open(to: Option<PathBuf>) -> Result<Self> {
        let Some(path) = to else { return Ok(Self::Stdout(io::stdout())) };
        if path.symlink_metadata().is_ok_and(|there| !there.is_file()) {
            let other = File::options().write(true).truncate(true).open(&path).map_err(|e| unwritten(&path, e))?;
            return Ok(Self::Other(other, path));
        }
        let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let file = NamedTempFile::new_in(folder).map_err(|e| unwritten(&path, e))?;
        Ok(Self::File(file, path))
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        match self {
            Self::Stdout(stdout) => stdout.write_all(bytes).map_err(|e| Error::storage("standard output cannot be written", e).into()),
            Self::File(file, path) => file.write_all(bytes).map_err(|e| unwritten(path, e).into()),
            Self::Other(other, path) => other.write_all(bytes).map_err(|e| unwritten(path, e).into()),
        }
    }

    fn finish(self) -> Result<()> {
        match self {
            Self::Stdout(mut stdout) => stdout.flush().map_err(|e| Error::storage("standard output cannot be written", e).into()),
            Self::File(file, path) => {
                file.as_file().sync_all().map_err(|e| unwritten(&path, e))?;
                file.persist(&path).map(drop).map_err(|e| unwritten(&path, e.error).into())
            }
            Self::Other(mut other, path) => other.flush().map_err(|e| unwritten(&path, e).into()),
        }
    }
}

fn unwritten(path: &Path, error: io::Error) -> Error {
    Error::storage(format!("{} cannot be written", path.display()), error)
}

impl Export {
    pub async fn run(self, global: &Global) -> Result<Outcome> {
        let place = self.owner.place(global, "state export").await?;
        let mut sink = Sink::open(self.to)?;
        match &place {
            Place::Here { app, access } => copy(state::export(app, access, self.plugin).await?, &mut sink)?,
            Place::There { remote, route } => {
                let plugin = self.plugin.map(|plugin| ("plugin_id", plugin));
                let export = request(remote, route, Method::GET, &["export"]).query(&plugin.as_slice());
                remote.download(export, |piece| sink.write(piece)).await?;
            }
        }
        sink.finish()?;
        Ok(Outcome::Done)
    }
}

fn copy(mut spool: Spool, sink: &mut Sink) -> Result<()> {
    let mut reader = spool.read()?;
    let mut piece = vec![0; PIECE];
    loop {
        match reader.read(&mut piece).map_err(|e| Error::storage("a temporary file cannot be read", e))? {
            0 => return Ok(()),
            length => sink.write(piece.get(..length).unwrap_or_default())?,
        }
    }
}

impl Import {
    pub async fn run(self, global: &Global) -> Result<Outcome> {
        let (mut source, dry_run) = (open(&self.file)?, self.dry_run);
        let imported = match self.owner.place(global, "state import").await? {
            Place::Here { app, access } => {
                let mut import = state::Import::begin(&app, &access);
                while let Some(piece) = next(&mut source)? {
                    import.write(&piece).await?;
                }
                let mode = match self.mode {
                    Mode::Replace => ImportMode::Replace,
                    Mode::Merge => ImportMode::Merge,
                    Mode::Skip => ImportMode::Skip,
                };
                let state::Imported { created, updated, unchanged, skipped, deleted } = import.finish(mode, dry_run).await?;
                Imported { dry_run, created, updated, unchanged, skipped, deleted }
            }
            Place::There { remote, route } => {
                let mode = self.mode.to_possible_value().map(|mode| mode.get_name().to_owned()).unwrap_or_default();
                let query = [("mode", mode), ("dry_run", dry_run.to_string())];
                let pieces = stream::try_unfold(source, async |mut source| Ok::<_, Error>(next(&mut source)?.map(|piece| (piece, source))));
                let import = request(&remote, &route, Method::POST, &["import"]).query(&query);
                let import = import.header("content-type", "application/x-ndjson").body(Body::wrap_stream(pieces));
                read(remote.send(import).await?.1)?
            }
        };
        global.print(&imported)?;
        Ok(Outcome::Done)
    }
}

fn open(path: &Path) -> Result<Box<dyn Read + Send>> {
    if path == Path::new(STDIN) {
        return Ok(Box::new(io::stdin()));
    }
    let file = File::open(path).map_err(|e| Error::storage(format!("{} cannot be read", path.display()), e))?;
    Ok(Box::new(file))
}

fn next(source: &mut (dyn Read + Send)) -> Result<Option<Vec<u8>>, Error> {
    let mut piece = vec![0; PIECE];
    let length = source.read(&mut piece).map_err(|e| Error::storage("the export cannot be read", e))?;
    piece.truncate(length);
    Ok(Some(piece).filter(|piece| !piece.is_empty()))
}
