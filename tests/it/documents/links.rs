use std::path::Path;

use regex::Regex;

use super::{all, read, root};

#[test]
fn every_link_leads_somewhere() {
    let link = Regex::new(r"\]\(([^)\s]+)\)").unwrap();
    let mut followed = 0;
    for name in all() {
        let text = read(&name);
        for target in link.captures_iter(&text).map(|found| found[1].to_owned()).filter(|target| !target.contains("://")) {
            let (file, heading) = target.split_once('#').unwrap_or((&target, ""));
            let path = match file {
                "" => root().join(&name),
                _ => root().join(&name).parent().unwrap().join(file),
            };
            assert!(path.exists(), "{name}: {target} leads nowhere");
            assert!(heading.is_empty() || has_heading(&path, heading), "{name}: {target} names no heading");
            followed += 1;
        }
    }
    assert!(followed > 10, "only {followed} links");
}

/// Headings as GitHub addresses them: lower case, blanks as hyphens, other signs left out.
fn has_heading(path: &Path, wanted: &str) -> bool {
    let text = std::fs::read_to_string(path).unwrap();
    let headings = text.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim().to_lowercase());
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    headings.map(|heading| heading.chars().filter(kept).collect::<String>().replace(' ', "-")).any(|heading| heading == wanted)
}

#[test]
fn what_the_map_names_is_there() {
    let named = Regex::new(r"`((?:[a-z_.]+/)*[a-z_]+(?:\.rs|/))`").unwrap();
    let text = read("ARCHITECTURE.md");
    let text = text.split("## Names in earlier designs").next().unwrap();
    // Folders inside a plugins folder.
    let data = ["cache/", "shared/"];
    let places =
        named.captures_iter(text).map(|found| found[1].to_owned()).filter(|place| !data.contains(&place.as_str())).collect::<Vec<_>>();
    let source = walkdir::WalkDir::new(root().join("src")).into_iter().map(|entry| entry.unwrap().into_path()).collect::<Vec<_>>();
    for place in &places {
        let in_source = || source.iter().any(|path| path.ends_with(place));
        assert!(root().join(place).exists() || in_source(), "ARCHITECTURE.md: {place} is not there");
    }
    assert!(places.len() > 20, "{places:?}");
}
