//! HTTP/1.1 by hand, for requests that a well-behaved client would correct before sending.

use std::net::SocketAddr;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::client::Answer;

/// Sends method, path, headers and body as they are, and reads the one answer.
pub async fn exchange(address: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    if !body.is_empty() {
        head += &format!("Content-Length: {}\r\n", body.len());
    }
    head += "\r\n";
    let mut stream = TcpStream::connect(address).await.expect("the server accepts connections");
    // At once: a server that refuses before it has seen the body waits for what may still come before it closes.
    stream.write_all(&[head.as_bytes(), body].concat()).await.expect("the server reads the request");
    let mut bytes = Vec::new();
    // Not until it closes: after an early refusal it lingers, so that a client that is still sending hears of it.
    while !is_whole(&bytes) && stream.read_buf(&mut bytes).await.expect("the server answers to the end") > 0 {}
    parse(&bytes, method == "HEAD")
}

/// Whether as many bytes are there as the head promises; a head without a length says nothing.
fn is_whole(bytes: &[u8]) -> bool {
    let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") else { return false };
    let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
    let length = head.split("\r\n").find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
    length.is_some_and(|length| bytes.len() >= end + 4 + length)
}

/// Reads a whole answer. It is a test's failure when lengths disagree.
pub fn parse(bytes: &[u8], without_body: bool) -> Answer {
    let end = bytes.windows(4).position(|w| w == b"\r\n\r\n").expect("the head ends");
    let head = std::str::from_utf8(&bytes[..end]).expect("the head is text");
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()).expect("a status line");
    let mut headers = HeaderMap::new();
    for (name, value) in lines.map(|line| line.split_once(": ").expect("a header")) {
        headers.append(name.parse::<HeaderName>().expect("a header's name"), HeaderValue::from_str(value).expect("a header's value"));
    }
    let rest = &bytes[end + 4..];
    let is = |name: &str, value: &str| headers.get(name).is_some_and(|v| v == value);
    let body = if is("transfer-encoding", "chunked") { unchunk(rest) } else { rest.to_vec() };
    let promised = headers.get("content-length").map(|v| v.to_str().ok().and_then(|n| n.parse::<usize>().ok()).expect("a length"));
    if !without_body && status != 304 {
        assert_eq!(promised.unwrap_or(body.len()), body.len(), "Content-Length tells the truth");
    }
    Answer { status, headers, bytes: body }
}

fn unchunk(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let line = rest.windows(2).position(|w| w == b"\r\n").expect("a chunk's size");
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..line]).expect("a number"), 16).expect("a number");
        let chunk = line + 2;
        if size == 0 {
            return body;
        }
        body.extend_from_slice(&rest[chunk..chunk + size]);
        rest = &rest[chunk + size + 2..];
    }
}
