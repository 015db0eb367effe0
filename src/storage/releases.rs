//! Published versions and their files.

use diesel::prelude::*;

use super::{
    Connection,
    error::on_duplicate,
    schema::{release_files, releases},
    values::{column, count, json, stored, stored_json},
};
use crate::{
    domain::{
        ReleasePath, Slug, Timestamp, Version,
        release::{Release, ReleaseFile, Yank},
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
        // The derive cannot print many rows at once, so each database prints its own.
        let statement = diesel::insert_into(release_files::table).values(rows);
        match conn {
            Connection::Postgres(conn) => statement.execute(conn)?,
            Connection::Sqlite(conn) => statement.execute(conn)?,
        };
    }
    Ok(())
}

pub fn find(conn: &mut Connection, slug: &Slug, version: &Version) -> Result<Option<Release>> {
    releases::table.find((slug.as_str(), version.to_string())).first::<Row>(conn).optional()?.map(Row::release).transpose()
}

/// Versions that ranges, channels and `latest` may choose: neither yanked nor without files.
pub fn choosable_versions(conn: &mut Connection, slug: &Slug) -> Result<Vec<Version>> {
    let texts: Vec<String> = releases::table
        .filter(releases::slug.eq(slug.as_str()))
        .filter(releases::yanked_at.is_null())
        .filter(releases::files_removed_at.is_null())
        .select(releases::version)
        .load(conn)?;
    texts.iter().map(|text| stored("releases.version", text)).collect()
}

/// The choosable versions of several slugs at once.
pub fn choosable_versions_of(conn: &mut Connection, slugs: &[Slug]) -> Result<Vec<(Slug, Version)>> {
    let rows: Vec<(String, String)> = releases::table
        .filter(releases::slug.eq_any(slugs.iter().map(Slug::as_str)))
        .filter(releases::yanked_at.is_null())
        .filter(releases::files_removed_at.is_null())
        .select((releases::slug, releases::version))
        .load(conn)?;
    rows.iter().map(|(slug, version)| Ok((stored("releases.slug", slug)?, stored("releases.version", version)?))).collect()
}

/// Marks the files as back, after the same content was published again.
pub fn restore_files(conn: &mut Connection, slug: &Slug, version: &Version) -> Result<()> {
    diesel::update(releases::table.find((slug.as_str(), version.to_string())))
        .set(releases::files_removed_at.eq(None::<i64>))
        .execute(conn)?;
    Ok(())
}

fn file((path, size, sha384, content_type): (String, i64, String, String)) -> Result<ReleaseFile> {
    Ok(ReleaseFile { path: stored("release_files.path", &path)?, size: count("release_files.size", size)?, sha384, content_type })
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

pub fn find_file(conn: &mut Connection, slug: &Slug, version: &Version, path: &ReleasePath) -> Result<Option<ReleaseFile>> {
    release_files::table
        .find((slug.as_str(), version.to_string(), path.as_str()))
        .select((release_files::path, release_files::size, release_files::sha384, release_files::content_type))
        .first(conn)
        .optional()?
        .map(file)
        .transpose()
}
