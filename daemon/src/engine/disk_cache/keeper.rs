//! The thread that keeps the file, so that nothing but a lookup ever waits for a disk, and that for
//! a bounded time.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvError, Sender, TryRecvError};
use std::time::{Duration, Instant};

use super::error::FileError;
use super::file::{TRANSACTION, VectorFile};
use super::shared::{Lookup, Shared};
use crate::engine::vector_key::Key;
use crate::engine::vector_value::Vector;

/// Time until a file that cannot be opened is tried again: another daemon may have ended, or a disk
/// may have room again.
const RETRY_INTERVAL: Duration = Duration::from_mins(1);

/// A message to the thread.
pub(super) enum Message {
    /// Look up the vectors of keys.
    Get { keys: Vec<Key>, lookup: Lookup },
    /// Write vectors.
    Put(Vec<(Key, Vector)>),
    /// Write what waits, close the file, and say so.
    Close(Sender<()>),
}

/// Mark of a file that is of no use from now on.
struct Useless;

/// The thread's own state.
pub(super) struct Keeper {
    path: PathBuf,
    budget: u64,
    shared: Arc<Shared>,
    file: Option<VectorFile>,
    /// Time before which a file that could not be opened is not tried again.
    retry_at: Option<Instant>,
    /// Vectors to be written, the oldest first.
    puts: Vec<(Key, Vector)>,
}

impl Drop for Keeper {
    fn drop(&mut self) {
        // Also after a panic, which is logged.
        self.shared.end();
    }
}

impl Keeper {
    pub(super) fn new(path: PathBuf, budget: u64, shared: Arc<Shared>) -> Self {
        Self {
            path,
            budget,
            shared,
            file: None,
            retry_at: None,
            puts: Vec::new(),
        }
    }

    /// Keeps the file until it is closed, every sender is gone, or the file is of no use.
    pub(super) fn run(mut self, messages: &Receiver<Message>) {
        // What ends it has been reported.
        self.open().and_then(|()| self.serve(messages)).ok();
    }

    /// Answers lookups as they come, and writes whenever none waits: several small lists of vectors
    /// become one transaction, and a lookup waits for one transaction at most.
    fn serve(&mut self, messages: &Receiver<Message>) -> Result<(), Useless> {
        loop {
            let message = if self.puts.is_empty() {
                messages
                    .recv()
                    .map_err(|RecvError| TryRecvError::Disconnected)
            } else {
                messages.try_recv()
            };
            match message {
                Ok(Message::Get { keys, lookup }) => self.get(&keys, lookup)?,
                Ok(Message::Put(vectors)) => self.puts.extend(vectors),
                Ok(Message::Close(closed)) => {
                    self.write_all()?;
                    self.file = None;
                    // Nobody waits any more if it took too long.
                    closed.send(()).ok();
                    return Ok(());
                }
                Err(TryRecvError::Empty) => self.write()?,
                Err(TryRecvError::Disconnected) => return self.write_all(),
            }
        }
    }

    /// Opens the file, unless it is open, or it is not the time to try again.
    fn open(&mut self) -> Result<(), Useless> {
        let too_early = self.retry_at.is_some_and(|at| Instant::now() < at);
        if self.file.is_some() || too_early {
            return Ok(());
        }
        match VectorFile::open(&self.path, self.budget) {
            Ok(file) => {
                self.retry_at = None;
                self.shared.measure(file.bytes());
                self.file = Some(file);
                Ok(())
            }
            Err(fault) => {
                self.retry_at = Some(Instant::now() + RETRY_INTERVAL);
                self.failed(&fault)
            }
        }
    }

    /// Reports a fault, and ends if the file is of no use, before anybody is answered.
    fn failed(&self, fault: &FileError) -> Result<(), Useless> {
        self.shared.report(fault);
        if !fault.is_final() {
            return Ok(());
        }
        self.shared.end();
        Err(Useless)
    }

    fn get(&mut self, keys: &[Key], lookup: Lookup) -> Result<(), Useless> {
        if lookup.is_abandoned() {
            return Ok(());
        }
        self.open()?;
        let Some(file) = &self.file else {
            return Ok(());
        };
        match file.get_all(keys) {
            Ok((vectors, damaged)) => {
                lookup.answer(vectors);
                if damaged.is_empty() {
                    return Ok(());
                }
                let removed = file.remove_all(&damaged);
                self.failed(&FileError::Damaged(self.path.clone()))?;
                removed.or_else(|fault| self.failed(&fault))
            }
            Err(fault) => self.failed(&fault),
        }
    }

    fn write_all(&mut self) -> Result<(), Useless> {
        while !self.puts.is_empty() {
            self.write()?;
        }
        Ok(())
    }

    /// Writes the oldest of the vectors that wait, which then wait no longer, whatever happens.
    fn write(&mut self) -> Result<(), Useless> {
        let count = self.puts.len().min(TRANSACTION);
        let vectors: Vec<_> = self.puts.drain(..count).collect();
        self.shared.have_left(count);
        let mut written = self.put(&vectors)?;
        if let Err(FileError::Replaced(_)) = written
            && let Some(file) = self.file.take()
        {
            file.abandon();
            written.or_else(|fault| self.failed(&fault))?;
            written = self.put(&vectors)?;
        }
        written.or_else(|fault| self.failed(&fault))
    }

    fn put(&mut self, vectors: &[(Key, Vector)]) -> Result<Result<(), FileError>, Useless> {
        self.open()?;
        let Some(file) = &mut self.file else {
            return Ok(Ok(()));
        };
        let put = file.put_all(vectors);
        self.shared.measure(file.bytes());
        Ok(put)
    }
}
