//! A server that is asked to stop finishes what it has begun.

use std::{
    io::{Read, Write},
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use crate::support::{TestApp, package, raw};

both!(a_running_upload_is_finished);
async fn a_running_upload_is_finished(app: TestApp) {
    let admin = app.admin().await;
    let demo = package("Demo", "1.0.0").file("dist/large.js", (0..200_000).map(|n| n.to_string()).collect::<String>()).zip();
    let address = *app.server.address().lock().unwrap();
    let mut upload = TcpStream::connect(address).unwrap();
    upload.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let token = admin.token.as_ref().unwrap();
    let head =
        format!("POST /api/v1/releases HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Length: {}\r\n\r\n", demo.len());
    let (first, rest) = demo.split_at(demo.len() / 2);
    upload.write_all(head.as_bytes()).unwrap();
    upload.write_all(first).unwrap();
    // Until the upload has begun there is nothing to finish.
    let give_up = Instant::now() + Duration::from_secs(30);
    while app.stored()[1].is_empty() {
        assert!(Instant::now() < give_up, "the upload never began");
        thread::sleep(Duration::from_millis(5));
    }
    let server = &app.server;
    let (answer, status) = thread::scope(|scope| {
        let stopping = scope.spawn(|| server.stop_gracefully());
        // It takes no more connections, so the signal has arrived.
        while TcpStream::connect(address).is_ok() {
            assert!(Instant::now() < give_up, "the server goes on accepting connections");
            thread::sleep(Duration::from_millis(5));
        }
        upload.write_all(rest).unwrap();
        let mut answer = Vec::new();
        upload.read_to_end(&mut answer).unwrap();
        (raw::parse(&answer, false), stopping.join().unwrap())
    });
    answer.expect(201);
    assert!(status.success(), "{status}");
    app.assert_no_leftovers();
    app.server.restart();
    let admin = app.admin().await;
    admin.get("/api/v1/releases/Demo/1.0.0").await.expect(200);
    assert_eq!(admin.publish(demo, "").await.expect(200).json()["version"], "1.0.0");
}
