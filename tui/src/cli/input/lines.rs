//! Rows that a thread reads ahead.

use std::collections::VecDeque;

use gte_shared::wire::MAX_FRAME_BYTES;
use tokio::sync::mpsc;

use super::policy::{Decision, Policy};
use super::row::Parsed;
use super::rows::Rows;

/// Most lines in one request: enough for full batches, and so few that the first results come soon.
const LINES_PER_REQUEST: usize = 256;

/// Most bytes of lines in one request, unless a single line has more: a quarter of a frame.
const BYTES_PER_REQUEST: usize = MAX_FRAME_BYTES / 4;

/// Most bytes of the lines that are handed over together, unless a single line has more.
const CHUNK_BYTES: usize = 256 * 1024;

/// Most rows that are handed over together: blank lines take memory as well.
const CHUNK_ROWS: usize = 4096;

/// Most chunks of lines that are read ahead.
const CHUNKS_AHEAD: usize = 4;

/// Rows that a thread reads.
pub(in crate::cli) struct Lines<const N: usize> {
    receiver: mpsc::Receiver<Vec<Parsed<N>>>,
    /// Rows that have been received and not returned yet.
    ready: VecDeque<Parsed<N>>,
}

impl<const N: usize> Lines<N> {
    /// Starts reading on a thread of its own.
    pub(super) fn start(mut rows: Rows<N>) -> Self {
        let (sender, receiver) = mpsc::channel(CHUNKS_AHEAD);
        std::thread::spawn(move || {
            loop {
                let chunk = next_chunk(&mut rows);
                let is_over = chunk.last().is_none_or(ends);
                // The send fails once the command has ended.
                if chunk.is_empty() || sender.blocking_send(chunk).is_err() || is_over {
                    return;
                }
            }
        });
        Self {
            receiver,
            ready: VecDeque::new(),
        }
    }

    /// Returns the next rows: as many as have arrived, at least one, and at most those of one
    /// request. Those without a result are faults. Empty at the end.
    ///
    /// # Errors
    ///
    /// The fault that ends the input, after all rows before it have been returned.
    pub(in crate::cli) async fn next(
        &mut self,
        policy: &mut Policy,
    ) -> anyhow::Result<Vec<Parsed<N>>> {
        loop {
            if self.ready.is_empty() {
                match self.receiver.recv().await {
                    Some(chunk) => self.ready.extend(chunk),
                    None => return Ok(Vec::new()),
                }
            }
            let rows = self.take(policy)?;
            if !rows.is_empty() {
                return Ok(rows);
            }
        }
    }

    /// Takes rows that have arrived. None if all of them are passed over.
    fn take(&mut self, policy: &mut Policy) -> anyhow::Result<Vec<Parsed<N>>> {
        let (mut rows, mut bytes) = (Vec::new(), 0);
        while rows.len() < LINES_PER_REQUEST && bytes < BYTES_PER_REQUEST {
            match self.ready.pop_front() {
                Some(Ok(row)) => {
                    bytes += row.bytes;
                    rows.push(Ok(row));
                }
                // Rows before one that ends the command are computed first.
                Some(Err(faulty)) if !rows.is_empty() && policy.ends_command(&faulty) => {
                    self.ready.push_front(Err(faulty));
                    break;
                }
                Some(Err(faulty)) => match policy.decide(faulty) {
                    Decision::End(error) => return Err(error.into()),
                    Decision::PassOver => {}
                    Decision::Null(faulty) => rows.push(Err(faulty)),
                },
                None => match self.receiver.try_recv() {
                    Ok(chunk) => self.ready.extend(chunk),
                    Err(_) => break,
                },
            }
        }
        Ok(rows)
    }
}

/// Reads the rows that have arrived, at least one, and at most those of one chunk. Empty at the
/// end; a fault that ends the input comes last.
fn next_chunk<const N: usize>(rows: &mut Rows<N>) -> Vec<Parsed<N>> {
    let (mut chunk, mut bytes) = (Vec::new(), 0);
    while let Some(row) = rows.next() {
        bytes += row.as_ref().map_or(0, |row| row.bytes);
        let is_over = ends(&row);
        chunk.push(row);
        // A further line that has not arrived yet may take long to come.
        if is_over || bytes >= CHUNK_BYTES || chunk.len() >= CHUNK_ROWS || !rows.has_arrived() {
            break;
        }
    }
    chunk
}

fn ends<const N: usize>(row: &Parsed<N>) -> bool {
    row.as_ref().is_err_and(|faulty| faulty.ends)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::super::appearance::Name;
    use super::super::format::Format;
    use super::super::table::Table;
    use super::*;

    fn rows(text: impl Into<Vec<u8>>) -> Rows<1> {
        let table = Table::new(Name::new(None), Format::Lines);
        Rows::new(Box::new(Cursor::new(text.into())), table)
    }

    #[test]
    fn lines_that_have_arrived_are_handed_over_together() {
        let mut few = rows("一\n二\n三");
        assert_eq!(next_chunk(&mut few).len(), 2, "the third may go on");
        assert_eq!(next_chunk(&mut few).len(), 1);
        assert!(next_chunk(&mut few).is_empty());
    }

    #[test]
    fn a_chunk_has_bounded_bytes_and_rows() {
        // Blank lines are shorter than what arrives at a time.
        let mut blank = rows("\n".repeat(3 * CHUNK_ROWS));
        assert_eq!(next_chunk(&mut blank).len(), CHUNK_ROWS);
        let line = "行".repeat(1000) + "\n";
        let mut long = rows(line.repeat(1000));
        while let chunk @ [_, ..] = &*next_chunk(&mut long) {
            let bytes = chunk.iter().flatten().map(|row| row.bytes).sum::<usize>();
            assert!(bytes < CHUNK_BYTES + line.len());
        }
    }
}
