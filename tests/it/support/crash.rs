//! Rounds of work, `kill -9` at a random moment, restart and check.

use std::{
    env,
    hash::{BuildHasher, RandomState},
    time::{Duration, Instant},
};

use super::TestApp;

/// How many rounds each crash test makes.
pub fn rounds() -> u32 {
    env::var("PLUGYARD_CRASH_ROUNDS").map_or(10, |rounds| rounds.parse().expect("PLUGYARD_CRASH_ROUNDS is a number"))
}

/// Random moments; the seed is printed, and `PLUGYARD_CRASH_SEED` repeats a sequence.
pub struct Moments(u64);

impl Moments {
    pub fn new() -> Self {
        let given = env::var("PLUGYARD_CRASH_SEED").ok().map(|seed| seed.parse().expect("PLUGYARD_CRASH_SEED is a number"));
        let seed = given.unwrap_or_else(|| RandomState::new().hash_one(0));
        println!("PLUGYARD_CRASH_SEED={seed}");
        Self::from_seed(seed)
    }

    pub fn from_seed(seed: u64) -> Self {
        Self(seed)
    }

    /// Evenly spread between zero and `longest`. The generator is SplitMix64 (Steele, Lea, Flood 2014).
    pub fn before(&mut self, longest: Duration) -> Duration {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        let share = u32::try_from(z >> 32).expect("32 bits are left");
        longest.mul_f64(f64::from(share) / f64::from(u32::MAX))
    }
}

/// Does `work` once undisturbed, to learn how long it takes, and then in [`rounds`] rounds during which the server is
/// killed at a random moment. After each, the server is started again and `check` gets what the work returned. Work sends
/// its requests with `attempt`, for the server goes away below it. Both are told the number of the round; 0 is the
/// undisturbed one.
pub async fn crash_rounds<T>(app: &TestApp, mut work: impl AsyncFnMut(&TestApp, u32) -> T, mut check: impl AsyncFnMut(&TestApp, u32, T)) {
    let begin = Instant::now();
    let outcome = work(app, 0).await;
    let undisturbed = begin.elapsed();
    check(app, 0, outcome).await;
    let mut moments = Moments::new();
    for round in 1..=rounds() {
        let moment = moments.before(undisturbed);
        println!("round {round}: killed after {moment:?} of {undisturbed:?}");
        let kill = async {
            tokio::time::sleep(moment).await;
            app.server.kill9();
        };
        let (outcome, ()) = tokio::join!(work(app, round), kill);
        app.server.restart();
        check(app, round, outcome).await;
    }
}
