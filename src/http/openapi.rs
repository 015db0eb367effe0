//! The OpenAPI document, made from the routes themselves, and a page that shows it without network.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, get, http::StatusCode, web::Data};
use utoipa::{
    OpenApi as _,
    openapi::{
        OpenApi, PathItem, Ref, RefOr, Required,
        path::{Operation, ParameterBuilder, ParameterIn},
        response::ResponseBuilder,
        schema::{ObjectBuilder, Schema, Type},
        security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    },
};
use utoipa_actix_web::AppExt;
use utoipa_swagger_ui::SwaggerUi;

use super::{
    problem::{ProblemSchema, ViolationSchema},
    routes,
    unknown::Known,
};

const BEARER: &str = "bearer";

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Plugyard",
        description = "Multi-user plugin server: publish each plugin version once, install it per user, serve it to every browser.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    components(schemas(ProblemSchema, ViolationSchema))
)]
struct Base;

/// The document, and what follows from it: which methods an address answers.
pub struct Document {
    json: String,
    known: Vec<Known>,
}

impl Document {
    pub fn methods_of(&self, path: &str) -> Vec<&'static str> {
        Known::methods_of(&self.known, path)
    }
}

/// Builds the document from the routes; once, at start.
pub fn document() -> Document {
    let (_, mut document) = actix_web::App::new().into_utoipa_app().openapi(Base::openapi()).configure(routes::all).split_for_parts();
    if let Some(components) = &mut document.components {
        components.add_security_scheme(BEARER, SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build()));
    }
    let mut by_path: BTreeMap<String, Vec<&'static str>> = BTreeMap::new();
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            complete(path, operation);
            let methods = by_path.entry(actix_pattern(path)).or_default();
            methods.push(method);
            if method == "GET" {
                methods.push("HEAD");
            }
        }
    }
    // Like the routes: fixed words before variable segments.
    let mut known: Vec<_> = by_path.into_iter().collect();
    known.sort_by(|(a, _), (b, _)| a.split('/').map(rank).cmp(b.split('/').map(rank)));
    Document { json: to_json(&document), known: known.into_iter().map(|(path, methods)| Known::new(&path, methods)).collect() }
}

fn to_json(document: &OpenApi) -> String {
    document.to_json().unwrap_or_else(|error| format!("{{\"error\":\"{error}\"}}"))
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    [("GET", &mut item.get), ("PUT", &mut item.put), ("POST", &mut item.post), ("DELETE", &mut item.delete), ("PATCH", &mut item.patch)]
        .into_iter()
        .filter_map(|(method, operation)| operation.as_mut().map(|operation| (method, operation)))
}

/// Adds what every operation of a kind shares, so that handlers only name what is their own.
fn complete(path: &str, operation: &mut Operation) {
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response
            && response.description.is_empty()
        {
            response.description = reason(status).to_owned();
        }
    }
    for parameter in operation.parameters.iter_mut().flatten() {
        // The derive knows the shape of no path segment, and each is a text.
        if let RefOr::T(parameter) = parameter
            && parameter.schema.is_none()
        {
            parameter.schema = Some(text());
        }
    }
    if !path.starts_with("/api/v1/") {
        return;
    }
    let open = ["/api/v1/public/", "/api/v1/files/", "/api/v1/auth/login", "/api/v1/auth/refresh", "/api/v1/auth/register"];
    let mut statuses = vec!["503"];
    if open.iter().all(|prefix| !path.starts_with(prefix)) {
        operation.security = Some(vec![SecurityRequirement::new::<_, [&str; 0], &str>(BEARER, [])]);
        statuses.extend(["401", "403"]);
    }
    if path.contains('{') {
        statuses.push("404");
    }
    if operation.request_body.is_some() {
        statuses.extend(["400", "413", "415", "422"]);
    }
    if path.contains("/users/{user_id}/") {
        let user =
            ParameterBuilder::new().name("user_id").parameter_in(ParameterIn::Path).required(Required::True).schema(Some(text())).build();
        operation.parameters.get_or_insert_default().push(RefOr::T(user));
        // The same handler serves a user's own plugins under another address.
        operation.operation_id = operation.operation_id.take().map(|id| format!("user_{id}"));
        operation.tags = Some(vec!["administration".to_owned()]);
    }
    for status in statuses {
        let problem = ResponseBuilder::new()
            .description("problem")
            .content(
                "application/problem+json",
                utoipa::openapi::Content::new(Some(RefOr::<Schema>::Ref(Ref::from_schema_name("Problem")))),
            )
            .build();
        operation.responses.responses.entry(status.to_owned()).or_insert(RefOr::T(problem));
    }
}

fn text() -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(Type::String).into()
}

/// Where a pattern's segment stands among others: a variable has no name here, and one that takes the rest comes last.
fn rank(segment: &str) -> (u8, &str) {
    match segment.starts_with('{') {
        false => (0, segment),
        true if segment.ends_with(":.*}") => (2, ""),
        true => (1, ""),
    }
}

/// What HTTP calls the status: every answer must have a description.
fn reason(status: &str) -> &'static str {
    status.parse::<u16>().ok().and_then(|code| StatusCode::from_u16(code).ok()?.canonical_reason()).unwrap_or("answer")
}

/// `{path}` at the end stands for any number of segments in the three file addresses.
fn actix_pattern(path: &str) -> String {
    path.strip_suffix("/{path}").map_or_else(|| path.to_owned(), |base| format!("{base}/{{path:.*}}"))
}

/// This document.
#[utoipa::path(tag = "operations", responses((status = 200, body = Object)))]
#[get("/api/openapi.json")]
pub async fn openapi_json(document: Data<Document>) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(document.json.clone())
}

/// Swagger UI, from files inside the binary.
pub fn page() -> SwaggerUi {
    SwaggerUi::new("/api/docs/{_:.*}").config(utoipa_swagger_ui::Config::from("/api/openapi.json"))
}
