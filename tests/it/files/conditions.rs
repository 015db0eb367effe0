//! Preconditions (RFC 9110, section 13).

use super::{Installed, demo};
use crate::support::TestApp;

const LONG_AGO: &str = "Thu, 01 Jan 2004 00:00:00 GMT";
const FAR_AHEAD: &str = "Fri, 01 Jan 2100 00:00:00 GMT";

both!(a_client_gets_what_its_conditions_ask_for);
async fn a_client_gets_what_its_conditions_ask_for(app: TestApp) {
    let installed = Installed::new(&app, &demo()).await;
    for (client, base) in installed.addresses(&app) {
        let path = format!("{base}dist/app.js");
        let whole = client.get(&path).await.expect(200);
        let (tag, modified) = (whole.header("etag").to_owned(), whole.header("last-modified").to_owned());
        assert!(tag.starts_with('"') && tag.ends_with('"'), "strong: {tag}");
        let (weak, list, others) = (format!("W/{tag}"), format!("\"other\", W/\"x\" , {tag}"), "\"a\", \"b\"");
        let cases: Vec<(u16, Vec<(&str, &str)>)> = vec![
            (304, vec![("if-none-match", &tag)]),
            (304, vec![("if-none-match", &weak)]),
            (304, vec![("if-none-match", &list)]),
            (304, vec![("if-none-match", "*")]),
            (200, vec![("if-none-match", others)]),
            (200, vec![("if-none-match", "no tag at all")]),
            (304, vec![("if-modified-since", &modified)]),
            (304, vec![("if-modified-since", FAR_AHEAD)]),
            (200, vec![("if-modified-since", LONG_AGO)]),
            (200, vec![("if-modified-since", "yesterday")]),
            // The tag decides where both are sent.
            (200, vec![("if-none-match", others), ("if-modified-since", &modified)]),
            (304, vec![("if-none-match", &tag), ("if-modified-since", LONG_AGO)]),
            (200, vec![("if-match", &tag)]),
            (200, vec![("if-match", &list)]),
            (200, vec![("if-match", "*")]),
            (412, vec![("if-match", &weak)]),
            (412, vec![("if-match", others)]),
            (200, vec![("if-unmodified-since", &modified)]),
            (412, vec![("if-unmodified-since", LONG_AGO)]),
            (200, vec![("if-unmodified-since", "tomorrow")]),
            (200, vec![("if-match", &tag), ("if-unmodified-since", LONG_AGO)]),
            (412, vec![("if-match", others), ("if-none-match", &tag)]),
            (304, vec![("if-match", &tag), ("if-none-match", &tag)]),
            (412, vec![("if-match", others), ("range", "bytes=0-1")]),
            (304, vec![("if-none-match", &tag), ("range", "bytes=0-1")]),
            (206, vec![("if-match", &tag), ("range", "bytes=0-1")]),
        ];
        for (status, headers) in cases {
            let answer = headers.iter().fold(client.get(&path), |request, (name, value)| request.header(name, value)).await;
            assert_eq!(answer.status, status, "{base} {headers:?}: {}", answer.text());
            match status {
                304 => assert!(answer.bytes.is_empty() && answer.header("etag") == tag && answer.header("last-modified") == modified),
                412 => assert_eq!(answer.assert_problem(412, "precondition_failed")["current"], tag),
                _ => assert_eq!(answer.header("etag"), tag),
            }
        }
    }
}

both!(a_tag_stands_for_the_bytes);
async fn a_tag_stands_for_the_bytes(app: TestApp) {
    let same = demo().file("dist/copy.js", "0123456789abcdefghij");
    let installed = Installed::new(&app, &same).await;
    let tag = async |path: &str| app.anonymous().get(&format!("{}{path}", installed.shared)).await.expect(200).header("etag").to_owned();
    assert_eq!(tag("dist/app.js").await, tag("dist/copy.js").await);
    assert_ne!(tag("dist/app.js").await, tag("dist/style.css").await);
}
