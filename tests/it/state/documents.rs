//! What a document may be, and that it comes back as it was sent.

use std::io::Write;

use serde_json::json;

use super::{DEMO, STATE, owner};
use crate::support::{Answer, Client, TestApp};

const MIB: usize = 1024 * 1024;

async fn put(user: &Client, body: impl Into<reqwest::Body>) -> Answer {
    user.put(DEMO).header("content-type", "application/json").body(body).await
}

both!(digits_and_member_order_survive);
async fn digits_and_member_order_survive(app: TestApp) {
    let ann = owner(&app, "ann").await;
    for text in [
        r#"{"z":9007199254740993,"a":1.0,"m":1e400,"b":-0,"c":123456789012345678901234567890.10}"#,
        "9007199254740993",
        "1.0",
        "null",
        "\"\"",
        "[]",
        "false",
    ] {
        let answer = put(&ann, text).await;
        assert!(matches!(answer.status, 200 | 201), "{}", answer.text());
        assert_eq!(ann.get(DEMO).await.text(), text);
    }
    let text = r#"{"z":9007199254740993,"a":1.0,"m":1e400}"#;
    let created =
        ann.post(STATE).header("content-type", "application/json").body(format!(r#"{{"plugin_id":"Other","state_data":{text}}}"#));
    let created = created.await.expect(200);
    assert!(created.text().contains(text), "{}", created.text());
    assert!(ann.get(&format!("{STATE}?plugin_id=Other")).await.text().contains(text));
    let patched = ann.patch("/api/v1/plugin-state/entry?plugin_id=Other").json(json!({"n": 1})).await;
    patched.expect(200);
    assert_eq!(ann.get("/api/v1/plugin-state/entry?plugin_id=Other").await.text(), r#"{"z":9007199254740993,"a":1.0,"m":1e400,"n":1}"#);
}

both!(ten_mebibytes_work_and_one_byte_more_does_not);
async fn ten_mebibytes_work_and_one_byte_more_does_not(app: TestApp) {
    let ann = owner(&app, "ann").await;
    let of_size = |size: usize| format!("\"{}\"", "x".repeat(size - 2));
    let largest = of_size(10 * MIB);
    put(&ann, largest.clone()).await.expect(201);
    assert!(ann.get(DEMO).await.text() == largest);
    let refused = put(&ann, of_size(10 * MIB + 1)).await.assert_problem(413, "too_large");
    assert_eq!((refused["limit"].as_u64(), refused["actual"].as_u64()), (Some(10 * MIB as u64), Some(10 * MIB as u64 + 1)));
    // White space does not count, up to what a body may have.
    put(&ann, format!("{}{largest}", " ".repeat(MIB / 2))).await.expect(200);
    put(&ann, format!("{}1", " ".repeat(12 * MIB))).await.assert_problem(413, "too_large");
    // A body with several documents may have more of it.
    let batch = async |blanks: usize| {
        let body = format!("{}{{\"operations\":[]}}", " ".repeat(blanks));
        ann.post(&format!("{STATE}/batch")).header("content-type", "application/json").body(body).await
    };
    batch(12 * MIB).await.expect(200);
    batch(64 * MIB).await.assert_problem(413, "too_large");
}

both!(a_document_of_a_mebibyte_takes_less_than_five);
async fn a_document_of_a_mebibyte_takes_less_than_five(app: TestApp) {
    let ann = owner(&app, "ann").await;
    // Members in no order, and digits that hardly shrink.
    let document = |size: u32| {
        let member = |n: u32| format!("\"{:08x}\":\"{:08x}\"", n.wrapping_mul(2_654_435_761), (n * n).wrapping_mul(2_654_435_761));
        format!("{{{}}}", (0..size / 22).map(member).collect::<Vec<_>>().join(","))
    };
    for n in 0..20 {
        put(&ann, document(100_000 + n)).await;
        ann.get(DEMO).await.expect(200);
    }
    let large = document(MIB as u32 + 4096);
    assert!(large.len() > MIB);
    let before = app.server.reset_peak_memory();
    put(&ann, large.clone()).await.expect(200);
    let grown = app.server.peak_memory() - before;
    let before = app.server.reset_peak_memory();
    assert!(ann.get(DEMO).await.text() == large);
    let grown_by_read = app.server.peak_memory() - before;
    println!("{grown} KiB to write, {grown_by_read} KiB more to read");
    assert!(grown < 5 * 1024, "{grown} KiB to write");
    assert!(grown_by_read < 5 * 1024, "{grown_by_read} KiB to read");
}

both!(a_list_larger_than_memory_is_streamed);
async fn a_list_larger_than_memory_is_streamed(app: TestApp) {
    let ann = owner(&app, "ann").await;
    let text = "x".repeat(MIB);
    for n in 0..60 {
        ann.put(&super::entry(&format!("k{n}"))).json(json!(text)).await.expect(201);
    }
    let before = app.server.reset_peak_memory();
    let answer = ann.get(&format!("{STATE}?limit=1000")).await.expect(200);
    let grown = app.server.peak_memory() - before;
    assert_eq!(answer.json().as_array().unwrap().len(), 60);
    assert!(answer.bytes.len() > 60 * MIB);
    println!("{grown} KiB to list");
    assert!(grown < 16 * 1024, "{grown} KiB more");
    ann.get(&format!("{STATE}?limit=1000")).header("if-none-match", answer.header("etag")).await.expect(304);
}

both!(what_is_no_good_document_is_refused);
async fn what_is_no_good_document_is_refused(app: TestApp) {
    let ann = owner(&app, "ann").await;
    for text in ["", "{", "[1,]", "{\"a\":1}x", "nul", "\"\\ud800\"", "01"] {
        put(&ann, text).await.assert_problem(400, "malformed_json");
    }
    put(&ann, b"\"\xff\"".to_vec()).await.assert_problem(400, "malformed_json");
    for text in [
        "{\"a\":1,\"a\":1}".to_owned(),
        "{\"__proto__\":1}".to_owned(),
        "[{\"constructor\":1}]".to_owned(),
        "{\"prototype\":1}".to_owned(),
        "{\"$serde_json::private::RawValue\":\"[\"}".to_owned(),
        "[".repeat(65) + &"]".repeat(65),
        "[".repeat(100_000),
    ] {
        put(&ann, text).await.assert_problem(422, "validation");
    }
    put(&ann, "[".repeat(64) + &"]".repeat(64)).await.expect(201);
    ann.put(DEMO).body("{}").await.assert_problem(415, "unsupported_media_type");
    ann.put(DEMO).header("content-type", "text/plain").body("{}").await.assert_problem(415, "unsupported_media_type");
}

fn gzip(text: impl Iterator<Item = [u8; 65536]>) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    text.for_each(|chunk| writer.write_all(&chunk).unwrap());
    writer.finish().unwrap()
}

both!(compressed_bodies_are_understood_and_bombs_are_not);
async fn compressed_bodies_are_understood_and_bombs_are_not(app: TestApp) {
    let ann = owner(&app, "ann").await;
    let send = async |encoding: &str, body: Vec<u8>| {
        ann.put(DEMO).header("content-type", "application/json").header("content-encoding", encoding).body(body).await
    };
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(b"{\"a\":1}").unwrap();
    send("gzip", writer.finish().unwrap()).await.expect(201);
    assert_eq!(ann.get(DEMO).await.text(), "{\"a\":1}");
    send("zstd", zstd::encode_all(&b"{\"a\":2}"[..], 0).unwrap()).await.expect(200);
    send("br", b"x".to_vec()).await.assert_problem(415, "unsupported_media_type");
    send("gzip", b"no gzip".to_vec()).await.assert_problem(400, "bad_request");

    // 2 GiB of white space in 2 MiB.
    let bomb = gzip(std::iter::repeat_n([b' '; 65536], 32 * 1024));
    send("gzip", bomb.clone()).await.assert_problem(413, "too_large");
    let before = app.server.reset_peak_memory();
    for _ in 0..3 {
        send("gzip", bomb.clone()).await.assert_problem(413, "too_large");
    }
    send("zstd", zstd::encode_all(&vec![b' '; 256 * MIB][..], 0).unwrap()).await.assert_problem(413, "too_large");
    let grown = app.server.peak_memory() - before;
    assert!(grown < 64 * 1024, "{grown} KiB more");
    assert_eq!(ann.get(DEMO).await.text(), "{\"a\":2}");
}
