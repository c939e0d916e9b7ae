//! One file from a hub: resumed where an earlier attempt stopped, and checked before it counts.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::http::{Answer, Http, broken};
use super::hub::Remote;
use super::{StoreError, at};

/// What a download tells whoever watches.
pub trait Progress {
    /// A file begins, with its size where that is known, and what an earlier attempt has left of it.
    fn begin(&mut self, file: &str, size: Option<u64>, have: u64);
    /// So many more bytes of it are there.
    fn advance(&mut self, bytes: u64);
    /// The file is there and checked.
    fn end(&mut self);
}

/// Fetches `remote` to `to`, unless it is there already. A part that is there is continued.
pub(super) fn fetch(
    http: &Http,
    remote: &Remote,
    to: &Path,
    progress: &mut dyn Progress,
) -> Result<(), StoreError> {
    if to.is_file() {
        // It was checked when it was renamed into its place.
        return Ok(());
    }
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).map_err(at(folder))?;
    }
    let part = PathBuf::from(format!("{}.part", to.display()));
    let have = fs::metadata(&part).map_or(0, |metadata| metadata.len());
    progress.begin(&remote.path, remote.size, have);
    let mut have = have;
    let mut answer = http.get(&remote.url, have)?;
    if answer.status.as_u16() == 416 || !continues(&answer, have) {
        // What is there is not the beginning of this file, or the server cannot go on in its middle.
        have = 0;
        if answer.status.as_u16() != 200 {
            answer = http.get(&remote.url, 0)?;
        }
    }
    let total = have + append(answer, &part, have, &remote.url, progress)?;
    if let Some(size) = remote.size.filter(|size| *size != total) {
        if total > size {
            // No continuation could mend it.
            fs::remove_file(&part).map_err(at(&part))?;
        }
        return Err(StoreError::Incomplete {
            file: remote.path.clone(),
            have: total,
            size,
        });
    }
    if let Some(checksum) = &remote.checksum
        && !checksum.holds(&part).map_err(at(&part))?
    {
        fs::remove_file(&part).map_err(at(&part))?;
        return Err(StoreError::Checksum(remote.path.clone()));
    }
    fs::rename(&part, to).map_err(at(to))?;
    progress.end();
    Ok(())
}

/// Whether an answer goes on after `have` bytes.
fn continues(answer: &Answer, have: u64) -> bool {
    match answer.status.as_u16() {
        200 => have == 0,
        206 => answer
            .header("content-range")
            .and_then(|range| {
                range
                    .strip_prefix("bytes ")?
                    .split('-')
                    .next()?
                    .parse()
                    .ok()
            })
            .is_some_and(|from: u64| from == have),
        _ => false,
    }
}

/// Writes an answer's body behind the first `have` bytes of `part`; returns how many bytes came.
fn append(
    mut answer: Answer,
    part: &Path,
    have: u64,
    url: &str,
    progress: &mut dyn Progress,
) -> Result<u64, StoreError> {
    let mut file: File = OpenOptions::new()
        .create(true)
        .append(true)
        .open(part)
        .map_err(at(part))?;
    file.set_len(have).map_err(at(part))?;
    let mut buffer = vec![0; 64 * 1024];
    let mut came = 0;
    loop {
        let count = match answer.body.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            // What has come stays: the next attempt goes on from there.
            Err(error) => return Err(broken(url, &error).into()),
        };
        file.write_all(&buffer[..count]).map_err(at(part))?;
        came += count as u64;
        progress.advance(count as u64);
    }
    file.sync_all().map_err(at(part))?;
    Ok(came)
}
