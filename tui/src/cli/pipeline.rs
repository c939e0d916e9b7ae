//! Rows in, answers out: several requests are in flight, so that the daemon computes one while the
//! next ones are read and the last one is printed.

use std::collections::VecDeque;
use std::sync::Arc;

use gte_shared::client::{Client, ClientError};
use gte_shared::wire::{Call, Computed, ModelInfo};
use tokio::task::JoinHandle;

use super::error::{InputError, ModelChanged};
use super::input::{Decision, Faulty, Lines, Parsed, Policy, Row};

/// Most requests in flight: one is computed while another is tokenized, a third is on its way, and
/// the answer to a fourth is printed.
const IN_FLIGHT: usize = 4;

/// A command whose rows, of `N` texts each, go to the daemon in requests.
pub(super) trait Command<const N: usize> {
    /// Result of a request.
    type Result: Send + 'static;
    /// Request.
    type Request: Call<Output = Computed<Self::Result>> + 'static;

    /// Number of texts of a request before those of its rows: a query.
    const TEXTS_BEFORE: usize;

    /// Makes the request of the texts of some rows.
    fn request(&self, texts: Vec<[String; N]>) -> Self::Request;

    /// Takes the answer for some rows, of which those without a fault have results; answers come in
    /// the order of the rows. Without any result `computed` is `None`.
    fn answer(
        &mut self,
        rows: Vec<Parsed<N>>,
        computed: Option<Computed<Self::Result>>,
    ) -> anyhow::Result<()>;
}

/// A row, its result and the answer that has it.
pub(super) type Answered<'a, const N: usize, T> = (&'a Row<N>, &'a T, &'a Computed<Vec<T>>);

/// Pairs rows with the results of an answer, of which each row without a fault has one.
pub(super) fn with_results<'a, const N: usize, T>(
    rows: &'a [Parsed<N>],
    computed: Option<&'a Computed<Vec<T>>>,
) -> impl Iterator<Item = Result<Answered<'a, N, T>, &'a Faulty>> {
    let results = computed.into_iter();
    let mut results = results.flat_map(|of| of.result.iter().map(move |result| (result, of)));
    rows.iter().filter_map(move |row| match row {
        Err(faulty) => Some(Err(faulty)),
        Ok(row) => results.next().map(|(result, of)| Ok((row, result, of))),
    })
}

/// Answer to a request, or the failure of its call; nothing if there was nothing to ask.
type Answer<T> = Result<Option<Computed<T>>, ClientError>;

/// Rows of a request in flight.
struct Asked<const N: usize, T> {
    rows: Vec<Parsed<N>>,
    /// `None` if no row has texts.
    answer: Option<JoinHandle<Answer<T>>>,
}

/// Sends all rows, and hands the answers over.
///
/// # Errors
///
/// The fault of a row, or a failure of the daemon or of the command, after all rows before it
/// have been answered; [`ModelChanged`] if another model answers than the first one.
pub(super) async fn run<const N: usize, C: Command<N>>(
    client: Client,
    (mut lines, mut policy): (Lines<N>, Policy),
    command: &mut C,
) -> anyhow::Result<()> {
    let mut pipeline = Pipeline {
        client: Arc::new(client),
        command,
        model: None,
        asked: VecDeque::new(),
    };
    let done = loop {
        let room = pipeline.asked.len() < IN_FLIGHT;
        let done = tokio::select! {
            // Answers first: a writer may wait for the score of one line before it writes the next.
            biased;
            answer = pipeline.oldest() => pipeline.take(answer, &mut policy).await,
            next = lines.next(&mut policy), if room => match next {
                Ok(rows) if !rows.is_empty() => {
                    pipeline.ask(rows);
                    Ok(())
                }
                over => break pipeline.finish(&mut policy).await.and(over.map(drop)),
            }
        };
        if done.is_err() {
            break done;
        }
    };
    policy.summarize();
    done
}

/// Requests in flight, in the order of their rows.
struct Pipeline<'a, const N: usize, C: Command<N>> {
    client: Arc<Client>,
    command: &'a mut C,
    /// Model of the first answer.
    model: Option<ModelInfo>,
    asked: VecDeque<Asked<N, C::Result>>,
}

impl<const N: usize, C: Command<N>> Pipeline<'_, N, C> {
    fn ask(&mut self, rows: Vec<Parsed<N>>) {
        let answer = self.request(&rows).map(|request| {
            let client = Arc::clone(&self.client);
            tokio::spawn(async move { client.call(request).await.map(Some) })
        });
        self.asked.push_back(Asked { rows, answer });
    }

    /// Request of the rows with texts; `None` if there are none.
    fn request(&self, rows: &[Parsed<N>]) -> Option<C::Request> {
        let rows = rows.iter().filter_map(|row| row.as_ref().ok());
        let texts: Vec<[String; N]> = rows.map(|row| row.texts.clone()).collect();
        (!texts.is_empty()).then(|| self.command.request(texts))
    }

    /// Waits for the oldest answer; without a request in flight, waits for ever.
    async fn oldest(&mut self) -> Answer<C::Result> {
        match self.asked.front_mut() {
            None => std::future::pending().await,
            Some(Asked { answer: None, .. }) => Ok(None),
            // The task neither panics nor is it aborted.
            Some(Asked {
                answer: Some(answer),
                ..
            }) => answer.await.unwrap_or(Err(ClientError::Closed)),
        }
    }

    /// Takes the answers to all requests in flight.
    async fn finish(&mut self, policy: &mut Policy) -> anyhow::Result<()> {
        while !self.asked.is_empty() {
            let answer = self.oldest().await;
            self.take(answer, policy).await?;
        }
        Ok(())
    }

    /// Takes the oldest answer.
    async fn take(&mut self, answer: Answer<C::Result>, policy: &mut Policy) -> anyhow::Result<()> {
        let Some(Asked { rows, .. }) = self.asked.pop_front() else {
            return Ok(());
        };
        match answer {
            Ok(computed) => self.print(rows, computed),
            Err(error) => self.refused(rows, error, policy).await,
        }
    }

    /// Decides about the rows that the daemon refuses, and asks for the others again until none is
    /// refused. If one ends the command, those before it are answered.
    async fn refused(
        &mut self,
        mut rows: Vec<Parsed<N>>,
        mut error: ClientError,
        policy: &mut Policy,
    ) -> anyhow::Result<()> {
        let mut end = None;
        loop {
            let place = error.text().and_then(|text| place::<N, C>(&rows, text));
            let located = InputError::locate(error, |_| location(place));
            let (place, located) = match (place, located) {
                (Some(place), Ok(located)) => (place, located),
                (None, Ok(located)) => return Err(located.into()),
                // The fault of the row is what the user can mend.
                (_, Err(error)) => return Err(end.unwrap_or_else(|| error.into())),
            };
            let faulty = Faulty {
                number: place.number,
                is_blank: N == 1 && located.is_blank(),
                error: located,
                ends: false,
            };
            match policy.decide(faulty) {
                Decision::End(error) => {
                    rows.truncate(place.index);
                    end = Some(error.into());
                }
                Decision::PassOver => drop(rows.remove(place.index)),
                Decision::Null(faulty) => rows[place.index] = Err(faulty),
            }
            let answer = match self.request(&rows) {
                Some(request) => self.client.call(request).await.map(Some),
                None => Ok(None),
            };
            match answer {
                Ok(computed) => {
                    self.print(rows, computed)?;
                    return end.map_or(Ok(()), Err);
                }
                Err(further) => error = further,
            }
        }
    }

    fn print(
        &mut self,
        rows: Vec<Parsed<N>>,
        computed: Option<Computed<C::Result>>,
    ) -> anyhow::Result<()> {
        if let Some(computed) = &computed {
            let now = &computed.model;
            let first = self.model.get_or_insert_with(|| now.clone());
            if first != now {
                return Err(ModelChanged::new(first, now).into());
            }
        }
        self.command.answer(rows, computed)
    }
}

/// Place of a text in the user's input.
#[derive(Clone, Copy)]
struct Place {
    /// Index of the row.
    index: usize,
    /// Number of its line.
    number: u64,
    /// Letter of the text, if a row has two.
    letter: Option<&'static str>,
}

/// Finds the text of a request among the rows with texts; `None` for the query.
fn place<const N: usize, C: Command<N>>(rows: &[Parsed<N>], text: usize) -> Option<Place> {
    let text = text.checked_sub(C::TEXTS_BEFORE)?;
    let with_texts = rows.iter().enumerate();
    let mut with_texts = with_texts.filter_map(|(index, row)| Some((index, row.as_ref().ok()?)));
    let (index, row) = with_texts.nth(text / N)?;
    Some(Place {
        index,
        number: row.number,
        letter: (N > 1).then(|| ["A", "B"][text % N % 2]),
    })
}

fn location(place: Option<Place>) -> String {
    match place {
        None => "the query".to_owned(),
        Some(Place { number, letter, .. }) => match letter {
            None => format!("line {number}"),
            Some(letter) => format!("line {number}, text {letter}"),
        },
    }
}
