//! Outermost: requests that memory alone can answer go no further.

use std::{
    future::{Ready, ready},
    sync::Arc,
    task::{Context, Poll},
};

use actix_web::{
    Error,
    body::BoxBody,
    dev::{Service, ServiceRequest, ServiceResponse, Transform},
};
use futures_util::future::Either;

use crate::http::warm::Warm;

#[derive(Clone)]
pub struct WarmFirst(pub Arc<Warm>);

impl<S> Transform<S, ServiceRequest> for WarmFirst
where
    S: Service<ServiceRequest, Response = ServiceResponse<BoxBody>, Error = Error>,
{
    type Response = ServiceResponse<BoxBody>;
    type Error = Error;
    type Transform = WarmService<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, Self::InitError>>;

    fn new_transform(&self, next: S) -> Self::Future {
        ready(Ok(WarmService { warm: Arc::clone(&self.0), next }))
    }
}

pub struct WarmService<S> {
    warm: Arc<Warm>,
    next: S,
}

impl<S> Service<ServiceRequest> for WarmService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<BoxBody>, Error = Error>,
{
    type Response = ServiceResponse<BoxBody>;
    type Error = Error;
    type Future = Either<Ready<Result<Self::Response, Error>>, S::Future>;

    fn poll_ready(&self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.next.poll_ready(context)
    }

    fn call(&self, request: ServiceRequest) -> Self::Future {
        match self.warm.answer(&request) {
            Some(response) => Either::Left(ready(Ok(request.into_response(response)))),
            None => Either::Right(self.next.call(request)),
        }
    }
}
