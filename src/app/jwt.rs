//! Signed tokens: our own access and refresh tokens, and those of a host application that shares a secret or publishes
//! its keys.

use std::{fs, path::Path};

use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header, TokenData, Validation,
    jwk::{AlgorithmParameters, EllipticCurve, JwkSet, KeyAlgorithm},
};
use serde::{Deserialize, Serialize};

use crate::{
    domain::{Timestamp, UserId, user::Session},
    error::{Error, Result},
    settings::Settings,
    storage::{Database, meta},
};

const SECRET_IN_META: &str = "jwt_secret";

/// What verified tokens say. Times may be floating-point numbers in tokens of a host application.
#[derive(Debug, Clone, Deserialize)]
pub struct Claims {
    pub sub: String,
    /// Seconds since 1970.
    pub exp: f64,
    /// Our own session; absent in tokens of a host application.
    #[serde(default)]
    pub sid: Option<String>,
    /// Which of the session's refresh tokens this is.
    #[serde(default, rename = "gen")]
    pub generation: Option<i64>,
    #[serde(default)]
    pub refresh: bool,
    /// Only used to name users that are created at first sight.
    #[serde(default)]
    pub username: Option<String>,
    #[serde(default)]
    pub email: Option<String>,
}

#[derive(Serialize)]
struct Issued<'a> {
    sub: &'a str,
    exp: i64,
    iat: i64,
    sid: &'a str,
    #[serde(rename = "gen", skip_serializing_if = "Option::is_none")]
    generation: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh: Option<bool>,
}

/// The keys that sign and verify.
pub struct Keys {
    sign: EncodingKey,
    own: DecodingKey,
    host: Vec<HostKey>,
}

struct HostKey {
    id: Option<String>,
    algorithm: Algorithm,
    key: DecodingKey,
}

impl Keys {
    /// The secret is the setting's, else one that is generated once and kept in the database.
    pub async fn load(db: &Database, settings: &Settings) -> Result<Self> {
        let secret = match &settings.jwt_secret {
            Some(secret) => secret.expose().to_owned(),
            None => {
                let fresh = hex::encode(super::random::<32>()?);
                db.write(move |conn| meta::get_or_insert(conn, SECRET_IN_META, &fresh)).await?
            }
        };
        let host = settings.jwks_file.as_deref().map(host_keys).transpose()?.unwrap_or_default();
        Ok(Self { sign: EncodingKey::from_secret(secret.as_bytes()), own: DecodingKey::from_secret(secret.as_bytes()), host })
    }

    pub fn access_token(&self, session: &Session, now: Timestamp, expires: Timestamp) -> Result<String> {
        self.issue(&Issued {
            sub: session.user.as_str(),
            exp: expires.seconds(),
            iat: now.seconds(),
            sid: &session.id,
            generation: None,
            refresh: None,
        })
    }

    /// The session's refresh token. It depends on nothing but the session, so that two requests that refresh at once get
    /// the same one.
    pub fn refresh_token(&self, session: &Session) -> Result<String> {
        self.issue(&Issued {
            sub: session.user.as_str(),
            exp: session.expires_at.seconds(),
            iat: session.rotated_at.seconds(),
            sid: &session.id,
            generation: Some(session.generation),
            refresh: Some(true),
        })
    }

    fn issue(&self, claims: &Issued<'_>) -> Result<String> {
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &self.sign).map_err(|e| Error::storage("cannot sign a token", e))
    }

    /// The claims of a valid, unexpired token. The algorithm is the key's, never the token's choice.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Claims> {
        let refused = || Error::Unauthenticated("the token is not valid".to_owned());
        let header = jsonwebtoken::decode_header(token).map_err(|_| refused())?;
        let decoded = match header.alg {
            Algorithm::HS256 => decode(token, &self.own, Algorithm::HS256),
            algorithm => self
                .host
                .iter()
                .filter(|key| key.algorithm == algorithm && (header.kid.is_none() || key.id.is_none() || key.id == header.kid))
                .find_map(|key| decode(token, &key.key, algorithm)),
        };
        let claims = decoded.ok_or_else(refused)?.claims;
        if claims.exp <= now.millis() as f64 / 1000.0 {
            return Err(Error::Unauthenticated("the token has expired".to_owned()));
        }
        Ok(claims)
    }
}

fn decode(token: &str, key: &DecodingKey, algorithm: Algorithm) -> Option<TokenData<Claims>> {
    let mut validation = Validation::new(algorithm);
    // We compare the expiry ourselves: the library only reads whole seconds.
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    jsonwebtoken::decode(token, key, &validation).ok()
}

/// Reads a JWK set (RFC 7517): RS256, ES256 and EdDSA keys; others stop the start, so that no key is silently unused.
fn host_keys(file: &Path) -> Result<Vec<HostKey>> {
    let unusable = |why: String| Error::Setup(format!("jwks_file {}: {why}", file.display()));
    let text = fs::read_to_string(file).map_err(|e| unusable(e.to_string()))?;
    let set: JwkSet = serde_json::from_str(&text).map_err(|e| unusable(e.to_string()))?;
    set.keys
        .iter()
        .map(|jwk| {
            let algorithm = match (&jwk.algorithm, jwk.common.key_algorithm) {
                (AlgorithmParameters::RSA(_), None | Some(KeyAlgorithm::RS256)) => Algorithm::RS256,
                (AlgorithmParameters::EllipticCurve(p), None | Some(KeyAlgorithm::ES256)) if p.curve == EllipticCurve::P256 => {
                    Algorithm::ES256
                }
                (AlgorithmParameters::OctetKeyPair(p), None | Some(KeyAlgorithm::EdDSA)) if p.curve == EllipticCurve::Ed25519 => {
                    Algorithm::EdDSA
                }
                _ => return Err(unusable("only RS256, ES256 and EdDSA keys can be used".to_owned())),
            };
            let key = DecodingKey::from_jwk(jwk).map_err(|e| unusable(e.to_string()))?;
            Ok(HostKey { id: jwk.common.key_id.clone(), algorithm, key })
        })
        .collect()
}

/// The user that a host application's token names, where its `sub` is a UUID.
pub fn user_of(claims: &Claims) -> Result<UserId> {
    claims.sub.parse().map_err(|_| Error::Unauthenticated("the token's `sub` names no user: it must be a UUID".to_owned()))
}
