//! Tokens of a host application: with our shared secret, or with keys that it publishes.

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::{KeyPair as RsaKeyPair, KeySize},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use serde_json::{Value, json};

use crate::support::{Client, Db, TestApp, app::run_on, database::TestDatabase, program::Home};

const SECRET: &str = "a secret of at least thirty-two bytes";
const ID: &str = "d66ca7d9-d829-4281-b565-b9aa8b02a9f1";
const STORED_ID: &str = "d66ca7d9d8294281b565b9aa8b02a9f1";
/// In the year 3000, with a fraction as some libraries write it.
const LATER: f64 = 32_503_680_000.25;

fn jwt(algorithm: &str, kid: Option<&str>, claims: &Value, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let header = match kid {
        Some(kid) => json!({"alg": algorithm, "typ": "JWT", "kid": kid}),
        None => json!({"alg": algorithm, "typ": "JWT"}),
    };
    let signed = format!("{}.{}", BASE64.encode(header.to_string()), BASE64.encode(claims.to_string()));
    format!("{signed}.{}", BASE64.encode(sign(signed.as_bytes())))
}

fn shared(claims: &Value) -> String {
    jwt("HS256", None, claims, |text| hmac(SECRET.as_bytes(), text))
}

fn hmac(secret: &[u8], text: &[u8]) -> Vec<u8> {
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret);
    aws_lc_rs::hmac::sign(&key, text).as_ref().to_vec()
}

fn claims() -> Value {
    json!({"sub": ID, "exp": LATER, "iat": 1_700_000_000.5, "username": "ann", "email": "ann@example.org"})
}

fn with(member: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[member] = value;
    claims
}

async fn status(client: &Client, token: &str) -> u16 {
    client.with_token(token).get("/api/v1/auth/me").await.status
}

both!(a_host_with_our_secret_names_our_users, jwt_secret = super::SECRET, jwt_auto_provision = "true");
async fn a_host_with_our_secret_names_our_users(app: TestApp) {
    let nobody = app.anonymous();
    let ann = nobody.with_token(&shared(&claims())).get("/api/v1/auth/me").await;
    insta::assert_snapshot!(ann.snapshot(), @r#"
    200
    {
      "id": "[id 1]",
      "username": "ann",
      "email": "ann@example.org",
      "full_name": null,
      "profile_picture": null,
      "is_active": true,
      "is_verified": false,
      "role": "user"
    }
    "#);
    assert_eq!(ann.json()["id"], STORED_ID);
    assert_eq!(app.database.values("SELECT actor AS value FROM audit_log WHERE action = 'user.provision'"), ["ann"]);
    for good in [
        with("sub", json!(STORED_ID.to_uppercase())),
        with("exp", json!(32_503_680_000_u64)),
        with("iat", json!(null)),
        with("aud", json!(["somebody"])),
        with("sid", json!("a session of the host's own")),
        with("refresh", json!(false)),
        with("nbf", json!(1_700_000_000.5)),
        with("username", json!("renamed")),
    ] {
        let answer = nobody.with_token(&shared(&good)).get("/api/v1/auth/me").await.expect(200).json();
        assert_eq!((&answer["id"], &answer["username"]), (&json!(STORED_ID), &json!("ann")), "{good}");
    }
}

both!(claims_that_do_not_hold_are_refused, jwt_secret = super::SECRET, jwt_auto_provision = "true");
async fn claims_that_do_not_hold_are_refused(app: TestApp) {
    for bad in [
        with("refresh", json!(true)),
        with("refresh", json!("true")),
        with("exp", json!(1_700_000_000.5)),
        with("exp", json!("NaN")),
        with("exp", json!(null)),
        with("exp", json!(-1)),
        with("nbf", json!(LATER)),
        with("sub", json!("ann")),
        with("sub", json!("")),
        with("sub", json!(5)),
        json!({"exp": LATER}),
        json!({"sub": ID}),
        json!([]),
    ] {
        app.anonymous().with_token(&shared(&bad)).get("/api/v1/auth/me").await.assert_problem(401, "unauthenticated");
    }
    // A number too large for any clock must not stand for eternity.
    let huge = claims().to_string().replace(&LATER.to_string(), "1e999");
    assert!(huge.contains("1e999"));
    let head = BASE64.encode(json!({"alg": "HS256"}).to_string());
    let signed = format!("{head}.{}", BASE64.encode(huge));
    let token = format!("{signed}.{}", BASE64.encode(hmac(SECRET.as_bytes(), signed.as_bytes())));
    assert_eq!(status(app.anonymous(), &token).await, 401);
    let other = jwt("HS256", None, &claims(), |text| hmac(b"another secret of thirty-two bytes!", text));
    assert_eq!(status(app.anonymous(), &other).await, 401);
    let stronger = jwt("HS512", None, &claims(), |text| {
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA512, SECRET.as_bytes());
        aws_lc_rs::hmac::sign(&key, text).as_ref().to_vec()
    });
    assert_eq!(status(app.anonymous(), &stronger).await, 401, "one algorithm for each key");
    let users = app.database.values("SELECT username AS value FROM users");
    assert_eq!(users, ["admin"], "nobody was made");
}

both!(unknown_users_stay_unknown_unless_the_setting_says_so, jwt_secret = super::SECRET);
async fn unknown_users_stay_unknown_unless_the_setting_says_so(app: TestApp) {
    app.anonymous().with_token(&shared(&claims())).get("/api/v1/auth/me").await.assert_problem(401, "unauthenticated");
    let ann = app.user("ann").await;
    assert_eq!(status(app.anonymous(), &shared(&with("sub", json!(ann.user_id)))).await, 200);
    let account = format!("/api/v1/users/{}", ann.user_id);
    app.admin().await.patch(&account).json(json!({"is_active": false})).await.expect(200);
    assert_eq!(status(app.anonymous(), &shared(&with("sub", json!(ann.user_id)))).await, 401);
}

both!(a_name_that_is_taken_is_not_given_twice, jwt_secret = super::SECRET, jwt_auto_provision = "true");
async fn a_name_that_is_taken_is_not_given_twice(app: TestApp) {
    app.user("Ann").await;
    let seen = async |claims: Value| app.anonymous().with_token(&shared(&claims)).get("/api/v1/auth/me").await.expect(200).json();
    let ann = seen(claims()).await;
    assert_eq!((&ann["username"], &ann["email"]), (&json!(STORED_ID), &Value::Null));
    let id = |n: u8| json!(format!("{n:032x}"));
    let odd = seen(json!({"sub": id(1), "exp": LATER, "username": "a\u{0}b", "email": "none"})).await;
    assert_eq!((&odd["username"], &odd["email"]), (&id(1), &Value::Null));
    let bare = seen(json!({"sub": id(2), "exp": LATER})).await;
    assert_eq!(bare["username"], id(2));
    let by_address = seen(json!({"sub": id(3), "exp": LATER, "username": "bob@example.org", "email": "bob@example.org"})).await;
    assert_eq!(by_address["username"], "bob@example.org");
}

both!(first_requests_at_once_make_one_account, jwt_secret = super::SECRET, jwt_auto_provision = "true");
async fn first_requests_at_once_make_one_account(app: TestApp) {
    let token = shared(&claims());
    let statuses = futures_util::future::join_all((0..8).map(|_| status(app.anonymous(), &token))).await;
    assert_eq!(statuses, [200; 8]);
    assert_eq!(app.database.values("SELECT username AS value FROM users ORDER BY username"), ["admin", "ann"]);
}

both!(a_host_ends_its_own_logins, jwt_secret = super::SECRET, jwt_auto_provision = "true");
async fn a_host_ends_its_own_logins(app: TestApp) {
    let ann = app.anonymous().with_token(&shared(&claims()));
    ann.post("/api/v1/auth/logout").await.assert_problem(403, "forbidden");
    let change = json!({"current_password": "", "new_password": "a long password", "confirm_password": "a long password"});
    ann.put("/api/v1/auth/profile/password").json(change).await.assert_problem(409, "conflict");
    ann.post("/api/v1/tokens").json(json!({"name": "t", "scopes": ["read"]})).await.expect(201);
    let refresh = json!({"refresh_token": shared(&with("refresh", json!(true)))});
    app.anonymous().post("/api/v1/auth/refresh").json(refresh).await.assert_problem(401, "unauthenticated");
}

/// Keys of each kind, their public halves, and how they sign.
struct Keys {
    rsa: aws_lc_rs::signature::RsaKeyPair,
    ec: EcdsaKeyPair,
    ed: Ed25519KeyPair,
    rng: SystemRandom,
}

impl Keys {
    fn new() -> Self {
        let rng = SystemRandom::new();
        let ec = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        Self { rsa: RsaKeyPair::generate(KeySize::Rsa2048).unwrap(), ec, ed: Ed25519KeyPair::generate().unwrap(), rng }
    }

    fn set(&self) -> Value {
        let public = self.rsa.public_key();
        let point = self.ec.public_key().as_ref();
        json!({"keys": [
            {"kty": "RSA", "kid": "r", "alg": "RS256", "use": "sig",
             "n": BASE64.encode(public.modulus().big_endian_without_leading_zero()),
             "e": BASE64.encode(public.exponent().big_endian_without_leading_zero())},
            {"kty": "EC", "kid": "e", "crv": "P-256", "x": BASE64.encode(&point[1..33]), "y": BASE64.encode(&point[33..])},
            {"kty": "OKP", "crv": "Ed25519", "x": BASE64.encode(self.ed.public_key().as_ref())},
            // Not for signatures, so none of our business.
            {"kty": "RSA", "kid": "enc", "alg": "RSA-OAEP", "use": "enc", "n": "AQAB", "e": "AQAB"},
        ]})
    }

    fn rs256(&self, text: &[u8]) -> Vec<u8> {
        let mut signature = vec![0; self.rsa.public_modulus_len()];
        self.rsa.sign(&RSA_PKCS1_SHA256, &self.rng, text, &mut signature).unwrap();
        signature
    }

    fn es256(&self, text: &[u8]) -> Vec<u8> {
        self.ec.sign(&self.rng, text).unwrap().as_ref().to_vec()
    }

    fn eddsa(&self, text: &[u8]) -> Vec<u8> {
        self.ed.sign(text).as_ref().to_vec()
    }
}

fn with_keys(db: Db, test: impl AsyncFnOnce(TestApp, Keys)) {
    let (keys, folder) = (Keys::new(), Home::bare());
    let file = folder.path().join("jwks.json");
    std::fs::write(&file, keys.set().to_string()).unwrap();
    let settings = [("jwks_file", file.to_str().unwrap()), ("jwt_auto_provision", "true"), ("jwt_secret", SECRET)];
    run_on(db, &settings, async |app| test(app, keys).await);
}

async fn published_keys_verify(app: TestApp, keys: Keys) {
    let nobody = app.anonymous();
    for (kid, token) in [
        ("r", jwt("RS256", Some("r"), &claims(), |text| keys.rs256(text))),
        ("", jwt("RS256", None, &claims(), |text| keys.rs256(text))),
        ("e", jwt("ES256", Some("e"), &claims(), |text| keys.es256(text))),
        ("any", jwt("EdDSA", Some("any"), &claims(), |text| keys.eddsa(text))),
    ] {
        let answer = nobody.with_token(&token).get("/api/v1/auth/me").await;
        assert_eq!(answer.status, 200, "{kid}: {}", answer.text());
        assert_eq!(answer.json()["id"], STORED_ID);
    }
    // Our own claims in somebody else's token are only theirs.
    let posing = with("iss", json!("plugyard"));
    let posing = jwt("EdDSA", None, &posing, |text| keys.eddsa(text));
    assert_eq!(nobody.with_token(&posing).get("/api/v1/auth/me").await.expect(200).json()["id"], STORED_ID);

    let set = keys.set();
    let published = BASE64.decode(set["keys"][0]["n"].as_str().unwrap()).unwrap();
    for (why, token) in [
        ("another key's id", jwt("RS256", Some("e"), &claims(), |text| keys.rs256(text))),
        ("an unknown key's id", jwt("RS256", Some("x"), &claims(), |text| keys.rs256(text))),
        ("another algorithm than the key's", jwt("ES256", None, &claims(), |text| keys.eddsa(text))),
        ("a public key as a secret", jwt("HS256", Some("r"), &claims(), |text| hmac(&published, text))),
        ("a set as a secret", jwt("HS256", None, &claims(), |text| hmac(set.to_string().as_bytes(), text))),
        ("no algorithm", jwt("none", Some("r"), &claims(), |_| Vec::new())),
        ("a key of one's own", jwt("EdDSA", None, &claims(), |text| Keys::new().eddsa(text))),
        ("a refresh token", jwt("RS256", Some("r"), &with("refresh", json!(true)), |text| keys.rs256(text))),
        ("an old token", jwt("RS256", Some("r"), &with("exp", json!(1_700_000_000.5)), |text| keys.rs256(text))),
    ] {
        assert_eq!(status(nobody, &token).await, 401, "{why}");
    }
}

mod keys_that_a_host_publishes_verify_its_tokens {
    use super::{Db, published_keys_verify, with_keys};

    #[test]
    fn sqlite() {
        with_keys(Db::Sqlite, published_keys_verify);
    }

    #[test]
    fn postgres() {
        with_keys(Db::Postgres, published_keys_verify);
    }
}

#[test]
fn keys_that_cannot_be_used_stop_the_start() {
    let home = Home::bare();
    let database = TestDatabase::create_bare(Db::Sqlite, home.path());
    let file = home.path().join("jwks.json");
    let home = home.with_data(&database.url).with("jwks_file", file.to_str().unwrap());
    for bad in [
        "",
        "{}",
        r#"{"keys":[]}"#,
        r#"{"keys":[{"kty":"oct","k":"AQAB"}]}"#,
        r#"{"keys":[{"kty":"RSA","alg":"RS512","n":"AQAB","e":"AQAB"}]}"#,
    ] {
        std::fs::write(&file, bad).unwrap();
        let output = home.run(&["serve", "--listen", "127.0.0.1:0"]);
        assert_eq!(output.status, 2, "{bad}: {output:?}");
        assert!(output.stderr.contains("jwks_file"), "{bad}: {output:?}");
    }
}
