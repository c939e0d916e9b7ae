//! Context of a request.

use std::sync::Arc;

use gte_shared::wire::{ErrorReply, ModelInfo, TextOptions, TextRules};

use super::second::Guest;
use super::selected::{Loaded, Selected};
use super::service::Service;
use crate::engine::CallerId;

/// Values per vector of a model that is not loaded yet: those of the largest BERT.
const LARGEST_DIMENSION: usize = 1024;

/// Most tokens of a text that such a model reads.
const LARGEST_MAX_TOKENS: usize = 512;

/// Sizes of a model that decide how much memory a request takes.
pub(super) struct Sizes {
    /// Values per vector.
    pub(super) dimension: usize,
    /// Most tokens of a text that the model reads.
    pub(super) max_tokens: usize,
    /// Rules of requests that leave them out.
    pub(super) rules: TextRules,
}

/// Form of a reply, which decides its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReplyForm {
    /// A frame of the binary protocol.
    Binary,
    /// A line of JSON.
    Json,
}

/// Context of a request: the daemon, the model that answers, the connection, and the form of the
/// reply.
pub(super) struct Context {
    pub(super) service: Arc<Service>,
    /// Model that was selected when the request came. It answers even if another one is selected
    /// while the request waits.
    pub(super) selected: Arc<Selected>,
    pub(super) caller: CallerId,
    pub(super) form: ReplyForm,
    /// Number of the request among all of the daemon, for its log.
    pub(super) number: u64,
}

impl Context {
    /// Creates the context of a request that comes now.
    pub(super) fn new(service: &Arc<Service>, caller: CallerId, form: ReplyForm) -> Self {
        Self {
            service: Arc::clone(service),
            selected: service.selected(),
            caller,
            form,
            number: service.new_request(),
        }
    }

    /// Name of the model that a request asks for, if it is not the selected one.
    fn second<'a>(&self, options: &'a TextOptions) -> Option<&'a str> {
        let name = options.model.as_deref();
        name.filter(|name| *name != self.selected.model.id)
    }

    /// Description of the model that answers a request, if it is known yet.
    fn model(&self, options: Option<&TextOptions>) -> Option<ModelInfo> {
        match options.and_then(|options| self.second(options)) {
            Some(name) => self.service.second().info(name),
            None => Some(self.selected.model.clone()),
        }
    }

    /// Sizes of the model that answers a request.
    pub(super) fn sizes(&self, options: Option<&TextOptions>) -> Sizes {
        let model = self.model(options);
        let known = model.as_ref();
        Sizes {
            dimension: known.map_or(LARGEST_DIMENSION, |model| model.dimension as usize),
            max_tokens: known.map_or(LARGEST_MAX_TOKENS, |model| model.max_tokens as usize),
            rules: known.map_or(self.selected.model.rules, |model| model.rules),
        }
    }

    /// The model that answers a request, which is loaded if it is not.
    pub(super) async fn answering(&self, options: &TextOptions) -> Result<Answering, ErrorReply> {
        Ok(match self.second(options) {
            Some(name) => Answering::Second(self.service.second().load(name).await?),
            None => Answering::Selected(self.service.load(&self.selected).await?),
        })
    }
}

/// A model that answers a request.
pub(super) enum Answering {
    /// The selected one.
    Selected(Arc<Loaded>),
    /// The second one.
    Second(Arc<Guest>),
}

impl Answering {
    /// The model.
    pub(super) fn loaded(&self) -> &Loaded {
        match self {
            Self::Selected(loaded) => loaded,
            Self::Second(guest) => &guest.loaded,
        }
    }
}
