//! Context of a request.

use std::sync::Arc;

use gte_shared::wire::{ErrorReply, ModelInfo, TextOptions, TextRules, TextSteps, Truncation};

use super::second::InUse;
use super::selected::{Loaded, Selected};
use super::service::Service;
use crate::engine::CallerId;

/// Sizes of a model that decide how much memory a request takes.
pub(super) struct Sizes {
    /// Values per vector.
    pub(super) dimension: usize,
    /// Most tokens of a text that the model reads.
    pub(super) max_tokens: usize,
    /// Rules of requests that leave them out.
    pub(super) rules: TextRules,
}

impl Sizes {
    fn of(model: &ModelInfo) -> Self {
        Self {
            dimension: model.dimension as usize,
            max_tokens: model.max_tokens as usize,
            rules: model.rules,
        }
    }

    /// Sizes of the largest BERT, for a model that is not loaded yet.
    pub(super) const LARGEST: Self = Self {
        dimension: 1024,
        max_tokens: 512,
        rules: TextRules {
            text_steps: TextSteps::NONE,
            // All of a text is read.
            truncation: Truncation::Chunk,
        },
    };
}

/// Form of a reply, which decides its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReplyForm {
    /// A frame of the binary protocol.
    Binary,
    /// JSON.
    Json,
    /// JSON in which vectors are base64.
    Base64,
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

    /// Sizes of the model that answers a request; `None` if it is not loaded yet.
    pub(super) fn sizes(&self, options: Option<&TextOptions>) -> Option<Sizes> {
        let name = options.and_then(|options| options.model.as_deref());
        match name.filter(|name| *name != self.selected.model.id) {
            Some(name) => {
                let second = self.service.second().get()?;
                (second.model.id == name).then(|| Sizes::of(&second.model))
            }
            None => Some(Sizes::of(&self.selected.model)),
        }
    }

    /// The model that answers a request, which is loaded if it is not.
    pub(super) async fn answering(&self, options: &TextOptions) -> Result<Answering, ErrorReply> {
        let Some(name) = &options.model else {
            let loaded = self.service.load(&self.selected).await?;
            return Ok(Answering::Selected(loaded));
        };
        // Not the one that was selected when the request came: it may have become the second.
        let selected = self.service.selected();
        if *name == selected.model.id {
            let loaded = self.service.load(&selected).await?;
            // Another one may have been selected while it was loaded.
            if *name == loaded.model.id {
                return Ok(Answering::Selected(loaded));
            }
        }
        let (service, named) = (Arc::clone(&self.service), name.clone());
        let is_selected = move || service.selected().model.id == named;
        let in_use = self.service.second().load(name, is_selected).await?;
        Ok(Answering::Second(in_use))
    }
}

/// A model that answers a request.
pub(super) enum Answering {
    /// The selected one.
    Selected(Arc<Loaded>),
    /// The second one.
    Second(InUse),
}

impl Answering {
    /// The model.
    pub(super) fn loaded(&self) -> &Loaded {
        match self {
            Self::Selected(loaded) => loaded,
            Self::Second(in_use) => &in_use.loaded,
        }
    }
}
