//! Bytes that changed on the disk are not served.

use std::{
    fs,
    time::{Duration, SystemTime},
};

use futures_util::future::join_all;

use super::{Installed, demo};
use crate::support::TestApp;

const LARGE: usize = 3_000_000;

fn large() -> Vec<u8> {
    (0..LARGE).map(|n| (n % 251) as u8).collect()
}

both!(equal_in_size_and_still_not_the_file);
async fn equal_in_size_and_still_not_the_file(app: TestApp) {
    let installed = Installed::new(&app, &demo().file("large.wasm", large())).await;
    let release = app.home.plugins_dir().join("shared/Demo/v1.0.0");
    fs::write(release.join("dist/app.js"), "X123456789abcdefghij").unwrap();
    let mut changed = large();
    changed[LARGE / 2] ^= 1;
    fs::write(release.join("large.wasm"), changed).unwrap();
    for (client, base) in installed.addresses(&app) {
        for path in ["dist/app.js", "large.wasm"] {
            for headers in [&[][..], &[("range", "bytes=0-1")], &[("if-none-match", "*")]] {
                let answer = client.raw_get(&format!("{base}{path}"), headers).await;
                answer.assert_problem(503, "storage");
                assert_eq!(answer.header("cache-control"), "no-store");
            }
            assert!(app.server.log().contains(&format!("{path} is missing or changed on disk")), "{}", app.server.log());
        }
    }
    // Put right, it is served.
    fs::write(release.join("dist/app.js"), "0123456789abcdefghij").unwrap();
    app.anonymous().get(&format!("{}dist/app.js", installed.shared)).await.expect(200);
}

both!(a_large_file_that_changes_while_it_is_served_is_noticed);
async fn a_large_file_that_changes_while_it_is_served_is_noticed(app: TestApp) {
    let installed = Installed::new(&app, &demo().file("large.wasm", large())).await;
    let path = format!("{}large.wasm", installed.shared);
    let file = app.home.plugins_dir().join("shared/Demo/v1.0.0/large.wasm");
    assert!(app.anonymous().get(&path).await.expect(200).bytes == large());
    let mut changed = large();
    changed[7] ^= 1;
    fs::write(&file, &changed).unwrap();
    // However coarse the file system's clock is.
    fs::File::options().write(true).open(&file).unwrap().set_modified(SystemTime::now() + Duration::from_secs(10)).unwrap();
    app.anonymous().get(&path).await.assert_problem(503, "storage");
    app.anonymous().get(&path).await.assert_problem(503, "storage");
    fs::write(&file, large()).unwrap();
    fs::File::options().write(true).open(&file).unwrap().set_modified(SystemTime::now() + Duration::from_secs(20)).unwrap();
    assert!(app.anonymous().get(&path).await.expect(200).bytes == large());
}

both!(many_first_requests_make_one_read);
async fn many_first_requests_make_one_read(app: TestApp) {
    // No copy of an image is made meanwhile.
    let installed = Installed::new(&app, &demo().file("big.png", "x".repeat(900_000))).await;
    let path = format!("{}big.png", installed.shared);
    // Everything but the bytes is known already.
    app.anonymous().get(&format!("{}dist/app.js", installed.shared)).await.expect(200);
    let read = || {
        let counts = fs::read_to_string(format!("/proc/{}/io", app.server.pid())).unwrap();
        counts.lines().find_map(|line| line.strip_prefix("rchar: ")).unwrap().parse::<u64>().unwrap()
    };
    let before = read();
    let answers = join_all((0..32).map(|_| async { app.anonymous().get(&path).await.expect(200).bytes.len() })).await;
    assert_eq!(answers, [900_000; 32]);
    let read = read() - before;
    assert!((900_000..1_700_000).contains(&read), "{read} bytes were read");
}

both!(a_small_cache_serves_everything_too, cache_bytes = "1 MiB");
async fn a_small_cache_serves_everything_too(app: TestApp) {
    // Too much for the cache together, and too varied to look like a bomb.
    let content = |n: u64| (0..20_000_u64).map(|i| format!("{:x},", i.wrapping_mul(0x9e37_79b9 + n))).collect::<String>();
    let package = (0..12).fold(demo(), |package, n| package.file(&format!("f{n}.js"), content(n)));
    let installed = Installed::new(&app, &package).await;
    for _ in 0..2 {
        for n in 0..12 {
            let answer = app.anonymous().get(&format!("{}f{n}.js", installed.shared)).await.expect(200);
            assert!(answer.text() == content(n), "{n}");
        }
    }
}

both!(no_cache_at_all_is_a_choice, cache_bytes = "0 B");
async fn no_cache_at_all_is_a_choice(app: TestApp) {
    let installed = Installed::new(&app, &demo()).await;
    for (client, base) in installed.addresses(&app) {
        for _ in 0..3 {
            assert_eq!(client.get(&format!("{base}dist/app.js")).await.expect(200).text(), "0123456789abcdefghij");
        }
    }
}
