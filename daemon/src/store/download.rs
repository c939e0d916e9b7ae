//! Download of one file from a hub: resumed after an interruption, and checked before use.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::{StoreError, at};
use super::http::{Http, HttpError, Response, broken};
use super::hub::RemoteFile;

/// Most retries per file after the connection broke. A retry follows only an attempt that made
/// progress.
const MAX_RETRIES: u32 = 3;

/// Pause before the first retry; before the second retry it is twice as long, and so on.
const RETRY_PAUSE: Duration = Duration::from_millis(300);

/// Most bytes of a weights file: 16 GiB, more than any BERT has.
const MAX_WEIGHTS_BYTES: u64 = 16 << 30;

/// Most bytes of any other file, which is read into memory: 64 MiB, ten times the largest
/// tokenizer.
const MAX_SMALL_BYTES: u64 = 64 << 20;

/// Observer of a pull.
pub(crate) trait Progress {
    /// The pull waits for another process that pulls the same model.
    fn waiting(&mut self);
    /// A source did not have the model; the next one is tried.
    fn failed(&mut self, source: &str, error: &StoreError);
    /// The download of a file begins after the `have` bytes of an earlier attempt. `size` is the
    /// size of the whole file, if it is known.
    fn begin(&mut self, file: &str, size: Option<u64>, have: u64);
    /// `bytes` more bytes of the file have arrived.
    fn advance(&mut self, bytes: u64);
    /// The file is complete; `checked` is true if it has the checksum that the hub states.
    fn end(&mut self, file: &str, checked: bool);
}

/// Fetches `remote` to `to`, unless the file is complete already. Continues a partial download.
pub(super) fn fetch(
    http: &Http,
    remote: &RemoteFile,
    to: &Path,
    progress: &mut dyn Progress,
) -> Result<(), StoreError> {
    if to.is_file() {
        // The file is from an earlier attempt; the hub may have a newer one by now.
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
    // The part is complete if an earlier attempt was killed just before the check.
    while remote.size.is_none() || remote.size != Some(length(&part)) {
        let before = length(&part);
        match fetch_rest(http, remote, &part, progress) {
            Ok(()) => break,
            Err(
                StoreError::Http(HttpError::Unreachable { .. }) | StoreError::Incomplete { .. },
            ) if length(&part) > before && retries < MAX_RETRIES => {
                retries += 1;
                std::thread::sleep(RETRY_PAUSE * retries);
            }
            Err(error) => return Err(error),
        }
    }
    if let Some(checksum) = &remote.checksum
        && !checksum.matches(&part).map_err(at(&part))?
    {
        fs::remove_file(&part).map_err(at(&part))?;
        return Err(StoreError::Checksum(remote.path.clone()));
    }
    fs::rename(&part, to).map_err(at(to))?;
    progress.end(&remote.path, remote.checksum.is_some());
    Ok(())
}

/// Number of bytes of a file on the disk, in the complete file or in its part.
pub(super) fn kept(to: &Path) -> u64 {
    length(to).max(length(&part(to)))
}

/// Returns true if a file has the checksum that the hub states now, false if the hub states none.
fn is_remote(remote: &RemoteFile, file: &Path) -> Result<bool, StoreError> {
    match &remote.checksum {
        Some(checksum) => checksum.matches(file).map_err(at(file)),
        None => Ok(false),
    }
}

/// Path of a file until it is complete.
fn part(to: &Path) -> PathBuf {
    PathBuf::from(format!("{}.part", to.display()))
}

/// Length of a file in bytes, 0 if it does not exist.
fn length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |metadata| metadata.len())
}

/// Fetches the missing rest of `part` in one response.
fn fetch_rest(
    http: &Http,
    remote: &RemoteFile,
    part: &Path,
    progress: &mut dyn Progress,
) -> Result<(), StoreError> {
    let mut have = length(part);
    progress.begin(&remote.path, remote.size, have);
    let mut response = http.get(&remote.url, have)?;
    if response.status.as_u16() == 416 || !continues(&response, have) {
        // The part is not the beginning of this file, or the server does not serve ranges.
        if have > 0 {
            progress.begin(&remote.path, remote.size, 0);
        }
        have = 0;
        if response.status.as_u16() != 200 {
            response = http.get(&remote.url, 0)?;
        }
    }
    let limit = if remote.is_weights() {
        MAX_WEIGHTS_BYTES
    } else {
        MAX_SMALL_BYTES
    };
    let most = remote.size.unwrap_or(limit).min(limit);
    // One byte more than expected is enough to detect an oversized file.
    response.body = Box::new(response.body.take((most + 1).saturating_sub(have)));
    let total = have + append(response, part, have, progress)?;
    if total > most {
        // Resuming cannot repair the file.
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

/// Returns true if a response continues after the first `have` bytes.
fn continues(response: &Response, have: u64) -> bool {
    match response.status.as_u16() {
        200 => have == 0,
        206 => response
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

/// Appends a response's body to the first `have` bytes of `part`; returns the number of new bytes.
fn append(
    mut response: Response,
    part: &Path,
    have: u64,
    progress: &mut dyn Progress,
) -> Result<u64, StoreError> {
    let mut file: File = OpenOptions::new()
        .create(true)
        .append(true)
        .open(part)
        .map_err(at(part))?;
    file.set_len(have).map_err(at(part))?;
    let mut buffer = vec![0; 64 * 1024];
    let mut received = 0;
    loop {
        let count = match response.body.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            // The received bytes stay on the disk, and the next attempt continues after them.
            Err(error) => {
                return Err(broken(&response.url, &error).into());
            }
        };
        file.write_all(&buffer[..count]).map_err(at(part))?;
        received += count as u64;
        progress.advance(count as u64);
    }
    file.sync_all().map_err(at(part))?;
    Ok(received)
}
