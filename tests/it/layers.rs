//! The architecture as a test: who may import whom, and which names belong to one place. It reads tokens, so comments and
//! strings can name what code must not.

use std::{fs, path::Path};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// A module may import from modules of a lower rank, and from itself. What stands directly in `src` counts by its name.
const RANKS: &[(&str, u8)] = &[
    ("error", 0),
    ("domain", 0),
    ("settings", 1),
    ("offload", 1),
    ("telemetry", 2),
    // These three do not know each other.
    ("storage", 2),
    ("files", 2),
    ("fetch", 2),
    ("app", 3),
    // `serve` is a command, so cli may start http; http never learns of cli.
    ("http", 4),
    ("cli", 5),
    ("lib", 6),
    ("main", 6),
];

const LONGEST_FILE: usize = 400;

#[test]
fn every_source_file_keeps_to_its_layer() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut faults = Vec::new();
    let mut files = 0;
    for entry in walkdir::WalkDir::new(&root).sort_by_file_name() {
        let entry = entry.unwrap();
        if entry.path().extension().is_some_and(|extension| extension == "rs") {
            let name = entry.path().strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/");
            faults.extend(check(&name, &fs::read_to_string(entry.path()).unwrap()));
            files += 1;
        }
    }
    assert!(files > 5, "only {files} files found below {}", root.display());
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// Everything wrong with the text of the file `name`, a path below `src` with `/` between its parts.
fn check(name: &str, text: &str) -> Vec<String> {
    let own = top_module(name);
    let mut faults = Vec::new();
    let lines = text.lines().count();
    if lines > LONGEST_FILE && !name.ends_with("/schema.rs") {
        faults.push(format!("src/{name}: {lines} lines; past {LONGEST_FILE} it asks to be split"));
    }
    let Some(own_rank) = rank(own) else {
        faults.push(format!("src/{name}: {own} has no rank; give it one in tests/it/layers.rs"));
        return faults;
    };
    let tokens = text.parse::<TokenStream>().unwrap_or_else(|e| panic!("src/{name}: {e}"));
    let mut paths = Vec::new();
    Reader { paths: &mut paths, module: module_path(name) }.read(tokens);
    for Mention { line, path } in paths {
        let mut refuse = |why: &str| faults.push(format!("src/{name}:{line}: {} {why}", path.join("::")));
        if let [root, target, ..] = path.as_slice()
            && root == "crate"
            && target != own
            && let Some(rank) = rank(target)
            && (rank > own_rank || (rank == own_rank && own_rank > 0))
        {
            refuse(&format!("is not below {own}"));
        }
        let names = |prefix: &str| path.iter().any(|part| part == prefix || part.starts_with(&format!("{prefix}_")));
        let has = |words: &[&str]| path.iter().any(|part| words.contains(&part.as_str()));
        let follows = |first: &str, then: &[&str]| path.windows(2).any(|pair| pair[0] == first && then.contains(&pair[1].as_str()));
        if names("diesel") && own != "storage" {
            refuse("names diesel outside storage");
        }
        if names("actix") && own != "http" {
            refuse("names actix outside http");
        }
        if follows("env", &["var", "var_os", "vars", "vars_os"]) && own != "settings" {
            refuse("reads the environment outside settings");
        }
        if (has(&["spawn_blocking", "block_in_place"]) || follows("web", &["block"])) && !["offload", "storage"].contains(&own) {
            refuse("hops threads outside offload and storage");
        }
    }
    faults
}

/// `storage` for `storage/plugins.rs`, `settings` for `settings.rs`.
fn top_module(name: &str) -> &str {
    let first = name.split('/').next().unwrap_or(name);
    first.strip_suffix(".rs").unwrap_or(first)
}

fn rank(module: &str) -> Option<u8> {
    RANKS.iter().find(|(name, _)| *name == module).map(|(_, rank)| *rank)
}

/// The modules on the way from the crate's root to this file.
fn module_path(name: &str) -> Vec<String> {
    let parts = name.trim_end_matches(".rs").split('/').map(str::to_owned).collect::<Vec<_>>();
    match parts.split_last() {
        Some((last, folders)) if ["mod", "lib", "main"].contains(&last.as_str()) => folders.to_vec(),
        _ => parts,
    }
}

/// A path in the code, with `super` and `self` resolved where they lead to the root.
struct Mention {
    line: usize,
    path: Vec<String>,
}

struct Reader<'a> {
    paths: &'a mut Vec<Mention>,
    /// Where we are, inline modules included.
    module: Vec<String>,
}

impl Reader<'_> {
    fn read(&mut self, tokens: TokenStream) {
        let tokens = tokens.into_iter().collect::<Vec<_>>();
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            match token {
                TokenTree::Ident(_) => at = self.read_path(&tokens, at, &[]),
                TokenTree::Group(group) => {
                    let inline_module = match at.checked_sub(2).and_then(|start| tokens.get(start..at)) {
                        Some([TokenTree::Ident(keyword), TokenTree::Ident(name)]) if keyword == "mod" => Some(name.to_string()),
                        _ => None,
                    };
                    let depth = self.module.len();
                    self.module.extend(inline_module);
                    self.read(group.stream());
                    self.module.truncate(depth);
                    at += 1;
                }
                _ => at += 1,
            }
        }
    }

    /// Reads `a::b::c` or `a::{b, c::d}` and returns the position after it.
    fn read_path(&mut self, tokens: &[TokenTree], mut at: usize, before: &[String]) -> usize {
        let mut path = before.to_vec();
        let line = tokens[at].span().start().line;
        loop {
            match tokens.get(at) {
                Some(TokenTree::Ident(name)) => path.push(name.to_string().trim_start_matches("r#").to_owned()),
                Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                    self.read_branches(group.stream(), &path);
                    return at + 1;
                }
                _ => break,
            }
            match tokens.get(at + 1..at + 3) {
                Some([TokenTree::Punct(a), TokenTree::Punct(b)]) if a.as_char() == ':' && b.as_char() == ':' => at += 3,
                _ => {
                    at += 1;
                    break;
                }
            }
        }
        self.paths.push(Mention { line, path: self.resolve(path) });
        at
    }

    fn read_branches(&mut self, tokens: TokenStream, before: &[String]) {
        let tokens = tokens.into_iter().collect::<Vec<_>>();
        for branch in tokens.split(|token| matches!(token, TokenTree::Punct(p) if p.as_char() == ',')) {
            if !branch.is_empty() {
                self.read_path(branch, 0, before);
            }
        }
    }

    fn resolve(&self, path: Vec<String>) -> Vec<String> {
        let ups = path.iter().take_while(|part| *part == "super").count();
        if ups == 0 || ups > self.module.len() {
            return path;
        }
        let stem = self.module[..self.module.len() - ups].iter().cloned();
        std::iter::once("crate".to_owned()).chain(stem).chain(path.into_iter().skip(ups)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::check;

    #[track_caller]
    fn refused(name: &str, text: &str, why: &str) {
        let faults = check(name, text);
        assert!(faults.len() == 1 && faults[0].contains(why), "{faults:?}");
    }

    #[track_caller]
    fn fine(name: &str, text: &str) {
        assert_eq!(check(name, text), [""; 0]);
    }

    #[test]
    fn imports_go_down() {
        fine("app/install.rs", "use crate::{domain::Slug, files, storage::{self, plugins}};");
        fine("storage/plugins.rs", "use super::connection; use crate::error::Result; use crate::storage::x;");
        fine("domain/slug.rs", "use crate::error::Error;");
        fine("error.rs", "use crate::domain::Slug;");
        fine("cli/serve.rs", "use crate::http;");
        fine("main.rs", "use plugyard::{cli, http};");
    }

    #[test]
    fn imports_never_go_up_or_aside() {
        refused("domain/slug.rs", "use crate::storage::Database;", "src/domain/slug.rs:1: crate::storage::Database is not below domain");
        refused("storage/plugins.rs", "fn f() {\n crate::files::x() }", "plugins.rs:2: crate::files::x is not below storage");
        refused("files/records.rs", "use crate::{error::Error, storage};", "crate::storage is not below files");
        refused("app/install.rs", "use crate::{domain::{Slug, Version}, http::{problem}};", "crate::http::problem is not below app");
        refused("http/mod.rs", "use crate::cli;", "is not below http");
        refused("settings.rs", "use crate::offload;", "is not below settings");
    }

    #[test]
    fn a_path_through_super_is_no_way_out() {
        refused("domain/slug.rs", "use super::super::app::x;", "crate::app::x is not below domain");
        refused("domain/mod.rs", "use super::app;", "crate::app is not below domain");
        refused("domain/manifest/mod.rs", "mod tests { use super::super::super::app; }", "crate::app is not below domain");
        fine("app/x.rs", "mod tests { use super::super::http; }");
    }

    #[test]
    fn new_modules_need_a_rank() {
        refused("novelty.rs", "", "novelty has no rank");
    }

    #[test]
    fn diesel_and_actix_stay_in_their_layer() {
        fine("storage/schema.rs", "diesel::table! { users (id) { id -> Text } }");
        fine("http/mod.rs", "use actix_web::App;");
        fine("app/x.rs", "/// Unlike diesel and actix_web.\nconst X: &str = \"diesel\"; // diesel");
        refused("app/x.rs", "use diesel_migrations::X;", "names diesel");
        refused("files/x.rs", "#[diesel(x)] struct X;", "names diesel");
        refused("main.rs", "#[actix_web::main] async fn main() {}", "names actix");
    }

    #[test]
    fn the_environment_is_read_in_one_place() {
        fine("settings.rs", "fn f() { std::env::var(\"X\"); }");
        fine("cli/mod.rs", "fn f() { std::env::args(); env!(\"X\"); }");
        for text in ["fn f() { std::env::var(\"X\"); }", "use std::env::{self, var_os};", "fn f() { env::vars(); }"] {
            refused("cli/mod.rs", text, "reads the environment");
        }
    }

    #[test]
    fn threads_are_hopped_in_one_place() {
        fine("offload.rs", "fn f() { tokio::task::spawn_blocking(g); }");
        fine("storage/mod.rs", "use tokio::task::spawn_blocking;");
        refused("files/x.rs", "use tokio::task::{spawn_blocking, JoinHandle};", "hops threads");
        refused("http/x.rs", "fn f() { web::block(g); }", "hops threads");
        refused("app/x.rs", "fn f() { task::block_in_place(g); }", "hops threads");
    }

    #[test]
    fn long_files_ask_to_be_split() {
        let long = "\n".repeat(401);
        refused("domain/slug.rs", &long, "401 lines");
        fine("storage/schema.rs", &long);
        fine("domain/slug.rs", &"\n".repeat(400));
    }
}
