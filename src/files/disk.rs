//! Small pieces that `std::fs` lacks: private modes, folders on disk for good, files replaced whole.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, ErrorKind, Write},
    path::Path,
};

/// Makes the folder and what lacks above it, mode 0700.
pub fn create_dir_all(path: &Path) -> io::Result<()> {
    private_dir().recursive(true).create(path)
}

/// Makes the folder unless it is there; its parent must exist, and what is there must be a folder and no link. The name
/// is on disk when this returns, also when somebody else has just made it.
pub fn ensure_dir(path: &Path) -> io::Result<()> {
    match private_dir().create(path) {
        Err(e) if e.kind() == ErrorKind::AlreadyExists => match fs::symlink_metadata(path)?.is_dir() {
            true => {}
            false => return Err(io::Error::new(ErrorKind::NotADirectory, "something that is not a folder has this name")),
        },
        outcome => outcome?,
    }
    path.parent().map_or(Ok(()), sync_dir)
}

/// Makes a folder that must be new, mode 0700.
pub fn create_dir(path: &Path) -> io::Result<()> {
    private_dir().create(path)
}

/// Makes a file that must be new, mode 0600.
pub fn create_file(path: &Path) -> io::Result<File> {
    private_file().write(true).create_new(true).open(path)
}

/// Opens a lock file, making it where it is missing.
pub fn open_lock_file(path: &Path) -> io::Result<File> {
    private_file().read(true).write(true).create(true).truncate(false).open(path)
}

/// Puts the names in a folder on disk: after a rename or a new file, the name is only durable with its folder.
pub fn sync_dir(path: &Path) -> io::Result<()> {
    // Windows has no such call, and refuses to open folders.
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}

/// An fsync waits for the disk, not for a processor: several at once share one write of the file system's journal.
const SYNC_THREADS: usize = 16;

/// Does what waits for the disk to many things at once; the first failure is the answer.
pub fn in_parallel<T: Sync>(things: &[T], work: impl Fn(&T) -> io::Result<()> + Sync) -> io::Result<()> {
    let work = &work;
    std::thread::scope(|scope| {
        let chunks = things.chunks(things.len().div_ceil(SYNC_THREADS).max(1));
        let threads: Vec<_> = chunks.map(|chunk| scope.spawn(move || chunk.iter().try_for_each(work))).collect();
        let panicked = || Err(io::Error::other("a thread that writes files panicked"));
        threads.into_iter().try_for_each(|thread| thread.join().unwrap_or_else(|_| panicked()))
    })
}

/// Replaces the file whole and durably: a reader, or a crash, sees the old content or the new one. The caller holds a
/// lock that keeps other writers of the same file out.
pub fn replace_file(path: &Path, content: &[u8]) -> io::Result<()> {
    let temporary = path.with_extension("tmp");
    // What a killed writer left.
    match fs::remove_file(&temporary) {
        Err(e) if e.kind() != ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let mut file = create_file(&temporary)?;
    file.write_all(content)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&temporary, path)?;
    path.parent().map_or(Ok(()), sync_dir)
}

#[cfg(unix)]
fn private_dir() -> DirBuilder {
    use std::os::unix::fs::DirBuilderExt;
    let mut builder = DirBuilder::new();
    builder.mode(0o700);
    builder
}

#[cfg(unix)]
fn private_file() -> OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

#[cfg(not(unix))]
fn private_dir() -> DirBuilder {
    DirBuilder::new()
}

#[cfg(not(unix))]
fn private_file() -> OpenOptions {
    OpenOptions::new()
}
