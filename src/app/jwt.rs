//! Signed tokens: our own access and refresh tokens, and those of a host application that shares a secret or publishes
//! its keys.

use std::{fs, path::Path, time::Duration};

use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header, TokenData, Validation,
    jwk::{AlgorithmParameters, EllipticCurve, JwkSet, KeyAlgorithm, PublicKeyUse},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    domain::{Timestamp, UserId, user::Session},
    error::{Error, Result},
    settings::Settings,
    storage::{Database, meta},
};

const SECRET_IN_META: &str = "jwt_secret";

/// Says in a token that we have made it: a host application that shares the secret may use `sid` for purposes of its own.
const ISSUER: &str = "plugyard";
/// How far the clock of a host application may be ahead of ours.
const SKEW: Duration = Duration::from_secs(60);

/// What a valid token is good for.
#[derive(Debug)]
pub enum Token {
    /// Our own access token.
    Access { session: String },
    /// One of the refresh tokens of our own session.
    Refresh { session: String, generation: i64 },
    /// A host application's access token.
    Host(HostClaims),
}

/// What a host application says of its user.
#[derive(Debug)]
pub struct HostClaims {
    pub user: UserId,
    /// Only used to name users that are created at first sight.
    pub username: Option<String>,
    pub email: Option<String>,
}

/// Times may be floating-point numbers in tokens of a host application.
#[derive(Deserialize)]
struct Claims {
    sub: String,
    /// Seconds since 1970.
    exp: f64,
    #[serde(default)]
    nbf: Option<f64>,
    #[serde(default)]
    iss: Option<String>,
    #[serde(default)]
    sid: Option<String>,
    /// Which of the session's refresh tokens this is.
    #[serde(default, rename = "gen")]
    generation: Option<i64>,
    #[serde(default)]
    refresh: bool,
    #[serde(default)]
    username: Option<String>,
    #[serde(default)]
    email: Option<String>,
}

#[derive(Serialize)]
struct Issued<'a> {
    iss: &'static str,
    sub: &'a str,
    exp: i64,
    iat: i64,
    sid: &'a str,
    #[serde(rename = "gen", skip_serializing_if = "Option::is_none")]
    generation: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh: Option<bool>,
}

/// What a ticket for an event stream says. Times are milliseconds since 1970.
#[derive(Debug, Serialize, Deserialize)]
pub struct Ticket {
    pub id: String,
    pub user: UserId,
    /// Of the one who asked for it, by login or API token.
    pub session: Option<String>,
    pub token: Option<String>,
    /// The stream ends then.
    pub until: i64,
    /// The ticket itself ends then.
    pub end: i64,
}

/// The keys that sign and verify.
pub struct Keys {
    sign: EncodingKey,
    own: DecodingKey,
    /// Another key, so that no ticket is ever taken for a token, nor the other way round.
    sign_tickets: EncodingKey,
    tickets: DecodingKey,
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
        let of_tickets = Sha256::digest(format!("plugyard event tickets {secret}").as_bytes());
        Ok(Self {
            sign: EncodingKey::from_secret(secret.as_bytes()),
            own: DecodingKey::from_secret(secret.as_bytes()),
            sign_tickets: EncodingKey::from_secret(&of_tickets),
            tickets: DecodingKey::from_secret(&of_tickets),
            host,
        })
    }

    pub fn access_token(&self, session: &Session, now: Timestamp, expires: Timestamp) -> Result<String> {
        self.issue(&Issued {
            iss: ISSUER,
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
            iss: ISSUER,
            sub: session.user.as_str(),
            exp: session.expires_at.seconds(),
            iat: session.rotated_at.seconds(),
            sid: &session.id,
            generation: Some(session.generation),
            refresh: Some(true),
        })
    }

    pub fn ticket(&self, ticket: &Ticket) -> Result<String> {
        let signed = jsonwebtoken::encode(&Header::new(Algorithm::HS256), ticket, &self.sign_tickets);
        signed.map_err(|e| Error::storage("cannot sign a ticket", e))
    }

    /// A ticket that we have signed. Whether it has ended is for the caller to say.
    pub fn read_ticket(&self, text: &str) -> Result<Ticket> {
        let read = jsonwebtoken::decode(text, &self.tickets, &signature_alone(Algorithm::HS256));
        read.map(|data| data.claims).map_err(|_| refused("the ticket is not valid"))
    }

    fn issue(&self, claims: &Issued<'_>) -> Result<String> {
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &self.sign).map_err(|e| Error::storage("cannot sign a token", e))
    }

    /// What a valid, unexpired token stands for, and until when. The algorithm is the key's, never the token's choice.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<(Token, Timestamp)> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| refused("the token is not valid"))?;
        let decoded = match header.alg {
            Algorithm::HS256 => decode(token, &self.own, Algorithm::HS256),
            algorithm => self
                .host
                .iter()
                .filter(|key| key.algorithm == algorithm && (header.kid.is_none() || key.id.is_none() || key.id == header.kid))
                .find_map(|key| decode(token, &key.key, algorithm)),
        };
        let claims = decoded.ok_or_else(|| refused("the token is not valid"))?.claims;
        // Written so that what is not a number is refused.
        if !(claims.exp.is_finite() && claims.exp > seconds(now)) {
            return Err(refused("the token has expired"));
        }
        if claims.nbf.is_some_and(|begin| !(begin.is_finite() && begin <= seconds(now.plus(SKEW)))) {
            return Err(refused("the token is not valid yet"));
        }
        // Saturates, like the times of all tokens that never end.
        let until = Timestamp((claims.exp * 1000.0) as i64);
        Ok((classify(claims, header.alg)?, until))
    }
}

fn refused(why: &str) -> Error {
    Error::Unauthenticated(why.to_owned())
}

fn seconds(moment: Timestamp) -> f64 {
    moment.millis() as f64 / 1000.0
}

fn classify(claims: Claims, algorithm: Algorithm) -> Result<Token> {
    let is_own = algorithm == Algorithm::HS256 && claims.iss.as_deref() == Some(ISSUER);
    match (claims.sid.filter(|_| is_own), claims.refresh, claims.generation) {
        (Some(session), true, Some(generation)) => Ok(Token::Refresh { session, generation }),
        (Some(session), false, _) => Ok(Token::Access { session }),
        (_, true, _) => Err(refused("a refresh token is no access token")),
        (None, false, _) => {
            let user = claims.sub.parse().map_err(|_| refused("the token's `sub` names no user: it must be a UUID"))?;
            Ok(Token::Host(HostClaims { user, username: claims.username, email: claims.email }))
        }
    }
}

fn decode(token: &str, key: &DecodingKey, algorithm: Algorithm) -> Option<TokenData<Claims>> {
    jsonwebtoken::decode(token, key, &signature_alone(algorithm)).ok()
}

/// We compare the expiry ourselves: the library only reads whole seconds.
fn signature_alone(algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    validation
}

/// Reads a JWK set (RFC 7517): RS256, ES256 and EdDSA keys; others that sign stop the start, so that no key is silently
/// unused.
fn host_keys(file: &Path) -> Result<Vec<HostKey>> {
    let unusable = |why: String| Error::Setup(format!("jwks_file {}: {why}", file.display()));
    let text = fs::read_to_string(file).map_err(|e| unusable(e.to_string()))?;
    let set: JwkSet = serde_json::from_str(&text).map_err(|e| unusable(e.to_string()))?;
    let keys = set
        .keys
        .iter()
        .filter(|jwk| jwk.common.public_key_use != Some(PublicKeyUse::Encryption))
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
        .collect::<Result<Vec<_>>>()?;
    if keys.is_empty() { Err(unusable("it holds no key for signatures".to_owned())) } else { Ok(keys) }
}
