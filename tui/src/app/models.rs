//! The list of models: what there is, what is selected, and the pull that is under way.

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent};
use gte_shared::models::{ModelRow, PullEvent};

use super::action::Effect;

/// The list of models.
#[derive(Clone, Debug, Default)]
pub struct Models {
    /// Whether it is laid over the screen.
    pub open: bool,
    /// All models, installed or known.
    pub rows: Vec<ModelRow>,
    /// Which of them is selected.
    pub selected: usize,
    /// The pull that is under way.
    pub pulling: Option<Pulling>,
    /// What there is to say besides.
    pub notice: Option<Notice>,
    /// Number of the last pull. News of earlier ones come too late.
    pull: u64,
}

/// What there is to say about models.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The daemon loads this model.
    Switching(String),
    /// Something went wrong, in words, a line each.
    Failed(Vec<String>),
}

/// A pull under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pulling {
    /// The model.
    pub name: String,
    /// The file that is fetched now, once there is one.
    pub file: Option<PulledFile>,
    /// What is to be known besides, a line each: sources that did not have it, files that could not be
    /// checked.
    pub remarks: Vec<Remark>,
}

/// What is to be known of a pull.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remark {
    /// Another process pulls the same model, and is waited for.
    Waiting,
    /// This source did not have the model, for this reason.
    Source(String, String),
    /// The hub states no checksum for this file.
    Unchecked(String),
}

/// A file on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PulledFile {
    /// Its name.
    pub name: String,
    /// Its size in bytes, where that is known.
    pub size: Option<u64>,
    /// How many of them are here.
    pub have: u64,
    /// How many were here when it began, and when that was since the pull's start.
    begin: (u64, Duration),
    /// The time of the last news, since the pull's start.
    now: Duration,
}

/// Something that has become known about models.
#[derive(Clone, Debug)]
pub enum News {
    /// Which models there are, or why that cannot be told.
    Listed(Result<Vec<ModelRow>, String>),
    /// Something happened in the pull of this number, so long after its start.
    Pulled(u64, PullEvent, Duration),
    /// The pull of this number has ended without the model, for this reason.
    PullFailed(u64, String),
    /// The daemon has been told to use a model, and does, or cannot.
    Used(Result<(), String>),
}

impl Remark {
    /// In words, if it is about a source that failed.
    fn source(self) -> Option<String> {
        match self {
            Self::Source(source, error) => Some(format!("{source}: {error}")),
            Self::Waiting | Self::Unchecked(_) => None,
        }
    }
}

impl PulledFile {
    /// Bytes a second since it began.
    #[must_use]
    pub fn rate(&self) -> Option<f64> {
        let (have, since) = self.begin;
        let seconds = self.now.checked_sub(since)?.as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "for people to read")]
        let bytes = self.have.saturating_sub(have) as f64;
        (seconds > 0.0 && bytes > 0.0).then(|| bytes / seconds)
    }

    /// The part that is here, from 0 to 1.
    #[must_use]
    pub fn share(&self) -> Option<f64> {
        let size = self.size.filter(|size| *size > 0)?;
        #[expect(clippy::cast_precision_loss, reason = "for people to read")]
        let share = self.have as f64 / size as f64;
        Some(share.min(1.0))
    }

    /// Seconds until all of it is here, if it goes on like this.
    #[must_use]
    pub fn remaining(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "for people to read")]
        let rest = self.size?.saturating_sub(self.have) as f64;
        Some(rest / self.rate()?)
    }
}

impl Models {
    /// Opens the list.
    pub(super) fn open(&mut self) -> Effect {
        self.open = true;
        // What went wrong before is old.
        if let Some(Notice::Failed(_)) = self.notice {
            self.notice = None;
        }
        Effect::ListModels
    }

    /// Applies a key while the list is open.
    pub(super) fn press(&mut self, key: KeyEvent) -> Option<Effect> {
        let last = self.rows.len().saturating_sub(1);
        match key.code {
            KeyCode::Esc | KeyCode::F(2) => self.open = false,
            KeyCode::Down => self.selected = (self.selected + 1).min(last),
            KeyCode::Up => self.selected = self.selected.saturating_sub(1),
            KeyCode::Enter => return self.choose(),
            KeyCode::Delete | KeyCode::Backspace if self.pulling.take().is_some() => {
                return Some(Effect::CancelPull);
            }
            _ => {}
        }
        None
    }

    /// Has the selected model answer: at once if it is here, else when it has been fetched.
    fn choose(&mut self) -> Option<Effect> {
        let row = self.rows.get(self.selected)?;
        let name = row.name.clone();
        if row.installed || row.embedded {
            self.notice = Some(Notice::Switching(name.clone()));
            return Some(Effect::Use(name));
        }
        // One at a time: two would only share the line.
        if self.pulling.is_some() {
            return None;
        }
        self.notice = None;
        self.pulling = Some(Pulling {
            name: name.clone(),
            file: None,
            remarks: Vec::new(),
        });
        self.pull += 1;
        Some(Effect::Pull {
            number: self.pull,
            name,
        })
    }

    /// Takes notice of what has become known.
    pub(super) fn learn(&mut self, news: News) -> Option<Effect> {
        match news {
            News::Listed(Ok(rows)) => {
                // The selection stays with its model.
                let selected = self.rows.get(self.selected).map(|row| row.name.clone());
                let place = rows.iter().position(|row| match &selected {
                    Some(name) => row.name == *name,
                    None => row.default,
                });
                self.selected = place.unwrap_or(0);
                self.rows = rows;
                None
            }
            News::PullFailed(number, words) => {
                // One that was cancelled has nothing more to say.
                if number == self.pull
                    && let Some(pulling) = self.pulling.take()
                {
                    let mut lines: Vec<String> = pulling
                        .remarks
                        .into_iter()
                        .filter_map(Remark::source)
                        .collect();
                    lines.push(words);
                    self.notice = Some(Notice::Failed(lines));
                }
                None
            }
            News::Pulled(number, event, at) if number == self.pull => self.pulled(event, at),
            News::Pulled(..) => None,
            News::Listed(Err(words)) => {
                self.notice = Some(Notice::Failed(vec![words]));
                None
            }
            News::Used(used) => {
                self.notice = used.err().map(|words| Notice::Failed(vec![words]));
                Some(Effect::ListModels)
            }
        }
    }

    fn pulled(&mut self, event: PullEvent, at: Duration) -> Option<Effect> {
        let pulling = self.pulling.as_mut()?;
        match event {
            PullEvent::Progress { file, size, have } => {
                let begin = match &pulling.file {
                    // A file that is begun anew has less than before.
                    Some(before) if before.name == file && before.have <= have => before.begin,
                    _ => (have, at),
                };
                pulling.file = Some(PulledFile {
                    name: file,
                    size,
                    have,
                    begin,
                    now: at,
                });
                None
            }
            PullEvent::Installed { name, .. } => {
                self.pulling = None;
                self.notice = Some(Notice::Switching(name.clone()));
                Some(Effect::Use(name))
            }
            PullEvent::Waiting => {
                pulling.remarks.push(Remark::Waiting);
                None
            }
            PullEvent::Failed { source, error } => {
                pulling.file = None;
                pulling.remarks.push(Remark::Source(source, error));
                None
            }
            PullEvent::Done { file, checked } => {
                if !checked {
                    pulling.remarks.push(Remark::Unchecked(file));
                }
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crossterm::event::KeyModifiers;

    use super::*;

    fn row(name: &str, installed: bool) -> ModelRow {
        ModelRow {
            name: name.to_owned(),
            installed,
            embedded: false,
            default: installed,
            megabytes: 61,
            licence: None,
            source: None,
        }
    }

    fn listed() -> Models {
        let mut models = Models::default();
        let rows = vec![row("known", false), row("here", true)];
        models.learn(News::Listed(Ok(rows)));
        models
    }

    fn press(models: &mut Models, code: KeyCode) -> Option<Effect> {
        models.press(KeyEvent::new(code, KeyModifiers::NONE))
    }

    fn progress(models: &mut Models, have: u64, seconds: u64) {
        let event = PullEvent::Progress {
            file: "model.safetensors".to_owned(),
            size: Some(1000),
            have,
        };
        models.learn(News::Pulled(
            models.pull,
            event,
            Duration::from_secs(seconds),
        ));
    }

    #[test]
    fn a_model_that_is_here_is_used_and_another_is_fetched_first() {
        let mut models = listed();
        assert_eq!(models.selected, 1, "the one in use");
        assert_eq!(
            press(&mut models, KeyCode::Enter),
            Some(Effect::Use("here".to_owned()))
        );
        press(&mut models, KeyCode::Up);
        let pull = Effect::Pull {
            number: 1,
            name: "known".to_owned(),
        };
        assert_eq!(press(&mut models, KeyCode::Enter), Some(pull));
        assert_eq!(press(&mut models, KeyCode::Enter), None, "one at a time");
        let installed = PullEvent::Installed {
            name: "known".to_owned(),
            source: "modelscope:owner/known".to_owned(),
            already: false,
        };
        assert_eq!(
            models.learn(News::Pulled(1, installed, Duration::ZERO)),
            Some(Effect::Use("known".to_owned()))
        );
        assert_eq!(models.pulling, None);
        assert_eq!(models.learn(News::Used(Ok(()))), Some(Effect::ListModels));
        assert_eq!(models.notice, None);
    }

    #[test]
    fn rate_and_remaining_time_count_from_what_was_here_before() {
        let mut models = listed();
        models.selected = 0;
        press(&mut models, KeyCode::Enter);
        progress(&mut models, 400, 2);
        let file = |models: &Models| models.pulling.clone().unwrap().file.unwrap();
        assert_eq!(file(&models).rate(), None, "nothing has come yet");
        progress(&mut models, 600, 4);
        let now = file(&models);
        assert_eq!(now.rate(), Some(100.0));
        assert_eq!(now.share(), Some(0.6));
        assert_eq!(now.remaining(), Some(4.0));
        // Begun anew.
        progress(&mut models, 0, 5);
        assert_eq!(file(&models).rate(), None);
    }

    #[test]
    fn a_pull_that_was_cancelled_is_no_failure() {
        let mut models = listed();
        models.selected = 0;
        press(&mut models, KeyCode::Enter);
        assert_eq!(
            press(&mut models, KeyCode::Delete),
            Some(Effect::CancelPull)
        );
        models.learn(News::PullFailed(1, "killed".to_owned()));
        assert_eq!(models.notice, None);
        assert_eq!(press(&mut models, KeyCode::Delete), None);
    }

    #[test]
    fn news_of_a_pull_that_was_cancelled_do_not_touch_the_next_one() {
        let mut models = listed();
        models.selected = 0;
        press(&mut models, KeyCode::Enter);
        press(&mut models, KeyCode::Delete);
        press(&mut models, KeyCode::Enter);
        let late = PullEvent::Installed {
            name: "known".to_owned(),
            source: "modelscope:owner/known".to_owned(),
            already: false,
        };
        assert_eq!(models.learn(News::Pulled(1, late, Duration::ZERO)), None);
        models.learn(News::PullFailed(1, "killed".to_owned()));
        assert!(models.pulling.is_some());
    }

    #[test]
    fn every_source_that_failed_is_told_at_the_end() {
        let mut models = listed();
        models.selected = 0;
        press(&mut models, KeyCode::Enter);
        let failed = PullEvent::Failed {
            source: "modelscope:owner/known".to_owned(),
            error: "too many requests".to_owned(),
        };
        models.learn(News::Pulled(1, failed, Duration::ZERO));
        models.learn(News::PullFailed(1, "unreachable".to_owned()));
        let lines = ["modelscope:owner/known: too many requests", "unreachable"];
        let lines = lines.map(str::to_owned).to_vec();
        assert_eq!(models.notice, Some(Notice::Failed(lines)));
        press(&mut models, KeyCode::Esc);
        models.open();
        assert_eq!(models.notice, None, "it is old by then");
    }
}
