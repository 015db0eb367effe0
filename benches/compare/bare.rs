//! The bare handler: actix answering from memory and doing nothing else, for comparison.
//!
//! `bare-handler ADDRESS FOLDER [HEADERS]`: every file directly in the folder by its name, and `/unchanged/NAME` as 304, with
//! the headers that the file HEADERS has, a line for each.

use std::{collections::HashMap, env, fs, io, sync::Arc};

use actix_web::{
    App, HttpResponse, HttpResponseBuilder, HttpServer,
    http::header::{self, HeaderName, HeaderValue},
    web,
};

type Files = HashMap<String, web::Bytes>;
type Headers = Vec<(HeaderName, HeaderValue)>;

async fn file(files: web::Data<Files>, headers: web::Data<Headers>, name: web::Path<String>) -> HttpResponse {
    match files.get(name.as_str()) {
        Some(bytes) => {
            with(HttpResponse::Ok(), &headers).insert_header((header::CONTENT_TYPE, "text/javascript; charset=utf-8")).body(bytes.clone())
        }
        None => HttpResponse::NotFound().finish(),
    }
}

async fn unchanged(headers: web::Data<Headers>) -> HttpResponse {
    with(HttpResponse::NotModified(), &headers).insert_header((header::ETAG, "\"unchanged\"")).finish()
}

fn with(mut response: HttpResponseBuilder, headers: &Headers) -> HttpResponseBuilder {
    for header in headers {
        response.insert_header(header.clone());
    }
    response
}

fn headers_of(text: &str) -> Option<Headers> {
    let pair = |line: &str| {
        let (name, value) = line.split_once(": ")?;
        Some((name.parse().ok()?, value.parse().ok()?))
    };
    text.lines().map(pair).collect()
}

#[actix_web::main]
async fn main() -> io::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [address, folder, headers @ ..] = arguments.as_slice() else {
        return Err(io::Error::other("usage: bare-handler ADDRESS FOLDER [HEADERS]"));
    };
    let headers = headers.first().map_or(Ok(String::new()), fs::read_to_string)?;
    let headers = headers_of(&headers).ok_or(io::Error::other("a line is no header"))?;
    let mut files = Files::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            files.insert(entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path())?.into());
        }
    }
    let (files, headers) = (web::Data::from(Arc::new(files)), web::Data::from(Arc::new(headers)));
    HttpServer::new(move || {
        App::new()
            .app_data(files.clone())
            .app_data(headers.clone())
            .route("/unchanged/{name}", web::get().to(unchanged))
            .route("/{name}", web::get().to(file))
    })
    .tcp_nodelay(true)
    .bind(address)?
    .run()
    .await
}
