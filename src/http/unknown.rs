//! Addresses without a handler: 404, or 405 where another method has one. The OpenAPI document knows all routes.

use actix_web::{HttpRequest, dev::ResourceDef, web::Data};

use super::{openapi::Document, problem::HttpResult};
use crate::error::Error;

pub async fn answer(request: HttpRequest, document: Data<Document>) -> HttpResult {
    let methods = document.methods_of(request.path());
    if methods.is_empty() {
        return Err(Error::NotFound("address".to_owned()).into());
    }
    Err(Error::MethodNotAllowed { allow: methods.join(", ") }.into())
}

/// A route's pattern with the methods it answers.
pub struct Known {
    pattern: ResourceDef,
    methods: Vec<&'static str>,
}

impl Known {
    pub fn new(pattern: &str, methods: Vec<&'static str>) -> Self {
        Self { pattern: ResourceDef::new(pattern), methods }
    }

    pub fn methods_of(known: &[Self], path: &str) -> Vec<&'static str> {
        known.iter().find(|route| route.pattern.is_match(path)).map(|route| route.methods.clone()).unwrap_or_default()
    }
}
