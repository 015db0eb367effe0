//! Makes archives byte by byte, where no tool would make them.

use std::io::Write;

use ::tar::{EntryType, Header};
use flate2::{
    Compression, Crc,
    write::{DeflateEncoder, GzEncoder},
};

// ---- zip, byte by byte ----

#[derive(Clone)]
pub struct ZipEntry {
    pub name: Vec<u8>,
    /// The name in the entry's own header, where it differs.
    pub local_name: Option<Vec<u8>>,
    pub content: Vec<u8>,
    pub method: u16,
    pub flags: u16,
    pub unix_mode: u32,
    pub crc: Option<u32>,
    pub size: Option<u32>,
    /// Where the directory says the entry starts, where that is a lie.
    pub offset: Option<u32>,
}

pub fn zip_entry(name: &str, content: &[u8]) -> ZipEntry {
    let name = name.as_bytes().to_vec();
    ZipEntry {
        name,
        local_name: None,
        content: content.to_vec(),
        method: 8,
        flags: 0,
        unix_mode: 0o100_644,
        crc: None,
        size: None,
        offset: None,
    }
}

pub fn zip_of(entries: &[ZipEntry]) -> Vec<u8> {
    let (mut body, mut directory) = (Vec::new(), Vec::new());
    for entry in entries {
        let mut crc = Crc::new();
        crc.update(&entry.content);
        let crc = entry.crc.unwrap_or(crc.sum());
        let size = entry.size.unwrap_or(entry.content.len() as u32);
        let data = match entry.method {
            8 => {
                let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
                encoder.write_all(&entry.content).unwrap();
                encoder.finish().unwrap()
            }
            _ => entry.content.clone(),
        };
        let common = |name: &[u8]| {
            let mut header = Vec::new();
            for number in [20, entry.flags, entry.method, 0, 0x21] {
                header.extend(number.to_le_bytes());
            }
            for number in [crc, data.len() as u32, size] {
                header.extend(number.to_le_bytes());
            }
            header.extend((name.len() as u16).to_le_bytes());
            header.extend(0_u16.to_le_bytes());
            header
        };
        let offset = entry.offset.unwrap_or(body.len() as u32);
        directory.extend(b"PK\x01\x02\x14\x03");
        directory.extend(common(&entry.name));
        directory.extend([0; 6]);
        directory.extend((entry.unix_mode << 16).to_le_bytes());
        directory.extend(offset.to_le_bytes());
        directory.extend(&entry.name);
        let local_name = entry.local_name.as_ref().unwrap_or(&entry.name);
        body.extend(b"PK\x03\x04");
        body.extend(common(local_name));
        body.extend(local_name);
        body.extend(data);
    }
    let start = body.len() as u32;
    body.extend(&directory);
    body.extend(b"PK\x05\x06\0\0\0\0");
    body.extend((entries.len() as u16).to_le_bytes());
    body.extend((entries.len() as u16).to_le_bytes());
    body.extend((directory.len() as u32).to_le_bytes());
    body.extend(start.to_le_bytes());
    body.extend([0; 2]);
    body
}

pub fn zip_files(files: &[(&str, &[u8])]) -> Vec<u8> {
    zip_of(&files.iter().map(|(name, content)| zip_entry(name, content)).collect::<Vec<_>>())
}

// ---- tar, block by block ----

pub fn tar_block(name: &[u8], kind: u8, size: u64) -> Vec<u8> {
    let mut header = Header::new_ustar();
    header.as_mut_bytes()[..name.len()].copy_from_slice(name);
    header.set_entry_type(EntryType::new(kind));
    header.set_mode(0o755);
    header.set_size(size);
    header.set_cksum();
    header.as_bytes().to_vec()
}

pub fn tar_entry(name: &[u8], kind: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = tar_block(name, kind, content.len() as u64);
    bytes.extend(content);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

pub fn tar_file(name: &str, content: &[u8]) -> Vec<u8> {
    tar_entry(name.as_bytes(), b'0', content)
}

pub fn pax(records: &[(&str, &str)]) -> Vec<u8> {
    let mut content = String::new();
    for (key, value) in records {
        let rest = key.len() + value.len() + 3;
        let mut length = rest + 1;
        while rest + length.to_string().len() != length {
            length += 1;
        }
        content.push_str(&format!("{length} {key}={value}\n"));
    }
    tar_entry(b"PaxHeader/x", b'x', content.as_bytes())
}

pub fn tar_of(parts: &[Vec<u8>]) -> Vec<u8> {
    [parts.concat(), vec![0; 1024]].concat()
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn tar_gz(parts: &[Vec<u8>]) -> Vec<u8> {
    gzip(&tar_of(parts))
}

pub fn tar_files(files: &[(&str, &[u8])]) -> Vec<u8> {
    tar_of(&files.iter().map(|(name, content)| tar_file(name, content)).collect::<Vec<_>>())
}
