//! The documents tell the truth: their commands run, their tables agree with the code, their links lead somewhere.

mod commands;
mod deployment;
mod links;
mod tables;

use std::{
    fs,
    path::{Path, PathBuf},
};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// Every document of the repository, by its path from the root.
fn all() -> Vec<String> {
    let is_built = |path: &Path| path == root().join("target") || path == root().join(".git") || path.ends_with("node_modules");
    let documents = walkdir::WalkDir::new(root())
        .sort_by_file_name()
        .into_iter()
        .filter_entry(|entry| !is_built(entry.path()))
        .map(|entry| entry.unwrap().into_path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .map(|path| path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned())
        .collect::<Vec<_>>();
    assert!(documents.len() > 5, "{documents:?}");
    documents
}

/// The source below `src`, without `left_out`.
fn source(left_out: &str) -> String {
    let is_source =
        |path: &PathBuf| path.extension().is_some_and(|extension| extension == "rs") && !path.starts_with(root().join(left_out));
    let files = walkdir::WalkDir::new(root().join("src")).into_iter().map(|entry| entry.unwrap().into_path()).filter(is_source);
    files.map(|path| fs::read_to_string(path).unwrap()).collect()
}

/// A fenced block.
pub struct Block {
    pub language: String,
    pub text: String,
    /// The line above the fence.
    above: String,
}

pub fn blocks(document: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = document.lines();
    let mut above = "";
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let text = lines.by_ref().take_while(|line| *line != "```").map(|line| format!("{line}\n")).collect();
            blocks.push(Block { language: language.to_owned(), text, above: above.to_owned() });
            above = "```";
        } else {
            above = line;
        }
    }
    blocks
}

/// Frontend code in a document is code of the sample page, which a browser test runs.
#[test]
fn javascript_in_documents_is_the_sample_pages() {
    let page = read("examples/host-page/plugyard.js");
    let mut found = 0;
    for name in all() {
        for block in blocks(&read(&name)).iter().filter(|block| block.language == "js") {
            assert!(page.contains(&block.text), "{name}: this is not in the sample page:\n{}", block.text);
            found += 1;
        }
    }
    assert!(found > 1, "only {found} documents hold JavaScript");
}

#[test]
fn json_in_documents_is_json() {
    for name in all() {
        for block in blocks(&read(&name)).iter().filter(|block| block.language == "json") {
            serde_json::from_str::<serde_json::Value>(&block.text).unwrap_or_else(|e| panic!("{name}: {e} in\n{}", block.text));
        }
    }
}
