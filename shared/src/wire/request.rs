//! Requests: one struct per request, the enum [`Request`] of all of them, and the trait [`Call`],
//! which names the reply of each.

use serde::{Deserialize, Serialize};

use super::model_info::ModelInfo;
use super::reply::{Computed, Embedding, Explanation, PairScore, Ranking, Reply};
use super::status::Status;
use super::text_rules::TextOptions;

/// Content of a frame from the client after the handshake: an id that the client chooses, and the
/// request.
pub type RequestEnvelope = (u64, Request);

/// A request and the type of its successful reply.
pub trait Call: Into<Request> + Send {
    /// Type of the successful reply.
    type Output;

    /// Wraps an output in its reply.
    fn reply(output: Self::Output) -> Reply;

    /// Takes the output from a reply; `None` if the reply belongs to another request.
    fn output(reply: Reply) -> Option<Self::Output>;

    /// Options of a request for texts.
    fn options(&self) -> Option<&TextOptions> {
        None
    }

    /// Number of texts in the request.
    fn text_count(&self) -> usize {
        0
    }
}

/// One request. The order of the variants is part of the protocol.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// See [`Similarity`].
    Similarity(Similarity),
    /// See [`Similarities`].
    Similarities(Similarities),
    /// See [`Rank`].
    Rank(Rank),
    /// See [`Embed`].
    Embed(Embed),
    /// See [`GetStatus`].
    GetStatus(GetStatus),
    /// See [`Shutdown`].
    Shutdown(Shutdown),
    /// See [`UseModel`].
    UseModel(UseModel),
    /// See [`Explain`].
    Explain(Explain),
}

/// Asks for the similarity of two texts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Similarity {
    /// The first text.
    pub a: String,
    /// The second text.
    pub b: String,
    /// Options.
    pub options: TextOptions,
}

impl Similarity {
    /// Asks for the similarity of two texts, without options.
    #[must_use]
    pub fn of(a: String, b: String) -> Self {
        let options = TextOptions::default();
        Self { a, b, options }
    }
}

impl From<Similarity> for Request {
    fn from(request: Similarity) -> Self {
        Self::Similarity(request)
    }
}

impl Call for Similarity {
    type Output = Computed<PairScore>;

    fn reply(output: Self::Output) -> Reply {
        Reply::Similarity(output)
    }

    fn output(reply: Reply) -> Option<Self::Output> {
        match reply {
            Reply::Similarity(output) => Some(output),
            _ => None,
        }
    }

    fn options(&self) -> Option<&TextOptions> {
        Some(&self.options)
    }

    fn text_count(&self) -> usize {
        2
    }
}

/// Asks for the similarities of many pairs, answered in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Similarities {
    /// The pairs.
    pub pairs: Vec<(String, String)>,
    /// Options.
    pub options: TextOptions,
}

impl From<Similarities> for Request {
    fn from(request: Similarities) -> Self {
        Self::Similarities(request)
    }
}

impl Call for Similarities {
    type Output = Computed<Vec<PairScore>>;

    fn reply(output: Self::Output) -> Reply {
        Reply::Similarities(output)
    }

    fn output(reply: Reply) -> Option<Self::Output> {
        match reply {
            Reply::Similarities(output) => Some(output),
            _ => None,
        }
    }

    fn options(&self) -> Option<&TextOptions> {
        Some(&self.options)
    }

    fn text_count(&self) -> usize {
        2 * self.pairs.len()
    }
}

/// Asks for texts in the order of their similarity to a query, best first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rank {
    /// Text that the other texts are compared with.
    pub query: String,
    /// Texts to rank.
    pub texts: Vec<String>,
    /// Options.
    pub options: TextOptions,
}

impl From<Rank> for Request {
    fn from(request: Rank) -> Self {
        Self::Rank(request)
    }
}

impl Call for Rank {
    type Output = Computed<Ranking>;

    fn reply(output: Self::Output) -> Reply {
        Reply::Ranking(output)
    }

    fn output(reply: Reply) -> Option<Self::Output> {
        match reply {
            Reply::Ranking(output) => Some(output),
            _ => None,
        }
    }

    fn options(&self) -> Option<&TextOptions> {
        Some(&self.options)
    }

    fn text_count(&self) -> usize {
        1 + self.texts.len()
    }
}

/// Asks for the vectors of texts, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Embed {
    /// The texts.
    pub texts: Vec<String>,
    /// Options.
    pub options: TextOptions,
}

impl From<Embed> for Request {
    fn from(request: Embed) -> Self {
        Self::Embed(request)
    }
}

impl Call for Embed {
    type Output = Computed<Vec<Embedding>>;

    fn reply(output: Self::Output) -> Reply {
        Reply::Embeddings(output)
    }

    fn output(reply: Reply) -> Option<Self::Output> {
        match reply {
            Reply::Embeddings(output) => Some(output),
            _ => None,
        }
    }

    fn options(&self) -> Option<&TextOptions> {
        Some(&self.options)
    }

    fn text_count(&self) -> usize {
        self.texts.len()
    }
}

/// Asks for the state of the daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GetStatus;

impl From<GetStatus> for Request {
    fn from(request: GetStatus) -> Self {
        Self::GetStatus(request)
    }
}

impl Call for GetStatus {
    type Output = Status;

    fn reply(output: Self::Output) -> Reply {
        Reply::Status(output)
    }

    fn output(reply: Reply) -> Option<Self::Output> {
        match reply {
            Reply::Status(output) => Some(output),
            _ => None,
        }
    }
}

/// Asks the daemon to finish its pending requests and exit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shutdown;

impl From<Shutdown> for Request {
    fn from(request: Shutdown) -> Self {
        Self::Shutdown(request)
    }
}

impl Call for Shutdown {
    type Output = ();

    fn reply((): Self::Output) -> Reply {
        Reply::Stopping
    }

    fn output(reply: Reply) -> Option<Self::Output> {
        matches!(reply, Reply::Stopping).then_some(())
    }
}

/// Asks the daemon to answer with another model, now and after its next start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UseModel {
    /// Name of an installed model, or of the built-in one.
    pub model: String,
}

impl From<UseModel> for Request {
    fn from(request: UseModel) -> Self {
        Self::UseModel(request)
    }
}

impl Call for UseModel {
    type Output = ModelInfo;

    fn reply(output: Self::Output) -> Reply {
        Reply::Selected(output)
    }

    fn output(reply: Reply) -> Option<Self::Output> {
        match reply {
            Reply::Selected(output) => Some(output),
            _ => None,
        }
    }
}

/// Asks for the similarity of two texts, and what each of their words has to do with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explain {
    /// The first text.
    pub a: String,
    /// The second text.
    pub b: String,
    /// Options.
    pub options: TextOptions,
}

impl From<Explain> for Request {
    fn from(request: Explain) -> Self {
        Self::Explain(request)
    }
}

impl Call for Explain {
    type Output = Computed<Explanation>;

    fn reply(output: Self::Output) -> Reply {
        Reply::Explanation(output)
    }

    fn output(reply: Reply) -> Option<Self::Output> {
        match reply {
            Reply::Explanation(output) => Some(output),
            _ => None,
        }
    }

    fn options(&self) -> Option<&TextOptions> {
        Some(&self.options)
    }

    fn text_count(&self) -> usize {
        2
    }
}
