//! What is gathered before it is sent or used: in memory while it is little, else in a file without a name in `cache/`,
//! which is gone with whoever holds it, even after `kill -9`.

use std::{
    fs::File,
    io::{BufReader, Read, Seek, Write},
    sync::Arc,
};

use tempfile::{SpooledData, SpooledTempFile};

use super::PluginsFolder;
use crate::error::{Error, Result};

/// Bytes kept in memory.
const IN_MEMORY: usize = 1024 * 1024;

#[derive(Debug)]
pub struct Spool {
    file: SpooledTempFile,
    length: u64,
}

/// A whole spool.
#[derive(Debug)]
pub enum Spooled {
    Memory(Vec<u8>),
    /// For [`super::read_stream`].
    File {
        file: Arc<File>,
        length: u64,
    },
}

impl PluginsFolder {
    /// An empty one; its file is made when it grows.
    pub fn spool(&self) -> Spool {
        Spool { file: tempfile::spooled_tempfile_in(IN_MEMORY, self.cache()), length: 0 }
    }
}

impl Spool {
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.length += bytes.len() as u64;
        self.file.write_all(bytes).map_err(|e| Error::storage("a temporary file cannot be written", e))
    }

    /// Everything from the beginning on. Writing goes on at the end once that was read.
    pub fn read(&mut self) -> Result<BufReader<impl Read + '_>> {
        self.file.rewind().map_err(unreadable)?;
        Ok(BufReader::new(&mut self.file))
    }

    pub fn finish(self) -> Spooled {
        match self.file.into_inner() {
            SpooledData::InMemory(bytes) => Spooled::Memory(bytes.into_inner()),
            SpooledData::OnDisk(file) => Spooled::File { file: Arc::new(file), length: self.length },
        }
    }
}

fn unreadable(error: std::io::Error) -> Error {
    Error::storage("a temporary file cannot be read", error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_stays_in_memory_and_much_has_a_file_without_a_name() {
        let temp = tempfile::tempdir().unwrap();
        let folder = PluginsFolder::open(temp.path()).unwrap();
        let mut little = folder.spool();
        little.write(b"ab").unwrap();
        little.write(b"c").unwrap();
        let mut text = String::new();
        little.read().unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "abc");
        assert!(matches!(little.finish(), Spooled::Memory(bytes) if bytes == b"abc"));

        let mut much = folder.spool();
        for _ in 0..3 {
            much.write(&vec![7; IN_MEMORY]).unwrap();
        }
        assert_eq!(much.read().unwrap().bytes().count(), 3 * IN_MEMORY);
        assert_eq!(std::fs::read_dir(folder.cache()).unwrap().count(), 0);
        match much.finish() {
            Spooled::File { file, length } => assert_eq!((file.metadata().unwrap().len(), length), (length, 3 * IN_MEMORY as u64)),
            Spooled::Memory(_) => panic!("that is much"),
        }
    }
}
