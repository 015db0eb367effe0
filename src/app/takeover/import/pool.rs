//! Which folder becomes which version. Same content is one release; where contents disagree about a version, the most common
//! one is the version and the others are its variants.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
};

use crate::{
    domain::{Slug, Timestamp, Version},
    error::Result,
};

/// A folder that wants to be a release.
pub struct Candidate<'a> {
    pub slug: &'a Slug,
    pub version: &'a Version,
    pub digest: &'a str,
    /// Users who get it.
    pub users: usize,
    /// Lost against a newer folder of the same user: never the version itself.
    pub is_loser: bool,
    pub written_at: Timestamp,
}

/// Most users first, then the newest, then always the same.
type Rank<'a> = (Reverse<(usize, Timestamp)>, &'a str);

/// The version of each candidate, in their order. What is published already keeps its version.
pub fn assign(candidates: &[Candidate<'_>], published: &HashMap<(Slug, Version), (String, bool)>) -> Result<Vec<Version>> {
    let mut contents: BTreeMap<(&Slug, String, &str), (usize, Timestamp)> = BTreeMap::new();
    for candidate in candidates.iter().filter(|candidate| !candidate.is_loser) {
        let content = contents.entry((candidate.slug, candidate.version.to_string(), candidate.digest)).or_insert((0, Timestamp(0)));
        *content = (content.0 + candidate.users, content.1.max(candidate.written_at));
    }
    let mut chosen: BTreeMap<(&Slug, String), Rank<'_>> = BTreeMap::new();
    for ((slug, version, digest), (users, written_at)) in contents {
        let rank = (Reverse((users, written_at)), digest);
        let best = chosen.entry((slug, version)).or_insert(rank);
        *best = rank.min(*best);
    }
    candidates
        .iter()
        .map(|candidate| {
            let known = published.get(&(candidate.slug.clone(), candidate.version.clone())).map(|(digest, _)| digest.as_str());
            let chosen = known.or_else(|| chosen.get(&(candidate.slug, candidate.version.to_string())).map(|(_, digest)| *digest));
            match chosen == Some(candidate.digest) {
                true => Ok(candidate.version.clone()),
                false => candidate.version.variant(candidate.digest),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn versions(candidates: &[(&str, usize, bool, i64)], published: Option<&str>) -> Vec<String> {
        let (slug, version): (Slug, Version) = ("demo".parse().unwrap(), "1.0.0".parse().unwrap());
        let digests: Vec<String> = candidates.iter().map(|(digest, ..)| digest.repeat(64)).collect();
        let candidates: Vec<_> = candidates
            .iter()
            .zip(&digests)
            .map(|((_, users, is_loser, at), digest)| Candidate {
                slug: &slug,
                version: &version,
                digest,
                users: *users,
                is_loser: *is_loser,
                written_at: Timestamp(*at),
            })
            .collect();
        let published = published.map(|digest| ((slug.clone(), version.clone()), (digest.repeat(64), true)));
        let found = assign(&candidates, &published.into_iter().collect()).unwrap();
        found.iter().map(|version| version.to_string().chars().take(8).collect()).collect()
    }

    #[test]
    fn the_most_common_content_is_the_version() {
        assert_eq!(versions(&[("a", 1, false, 0), ("b", 1, false, 0), ("b", 1, false, 0)], None), ["1.0.0+aa", "1.0.0", "1.0.0"]);
        assert_eq!(versions(&[("a", 1, false, 5), ("b", 1, false, 9)], None), ["1.0.0+aa", "1.0.0"], "the newer of equals");
        assert_eq!(versions(&[("b", 1, false, 5), ("a", 1, false, 5)], None), ["1.0.0+bb", "1.0.0"], "always the same of equals");
    }

    #[test]
    fn what_is_published_keeps_its_version_and_losers_never_get_one() {
        assert_eq!(versions(&[("a", 9, false, 0), ("b", 1, false, 0)], Some("b")), ["1.0.0+aa", "1.0.0"]);
        assert_eq!(versions(&[("a", 1, false, 0)], Some("c")), ["1.0.0+aa"]);
        assert_eq!(versions(&[("a", 0, true, 9)], None), ["1.0.0+aa"]);
        assert_eq!(versions(&[("a", 0, true, 9), ("a", 1, false, 0)], None), ["1.0.0", "1.0.0"]);
    }
}
