//! Texts as the APIs of other programs send them: one, or a list.

use serde::Deserialize;

use super::failure::Failure;

/// One text or several.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Inputs {
    /// One text.
    One(String),
    /// Several texts.
    Many(Vec<String>),
    /// Token ids of one text.
    Ids(#[expect(dead_code, reason = "told from texts by their type")] Vec<i64>),
    /// Token ids of several texts.
    ManyIds(#[expect(dead_code, reason = "told from texts by their type")] Vec<Vec<i64>>),
}

impl Inputs {
    /// The texts.
    ///
    /// # Errors
    ///
    /// If there are none, or token ids instead, which are those of another model.
    pub(super) fn texts(self) -> Result<Vec<String>, Failure> {
        let texts = match self {
            Self::One(text) => vec![text],
            Self::Many(texts) => texts,
            Self::Ids(_) | Self::ManyIds(_) => {
                let message = "the input is token ids of another model; this one reads texts";
                let hint =
                    "with LangChain's OpenAIEmbeddings, set check_embedding_ctx_length=False";
                return Err(Failure::bad_request(message).with_hint(hint));
            }
        };
        if texts.is_empty() {
            return Err(Failure::bad_request("the input is an empty list"));
        }
        Ok(texts)
    }
}
