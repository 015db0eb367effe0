//! Good packages of every kind give the same release.

use std::io::Write;

use super::{build::*, *};

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
fn zips_of_a_streaming_writer_are_understood() {
    use ::zip::{ZipWriter, write::SimpleFileOptions};
    let fixture = Fixture::new();
    let expected = fixture.unpack(&zip_files(GOOD), &Limits::default()).unwrap().digest;
    for options in [SimpleFileOptions::default(), SimpleFileOptions::default().large_file(true).unix_permissions(0o4777)] {
        // Sizes follow the content in data descriptors, with eight bytes each where files are announced as large.
        let mut writer = ZipWriter::new_stream(Vec::new());
        for (name, content) in GOOD {
            writer.start_file(*name, options).unwrap();
            writer.write_all(content).unwrap();
        }
        writer.add_directory("empty", options).unwrap();
        writer.set_comment("made by a build").unwrap();
        let zip = writer.finish().unwrap().into_inner();
        assert_eq!(fixture.unpack(&zip, &Limits::default()).unwrap().digest, expected);
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
