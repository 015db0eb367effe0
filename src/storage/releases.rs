//! Published versions and their files.

use std::collections::HashMap;

use diesel::{
    dsl::{count_star, exists, not},
    prelude::*,
    sql_types::{BigInt, Text},
};

use super::{
    Connection,
    connection::{Multi, each},
    error::on_duplicate,
    schema::{channels, plugin_config, plugin_versions, plugins, release_files, releases},
    values::{column, count, json, stored, stored_json},
};
use crate::{
    domain::{
        Manifest, Slug, Timestamp, Version,
        manifest::Visibility,
        release::{CatalogueEntry, Digest, Release, ReleaseFile, Yank},
    },
    error::{Error, Result},
};

/// Rows in one INSERT: five to six parameters each must stay below SQLite's limit of 32,766 for a statement.
const FILES_PER_INSERT: usize = 500;

#[derive(Queryable, Insertable)]
#[diesel(table_name = releases, check_for_backend(diesel::pg::Pg, diesel::sqlite::Sqlite))]
struct Row {
    slug: String,
    version: String,
    manifest: String,
    digest: String,
    size: i64,
    file_count: i64,
    visibility: String,
    entry_sha384: Option<String>,
    search_text: String,
    category: Option<String>,
    published_by: String,
    published_at: i64,
    yanked_at: Option<i64>,
    yank_reason: Option<String>,
    files_removed_at: Option<i64>,
}

impl Row {
    fn release(self) -> Result<Release> {
        Ok(Release {
            slug: stored("releases.slug", &self.slug)?,
            version: stored("releases.version", &self.version)?,
            manifest: stored_json("releases.manifest", &self.manifest)?,
            digest: stored("releases.digest", &self.digest)?,
            size: count("releases.size", self.size)?,
            file_count: count("releases.file_count", self.file_count)?,
            visibility: stored("releases.visibility", &self.visibility)?,
            entry_sha384: self.entry_sha384,
            published_by: self.published_by,
            published_at: Timestamp(self.published_at),
            yank: self.yanked_at.zip(self.yank_reason).map(|(at, reason)| Yank { at: Timestamp(at), reason }),
            files_removed_at: self.files_removed_at.map(Timestamp),
        })
    }
}

/// Adds the row; [`Error::VersionTaken`] when a parallel publisher was faster.
pub fn insert(conn: &mut Connection, release: &Release) -> Result<()> {
    let row = Row {
        slug: release.slug.to_string(),
        version: release.version.to_string(),
        manifest: json(&release.manifest)?,
        digest: release.digest.to_string(),
        size: column(release.size)?,
        file_count: column(release.file_count)?,
        visibility: release.visibility.to_string(),
        entry_sha384: release.entry_sha384.clone(),
        search_text: search_text(&release.manifest),
        category: release.manifest.category.clone(),
        published_by: release.published_by.clone(),
        published_at: release.published_at.millis(),
        yanked_at: release.yank.as_ref().map(|y| y.at.millis()),
        yank_reason: release.yank.as_ref().map(|y| y.reason.clone()),
        files_removed_at: release.files_removed_at.map(Timestamp::millis),
    };
    let inserted = diesel::insert_into(releases::table).values(row).execute(conn);
    on_duplicate(inserted.map(drop), || Error::VersionTaken { slug: release.slug.to_string(), version: release.version.to_string() })
}

pub fn insert_files(conn: &mut Connection, slug: &Slug, version: &Version, files: &[ReleaseFile]) -> Result<()> {
    let version = version.to_string();
    for chunk in files.chunks(FILES_PER_INSERT) {
        let rows = chunk
            .iter()
            .map(|file| {
                Ok((
                    release_files::slug.eq(slug.as_str()),
                    release_files::version.eq(&version),
                    release_files::path.eq(file.path.as_str()),
                    release_files::size.eq(column(file.size)?),
                    release_files::sha384.eq(&file.sha384),
                    release_files::content_type.eq(&file.content_type),
                ))
            })
            .collect::<Result<Vec<_>>>()?;
        each!(conn, execute, diesel::insert_into(release_files::table).values(rows))?;
    }
    Ok(())
}

pub fn find(conn: &mut Connection, slug: &Slug, version: &Version) -> Result<Option<Release>> {
    releases::table.find((slug.as_str(), version.to_string())).first::<Row>(conn).optional()?.map(Row::release).transpose()
}

/// Slug, version and digest of every release, in no order, and whether its files are there.
pub fn digests(conn: &mut Connection) -> Result<Vec<(Slug, Version, Digest, bool)>> {
    let rows: Vec<(String, String, String, Option<i64>)> =
        releases::table.select((releases::slug, releases::version, releases::digest, releases::files_removed_at)).load(conn)?;
    rows.into_iter()
        .map(|(slug, version, digest, removed)| {
            let (slug, version) = (stored("releases.slug", &slug)?, stored("releases.version", &version)?);
            Ok((slug, version, stored("releases.digest", &digest)?, removed.is_none()))
        })
        .collect()
}

/// Manifest of every release, and whether its files are there.
pub fn manifests(conn: &mut Connection) -> Result<Vec<(Manifest, bool)>> {
    let rows: Vec<(String, Option<i64>)> = releases::table.select((releases::manifest, releases::files_removed_at)).load(conn)?;
    rows.into_iter().map(|(manifest, removed)| Ok((stored_json("releases.manifest", &manifest)?, removed.is_none()))).collect()
}

/// Versions that ranges, channels and `latest` may choose: neither yanked nor without files, and no variants.
pub fn choosable_versions(conn: &mut Connection, slug: &Slug) -> Result<Vec<Version>> {
    let texts: Vec<String> = releases::table
        .filter(releases::slug.eq(slug.as_str()))
        .filter(releases::yanked_at.is_null())
        .filter(releases::files_removed_at.is_null())
        .select(releases::version)
        .load(conn)?;
    let versions: Vec<Version> = texts.iter().map(|text| stored("releases.version", text)).collect::<Result<_>>()?;
    Ok(versions.into_iter().filter(|version| !version.is_variant()).collect())
}

/// What the catalogue searches: slug, name, description and tags, in lower case.
fn search_text(manifest: &Manifest) -> String {
    let tags = manifest.tags.iter().chain(manifest.modules.iter().flat_map(|module| &module.tags)).map(String::as_str);
    let texts = [manifest.slug.as_str(), &manifest.name, manifest.description.as_deref().unwrap_or("")];
    // A line each, so that no match reaches from one into the next.
    texts.into_iter().chain(tags).collect::<Vec<_>>().join("\n").to_lowercase()
}

/// The newest release of at most `limit` slugs after `after`, by slug. `q` is searched without regard to case.
pub fn catalogue(
    conn: &mut Connection,
    q: Option<&str>,
    category: Option<&str>,
    after: Option<&Slug>,
    limit: i64,
) -> Result<Vec<CatalogueEntry>> {
    let mut query = releases::table
        .inner_join(
            plugin_config::table
                .on(plugin_config::plugin_name.eq(releases::slug).and(plugin_config::latest_version.eq(releases::version.nullable()))),
        )
        // By the table with one row for each slug, which so leads to one version of each.
        .order(plugin_config::plugin_name)
        .limit(limit)
        .select((releases::all_columns, plugin_config::status))
        .into_boxed::<Multi>();
    if let Some(q) = q {
        query = query.filter(releases::search_text.like(containing(q)).escape(ESCAPE));
    }
    if let Some(category) = category {
        query = query.filter(releases::category.eq(category.to_owned()));
    }
    if let Some(after) = after {
        query = query.filter(plugin_config::plugin_name.gt(after.to_string()));
    }
    let rows: Vec<(Row, String)> = query.load(conn)?;
    let slugs: Vec<&str> = rows.iter().map(|(row, _)| row.slug.as_str()).collect();
    let installs: Vec<(String, i64)> = plugins::table
        .filter(plugins::plugin_slug.eq_any(slugs))
        .group_by(plugins::plugin_slug)
        .select((plugins::plugin_slug, count_star()))
        .load(conn)?;
    let installs: HashMap<String, i64> = installs.into_iter().collect();
    rows.into_iter()
        .map(|(row, status)| {
            let installs = count("plugins", installs.get(&row.slug).copied().unwrap_or(0))?;
            Ok(CatalogueEntry { newest: row.release()?, available: status == "enabled", installs })
        })
        .collect()
}

const ESCAPE: char = '\\';

fn containing(text: &str) -> String {
    let mut pattern = "%".to_owned();
    for c in text.to_lowercase().chars() {
        if matches!(c, '%' | '_' | ESCAPE) {
            pattern.push(ESCAPE);
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

/// Every version of a slug, yanked ones and those without files too, highest first.
pub fn list(conn: &mut Connection, slug: &Slug) -> Result<Vec<Release>> {
    let rows: Vec<Row> = releases::table.filter(releases::slug.eq(slug.as_str())).load(conn)?;
    let mut all = rows.into_iter().map(Row::release).collect::<Result<Vec<_>>>()?;
    all.sort_by(|a, b| b.version.cmp(&a.version));
    Ok(all)
}

pub fn set_visibility(conn: &mut Connection, slug: &Slug, version: &Version, visibility: Visibility) -> Result<()> {
    diesel::update(releases::table.find((slug.as_str(), version.to_string())))
        .set(releases::visibility.eq(visibility.to_string()))
        .execute(conn)?;
    Ok(())
}

/// Yanks with a reason, or takes the yank back.
pub fn set_yank(conn: &mut Connection, slug: &Slug, version: &Version, yank: Option<&Yank>) -> Result<()> {
    diesel::update(releases::table.find((slug.as_str(), version.to_string())))
        .set((releases::yanked_at.eq(yank.map(|y| y.at.millis())), releases::yank_reason.eq(yank.map(|y| y.reason.as_str()))))
        .execute(conn)?;
    Ok(())
}

/// Writes sums that were counted again.
pub fn set_counts(conn: &mut Connection, slug: &Slug, version: &Version, size: u64, file_count: u64) -> Result<()> {
    diesel::update(releases::table.find((slug.as_str(), version.to_string())))
        .set((releases::size.eq(column(size)?), releases::file_count.eq(column(file_count)?)))
        .execute(conn)?;
    Ok(())
}

/// Notes that the files are gone, or back.
pub fn set_files_removed(conn: &mut Connection, slug: &Slug, version: &Version, at: Option<Timestamp>) -> Result<()> {
    diesel::update(releases::table.find((slug.as_str(), version.to_string())))
        .set(releases::files_removed_at.eq(at.map(Timestamp::millis)))
        .execute(conn)?;
    Ok(())
}

type Sized = (String, String, i64);

fn sized((slug, version, size): Sized) -> Result<(Slug, Version, u64)> {
    Ok((stored("releases.slug", &slug)?, stored("releases.version", &version)?, count("releases.size", size)?))
}

/// Slug, version and size of releases whose files are gone, by slug.
pub fn removed(conn: &mut Connection) -> Result<Vec<(Slug, Version, u64)>> {
    let rows: Vec<Sized> = releases::table
        .filter(releases::files_removed_at.is_not_null())
        .order((releases::slug, releases::version))
        .select((releases::slug, releases::version, releases::size))
        .load(conn)?;
    rows.into_iter().map(sized).collect()
}

/// Slug, version and size of releases published before `published` that nobody has, no channel names, nobody had after
/// `replaced`, and that are not the newest of their slug; by slug.
pub fn unneeded(conn: &mut Connection, published: Timestamp, replaced: Timestamp) -> Result<Vec<(Slug, Version, u64)>> {
    let rows: Vec<Sized> = unneeded_query(published, replaced).order((releases::slug, releases::version)).load(conn)?;
    rows.into_iter().map(sized).collect()
}

pub fn is_unneeded(conn: &mut Connection, slug: &Slug, version: &Version, published: Timestamp, replaced: Timestamp) -> Result<bool> {
    let found = unneeded_query(published, replaced)
        .filter(releases::slug.eq(slug.to_string()))
        .filter(releases::version.eq(version.to_string()))
        .first::<Sized>(conn)
        .optional()?;
    Ok(found.is_some())
}

fn unneeded_query<'a>(published: Timestamp, replaced: Timestamp) -> releases::BoxedQuery<'a, Multi, (Text, Text, BigInt)> {
    let installed = plugins::table.filter(plugins::plugin_slug.eq(releases::slug)).filter(plugins::version.eq(releases::version));
    let named = channels::table.filter(channels::slug.eq(releases::slug)).filter(channels::version.eq(releases::version));
    let newest = plugin_config::table
        .filter(plugin_config::plugin_name.eq(releases::slug))
        .filter(plugin_config::latest_version.eq(releases::version.nullable()));
    let in_grace = plugins::table
        .inner_join(plugin_versions::table.on(plugin_versions::plugin_id.eq(plugins::id)))
        .filter(plugins::plugin_slug.eq(releases::slug))
        .filter(plugin_versions::version.eq(releases::version))
        .filter(plugin_versions::replaced_at.gt(replaced.millis()));
    releases::table
        .filter(releases::files_removed_at.is_null())
        .filter(releases::published_at.lt(published.millis()))
        .filter(not(exists(installed)))
        .filter(not(exists(named)))
        .filter(not(exists(newest)))
        .filter(not(exists(in_grace)))
        .select((releases::slug, releases::version, releases::size))
        .into_boxed::<Multi>()
}

fn file((path, size, sha384, content_type): (String, i64, String, String)) -> Result<ReleaseFile> {
    Ok(ReleaseFile { path: stored("release_files.path", &path)?, size: count("release_files.size", size)?, sha384, content_type })
}

/// What serving needs to know of a release beside its files.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ServedRelease {
    pub visibility: Visibility,
    pub published_at: Timestamp,
    pub files_removed: bool,
}

pub fn find_served(conn: &mut Connection, slug: &Slug, version: &Version) -> Result<Option<ServedRelease>> {
    let found: Option<(String, i64, Option<i64>)> = releases::table
        .find((slug.as_str(), version.to_string()))
        .select((releases::visibility, releases::published_at, releases::files_removed_at))
        .first(conn)
        .optional()?;
    found
        .map(|(visibility, published_at, removed)| {
            Ok(ServedRelease {
                visibility: stored("releases.visibility", &visibility)?,
                published_at: Timestamp(published_at),
                files_removed: removed.is_some(),
            })
        })
        .transpose()
}

/// Every file, by path.
pub fn files(conn: &mut Connection, slug: &Slug, version: &Version) -> Result<Vec<ReleaseFile>> {
    release_files::table
        .filter(release_files::slug.eq(slug.as_str()))
        .filter(release_files::version.eq(version.to_string()))
        .order(release_files::path)
        .select((release_files::path, release_files::size, release_files::sha384, release_files::content_type))
        .load(conn)?
        .into_iter()
        .map(file)
        .collect()
}
