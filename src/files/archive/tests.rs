//! Good packages of every kind give the same release; hostile ones, made byte by byte where no tool would make them, are
//! refused with the entry's name and leave nothing behind.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use flate2::{Compression, Crc, write::DeflateEncoder, write::GzEncoder};

use super::*;
use crate::{
    error::Violation,
    files::{PluginsFolder, Staged},
};

// ---- a place to unpack into ----

struct Fixture {
    temp: tempfile::TempDir,
    folder: PluginsFolder,
}

impl Fixture {
    fn new() -> Self {
        let temp = tempfile::tempdir().unwrap();
        let folder = PluginsFolder::open(&temp.path().join("plugins")).unwrap();
        Self { temp, folder }
    }

    fn unpack(&self, bytes: &[u8], limits: &Limits) -> Result<Staged> {
        let archive = self.temp.path().join("package");
        fs::write(&archive, bytes).unwrap();
        unpack(self.folder.begin_staging().unwrap(), &archive, limits)
    }

    fn copy(&self, source: &Path) -> Result<Staged> {
        copy_folder(self.folder.begin_staging().unwrap(), source, &Limits::default())
    }

    fn source(&self, files: &[(&str, &[u8])]) -> PathBuf {
        let source = self.temp.path().join("source");
        for (name, content) in files {
            let path = source.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        source
    }

    fn assert_clean(&self) {
        let left: Vec<_> = fs::read_dir(self.folder.root().join("cache")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(left.is_empty(), "left in cache/: {left:?}");
    }
}

fn violations(outcome: Result<Staged>) -> Vec<Violation> {
    match outcome {
        Err(Error::InvalidPackage { errors, .. }) => errors,
        Err(other) => panic!("another error: {}", other.chain()),
        Ok(staged) => panic!("accepted: {:?}", paths(&staged)),
    }
}

/// Every case is refused, and one of the refusals names the entry and has the words.
fn assert_refused(cases: Vec<(&str, Vec<u8>, &str, &str)>, limits: &Limits) {
    let fixture = Fixture::new();
    for (case, bytes, entry, words) in cases {
        let errors = violations(fixture.unpack(&bytes, limits));
        assert!(errors.iter().any(|e| e.pointer == entry && e.message.contains(words)), "{case}: {errors:?}");
        fixture.assert_clean();
    }
}

fn paths(staged: &Staged) -> Vec<&str> {
    staged.files.iter().map(|file| file.path.as_str()).collect()
}

// ---- zip, byte by byte ----

#[derive(Clone)]
struct ZipEntry {
    name: Vec<u8>,
    /// The name in the entry's own header, where it differs.
    local_name: Option<Vec<u8>>,
    content: Vec<u8>,
    method: u16,
    flags: u16,
    unix_mode: u32,
    crc: Option<u32>,
    size: Option<u32>,
    /// Where the directory says the entry starts, where that is a lie.
    offset: Option<u32>,
}

fn zip_entry(name: &str, content: &[u8]) -> ZipEntry {
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

fn zip_of(entries: &[ZipEntry]) -> Vec<u8> {
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

fn zip_files(files: &[(&str, &[u8])]) -> Vec<u8> {
    zip_of(&files.iter().map(|(name, content)| zip_entry(name, content)).collect::<Vec<_>>())
}

// ---- tar, block by block ----

fn tar_block(name: &[u8], kind: u8, size: u64) -> Vec<u8> {
    let mut header = ::tar::Header::new_ustar();
    header.as_mut_bytes()[..name.len()].copy_from_slice(name);
    header.set_entry_type(EntryType::new(kind));
    header.set_mode(0o755);
    header.set_size(size);
    header.set_cksum();
    header.as_bytes().to_vec()
}

use ::tar::EntryType;

fn tar_entry(name: &[u8], kind: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = tar_block(name, kind, content.len() as u64);
    bytes.extend(content);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

fn tar_file(name: &str, content: &[u8]) -> Vec<u8> {
    tar_entry(name.as_bytes(), b'0', content)
}

fn pax(records: &[(&str, &str)]) -> Vec<u8> {
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

fn tar_of(parts: &[Vec<u8>]) -> Vec<u8> {
    [parts.concat(), vec![0; 1024]].concat()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn tar_gz(parts: &[Vec<u8>]) -> Vec<u8> {
    gzip(&tar_of(parts))
}

fn tar_files(files: &[(&str, &[u8])]) -> Vec<u8> {
    tar_of(&files.iter().map(|(name, content)| tar_file(name, content)).collect::<Vec<_>>())
}

// ---- good packages ----

const GOOD: &[(&str, &[u8])] = &[
    ("plugin.json", b"{\"id\":\"demo\"}"),
    ("dist/remoteEntry.js", b"export default 1;\n"),
    ("dist/chunks/a b.js", b""),
    ("Z.md", "ä".as_bytes()),
];

#[test]
fn zip_tar_and_folder_of_equal_content_are_the_same_release() {
    let fixture = Fixture::new();
    let limits = Limits::default();
    let below = |top: &str| GOOD.iter().map(|(name, content)| (format!("{top}{name}"), *content)).collect::<Vec<_>>();
    let nested = below("demo-1.0.0/");
    let nested: Vec<_> = nested.iter().map(|(name, content)| (name.as_str(), *content)).collect();
    let dotted = below("./");
    let dotted: Vec<_> = dotted.iter().map(|(name, content)| (name.as_str(), *content)).collect();
    let mut reversed = GOOD.to_vec();
    reversed.reverse();
    let stored: Vec<_> = GOOD.iter().map(|(name, content)| ZipEntry { method: 0, ..zip_entry(name, content) }).collect();

    let expected = fixture.unpack(&zip_files(GOOD), &limits).unwrap();
    assert_eq!(paths(&expected), ["Z.md", "dist/chunks/a b.js", "dist/remoteEntry.js", "plugin.json"]);
    assert_eq!(expected.size, GOOD.iter().map(|(_, content)| content.len() as u64).sum::<u64>());
    assert_eq!(expected.read(&"plugin.json".parse().unwrap(), 100).unwrap(), GOOD[0].1);
    assert!(matches!(expected.read(&"plugin.json".parse().unwrap(), 3), Err(Error::TooLarge { limit: 3, .. })));
    assert!(matches!(expected.read(&"none".parse().unwrap(), 3), Err(Error::NotFound(_))));
    for (case, staged) in [
        ("another order", fixture.unpack(&zip_files(&reversed), &limits)),
        ("stored", fixture.unpack(&zip_of(&stored), &limits)),
        ("one folder at the top", fixture.unpack(&zip_files(&nested), &limits)),
        ("tar.gz", fixture.unpack(&gzip(&tar_files(GOOD)), &limits)),
        ("tar.gz in two members", {
            let tar = tar_files(GOOD);
            fixture.unpack(&[gzip(&tar[..700]), gzip(&tar[700..])].concat(), &limits)
        }),
        ("tar.gz with ./", fixture.unpack(&gzip(&tar_files(&dotted)), &limits)),
        ("tar.gz with a folder at the top", fixture.unpack(&gzip(&tar_files(&nested)), &limits)),
        ("tar.zst", fixture.unpack(&zstd::encode_all(tar_files(GOOD).as_slice(), 3).unwrap(), &limits)),
        ("folder", fixture.copy(&fixture.source(GOOD))),
    ] {
        let staged = staged.unwrap_or_else(|e| panic!("{case}: {e}"));
        assert_eq!(staged.digest, expected.digest, "{case}");
        assert_eq!(staged.files, expected.files, "{case}");
    }
    let other = fixture.unpack(&zip_files(&[("plugin.json", b"{\"id\":\"demo\" }")]), &limits).unwrap();
    assert_ne!(other.digest, expected.digest);
    drop((expected, other));
    fixture.assert_clean();
}

#[test]
fn hashes_are_those_of_the_content() {
    use sha2::{Digest, Sha256, Sha384};
    let fixture = Fixture::new();
    let content: Vec<u8> = (0..400_000_u32).flat_map(u32::to_le_bytes).collect();
    let staged = fixture.unpack(&zip_files(&[("big.bin", &content)]), &Limits::default()).unwrap();
    assert_eq!(staged.files[0].sha256, <[u8; 32]>::from(Sha256::digest(&content)));
    assert_eq!(staged.files[0].sha384, <[u8; 48]>::from(Sha384::digest(&content)));
    assert_eq!(staged.read(&"big.bin".parse().unwrap(), u64::MAX).unwrap(), content);
}

#[test]
fn long_names_folders_and_global_headers_of_real_tars_are_understood() {
    let fixture = Fixture::new();
    let long = format!("package/{}/index.js", "d".repeat(120));
    let global = tar_entry(b"pax_global_header", b'g', b"52 comment=0123456789012345678901234567890123456789\n");
    let npm = tar_gz(&[
        global,
        tar_entry(b"package/", b'5', b""),
        tar_entry(b"package/old-style/", b'0', b""),
        tar_file("package/package.json", b"{}"),
        pax(&[("mtime", "1.5"), ("SCHILY.xattr.user.x", "line\nline"), ("path", &long), ("size", "1")]),
        tar_file("shortened", b"1"),
        tar_entry(b"././@LongLink", b'L', format!("package/{}.css\0", "c".repeat(130)).as_bytes()),
        tar_file("shortened too", b"2"),
    ]);
    let staged = fixture.unpack(&npm, &Limits::default()).unwrap();
    assert_eq!(paths(&staged), [&format!("{}.css", "c".repeat(130)), &format!("{}/index.js", "d".repeat(120)), "package.json"]);
}

#[test]
fn what_macos_adds_is_left_out_and_does_not_hide_the_top_folder() {
    let fixture = Fixture::new();
    let files: &[(&str, &[u8])] =
        &[("demo/plugin.json", b"{}"), ("__MACOSX/demo/._plugin.json", b"x"), (".DS_Store", b"x"), ("demo/dist/.DS_Store", b"x")];
    for staged in [
        fixture.unpack(&zip_files(files), &Limits::default()),
        fixture.unpack(&gzip(&tar_files(files)), &Limits::default()),
        fixture.copy(&fixture.source(files)),
    ] {
        assert_eq!(paths(&staged.unwrap()), ["plugin.json"]);
    }
}

#[test]
fn a_zip_inside_a_zip_is_a_file_like_any_other() {
    let fixture = Fixture::new();
    let nested = ZipEntry { method: 0, ..zip_entry("nested.zip", &zip_files(GOOD)) };
    let staged = fixture.unpack(&zip_of(&[zip_entry("plugin.json", b"{}"), nested]), &Limits::default()).unwrap();
    assert_eq!(paths(&staged), ["nested.zip", "plugin.json"]);
}

#[test]
fn a_folder_at_the_top_with_something_beside_it_stays() {
    let fixture = Fixture::new();
    let staged = fixture.unpack(&zip_files(&[("dist/a.js", b"1"), ("plugin.json", b"{}")]), &Limits::default()).unwrap();
    assert_eq!(paths(&staged), ["dist/a.js", "plugin.json"]);
    let staged = fixture.unpack(&zip_files(&[("a/x.js", b"1"), ("ab/y.js", b"1")]), &Limits::default()).unwrap();
    assert_eq!(paths(&staged), ["a/x.js", "ab/y.js"]);
}

// ---- hostile packages ----

#[test]
fn names_that_no_release_can_hold_are_refused_in_both_formats() {
    let long = "n".repeat(256);
    for (name, words) in [
        ("../evil", "relative"),
        ("a/../../evil", "relative"),
        ("a/./b", "relative"),
        ("..", "relative"),
        ("/etc/passwd", "absolute"),
        (".//etc/passwd", "absolute"),
        ("a//b", "empty"),
        ("..\\evil", "Windows"),
        ("C:/evil", "Windows"),
        ("C:evil", "Windows"),
        ("a\\b", "Windows"),
        ("a/con", "device"),
        ("NUL.txt", "device"),
        ("a./b", "dot or space"),
        ("a /b", "dot or space"),
        ("what?", "Windows"),
        ("file:stream", "Windows"),
        (long.as_str(), "255 bytes"),
    ] {
        let shown = if name.len() > 200 { format!("{}…", "n".repeat(200)) } else { name.to_owned() };
        let tar = if name.len() > 100 { [pax(&[("path", name)]), tar_file("x", b"x")].concat() } else { tar_file(name, b"x") };
        assert_refused(
            vec![(name, zip_files(&[("ok.js", b"1"), (name, b"x")]), &shown, words), (name, tar_gz(&[tar]), &shown, words)],
            &Limits::default(),
        );
    }
}

#[test]
fn hostile_zips_are_refused() {
    let ok = || zip_entry("ok.js", b"1");
    let entry = || zip_entry("bad.js", b"some content of the bad file");
    let zip = |bad: ZipEntry| zip_of(&[ok(), bad]);
    let good = zip_files(GOOD);
    let cut = |bytes: &[u8], keep: usize| bytes[..keep].to_vec();
    let mut flipped = zip_of(&[ZipEntry { method: 0, ..entry() }]);
    flipped[40] ^= 1;
    let cases = vec![
        ("symbolic link", zip(ZipEntry { unix_mode: 0o120_777, ..entry() }), "bad.js", "link"),
        ("device", zip(ZipEntry { unix_mode: 0o020_666, ..entry() }), "bad.js", "neither a file nor a folder"),
        ("fifo", zip(ZipEntry { unix_mode: 0o010_666, ..entry() }), "bad.js", "neither a file nor a folder"),
        ("socket", zip(ZipEntry { unix_mode: 0o140_666, ..entry() }), "bad.js", "neither a file nor a folder"),
        ("encrypted", zip(ZipEntry { flags: 1, ..entry() }), "bad.js", "encrypted"),
        ("unknown method", zip(ZipEntry { method: 14, ..entry() }), "bad.js", "method"),
        ("not deflate at all", not_deflate(), "bad.js", "cannot be read"),
        ("wrong checksum", zip(ZipEntry { crc: Some(7), ..entry() }), "bad.js", "cannot be read"),
        ("flipped bit", flipped, "bad.js", "cannot be read"),
        ("declares less", zip(ZipEntry { size: Some(3), ..entry() }), "bad.js", ""),
        ("declares more", zip(ZipEntry { size: Some(300), ..entry() }), "bad.js", ""),
        ("another name inside", zip(ZipEntry { local_name: Some(b"not.js".to_vec()), ..entry() }), "bad.js", "cannot be read"),
        ("name not UTF-8", zip(ZipEntry { name: b"b\xffd.js".to_vec(), ..entry() }), "b\u{fffd}d.js", "UTF-8"),
        ("name with NUL", zip(ZipEntry { name: b"a\0.js".to_vec(), ..entry() }), "a\\u{0}.js", ""),
        ("no name", zip(ZipEntry { name: Vec::new(), ..entry() }), "entry 2", "empty"),
        ("folder with content", zip(ZipEntry { name: b"bad/".to_vec(), ..entry() }), "bad/", "folder with content"),
        ("appears twice", zip_of(&[ok(), entry(), entry()]), "bad.js", "twice"),
        ("differs in case", zip_of(&[zip_entry("BAD.js", b"1"), entry()]), "bad.js", "only in case"),
        ("folders differ in case", zip_files(&[("Dist/a.js", b""), ("dist/b.js", b"")]), "dist/b.js", "only in case"),
        ("file as a folder", zip_files(&[("bad", b""), ("bad/x.js", b"")]), "bad/x.js", "both"),
        ("folder as a file", zip_files(&[("bad/x.js", b""), ("bad", b"")]), "bad", "both"),
        ("entries share bytes", zip_of(&[entry(), ZipEntry { offset: Some(0), local_name: None, ..entry() }]), "bad.js", "twice"),
        ("only the directory", good[good.len() - 22..].to_vec(), "", "cannot be read"),
        ("end missing", cut(&good, good.len() - 22), "", "cut short"),
        ("half", cut(&good, good.len() / 2), "", "cut short"),
        ("end cut", cut(&good, good.len() - 1), "", "cut short"),
        ("data behind the end", [good.clone(), b"trailing".to_vec()].concat(), "", "behind its end"),
        ("a second zip behind it", [good.clone(), zip_of(&[entry()])].concat(), "", "more than one archive"),
        ("hidden entry in front", hidden_in_front(), "", "before its first entry"),
        ("empty", zip_of(&[]), "", "no files"),
        ("only folders", zip_files(&[("a/", b"")]), "", "no files"),
        ("only what is ignored", zip_files(&[("__MACOSX/a", b"x")]), "", "no files"),
    ];
    assert_refused(cases, &Limits::default());
}

/// A stored entry that claims to be deflated, in both of its headers.
fn not_deflate() -> Vec<u8> {
    let mut bytes = zip_of(&[ZipEntry { method: 0, ..zip_entry("bad.js", &[0xff; 40]) }]);
    let directory = bytes.windows(4).position(|bytes| bytes == b"PK\x01\x02").unwrap();
    bytes[8] = 8;
    bytes[directory + 10] = 8;
    bytes
}

/// A zip whose first entry is missing from the directory.
fn hidden_in_front() -> Vec<u8> {
    let both = zip_of(&[zip_entry("hidden.js", b"1"), zip_entry("shown.js", b"2")]);
    let directory = both.windows(4).position(|bytes| bytes == b"PK\x01\x02").unwrap();
    let second = directory + 4 + both[directory + 4..].windows(4).position(|bytes| bytes == b"PK\x01\x02").unwrap();
    let end = both.len() - 22;
    let mut bytes = [&both[..directory], &both[second..]].concat();
    let at = bytes.len() - 22;
    bytes[at + 8..at + 12].copy_from_slice(&[1, 0, 1, 0]);
    bytes[at + 12..at + 16].copy_from_slice(&((end - second) as u32).to_le_bytes());
    bytes
}

#[test]
fn zip_entries_that_share_bytes_are_refused() {
    // The first entry, stored, holds a second whole entry in its content, which the directory names as well.
    let inner = zip_of(&[ZipEntry { method: 0, ..zip_entry("inner.js", b"inner") }]);
    let content = &inner[..30 + 8 + 5];
    let outer = ZipEntry { method: 0, ..zip_entry("outer.js", content) };
    let shared = ZipEntry { method: 0, offset: Some(30 + 8), ..zip_entry("inner.js", b"inner") };
    assert_refused(vec![("overlap", zip_of(&[outer, shared]), "inner.js", "shares bytes")], &Limits::default());
}

#[test]
fn hostile_tars_are_refused() {
    let ok = || tar_file("ok.js", b"1");
    let tar = |bad: Vec<u8>| tar_gz(&[ok(), bad]);
    let link = |kind: u8| {
        let mut header = ::tar::Header::new_ustar();
        header.set_path("bad.js").unwrap();
        header.set_entry_type(EntryType::new(kind));
        header.set_link_name("/etc/passwd").unwrap();
        header.set_size(0);
        header.set_cksum();
        header.as_bytes().to_vec()
    };
    let good = tar_files(GOOD);
    let good_gz = gzip(&good);
    let good_zst = {
        let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
        encoder.include_checksum(true).unwrap();
        encoder.write_all(&good).unwrap();
        encoder.finish().unwrap()
    };
    let flip = |bytes: &[u8], at: usize| {
        let mut bytes = bytes.to_vec();
        bytes[at] ^= 1;
        bytes
    };
    let cases = vec![
        ("symbolic link", tar(link(b'2')), "bad.js", "link"),
        ("hard link", tar(link(b'1')), "bad.js", "link"),
        ("character device", tar(tar_entry(b"bad.js", b'3', b"")), "bad.js", "neither a file nor a folder"),
        ("block device", tar(tar_entry(b"bad.js", b'4', b"")), "bad.js", "neither a file nor a folder"),
        ("fifo", tar(tar_entry(b"bad.js", b'6', b"")), "bad.js", "neither a file nor a folder"),
        ("unknown type", tar(tar_entry(b"bad.js", b'Z', b"")), "bad.js", "neither a file nor a folder"),
        ("sparse", tar(tar_entry(b"bad.js", b'S', b"")), "bad.js", "sparse"),
        ("sparse by pax", tar_gz(&[pax(&[("GNU.sparse.major", "1"), ("path", "bad.js")]), tar_file("x", b"")]), "bad.js", "sparse"),
        ("name not UTF-8", tar(tar_entry(b"b\xffd.js", b'0', b"")), "b\u{fffd}d.js", "UTF-8"),
        ("no name", tar(tar_entry(b"", b'0', b"")), "entry 2", "empty"),
        ("control character", tar(tar_entry(b"a\nb.js", b'0', b"")), "a\\nb.js", "control"),
        ("folder with content", tar(tar_entry(b"bad/", b'5', b"x")), "bad/", "folder with content"),
        ("appears twice", tar_gz(&[tar_file("bad.js", b"1"), tar_file("bad.js", b"2")]), "bad.js", "twice"),
        ("twice by ./", tar_gz(&[tar_file("bad.js", b"1"), tar_file("./bad.js", b"2")]), "./bad.js", "twice"),
        ("differs in case", tar_gz(&[tar_file("BAD.js", b"1"), tar_file("bad.js", b"2")]), "bad.js", "only in case"),
        ("folder differs in case", tar_gz(&[tar_entry(b"Bad", b'5', b""), tar_file("bad/x", b"2")]), "bad/x", "only in case"),
        ("file as a folder", tar_gz(&[tar_file("bad", b"1"), tar_file("bad/x", b"2")]), "bad/x", "both"),
        ("folder as a file", tar_gz(&[tar_entry(b"bad/", b'5', b""), tar_file("bad", b"2")]), "bad", "both"),
        ("up by pax", tar_gz(&[pax(&[("path", "../../bad")]), tar_file("x", b"")]), "../../bad", "relative"),
        ("up by long name", tar_gz(&[tar_entry(b"././@LongLink", b'L', b"../bad\0"), tar_file("x", b"")]), "../bad", "relative"),
        ("two sizes", tar_gz(&[pax(&[("path", "bad.js"), ("size", "3")]), tar_file("x", b"12345")]), "bad.js", "two different sizes"),
        ("two long names", tar_gz(&[pax(&[("path", "bad.js")]), tar_entry(b"L", b'L', b"b\0"), tar_file("x", b"")]), "b", "two long names"),
        ("two pax headers", tar_gz(&[pax(&[]), pax(&[]), tar_file("x", b"")]), "", "two pax headers"),
        ("pax without end", tar_gz(&[tar_entry(b"x", b'x', b"99 path=a\n"), tar_file("x", b"")]), "", "pax header that cannot be read"),
        ("pax of nothing", tar_gz(&[ok(), pax(&[("path", "bad.js")])]), "", "describes no entry"),
        ("endless name", tar_gz(&[tar_entry(b"bad", b'L', &vec![b'a'; 70_000]), tar_file("x", b"")]), "bad", "limit is 65536"),
        ("wrong checksum", gzip(&flip(&good, 3)), "", "checksum"),
        ("cut in a file", gzip(&good[..512 + 3]), "plugin.json", "cut short"),
        ("cut between entries", gzip(&good[..1024]), "", "cut short"),
        ("cut before the end", gzip(&good[..good.len() - 1024]), "", "cut short"),
        ("a second tar behind it", gzip(&[good.clone(), good.clone()].concat()), "", "behind its end"),
        ("gzip cut", good_gz[..good_gz.len() - 9].to_vec(), "", "cannot be read"),
        ("gzip without its checksum", good_gz[..good_gz.len() - 8].to_vec(), "", "cannot be read"),
        ("gzip with a wrong checksum", flip(&good_gz, good_gz.len() - 6), "", "cannot be read"),
        ("data behind the gzip", [good_gz.clone(), b"trailing".to_vec()].concat(), "", "cannot be read"),
        ("zstd cut", good_zst[..good_zst.len() - 6].to_vec(), "", "cannot be read"),
        ("zstd with a wrong checksum", flip(&good_zst, good_zst.len() - 2), "", "cannot be read"),
        ("data behind the zstd", [good_zst.clone(), b"trailing".to_vec()].concat(), "", "cannot be read"),
        ("no tar inside", gzip(&[b'a'; 2000]), "", "no tar archive"),
        ("empty", tar_gz(&[]), "", "no files"),
        ("nothing at all", Vec::new(), "", "neither a zip"),
        ("something else", b"%PDF-1.7".to_vec(), "", "neither a zip"),
        ("a bare tar", good, "", "neither a zip"),
    ];
    assert_refused(cases, &Limits::default());
}

#[test]
fn a_zstd_window_cannot_ask_for_all_memory() {
    // A frame header that asks for a window of 2 GiB (RFC 8878, 3.1.1.1.2: exponent 21, 1 KiB << 21), and one raw block.
    let frame = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 21 << 3, 0x09, 0x00, 0x00, b'x'];
    assert_refused(vec![("window", frame.to_vec(), "", "cannot be read")], &Limits::default());
}

#[test]
fn limits_count_real_bytes_and_name_the_entry() {
    let limits = Limits { max_unpacked: 2_000_000, max_entries: 4, max_ratio: 100, max_path: 10, max_depth: 3, ..Limits::default() };
    let zeros = vec![0; 1_500_000];
    let noise: Vec<u8> = (0..700_000_u32).flat_map(|i| i.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let liar = |content: &[u8]| zip_of(&[ZipEntry { size: Some(10), ..zip_entry("bomb", content) }]);
    let many: Vec<(String, Vec<u8>)> = (0..5).map(|i| (format!("f{i}"), vec![b'x'])).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|(name, content)| (name.as_str(), content.as_slice())).collect();
    let cases = vec![
        ("zip ratio", zip_files(&[("ok", b"1"), ("bomb", &zeros)]), "bomb", "100 times"),
        ("tar ratio", gzip(&tar_files(&[("ok", b"1"), ("bomb", &zeros)])), "bomb", "100 times"),
        ("zip size", zip_files(&[("bomb", &noise)]), "bomb", "2000000 bytes"),
        ("tar size", gzip(&tar_files(&[("bomb", &noise)])), "bomb", "2000000 bytes"),
        ("zip that lies", liar(&noise), "bomb", ""),
        ("zip entries", zip_files(&many), "", "limit is 4"),
        ("tar entries", gzip(&tar_files(&many)), "f4", "limit is 4"),
        ("implied folders", zip_files(&[("a/b/c/d/e", b"x")]), "a/b/c/d/e", "limit is 4"),
        ("path", zip_files(&[("ok", b"1"), ("abcdefghijk", b"1")]), "abcdefghijk", "limit is 10"),
        ("depth", zip_files(&[("a/b/c/d", b"1"), ("x/y", b"")]), "", ""),
        ("ignored bytes", gzip(&tar_files(&[("ok", b"1"), ("__MACOSX/x", &vec![0; 4_000_000])])), "", "more than"),
    ];
    let (depth, rest): (Vec<_>, Vec<_>) = cases.into_iter().partition(|case| case.0 == "depth");
    assert_refused(rest, &limits);
    let deeper = Limits { max_entries: 100, ..limits };
    assert_refused(depth.into_iter().map(|(case, bytes, ..)| (case, bytes, "a/b/c/d", "limit is 3")).collect(), &deeper);

    let fixture = Fixture::new();
    let small = Limits { max_archive: 10, ..Limits::default() };
    assert!(matches!(fixture.unpack(&zip_files(GOOD), &small), Err(Error::TooLarge { what: "archive", limit: 10, actual: Some(_) })));
    fixture.assert_clean();
    // The top folder of an archive counts neither for its paths nor against a small, repetitive package.
    let fits = zip_files(&[("a-long-top-folder/abcdefghij", &zeros[..900_000])]);
    assert_eq!(paths(&fixture.unpack(&fits, &limits).unwrap()), ["abcdefghij"]);
}

#[test]
fn all_refusals_are_told_at_once_and_their_number_is_bounded() {
    let fixture = Fixture::new();
    let limits = Limits::default();
    let errors = violations(fixture.unpack(&zip_files(&[("../a", b"x"), ("ok.js", b"x"), ("/b", b"x"), ("c\\d", b"x")]), &limits));
    assert_eq!(errors.iter().map(|e| e.pointer.as_str()).collect::<Vec<_>>(), ["../a", "/b", "c\\d"]);
    let cut = tar_of(&[tar_file("../a", b"x"), tar_file("/b", b"x")]);
    let errors = violations(fixture.unpack(&gzip(&cut[..1024 + 512 + 1]), &limits));
    assert_eq!(errors.iter().map(|e| e.pointer.as_str()).collect::<Vec<_>>(), ["../a", "/b", "/b"]);
    let many: Vec<_> = (0..200).map(|i| zip_entry(&format!("../{i}"), b"")).collect();
    assert_eq!(violations(fixture.unpack(&zip_of(&many), &limits)).len(), 50);
}

#[cfg(unix)]
#[test]
fn hostile_folders_are_refused() {
    use std::os::unix::{ffi::OsStrExt, fs::symlink, net::UnixListener};
    let fixture = Fixture::new();
    let source = fixture.source(GOOD);
    fs::write(fixture.temp.path().join("secret"), "secret").unwrap();
    symlink(fixture.temp.path().join("secret"), source.join("link.js")).unwrap();
    symlink(fixture.temp.path(), source.join("dist/linked")).unwrap();
    let _socket = UnixListener::bind(source.join("socket")).unwrap();
    fs::write(source.join("back\\slash"), "").unwrap();
    fs::write(source.join(std::ffi::OsStr::from_bytes(b"b\xffd")), "").unwrap();
    let errors = violations(fixture.copy(&source));
    let found: Vec<_> = errors.iter().map(|e| (e.pointer.as_str(), e.message.as_str())).collect();
    for (entry, words) in
        [("link.js", "link"), ("dist/linked", "link"), ("socket", "neither"), ("back\\slash", "Windows"), ("b\u{fffd}d", "UTF-8")]
    {
        assert!(found.iter().any(|(e, m)| *e == entry && m.contains(words)), "{entry}: {found:?}");
    }
    assert_eq!(found.len(), 5);
    fixture.assert_clean();
    assert!(matches!(fixture.copy(&fixture.temp.path().join("absent")), Err(Error::Storage { .. })));
    fixture.assert_clean();
}

#[test]
fn an_absent_archive_is_not_found() {
    let fixture = Fixture::new();
    let outcome = unpack(fixture.folder.begin_staging().unwrap(), &fixture.temp.path().join("absent.zip"), &Limits::default());
    assert!(matches!(outcome, Err(Error::NotFound(what)) if what == "absent.zip"));
    fixture.assert_clean();
}
