//! Archives that mean harm: refused with the entry's name, and nothing is left of them.

use std::io::{Cursor, Write};

use serde_json::{Value, json};
use tar::{EntryType, Header};

use crate::support::{
    TestApp, package,
    packages::{gzip, zip_of},
};

/// A zip with one entry beside a good manifest.
fn zip_with(name: &str, content: &[u8]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let plain = zip::write::SimpleFileOptions::default();
    for (path, content) in package("Demo", "1.0.0").files() {
        zip.start_file(path, plain).unwrap();
        zip.write_all(&content).unwrap();
    }
    zip.start_file(name, plain).unwrap();
    zip.write_all(content).unwrap();
    zip.finish().unwrap().into_inner()
}

/// Gives the last entry of a zip a mode of Unix (APPNOTE.TXT, 4.4.2 and 4.4.15), which the crate would not write.
fn special(mut zip: Vec<u8>, mode: u32) -> Vec<u8> {
    let entry = zip.windows(4).rposition(|bytes| bytes == b"PK\x01\x02").unwrap();
    zip[entry + 5] = 3;
    zip[entry + 38..entry + 42].copy_from_slice(&(mode << 16).to_le_bytes());
    zip
}

/// A tar.gz with entries that no tar program would write.
fn tar_with(entries: &[(&str, EntryType, &str, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    let manifest = package("Demo", "1.0.0").files()["plugin.json"].clone();
    for (name, kind, link, content) in [&[("plugin.json", EntryType::Regular, "", manifest.as_slice())], entries].concat() {
        let mut header = Header::new_ustar();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
        header.set_entry_type(kind);
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        tar.append(&header, content).unwrap();
    }
    gzip(&tar.into_inner().unwrap())
}

fn cut(mut bytes: Vec<u8>, by: usize) -> Vec<u8> {
    bytes.truncate(bytes.len() - by);
    bytes
}

both!(hostile_archives_leave_nothing);
async fn hostile_archives_leave_nothing(app: TestApp) {
    let admin = app.admin().await;
    admin.publish(package("Good", "1.0.0").zip(), "").await.expect(201);
    let stored = app.stored();
    let (file, x) = (EntryType::Regular, &b"x"[..]);
    let good = package("Demo", "1.0.0");
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (zip_with("../evil.js", x), "../evil.js"),
        (zip_with("dist/../../evil.js", x), "dist/../../evil.js"),
        (zip_with("/etc/evil", x), "/etc/evil"),
        (zip_with("..\\evil.js", x), "..\\evil.js"),
        (zip_with("C:/evil.js", x), "C:/evil.js"),
        (zip_with("dist/nul.js", x), "dist/nul.js"),
        (zip_with("DIST/index.js", x), "DIST/index.js"),
        (zip_with("plugin.json/x", x), "plugin.json/x"),
        (special(zip_with("link.js", b"/etc/passwd"), 0o120_777), "link.js"),
        (special(zip_with("pipe", b""), 0o010_644), "pipe"),
        (zip_with("bomb.bin", &vec![0; 30_000_000]), "bomb.bin"),
        (tar_with(&[("../evil.js", file, "", x)]), "../evil.js"),
        (tar_with(&[("/etc/evil", file, "", x)]), "/etc/evil"),
        (tar_with(&[("link.js", EntryType::Symlink, "/etc/passwd", b"")]), "link.js"),
        (tar_with(&[("link", EntryType::Symlink, "/tmp", b""), ("link/evil.js", file, "", x)]), "link"),
        (tar_with(&[("hard.js", EntryType::Link, "/etc/passwd", b"")]), "hard.js"),
        (tar_with(&[("device", EntryType::Char, "", b"")]), "device"),
        (tar_with(&[("pipe", EntryType::Fifo, "", b"")]), "pipe"),
        (tar_with(&[("a.js", file, "", x), ("a.js", file, "", b"y")]), "a.js"),
        (tar_with(&[("a\u{7}.js", file, "", x)]), "a\\u{7}.js"),
        (cut(good.zip(), 10), ""),
        (cut(good.tar_gz(), 10), ""),
        (gzip(&cut(good.tar(), 1500)), ""),
        ([good.zip(), good.zip()].concat(), ""),
        (b"no archive at all".to_vec(), ""),
        (Vec::new(), ""),
        (zip_of(&std::collections::BTreeMap::new()), ""),
    ];
    for (archive, entry) in cases {
        let answer = admin.publish(archive, "").await;
        let problem = answer.assert_problem(422, "validation");
        assert_eq!(problem["step"], "file_extraction", "{problem}");
        let errors = problem["errors"].as_array().unwrap_or_else(|| panic!("{problem}"));
        // What an archive that is cut short breaks off in is no news; the rest is named.
        let named = entry.is_empty() || errors.iter().any(|error| error["pointer"] == entry);
        assert!(named && !errors.is_empty(), "{entry:?}: {problem}");
        app.assert_tells_no_place(&answer.text());
        assert_eq!(app.stored(), stored, "{entry:?}");
    }
    admin.get("/api/v1/releases/Demo").await.assert_problem(404, "not_found");
    assert!(!app.home.path().join("evil.js").exists() && !app.home.plugins_dir().join("evil.js").exists());
    admin.publish(good.zip(), "").await.expect(201);
}

both!(a_bad_manifest_leaves_nothing);
async fn a_bad_manifest_leaves_nothing(app: TestApp) {
    let admin = app.admin().await;
    let stored = app.stored();
    let demo = || package("Demo", "1.0.0");
    let with_manifest = |text: &str| {
        let mut files = demo().files();
        files.insert("plugin.json".to_owned(), text.as_bytes().to_vec());
        zip_of(&files)
    };
    let without_manifest = || {
        let mut files = demo().files();
        files.remove("plugin.json");
        zip_of(&files)
    };
    let cases: Vec<(Vec<u8>, &[&str])> = vec![
        (without_manifest(), &[""]),
        (with_manifest("{"), &[""]),
        (with_manifest("[]"), &[""]),
        (with_manifest("\u{feff}{}"), &["/id", "/version"]),
        (demo().with("id", "../evil").with("version", "../1").zip(), &["/id", "/version"]),
        (demo().with("id", "CON").zip(), &["/id"]),
        (demo().with("id", "users").zip(), &["/id"]),
        (demo().with("version", "1.0.0+build").zip(), &["/version"]),
        (demo().with("bundlelocation", "../../etc/passwd").zip(), &["/bundlelocation"]),
        (demo().with("bundlelocation", "dist/absent.js").zip(), &["/bundlelocation"]),
        (demo().with("endpointsFile", "endpoints.py").zip(), &["/endpointsFile"]),
        (demo().with("modules", json!([{"id": "a"}, {"id": "a"}])).zip(), &["/modules/1/id"]),
    ];
    for (archive, pointers) in cases {
        let answer = admin.publish(archive, "").await;
        let problem = answer.assert_problem(422, "validation");
        assert_eq!(problem["step"], "plugin_validation", "{problem}");
        let told: Vec<&str> =
            problem["errors"].as_array().unwrap().iter().map(|error: &Value| error["pointer"].as_str().unwrap()).collect();
        for pointer in pointers {
            assert!(told.contains(pointer), "{pointer:?}: {problem}");
        }
        app.assert_tells_no_place(&answer.text());
        assert_eq!(app.stored(), stored, "{problem}");
    }
}
