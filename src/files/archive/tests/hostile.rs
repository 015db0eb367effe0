//! Hostile packages are refused with the entry's name and leave nothing behind.

use std::{fs, io::Write};

use ::tar::{EntryType, Header};

use super::{build::*, *};
use crate::error::Violation;

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
        ("a second zip behind it", [good.clone(), zip_of(&[entry()])].concat(), "", "a second archive"),
        ("hidden entry in front", hidden_in_front(), "", "before its first entry"),
        ("fewer entries than the directory has", fewer_entries(), "", "behind its directory"),
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

/// A zip whose end record counts one entry of two.
fn fewer_entries() -> Vec<u8> {
    let mut bytes = zip_files(&[("shown.js", b"1"), ("hidden.js", b"2")]);
    let end = bytes.len() - 22;
    bytes[end + 8..end + 12].copy_from_slice(&[1, 0, 1, 0]);
    bytes
}

#[test]
fn one_flipped_bit_never_makes_another_release() {
    let fixture = Fixture::new();
    let limits = Limits::default();
    let files: &[(&str, &[u8])] =
        &[("plugin.json", b"{\"id\":\"demo\"}"), ("dist/a.js", b"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), ("dist/b.js", b"b")];
    let gz = gzip(&tar_files(files));
    for good in [zip_files(files), gz] {
        let expected = fixture.unpack(&good, &limits).unwrap().digest;
        for at in 0..good.len() {
            let mut damaged = good.clone();
            damaged[at] ^= 1 << (at % 8);
            match fixture.unpack(&damaged, &limits) {
                Ok(staged) => assert_eq!(staged.digest, expected, "byte {at}"),
                Err(Error::InvalidPackage { .. }) => {}
                Err(other) => panic!("byte {at}: {}", other.chain()),
            }
        }
        for length in 0..good.len() {
            violations(fixture.unpack(&good[..length], &limits));
        }
    }
    fixture.assert_clean();
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
        let mut header = Header::new_ustar();
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
