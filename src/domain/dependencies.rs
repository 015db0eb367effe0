//! What plugins need beside them. Pure: the callers bring what a user has and what the catalogue offers.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Slug, Version};

pub type Needs = BTreeMap<Slug, semver::VersionReq>;

/// One of a user's plugins, as far as others depend on it.
#[derive(Debug, Clone)]
pub struct Present {
    pub version: Version,
    pub enabled: bool,
    pub needs: Needs,
}

/// A dependency that is not met.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Missing {
    pub slug: Slug,
    pub range: String,
    /// What the user has of it, if anything.
    pub installed: Option<Version>,
    /// Installed in a fitting version, but switched off.
    pub disabled: bool,
}

/// What of `needs` the user's plugins do not meet.
pub fn missing(needs: &Needs, present: &BTreeMap<Slug, Present>) -> Vec<Missing> {
    let unmet = |(slug, range): (&Slug, &semver::VersionReq)| {
        let found = present.get(slug);
        let fits = found.is_some_and(|plugin| plugin.version.matches(range));
        let enabled = found.is_some_and(|plugin| plugin.enabled);
        (!fits || !enabled).then(|| Missing {
            slug: slug.clone(),
            range: range.to_string(),
            installed: found.map(|plugin| plugin.version.clone()),
            disabled: fits && !enabled,
        })
    };
    needs.iter().filter_map(unmet).collect()
}

/// The enabled plugins that need `slug`, directly or through others, nearest first.
pub fn dependents(slug: &Slug, present: &BTreeMap<Slug, Present>) -> Vec<Slug> {
    let mut found = vec![slug.clone()];
    let mut at = 0;
    while let Some(current) = found.get(at).cloned() {
        let needing = present.iter().filter(|(_, plugin)| plugin.enabled && plugin.needs.contains_key(&current));
        for (name, _) in needing {
            if !found.contains(name) {
                found.push(name.clone());
            }
        }
        at += 1;
    }
    found.remove(0);
    found
}

/// Dependents that would no longer be met if `slug` moved to `version`.
pub fn broken_by(slug: &Slug, version: &Version, present: &BTreeMap<Slug, Present>) -> Vec<Slug> {
    let breaks = |plugin: &Present| plugin.enabled && plugin.needs.get(slug).is_some_and(|range| !version.matches(range));
    present.iter().filter(|(_, plugin)| breaks(plugin)).map(|(name, _)| name.clone()).collect()
}

/// What the catalogue offers for a slug and range: the version that would be chosen, and what that one needs.
pub trait Offers {
    type Error;
    fn offer(&mut self, slug: &Slug, range: &semver::VersionReq) -> Result<Option<(Version, Needs)>, Self::Error>;
}

/// How what is missing could be met.
#[derive(Debug, PartialEq)]
pub enum Plan {
    /// Install these, in this order. What the catalogue does not offer is left out.
    Install(Vec<(Slug, Version)>),
    /// These need each other, the first one again at the end; no order can install them.
    Cycle(Vec<Slug>),
}

/// Plans what to install before `root`, which needs `needs`. A slug that several need gets a version that fits them all, and
/// the enabled plugins that stay.
pub fn plan<O: Offers>(root: &Slug, needs: &Needs, present: &BTreeMap<Slug, Present>, offers: &mut O) -> Result<Plan, O::Error> {
    let mut asked = Needs::new();
    for (slug, range) in present.values().filter(|plugin| plugin.enabled).flat_map(|plugin| &plugin.needs) {
        ask(&mut asked, slug, range);
    }
    loop {
        let path = vec![root.clone()];
        let mut planner = Planner { present, offers, asked, path, done: BTreeMap::new(), order: Vec::new(), again: false };
        match planner.visit(needs)? {
            Some(cycle) => return Ok(Plan::Cycle(cycle)),
            None if planner.again => asked = planner.asked,
            None => return Ok(Plan::Install(planner.order)),
        }
    }
}

/// Adds a range to those that a version of `slug` has to fit; false when it was among them.
fn ask(asked: &mut Needs, slug: &Slug, range: &semver::VersionReq) -> bool {
    let all = asked.entry(slug.clone()).or_insert_with(|| semver::VersionReq::STAR);
    let new: Vec<_> = range.comparators.iter().filter(|one| !all.comparators.contains(one)).cloned().collect();
    let grew = !new.is_empty();
    all.comparators.extend(new);
    grew
}

struct Planner<'a, O> {
    present: &'a BTreeMap<Slug, Present>,
    offers: &'a mut O,
    /// What everybody met so far asks for. It only grows, so planning ends.
    asked: Needs,
    path: Vec<Slug>,
    done: BTreeMap<Slug, Version>,
    order: Vec<(Slug, Version)>,
    /// A version was chosen before all that ask for the slug were met.
    again: bool,
}

impl<O: Offers> Planner<'_, O> {
    /// Depth first, so that what is needed comes before what needs it. A cycle, if there is one.
    fn visit(&mut self, needs: &Needs) -> Result<Option<Vec<Slug>>, O::Error> {
        for (slug, range) in needs {
            if let Some(at) = self.path.iter().position(|on_path| on_path == slug) {
                let mut cycle = self.path.split_off(at);
                cycle.push(slug.clone());
                return Ok(Some(cycle));
            }
            let grew = ask(&mut self.asked, slug, range);
            if let Some(chosen) = self.done.get(slug) {
                self.again |= grew && !chosen.matches(range);
                continue;
            }
            let Some(all) = self.asked.get(slug).cloned() else { continue };
            if self.present.get(slug).is_some_and(|plugin| plugin.version.matches(&all)) {
                continue;
            }
            let Some((version, deeper)) = self.offers.offer(slug, &all)? else { continue };
            self.path.push(slug.clone());
            if let Some(cycle) = self.visit(&deeper)? {
                return Ok(Some(cycle));
            }
            self.path.pop();
            self.done.insert(slug.clone(), version.clone());
            self.order.push((slug.clone(), version));
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(pairs: &[(&str, &str)]) -> Needs {
        pairs.iter().map(|(slug, range)| (slug.parse().unwrap(), range.parse().unwrap())).collect()
    }

    type Deps = [(&'static str, &'static str)];

    fn present(plugins: &[(&str, &str, bool, &'static Deps)]) -> BTreeMap<Slug, Present> {
        let one = |(slug, version, enabled, deps): &(&str, &str, bool, &'static Deps)| {
            (slug.parse().unwrap(), Present { version: version.parse().unwrap(), enabled: *enabled, needs: needs(deps) })
        };
        plugins.iter().map(one).collect()
    }

    struct Catalogue(Vec<(&'static str, &'static str, &'static Deps)>);

    impl Offers for Catalogue {
        type Error = std::convert::Infallible;
        fn offer(&mut self, slug: &Slug, range: &semver::VersionReq) -> Result<Option<(Version, Needs)>, Self::Error> {
            let fits =
                |(name, version, _): &&(&str, &str, &Deps)| *name == slug.as_str() && version.parse::<Version>().unwrap().matches(range);
            Ok(self.0.iter().find(fits).map(|(_, version, deps)| (version.parse().unwrap(), needs(deps))))
        }
    }

    fn names(slugs: &[Slug]) -> Vec<&str> {
        slugs.iter().map(Slug::as_str).collect()
    }

    #[test]
    fn what_is_missing_says_what_is_there() {
        let has = present(&[("a", "1.0.0", true, &[]), ("b", "1.0.0", false, &[]), ("c", "1.0.0", true, &[])]);
        let found = missing(&needs(&[("a", "^1"), ("b", "^1"), ("c", "^2"), ("d", "*")]), &has);
        let told: Vec<_> = found.iter().map(|m| (m.slug.as_str(), m.installed.is_some(), m.disabled)).collect();
        assert_eq!(told, [("b", true, true), ("c", true, false), ("d", false, false)]);
    }

    #[test]
    fn dependents_are_found_through_others_and_only_while_enabled() {
        let has = present(&[
            ("base", "1.0.0", true, &[]),
            ("mid", "1.0.0", true, &[("base", "^1")]),
            ("top", "1.0.0", true, &[("mid", "^1")]),
            ("off", "1.0.0", false, &[("base", "^1")]),
        ]);
        assert_eq!(names(&dependents(&"base".parse().unwrap(), &has)), ["mid", "top"]);
        assert_eq!(names(&dependents(&"top".parse().unwrap(), &has)), [""; 0]);
        assert_eq!(names(&broken_by(&"base".parse().unwrap(), &"2.0.0".parse().unwrap(), &has)), ["mid"]);
    }

    #[test]
    fn a_plan_installs_what_is_needed_first() {
        let mut offers = Catalogue(vec![("b", "1.2.0", &[("c", "^1")]), ("c", "1.0.0", &[])]);
        let Plan::Install(order) = plan(&"a".parse().unwrap(), &needs(&[("b", "^1")]), &BTreeMap::new(), &mut offers).unwrap() else {
            panic!("no cycle here")
        };
        assert_eq!(order.iter().map(|(slug, version)| format!("{slug} {version}")).collect::<Vec<_>>(), ["c 1.0.0", "b 1.2.0"]);
    }

    #[test]
    fn what_several_need_gets_a_version_that_fits_them_all() {
        let mut offers = Catalogue(vec![("base", "2.0.0", &[]), ("base", "1.0.0", &[]), ("mid", "1.0.0", &[("base", "^1")])]);
        let needs = needs(&[("base", ">=1"), ("mid", "^1")]);
        let found = plan(&"top".parse().unwrap(), &needs, &BTreeMap::new(), &mut offers).unwrap();
        let Plan::Install(order) = found else { panic!("no cycle here") };
        assert_eq!(order.iter().map(|(slug, version)| format!("{slug} {version}")).collect::<Vec<_>>(), ["base 1.0.0", "mid 1.0.0"]);
    }

    #[test]
    fn a_cycle_is_named_from_its_first_member_to_itself() {
        let mut offers = Catalogue(vec![("b", "1.0.0", &[("c", "^1")]), ("c", "1.0.0", &[("b", "^1")])]);
        let found = plan(&"a".parse().unwrap(), &needs(&[("b", "^1")]), &BTreeMap::new(), &mut offers).unwrap();
        let Plan::Cycle(cycle) = found else { panic!("a cycle") };
        assert_eq!(names(&cycle), ["b", "c", "b"]);
    }
}
