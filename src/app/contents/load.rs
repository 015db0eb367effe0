//! Reading a content with its copies, once, before it is served.

use std::{
    io::{Read, Seek, SeekFrom},
    sync::Mutex,
};

use bytes::Bytes;

use super::{Content, IN_MEMORY, Representation};
use crate::{
    app::serving::Served,
    domain::coding::{Coding, is_worth_encoding},
    error::{Error, Result},
    files::{CheckedCopy, EncodedCopy, PluginsFolder},
};

pub fn load(folder: &PluginsFolder, served: &Served) -> Result<Content> {
    let (release, file) = (&served.release, &served.file.file);
    let (mut memory, mut checked) = (None, Vec::new());
    if file.size <= IN_MEMORY {
        memory = Some(folder.read_content(&release.slug, &release.version, file)?.into());
    } else {
        checked.push((served.place(), folder.verify_content(&release.slug, &release.version, file)?));
    }
    let plain = Representation { coding: None, tag: tag(&file.sha384), size: file.size, memory, checked: Mutex::new(checked) };
    if !is_worth_encoding(&file.content_type, file.size) {
        return Ok(Content { plain, encoded: Vec::new(), is_complete: true });
    }
    let mut encoded = Vec::new();
    let mut is_complete = true;
    for coding in Coding::ALL {
        match folder.checked_copy(&file.sha384, coding) {
            Ok(EncodedCopy::There(copy)) => encoded.push(representation(coding, copy)?),
            Ok(EncodedCopy::Plain) => {}
            Ok(EncodedCopy::Missing) => is_complete = false,
            // Copies can be done without.
            Err(error) => tracing::warn!(error = %error.chain(), "a compressed copy is left out"),
        }
    }
    Ok(Content { plain, encoded, is_complete })
}

fn representation(coding: Coding, copy: CheckedCopy) -> Result<Representation> {
    let memory = match copy.mark.size <= IN_MEMORY {
        true => Some(read(&copy)?),
        false => None,
    };
    let (tag, size) = (tag(&copy.sha384), copy.mark.size);
    Ok(Representation { coding: Some(coding), tag, size, memory, checked: Mutex::new(vec![(String::new(), copy.mark)]) })
}

fn read(copy: &CheckedCopy) -> Result<Bytes> {
    let mut bytes = Vec::new();
    let mut file = &copy.file;
    let read = file.seek(SeekFrom::Start(0)).and_then(|_| file.read_to_end(&mut bytes));
    read.map_err(|e| Error::storage("a compressed copy cannot be read", e))?;
    Ok(bytes.into())
}

fn tag(sha384: &str) -> Bytes {
    format!("\"{sha384}\"").into()
}
