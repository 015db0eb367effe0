//! Good packages in every form that can be published. Bad ones are a test's own business: take one apart and break it.

use std::{
    collections::BTreeMap,
    fs,
    io::{Cursor, Write},
    path::Path,
};

use serde_json::{Value, json};

#[derive(Clone)]
pub struct Package {
    manifest: Value,
    files: BTreeMap<String, Vec<u8>>,
}

/// An `esm` plugin whose entry is `dist/index.js`; the entry's content names slug and version.
pub fn package(slug: &str, version: &str) -> Package {
    let manifest = json!({
        "id": slug,
        "name": format!("The {slug}"),
        "description": format!("{slug} for tests"),
        "version": version,
        "type": "frontend",
        "icon": "Star",
        "category": "utilities",
        "author": "somebody",
        "bundlemethod": "esm",
        "bundlelocation": "dist/index.js",
        "tags": ["demo"],
        "modules": [],
    });
    let entry = format!("export default {:?};\n", format!("{slug} {version}"));
    Package { manifest, files: BTreeMap::new() }.file("dist/index.js", entry)
}

impl Package {
    /// Adds a file, or replaces it.
    #[must_use]
    pub fn file(mut self, path: &str, content: impl Into<Vec<u8>>) -> Self {
        self.files.insert(path.to_owned(), content.into());
        self
    }

    /// Gives a member of the manifest a value.
    #[must_use]
    pub fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.manifest[member] = value.into();
        self
    }

    /// Declares a module with this id.
    #[must_use]
    pub fn module(self, id: &str) -> Self {
        self.module_with(json!({"id": id, "name": id, "displayName": format!("The {id}"), "category": "utilities", "tags": ["demo"]}))
    }

    #[must_use]
    pub fn module_with(mut self, module: Value) -> Self {
        self.manifest["modules"].as_array_mut().expect("modules are a list").push(module);
        self
    }

    /// Paths and contents, `plugin.json` among them.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = self.files.clone();
        files.insert("plugin.json".to_owned(), serde_json::to_vec_pretty(&self.manifest).expect("a value can be written"));
        files
    }

    pub fn zip(&self) -> Vec<u8> {
        zip_of(&self.files())
    }

    pub fn tar(&self) -> Vec<u8> {
        tar_of(&self.files())
    }

    pub fn tar_gz(&self) -> Vec<u8> {
        gzip(&self.tar())
    }

    pub fn tar_zst(&self) -> Vec<u8> {
        zstd::encode_all(self.tar().as_slice(), 0).expect("memory can be compressed")
    }

    /// Writes the files below `folder`.
    pub fn write_to(&self, folder: &Path) {
        for (path, content) in self.files() {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().expect("it lies in a folder")).expect("folders can be made");
            fs::write(path, content).expect("a file can be written");
        }
    }

    /// What `npm pack` makes: everything in the folder `package`, described by a `package.json` instead of a `plugin.json`.
    pub fn npm_tgz(&self, name: &str) -> Vec<u8> {
        let described = json!({
            "name": name,
            "version": self.manifest["version"],
            "description": self.manifest["description"],
            "type": "module",
            "module": self.manifest["bundlelocation"],
        });
        let mut files = self.files.clone();
        files.insert("package.json".to_owned(), serde_json::to_vec_pretty(&described).expect("a value can be written"));
        gzip(&tar_of(&files.into_iter().map(|(path, content)| (format!("package/{path}"), content)).collect()))
    }
}

pub fn zip_of(files: &BTreeMap<String, Vec<u8>>) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (path, content) in files {
        zip.start_file(path, zip::write::SimpleFileOptions::default()).expect("an entry can be added");
        zip.write_all(content).expect("an entry can be written");
    }
    zip.finish().expect("memory can be written").into_inner()
}

pub fn tar_of(files: &BTreeMap<String, Vec<u8>>) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, path, content.as_slice()).expect("an entry can be added");
    }
    tar.into_inner().expect("memory can be written")
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(bytes).expect("memory can be written");
    gzip.finish().expect("memory can be written")
}
