//! The bytes of served files: small ones in memory, with their compressed copies, large ones on the disk. Nothing gets
//! here whose hash is not the published one.

mod encoder;
mod load;

use std::{
    fs::File,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter, sync::Cache, sync::DefaultLifecycle};

use self::encoder::Encoder;
use super::{App, serving::Served};
use crate::{
    domain::coding::Coding,
    error::{Error, Result},
    files::{Mark, PluginsFolder},
    offload,
};

/// Files, and copies, up to this size are kept in memory.
pub const IN_MEMORY: u64 = 1 << 20;

/// sha384 of a plain content.
pub type ContentId = [u8; 48];

/// One way to send a content.
#[derive(Debug)]
pub struct Representation {
    pub coding: Option<Coding>,
    /// The strong ETag, with its quotes: the sha384 of these bytes in base64.
    pub tag: Bytes,
    pub size: u64,
    /// None: it is read from the disk.
    pub memory: Option<Bytes>,
    /// On the disk: where it was found right, and how that file looked then.
    checked: Mutex<Vec<(String, Mark)>>,
}

/// A content in all its forms, the plain one first.
#[derive(Debug)]
pub struct Content {
    pub plain: Representation,
    /// In the order of preference.
    pub encoded: Vec<Representation>,
    /// False while copies are missing that can be made.
    is_complete: bool,
}

impl Content {
    /// What this takes of the setting `cache_bytes`.
    fn weight(&self) -> u64 {
        let held = |one: &Representation| one.memory.as_ref().map_or(0, |bytes| bytes.len() as u64) + OVERHEAD;
        held(&self.plain) + self.encoded.iter().map(held).sum::<u64>()
    }
}

/// What a representation takes beside its bytes, roughly.
const OVERHEAD: u64 = 300;

#[derive(Clone)]
struct ByBytes;

impl Weighter<ContentId, Arc<Content>> for ByBytes {
    fn weight(&self, _: &ContentId, content: &Arc<Content>) -> u64 {
        content.weight()
    }
}

type Hot = Cache<ContentId, Arc<Content>, ByBytes>;

pub struct Contents {
    hot: Arc<Hot>,
    encoder: Encoder,
    hits: metrics::Counter,
    misses: metrics::Counter,
}

/// A cache in parts has parts of at least this size, so that any file that may be in memory fits in one.
const PART: u64 = 16 << 20;

impl Contents {
    pub fn new(cache_bytes: u64, folder: &PluginsFolder) -> Result<Self> {
        let options = OptionsBuilder::new()
            .weight_capacity(cache_bytes)
            .estimated_items_capacity(usize::try_from(cache_bytes / (32 << 10)).unwrap_or(usize::MAX))
            .shards(usize::try_from((cache_bytes / PART).clamp(1, 16)).unwrap_or(1))
            .build()
            .map_err(|e| Error::storage("a cache cannot be made", e))?;
        let hot = Arc::new(Cache::with_options(options, ByBytes, DefaultHashBuilder::default(), DefaultLifecycle::default()));
        let hits = metrics::counter!("plugyard_cache_hits_total", "cache" => "files");
        let misses = metrics::counter!("plugyard_cache_misses_total", "cache" => "files");
        Ok(Self { encoder: Encoder::new(folder.clone(), Arc::clone(&hot)), hot, hits, misses })
    }

    /// From now on compressed copies are made, by a thread of their own.
    pub fn start_encoding(&self) -> Result<()> {
        self.encoder.start()
    }

    pub fn kept(&self, served: &Served) -> Option<Arc<Content>> {
        let found = self.hot.get(&served.file.content);
        if found.is_some() { &self.hits } else { &self.misses }.increment(1);
        found
    }
}

/// The content of a served file. Many who ask at once for one that is not in memory wait for a single read.
pub async fn of(app: &App, served: &Served) -> Result<Arc<Content>> {
    let contents = &app.contents;
    if let Some(kept) = contents.kept(served) {
        return Ok(kept);
    }
    let mut is_new = false;
    let load = async {
        is_new = true;
        let (folder, served) = (app.folder.clone(), served.clone());
        offload::run(move || load::load(&folder, &served).map(Arc::new)).await
    };
    let content = contents.hot.get_or_insert_async(&served.file.content, load).await?;
    // After it is in the cache, so that the encoder's end takes it out again for a complete one.
    if is_new && !content.is_complete {
        encode(app, served);
    }
    Ok(content)
}

/// Has the missing copies made, some time.
pub fn encode(app: &App, served: &Served) {
    app.contents.encoder.enqueue(served);
}

/// The representation's file, for what is not in memory. A file that looks different is read to its end and compared
/// first.
pub async fn open(app: &App, served: &Served, content: &Arc<Content>, coding: Option<Coding>) -> Result<File> {
    let (folder, served, content) = (app.folder.clone(), served.clone(), Arc::clone(content));
    let id = served.file.content;
    let opened = offload::run(move || open_now(&folder, &served, &content, coding)).await?;
    opened.ok_or_else(|| {
        // Who asks again finds out what there is now.
        app.contents.hot.remove(&id);
        Error::Busy { what: "this file" }
    })
}

fn open_now(folder: &PluginsFolder, served: &Served, content: &Content, coding: Option<Coding>) -> Result<Option<File>> {
    let (release, file) = (&served.release, &served.file.file);
    let Some(coding) = coding else {
        let place = served.place();
        let (open, mark) = folder.open_content(&release.slug, &release.version, file)?;
        if !content.plain.is_checked(&place, mark) {
            content.plain.note(place, folder.verify_content(&release.slug, &release.version, file)?);
        }
        return Ok(Some(open));
    };
    let found = folder.open_copy(&file.sha384, coding)?;
    let representation = content.encoded.iter().find(|one| one.coding == Some(coding));
    // A copy that was made anew is another representation, which the cache does not know yet.
    Ok(found.zip(representation).filter(|((_, mark), known)| known.is_checked("", *mark)).map(|((file, _), _)| file))
}

impl Representation {
    fn is_checked(&self, place: &str, mark: Mark) -> bool {
        let checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        checked.iter().any(|(known, at)| known == place && *at == mark)
    }

    fn note(&self, place: String, mark: Mark) {
        let mut checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        checked.retain(|(known, _)| *known != place);
        checked.push((place, mark));
    }
}
