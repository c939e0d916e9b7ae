//! Options of the commands that send texts.

use clap::Args;
use gte_shared::score::ScoreKind;
use gte_shared::wire::{TextOptions, TextSteps, Truncation};

/// Options of the commands that send texts.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct TextArguments {
    /// Steps before a text is tokenized: none, or nfkc, punctuation and lowercase with commas
    /// [default: those of the daemon]
    #[arg(long, value_name = "STEPS")]
    text_steps: Option<TextSteps>,

    /// Treatment of a text of more tokens than the model reads: its head or tail is read, it is
    /// an error, or it is read in chunks [default: as the daemon is set, else head]
    #[arg(long, value_name = "head|tail|error|chunk")]
    truncation: Option<Truncation>,

    /// Score: calibrated for the model where that is known, or raw, 100 x cosine [default:
    /// calibrated]
    #[arg(long, value_name = "calibrated|raw")]
    score: Option<ScoreKind>,

    /// Model: the name of an installed one, or of the built-in one; it is loaded beside the one
    /// that answers [default: the one that answers]
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
}

impl TextArguments {
    /// Options of a request.
    pub(super) fn options(&self) -> TextOptions {
        TextOptions {
            text_steps: self.text_steps,
            truncation: self.truncation,
            score: self.score.unwrap_or_default(),
            model: self.model.clone(),
        }
    }
}
