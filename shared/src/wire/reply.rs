//! What the daemon answers.

use serde::{Deserialize, Serialize};

use crate::score::Label;

/// The daemon's answer to [`Hello`](super::Hello) when it speaks the same protocol.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// Protocol number the daemon speaks.
    pub protocol: u32,
    /// Build of the daemon, for words only.
    pub build: String,
}

/// One successful answer. The order of the variants is part of the protocol.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Reply {
    /// To [`Request::Similarity`](super::Request::Similarity).
    Similarity(Computed<PairScore>),
    /// To [`Request::Similarities`](super::Request::Similarities).
    Similarities(Computed<Vec<PairScore>>),
    /// To [`Request::Rank`](super::Request::Rank).
    Ranking(Computed<Ranking>),
    /// To [`Request::Embed`](super::Request::Embed).
    Embeddings(Computed<Vec<Embedding>>),
    /// To [`Request::Status`](super::Request::Status).
    Status(Status),
    /// To [`Request::Shutdown`](super::Request::Shutdown): it will leave when what runs is done.
    Stopping,
    /// To [`Request::Use`](super::Request::Use): the model that answers from now on.
    Using(ModelCard),
}

/// A result together with the model that it comes from and the time that it took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Computed<T> {
    /// The model that computed it.
    pub model: ModelCard,
    /// Where the time went.
    pub timings: Timings,
    /// The result.
    pub result: T,
}

/// What a client needs to know of the model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelCard {
    /// Name of the model, such as `bge-small-zh-v1.5`.
    pub id: String,
    /// Length of its vectors.
    pub dimension: u32,
    /// How hidden states become one vector.
    pub pooling: Pooling,
    /// The most tokens of a text that it reads, `[CLS]` and `[SEP]` included.
    pub max_tokens: u32,
    /// What it is computed in.
    pub precision: Precision,
}

/// The type of number that a model's linear layers multiply in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32-bit floating-point numbers.
    F32,
    /// Eight-bit whole numbers, with a scale for each output of a layer and for each token.
    Int8,
}

impl Precision {
    /// Name, as JSON and options have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Int8 => "int8",
        }
    }
}

/// How the hidden states of a text become one vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pooling {
    /// The hidden state of the first token, `[CLS]`.
    Cls,
    /// The mean over the hidden states of all tokens.
    Mean,
}

impl Pooling {
    /// Name, as JSON and options have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cls => "cls",
            Self::Mean => "mean",
        }
    }
}

/// Where the time of one request went, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timings {
    /// From text to token ids.
    pub tokenize_micros: u64,
    /// From the queue to the last vector: waiting and computing.
    pub embed_micros: u64,
    /// The whole request inside the daemon.
    pub total_micros: u64,
}

/// What became of one text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextInfo {
    /// Tokens the model has read, `[CLS]` and `[SEP]` included.
    pub tokens: u32,
    /// Whether the text was longer than the model reads, and its end was cut off.
    pub truncated: bool,
}

/// The outcome for one pair.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairScore {
    /// Cosine similarity of the two vectors, within [-1, 1].
    pub cosine: f32,
    /// Score between 0 and 100.
    pub similarity: f64,
    /// The verdict for that score.
    pub label: Label,
    /// The first text.
    pub a: TextInfo,
    /// The second text.
    pub b: TextInfo,
}

/// One text held against many.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ranking {
    /// The text that all others were held against.
    pub query: TextInfo,
    /// All others, best first; equals keep the order of the request.
    pub hits: Vec<Hit>,
}

/// One text of a [`Ranking`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hit {
    /// Its place in the request, from 0.
    pub index: u32,
    /// Cosine similarity to the query, within [-1, 1].
    pub cosine: f32,
    /// Score between 0 and 100.
    pub similarity: f64,
    /// The verdict for that score.
    pub label: Label,
    /// What became of the text.
    pub text: TextInfo,
}

/// The vector of one text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Embedding {
    /// [`ModelCard::dimension`] numbers of unit length (L2).
    pub vector: Vec<f32>,
    /// What became of the text.
    pub text: TextInfo,
}

/// What the daemon is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Build of the daemon.
    pub build: String,
    /// Its process id.
    pub pid: u32,
    /// The model it holds.
    pub model: ModelCard,
    /// Whether that is the one compiled into the program.
    pub embedded: bool,
    /// Threads it computes with.
    pub threads: u32,
    /// Seconds since it began to answer.
    pub uptime_seconds: u64,
    /// Connections open now, the asking one included.
    pub connections: u64,
    /// Requests answered so far, failed ones included.
    pub requests: u64,
    /// Texts embedded so far.
    pub texts: u64,
    /// Texts waiting or being computed now.
    pub texts_in_hand: u64,
    /// Memory resident in RAM, in bytes; 0 where the system does not tell.
    pub resident_bytes: u64,
}

/// What kind of error. The order of the variants is part of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The client speaks another protocol number.
    ProtocolMismatch,
    /// Bytes that are no frame, or a frame that stopped in its middle.
    BadFrame,
    /// A frame or line over [`MAX_FRAME_BYTES`](super::MAX_FRAME_BYTES), or a reply that would be.
    TooLarge,
    /// A frame whose content is no request that this build knows.
    BadRequest,
    /// A text in which nothing is left to compare.
    BlankText,
    /// The daemon has as much work in hand as it takes.
    Overloaded,
    /// The request could not be computed, through no fault of the client.
    Internal,
    /// The model that was asked for is not there, or cannot be used.
    Model,
}

/// An error, in words and typed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct ErrorReply {
    /// The kind.
    pub code: ErrorCode,
    /// What was wrong; never quotes a text.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
    /// The text at fault, counted from 0 in the order the request lists them: `a` and `b` of each
    /// pair in turn; for a ranking the query, then the others.
    pub text: Option<u32>,
}

impl ErrorReply {
    /// An error that belongs to no single text and needs no hint.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            hint: None,
            text: None,
        }
    }

    /// The same with a sentence about what to do next.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
