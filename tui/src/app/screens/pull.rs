//! State of a running pull: its file, its rate and its warnings.

use std::time::Duration;

use gte_shared::models::PullEvent;

/// State of a pull.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pulling {
    /// Name of the model.
    pub name: String,
    /// File that is being fetched.
    pub file: Option<PulledFile>,
    /// Warnings so far, oldest first.
    pub warnings: Vec<PullWarning>,
}

/// Warning about a pull.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PullWarning {
    /// Another process pulls the same model; this pull waits for it.
    Waiting,
    /// A source did not have the model.
    SourceFailed {
        /// Name of the source.
        source: String,
        /// Error message.
        error: String,
    },
    /// The hub states no checksum for this file.
    Unchecked(String),
}

/// A file that is being fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PulledFile {
    /// Name of the file.
    pub name: String,
    /// Size in bytes, where the hub states it.
    pub size: Option<u64>,
    /// Bytes on the disk.
    pub have: u64,
    /// Bytes on the disk at the file's first event, and the time of that event.
    begin: (u64, Duration),
    /// Time of the last event. Both times are relative to the start of the pull.
    now: Duration,
}

impl Pulling {
    /// Begins the pull of a model.
    pub(crate) fn new(name: String) -> Self {
        Self {
            name,
            file: None,
            warnings: Vec::new(),
        }
    }

    /// Applies an event, `at` after the pull's start; returns the model's name once it is
    /// installed.
    pub(crate) fn on_event(&mut self, event: PullEvent, at: Duration) -> Option<String> {
        match event {
            PullEvent::Progress { file, size, have } => {
                let begin = match &self.file {
                    // A file that begins again has fewer bytes than before.
                    Some(before) if before.name == file && before.have <= have => before.begin,
                    _ => (have, at),
                };
                self.file = Some(PulledFile {
                    name: file,
                    size,
                    have,
                    begin,
                    now: at,
                });
            }
            PullEvent::Installed { name, .. } => return Some(name),
            PullEvent::Waiting => self.warnings.push(PullWarning::Waiting),
            PullEvent::Failed { source, error } => {
                self.file = None;
                let warning = PullWarning::SourceFailed { source, error };
                self.warnings.push(warning);
            }
            PullEvent::Done {
                file,
                checked: false,
            } => self.warnings.push(PullWarning::Unchecked(file)),
            PullEvent::Done { checked: true, .. } => {}
        }
        None
    }

    /// Turns a failed pull into messages: one per failed source, and the reason.
    pub(crate) fn into_failure(self, reason: String) -> Vec<String> {
        let sources = self
            .warnings
            .into_iter()
            .filter_map(|warning| match warning {
                PullWarning::SourceFailed { source, error } => Some(format!("{source}: {error}")),
                PullWarning::Waiting | PullWarning::Unchecked(_) => None,
            });
        sources.chain([reason]).collect()
    }
}

impl PulledFile {
    /// Bytes per second since the file's first event.
    #[must_use]
    pub fn rate(&self) -> Option<f64> {
        let (have, since) = self.begin;
        let seconds = self.now.checked_sub(since)?.as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "for people to read")]
        let bytes = self.have.saturating_sub(have) as f64;
        (seconds > 0.0 && bytes > 0.0).then(|| bytes / seconds)
    }

    /// Fetched fraction of the file, from 0 to 1.
    #[must_use]
    pub fn fraction(&self) -> Option<f64> {
        let size = self.size.filter(|size| *size > 0)?;
        #[expect(clippy::cast_precision_loss, reason = "for people to read")]
        let fraction = self.have as f64 / size as f64;
        Some(fraction.min(1.0))
    }

    /// Remaining seconds at this rate.
    #[must_use]
    pub fn remaining(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "for people to read")]
        let rest = self.size?.saturating_sub(self.have) as f64;
        Some(rest / self.rate()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(pulling: &mut Pulling, have: u64, seconds: u64) -> PulledFile {
        let event = PullEvent::Progress {
            file: "model.safetensors".to_owned(),
            size: Some(1000),
            have,
        };
        pulling.on_event(event, Duration::from_secs(seconds));
        pulling.file.clone().unwrap()
    }

    #[test]
    fn the_rate_leaves_out_bytes_of_an_earlier_pull() {
        let mut pulling = Pulling::new("known".to_owned());
        let file = progress(&mut pulling, 400, 2);
        assert_eq!(file.rate(), None, "nothing has come yet");
        let file = progress(&mut pulling, 600, 4);
        assert_eq!(file.rate(), Some(100.0));
        assert_eq!(file.fraction(), Some(0.6));
        assert_eq!(file.remaining(), Some(4.0));
    }

    #[test]
    fn the_rate_begins_again_with_the_file() {
        let mut pulling = Pulling::new("known".to_owned());
        progress(&mut pulling, 400, 2);
        progress(&mut pulling, 600, 4);
        assert_eq!(progress(&mut pulling, 0, 5).rate(), None);
    }
}
