//! The bare handler: actix answering from memory and doing nothing else, for comparison.
//!
//! `bare-handler ADDRESS FOLDER`: every file directly in the folder by its name, and `/unchanged/NAME` as 304.

use std::{collections::HashMap, env, fs, io, sync::Arc};

use actix_web::{App, HttpResponse, HttpServer, http::header, web};

type Files = HashMap<String, web::Bytes>;

async fn file(files: web::Data<Files>, name: web::Path<String>) -> HttpResponse {
    match files.get(name.as_str()) {
        Some(bytes) => HttpResponse::Ok().insert_header((header::CONTENT_TYPE, "text/javascript; charset=utf-8")).body(bytes.clone()),
        None => HttpResponse::NotFound().finish(),
    }
}

async fn unchanged() -> HttpResponse {
    HttpResponse::NotModified().insert_header((header::ETAG, "\"unchanged\"")).finish()
}

#[actix_web::main]
async fn main() -> io::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [address, folder] = arguments.as_slice() else { return Err(io::Error::other("usage: bare-handler ADDRESS FOLDER")) };
    let mut files = Files::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            files.insert(entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path())?.into());
        }
    }
    let files = web::Data::from(Arc::new(files));
    HttpServer::new(move || {
        App::new().app_data(files.clone()).route("/unchanged/{name}", web::get().to(unchanged)).route("/{name}", web::get().to(file))
    })
    .tcp_nodelay(true)
    .bind(address)?
    .run()
    .await
}
