//! Compressed copies: made once after publishing, chosen by `Accept-Encoding`, made again when they are missing.

use std::{
    fs,
    io::Read,
    os::unix::fs::MetadataExt,
    time::{Duration, Instant},
};

use super::{Installed, demo};
use crate::support::{Answer, Client, TestApp, tree::tree};

fn script() -> String {
    (0..400).map(|n| format!("export const value{n} = {n};\n")).collect()
}

fn unpacked(answer: &Answer) -> String {
    let mut text = String::new();
    match answer.header("content-encoding") {
        "br" => brotli::Decompressor::new(answer.bytes.as_slice(), 4096).read_to_string(&mut text).unwrap(),
        "gzip" => flate2::read::GzDecoder::new(answer.bytes.as_slice()).read_to_string(&mut text).unwrap(),
        _ => return answer.text(),
    };
    text
}

/// Asks until the file comes in this coding: copies are made after publishing, not before an answer.
async fn encoded(client: &Client, path: &str, accept: &str, coding: &str) -> Answer {
    let give_up = Instant::now() + Duration::from_secs(30);
    loop {
        let answer = client.get(path).header("accept-encoding", accept).await.expect(200);
        if answer.header("content-encoding") == coding {
            return answer;
        }
        assert!(Instant::now() < give_up, "{path} never comes as {coding}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

both!(a_client_gets_the_copy_that_it_takes);
async fn a_client_gets_the_copy_that_it_takes(app: TestApp) {
    let installed = Installed::new(&app, &demo().file("dist/long.js", script())).await;
    for (client, base) in installed.addresses(&app) {
        let path = format!("{base}dist/long.js");
        let [br, gzip] = ["br", "gzip"].map(|coding| (coding, &client, &path));
        let br = encoded(br.1, br.2, br.0, "br").await;
        let gzip = encoded(gzip.1, gzip.2, gzip.0, "gzip").await;
        let plain = client.get(&path).await.expect(200);
        assert_eq!(plain.header("content-encoding"), "");
        assert!(br.bytes.len() < gzip.bytes.len() && gzip.bytes.len() < plain.bytes.len() / 2, "{base}");
        for answer in [&br, &gzip, &plain] {
            assert_eq!(unpacked(answer), script(), "{base}");
            assert_eq!(answer.header("content-length"), answer.bytes.len().to_string());
            assert_eq!(answer.header("content-type"), "text/javascript; charset=utf-8");
            assert!(answer.header("vary").starts_with("Accept-Encoding"), "{base}");
        }
        let tags = [&br, &gzip, &plain].map(|answer| answer.header("etag").to_owned());
        assert!(tags[0] != tags[1] && tags[1] != tags[2] && tags[0] != tags[2], "{tags:?}");
        // Any form's tag will do to see that nothing has changed, and is the one that is told.
        for accept in ["br", "gzip", "identity"] {
            for tag in &tags {
                let unchanged = client.get(&path).header("accept-encoding", accept).header("if-none-match", tag).await.expect(304);
                assert_eq!(unchanged.header("etag"), tag, "{base} {accept}");
                assert!(unchanged.header("vary").starts_with("Accept-Encoding"));
            }
        }
        // These two compare the form that would be sent.
        client.get(&path).header("accept-encoding", "br").header("if-match", &tags[0]).await.expect(200);
        client.get(&path).header("accept-encoding", "br").header("if-match", &tags[2]).await.expect(412);
        let part = client.get(&path).header("accept-encoding", "br").header("range", "bytes=0-9").header("if-range", &tags[0]).await;
        assert_eq!((part.status, part.header("content-encoding"), &part.bytes), (206, "br", &br.bytes[..10].to_vec()));
        assert_eq!(part.header("content-range"), format!("bytes 0-9/{}", br.bytes.len()));
        client.get(&path).header("accept-encoding", "gzip").header("range", "bytes=0-9").header("if-range", &tags[0]).await.expect(200);
    }
}

both!(what_does_not_shrink_stays_plain);
async fn what_does_not_shrink_stays_plain(app: TestApp) {
    let noise: Vec<u8> = (0_u32..2000).flat_map(|n| n.wrapping_mul(2_654_435_761).rotate_left(n % 29).to_le_bytes()).collect();
    let package = demo().file("noise.js", noise.clone()).file("zz-long.js", script()).file("packed.woff2", "a".repeat(5000));
    let installed = Installed::new(&app, &package).await;
    let base = &installed.shared;
    // Copies are made in turn, so those before it are made by then.
    encoded(app.anonymous(), &format!("{base}zz-long.js"), "br", "br").await;
    for path in ["noise.js", "packed.woff2", "dist/app.js"] {
        let answer = app.anonymous().get(&format!("{base}{path}")).header("accept-encoding", "br, gzip").await.expect(200);
        assert_eq!(answer.header("content-encoding"), "", "{path}");
        let none = app.anonymous().get(&format!("{base}{path}")).header("accept-encoding", "br, gzip, identity;q=0").await;
        none.assert_problem(406, "not_acceptable");
        assert_eq!(none.header("cache-control"), "no-store");
    }
}

both!(copies_are_made_once_and_again_when_they_are_missing);
async fn copies_are_made_once_and_again_when_they_are_missing(app: TestApp) {
    let installed = Installed::new(&app, &demo().file("dist/long.js", script())).await;
    let path = format!("{}dist/long.js", installed.shared);
    let first = encoded(app.anonymous(), &path, "br", "br").await;
    // One copy is there before the other.
    encoded(app.anonymous(), &path, "gzip", "gzip").await;
    let copies = || tree(&app.home.plugins_dir().join("cache/encoded"));
    let mut made = copies();
    // Nor is what is being written a copy yet.
    made.retain(|name, _| name.ends_with(".br") || name.ends_with(".gz"));
    assert!(made.keys().any(|name| name.ends_with(".br")) && made.keys().any(|name| name.ends_with(".gz")), "{:?}", made.keys());
    // Others have the same content, and no copy of their own.
    app.admin().await.publish(demo().with("version", "1.1.0").file("dist/long.js", script()).zip(), "visibility=public").await.expect(201);
    let other = encoded(app.anonymous(), &path.replace("1.0.0", "1.1.0"), "br", "br").await;
    assert_eq!(other.header("etag"), first.header("etag"));
    let of_long = |all: &std::collections::BTreeMap<String, Vec<u8>>| all.values().filter(|bytes| **bytes == first.bytes).count();
    assert_eq!(of_long(&copies()), 1);

    let folder = app.home.plugins_dir().join("cache/encoded");
    let inodes = || made.keys().map(|name| fs::metadata(folder.join(name)).unwrap().ino()).collect::<Vec<_>>();
    let before = inodes();
    for _ in 0..10 {
        encoded(app.anonymous(), &path, "br", "br").await;
    }
    app.server.stop_gracefully();
    app.server.restart();
    encoded(app.anonymous(), &path, "br", "br").await;
    assert_eq!(inodes(), before, "no file is written anew");

    app.server.stop_gracefully();
    fs::remove_dir_all(app.home.plugins_dir().join("cache")).unwrap();
    app.server.restart();
    assert_eq!(encoded(app.anonymous(), &path, "br", "br").await.bytes, first.bytes);
}

both!(a_damaged_copy_is_not_sent);
async fn a_damaged_copy_is_not_sent(app: TestApp) {
    let installed = Installed::new(&app, &demo().file("dist/long.js", script())).await;
    let path = format!("{}dist/long.js", installed.shared);
    let first = encoded(app.anonymous(), &path, "br", "br").await;
    app.server.stop_gracefully();
    let folder = app.home.plugins_dir().join("cache/encoded");
    let copies = tree(&folder);
    let (name, bytes) = copies.iter().find(|(_, bytes)| **bytes == first.bytes).unwrap();
    let mut damaged = bytes.clone();
    damaged[bytes.len() / 2] ^= 1;
    fs::write(folder.join(name), damaged).unwrap();
    app.server.restart();
    for _ in 0..3 {
        assert_eq!(unpacked(&app.anonymous().get(&path).header("accept-encoding", "br").await.expect(200)), script());
    }
    assert_eq!(encoded(app.anonymous(), &path, "br", "br").await.bytes, first.bytes);
}

both!(large_copies_are_sent_from_the_disk);
async fn large_copies_are_sent_from_the_disk(app: TestApp) {
    // About 1.5 MiB that shrinks to a little more than half: hex digits of noise.
    let noise = (0_u64..200_000)
        .map(|n| format!("{:016x}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left((n % 61) as u32)))
        .collect::<String>();
    let installed = Installed::new(&app, &demo().file("large.js", noise.clone())).await;
    let path = format!("{}large.js", installed.shared);
    let br = encoded(app.anonymous(), &path, "br", "br").await;
    assert!(br.bytes.len() > 1 << 20, "{}", br.bytes.len());
    assert!(unpacked(&br) == noise);
    let part = app.anonymous().get(&path).header("accept-encoding", "br").header("range", "bytes=1000-1999").await.expect(206);
    assert_eq!(part.bytes, br.bytes[1000..2000]);
    // What may be removed at any time may be removed under a server.
    fs::remove_dir_all(app.home.plugins_dir().join("cache/encoded")).unwrap();
    let answer = app.anonymous().get(&path).header("accept-encoding", "br").await.expect(200);
    assert!(unpacked(&answer) == noise);
    assert!(unpacked(&encoded(app.anonymous(), &path, "br", "br").await) == noise);
}
