//! Parts of files (RFC 9110, section 14).

use super::{Installed, demo};
use crate::support::TestApp;

/// Of `dist/app.js`.
const CONTENT: &str = "0123456789abcdefghij";

both!(one_range_is_one_part);
async fn one_range_is_one_part(app: TestApp) {
    let installed = Installed::new(&app, &demo()).await;
    for (client, base) in installed.addresses(&app) {
        let path = format!("{base}dist/app.js");
        for (range, first, last) in [
            ("bytes=0-0", 0, 0),
            ("bytes=0-4", 0, 4),
            ("bytes=5-9", 5, 9),
            ("bytes=19-19", 19, 19),
            ("bytes=-4", 16, 19),
            ("bytes=-99", 0, 19),
            ("bytes=12-", 12, 19),
            ("bytes=0-", 0, 19),
            ("bytes=15-99", 15, 19),
            ("bytes=0-18446744073709551615", 0, 19),
        ] {
            let part = client.get(&path).header("range", range).await.expect(206);
            assert_eq!(part.text(), CONTENT[first..=last], "{base} {range}");
            assert_eq!(part.header("content-range"), format!("bytes {first}-{last}/20"));
            assert_eq!(part.header("content-length"), (last - first + 1).to_string());
            assert_eq!(part.header("content-type"), "text/javascript; charset=utf-8");
        }
        for beyond in ["bytes=20-", "bytes=20-30", "bytes=99-100", "bytes=-0"] {
            let answer = client.get(&path).header("range", beyond).await;
            answer.assert_problem(416, "range_not_satisfiable");
            assert_eq!(answer.header("content-range"), "bytes */20", "{base} {beyond}");
        }
        for whole in ["bytes=0-1,3-4", "bytes=0-1, -1", "bytes=5-2", "items=0-1", "bytes=", "bytes=a-b", "bytes", "bytes=--1", ""] {
            let answer = client.get(&path).header("range", whole).await.expect(200);
            assert_eq!((answer.text().as_str(), answer.header("content-range")), (CONTENT, ""), "{base} {whole:?}");
        }
        client.get(&format!("{base}empty.js")).header("range", "bytes=0-0").await.assert_problem(416, "range_not_satisfiable");
        client.get(&format!("{base}absent.js")).header("range", "bytes=0-0").await.assert_problem(404, "not_found");
    }
}

both!(a_part_is_only_sent_of_what_the_client_has);
async fn a_part_is_only_sent_of_what_the_client_has(app: TestApp) {
    let installed = Installed::new(&app, &demo()).await;
    for (client, base) in installed.addresses(&app) {
        let path = format!("{base}dist/app.js");
        let whole = client.get(&path).await.expect(200);
        let (tag, modified) = (whole.header("etag").to_owned(), whole.header("last-modified").to_owned());
        let weak = format!("W/{tag}");
        for (if_range, status) in [
            (tag.as_str(), 206),
            (&modified, 206),
            (&weak, 200),
            ("\"other\"", 200),
            ("Thu, 01 Jan 2004 00:00:00 GMT", 200),
            ("Fri, 01 Jan 2100 00:00:00 GMT", 200),
            ("neither tag nor date", 200),
        ] {
            let answer = client.get(&path).header("range", "bytes=0-4").header("if-range", if_range).await.expect(status);
            assert_eq!(answer.text(), if status == 206 { &CONTENT[..5] } else { CONTENT }, "{base} {if_range}");
        }
        // A range that lies outside counts only where the condition holds.
        client.get(&path).header("range", "bytes=99-").header("if-range", "\"other\"").await.expect(200);
        client.get(&path).header("range", "bytes=99-").header("if-range", &tag).await.expect(416);
    }
}
