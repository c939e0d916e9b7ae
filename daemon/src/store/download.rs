//! One file from a hub: resumed where an earlier attempt stopped, and checked before it counts.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::StoreError;
use super::error::at;
use super::http::{Answer, Http, HttpError, broken};
use super::hub::Remote;

/// How often a connection that broke in the middle of a file is made anew, as long as each brings
/// something: a line that fails every few minutes still gets a large model there.
const RETRIES: u32 = 3;

/// Pause before the first of these; the second is twice as long, and so on.
const PAUSE: Duration = Duration::from_millis(300);

/// The most bytes of a file of weights: 16 GiB, more than any BERT has.
const MAX_WEIGHTS_BYTES: u64 = 16 << 30;

/// The most bytes of any other file, which is read whole: 64 MiB, ten times the largest tokenizer.
const MAX_SMALL_BYTES: u64 = 64 << 20;

/// What a pull tells whoever watches.
pub trait Progress {
    /// Another process pulls the same model, and is waited for.
    fn waiting(&mut self);
    /// A source did not have the model; the next one is tried.
    fn failed(&mut self, source: &str, error: &StoreError);
    /// A file begins, with its size where that is known, and what an earlier attempt has left of it.
    fn begin(&mut self, file: &str, size: Option<u64>, have: u64);
    /// So many more bytes of it are there.
    fn advance(&mut self, bytes: u64);
    /// The file is there; `checked` says whether the hub states a checksum and it is right.
    fn end(&mut self, file: &str, checked: bool);
}

/// Fetches `remote` to `to`, unless it is there already. A part that is there is continued.
pub(super) fn fetch(
    http: &Http,
    remote: &Remote,
    to: &Path,
    progress: &mut dyn Progress,
) -> Result<(), StoreError> {
    if to.is_file() {
        // Of an earlier attempt; the hub may have another one by now.
        if is_remote(remote, to)? {
            return Ok(());
        }
        fs::remove_file(to).map_err(at(to))?;
    }
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).map_err(at(folder))?;
    }
    let part = part(to);
    let mut retries = 0;
    // Whole already, if an earlier attempt was ended just before it was checked.
    while remote.size.is_none() || remote.size != Some(length(&part)) {
        let before = length(&part);
        match fetch_rest(http, remote, &part, progress) {
            Ok(()) => break,
            Err(
                StoreError::Http(HttpError::Unreachable { .. }) | StoreError::Incomplete { .. },
            ) if length(&part) > before && retries < RETRIES => {
                retries += 1;
                std::thread::sleep(PAUSE * retries);
            }
            Err(error) => return Err(error),
        }
    }
    if let Some(checksum) = &remote.checksum
        && !checksum.holds(&part).map_err(at(&part))?
    {
        fs::remove_file(&part).map_err(at(&part))?;
        return Err(StoreError::Checksum(remote.path.clone()));
    }
    fs::rename(&part, to).map_err(at(to))?;
    progress.end(&remote.path, remote.checksum.is_some());
    Ok(())
}

/// How much of a file is there, whole or in part.
pub(super) fn kept(to: &Path) -> u64 {
    length(to).max(length(&part(to)))
}

/// Whether a file is what the hub has now. Without a checksum nobody knows.
fn is_remote(remote: &Remote, file: &Path) -> Result<bool, StoreError> {
    match &remote.checksum {
        Some(checksum) => checksum.holds(file).map_err(at(file)),
        None => Ok(false),
    }
}

/// Where a file is gathered until it is whole.
fn part(to: &Path) -> PathBuf {
    PathBuf::from(format!("{}.part", to.display()))
}

/// The length of a file that need not be there.
fn length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |metadata| metadata.len())
}

/// Fetches what `part` lacks, from one answer.
fn fetch_rest(
    http: &Http,
    remote: &Remote,
    part: &Path,
    progress: &mut dyn Progress,
) -> Result<(), StoreError> {
    let mut have = length(part);
    progress.begin(&remote.path, remote.size, have);
    let mut answer = http.get(&remote.url, have)?;
    if answer.status.as_u16() == 416 || !continues(&answer, have) {
        // What is there is not the beginning of this file, or the server cannot go on in its middle.
        if have > 0 {
            progress.begin(&remote.path, remote.size, 0);
        }
        have = 0;
        if answer.status.as_u16() != 200 {
            answer = http.get(&remote.url, 0)?;
        }
    }
    let limit = if remote.is_weights() {
        MAX_WEIGHTS_BYTES
    } else {
        MAX_SMALL_BYTES
    };
    let most = remote.size.unwrap_or(limit).min(limit);
    // One byte more than there should be is enough to know that it is too much.
    answer.body = Box::new(answer.body.take((most + 1).saturating_sub(have)));
    let total = have + append(answer, part, have, &remote.url, progress)?;
    if total > most {
        // No continuation could mend it.
        fs::remove_file(part).map_err(at(part))?;
        return Err(StoreError::TooLong {
            file: remote.path.clone(),
            most,
        });
    }
    match remote.size {
        Some(size) if total < size => Err(StoreError::Incomplete {
            file: remote.path.clone(),
            have: total,
            size,
        }),
        _ => Ok(()),
    }
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
