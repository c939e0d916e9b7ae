//! Lines in, answers out: several requests are in flight, so that the daemon computes one while the
//! next ones are read and the last one is printed.

use std::collections::VecDeque;
use std::sync::Arc;

use gte_shared::client::{Client, ClientError};
use gte_shared::wire::{Call, Computed, ModelInfo};
use tokio::task::JoinHandle;

use super::error::{InputError, ModelChanged};
use super::input::{Line, Lines};

/// Most requests in flight: one is computed while another is tokenized, a third is on its way, and
/// the answer to a fourth is printed.
const IN_FLIGHT: usize = 4;

/// A command whose lines go to the daemon in requests.
pub(super) trait Command {
    /// Content of a line.
    type Content;
    /// Result of a request.
    type Result: Send + 'static;
    /// Request.
    type Request: Call<Output = Computed<Self::Result>> + 'static;

    /// Makes the request of some lines.
    fn request(&self, lines: &[Line<Self::Content>]) -> Self::Request;

    /// Index of the line that a text of a request belongs to; `None` for the query.
    fn line(text: usize) -> Option<usize>;

    /// Location in the user's input of a text of a request.
    fn location(lines: &[Line<Self::Content>], text: usize) -> String;

    /// Takes the answer for some lines; answers come in the order of the lines.
    fn answer(
        &mut self,
        lines: Vec<Line<Self::Content>>,
        computed: Computed<Self::Result>,
    ) -> anyhow::Result<()>;
}

/// Answer to a request, or the failure of its call.
type Answer<C> = Result<Computed<<C as Command>::Result>, ClientError>;

/// Lines of a request in flight.
struct Asked<C: Command> {
    lines: Vec<Line<C::Content>>,
    answer: JoinHandle<Answer<C>>,
}

/// Sends all lines, and hands the answers over.
///
/// # Errors
///
/// The fault of a line, or a failure of the daemon or of the command, after all lines before it
/// have been answered; [`ModelChanged`] if another model answers than the first one.
pub(super) async fn run<C: Command>(
    client: Client,
    mut lines: Lines<C::Content>,
    command: &mut C,
) -> anyhow::Result<()> {
    let mut pipeline = Pipeline {
        client: Arc::new(client),
        command,
        model: None,
        asked: VecDeque::new(),
    };
    loop {
        let room = pipeline.asked.len() < IN_FLIGHT;
        tokio::select! {
            // Answers first: a writer may wait for the score of one line before it writes the next.
            biased;
            answer = pipeline.oldest() => pipeline.take(answer).await?,
            next = lines.next(), if room => match next {
                Ok(lines) if !lines.is_empty() => pipeline.ask(lines),
                over => {
                    while !pipeline.asked.is_empty() {
                        let answer = pipeline.oldest().await;
                        pipeline.take(answer).await?;
                    }
                    return over.map(drop);
                }
            }
        }
    }
}

/// Requests in flight, in the order of their lines.
struct Pipeline<'a, C: Command> {
    client: Arc<Client>,
    command: &'a mut C,
    /// Model of the first answer.
    model: Option<ModelInfo>,
    asked: VecDeque<Asked<C>>,
}

impl<C: Command> Pipeline<'_, C> {
    fn ask(&mut self, lines: Vec<Line<C::Content>>) {
        let request = self.command.request(&lines);
        let client = Arc::clone(&self.client);
        let answer = tokio::spawn(async move { client.call(request).await });
        self.asked.push_back(Asked { lines, answer });
    }

    /// Waits for the oldest answer; without a request in flight, waits for ever.
    async fn oldest(&mut self) -> Answer<C> {
        match self.asked.front_mut() {
            None => std::future::pending().await,
            // The task neither panics nor is it aborted.
            Some(oldest) => (&mut oldest.answer)
                .await
                .unwrap_or(Err(ClientError::Closed)),
        }
    }

    /// Takes the oldest answer.
    async fn take(&mut self, answer: Answer<C>) -> anyhow::Result<()> {
        let Some(Asked { lines, .. }) = self.asked.pop_front() else {
            return Ok(());
        };
        match answer {
            Ok(computed) => self.print(lines, computed),
            Err(error) => Err(self.answer_before(lines, error).await?),
        }
    }

    /// Answers the lines before a faulty one, and returns the error of the first faulty one. Asks
    /// again until no further line is at fault.
    async fn answer_before(
        &mut self,
        mut lines: Vec<Line<C::Content>>,
        mut error: ClientError,
    ) -> anyhow::Result<anyhow::Error> {
        loop {
            let good = error.text().and_then(C::line);
            let located = InputError::locate(error, |text| C::location(&lines, text));
            let Some(good) = good.filter(|good| (1..lines.len()).contains(good)) else {
                return Ok(located);
            };
            lines.truncate(good);
            match self.client.call(self.command.request(&lines)).await {
                Ok(computed) => {
                    self.print(lines, computed)?;
                    return Ok(located);
                }
                Err(further) if further.text().is_some() => error = further,
                // The fault of the line is what the user can mend.
                Err(_) => return Ok(located),
            }
        }
    }

    fn print(
        &mut self,
        lines: Vec<Line<C::Content>>,
        computed: Computed<C::Result>,
    ) -> anyhow::Result<()> {
        let now = &computed.model;
        let first = self.model.get_or_insert_with(|| now.clone());
        if first != now {
            return Err(ModelChanged::new(first, now).into());
        }
        self.command.answer(lines, computed)
    }
}
