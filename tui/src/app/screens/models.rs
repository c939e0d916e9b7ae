//! State of the list of models: its rows, the selected one, and the running pull.

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent};
use gte_shared::models::{ModelRow, PullEvent};

use super::pull::Pulling;
use crate::app::effect::Effect;
use crate::app::key_hint::{KeyHint, Purpose};

/// State of the list.
#[derive(Clone, Debug, Default)]
pub struct ModelsState {
    /// True while the list is shown.
    pub open: bool,
    /// All models, installed or known.
    pub rows: Vec<ModelRow>,
    /// Index of the selected row.
    pub selected: usize,
    /// Running pull.
    pub pulling: Option<Pulling>,
    /// Message below the list.
    pub notice: Option<Notice>,
    /// Number of the last pull. Events of earlier pulls are ignored.
    pull_number: u64,
}

/// Message about models.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The daemon loads this model.
    Loading(String),
    /// Error messages, one per line.
    Failed(Vec<String>),
}

/// Message of an operation on models that failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ModelsError(pub String);

/// Event about models.
#[derive(Clone, Debug)]
pub enum ModelsEvent {
    /// The models were listed, or could not be.
    Listed(Result<Vec<ModelRow>, ModelsError>),
    /// The pull of this number reported an event, at this time after its start.
    Pulled(u64, PullEvent, Duration),
    /// The pull of this number failed with this message.
    PullFailed(u64, String),
    /// The daemon selected a model, or failed to.
    Used(Result<(), ModelsError>),
}

impl ModelsState {
    /// Opens the list.
    pub(crate) fn open(&mut self) -> Effect {
        self.open = true;
        // An error of an earlier operation is outdated.
        if let Some(Notice::Failed(_)) = self.notice {
            self.notice = None;
        }
        Effect::ListModels
    }

    /// Applies a key while the list is open.
    pub(crate) fn on_key(&mut self, key: KeyEvent) -> Option<Effect> {
        let last = self.rows.len().saturating_sub(1);
        match key.code {
            KeyCode::Esc | KeyCode::F(2) => self.open = false,
            KeyCode::Down => self.selected = (self.selected + 1).min(last),
            KeyCode::Up => self.selected = self.selected.saturating_sub(1),
            KeyCode::Enter => return self.use_selected(),
            KeyCode::Delete | KeyCode::Backspace if self.pulling.take().is_some() => {
                return Some(Effect::CancelPull);
            }
            _ => {}
        }
        None
    }

    /// Name of the selected model, if the daemon can load it.
    pub(crate) fn selected_available(&self) -> Option<&str> {
        let row = self.rows.get(self.selected);
        let available = row.filter(|row| is_available(row));
        available.map(|row| row.name.as_str())
    }

    /// Returns true if the models have been listed, and the daemon cannot load this one.
    pub(crate) fn is_unavailable(&self, name: &str) -> bool {
        let mut available = self.rows.iter().filter(|row| is_available(row));
        !self.rows.is_empty() && available.all(|row| row.name != name)
    }

    /// Keys that [`on_key`](Self::on_key) handles now.
    pub(crate) fn key_hints(&self) -> [KeyHint; 3] {
        let act = if self.pulling.is_some() {
            KeyHint::new("Del", Purpose::CancelPull)
        } else {
            let available = self.rows.get(self.selected).is_none_or(is_available);
            let purpose = if available {
                Purpose::Use
            } else {
                Purpose::Pull
            };
            KeyHint::new("Enter", purpose)
        };
        [
            KeyHint::new("Up Down", Purpose::Select),
            act,
            KeyHint::new("Esc", Purpose::Close),
        ]
    }

    /// Applies an event.
    pub(crate) fn on_event(&mut self, event: ModelsEvent) -> Option<Effect> {
        match event {
            ModelsEvent::Listed(Ok(rows)) => {
                self.set_rows(rows);
                None
            }
            ModelsEvent::Listed(Err(error)) => {
                self.notice = Some(Notice::Failed(vec![error.0]));
                None
            }
            ModelsEvent::Pulled(number, event, at) if number == self.pull_number => {
                let installed = self.pulling.as_mut()?.on_event(event, at)?;
                self.pulling = None;
                Some(self.use_model(installed))
            }
            ModelsEvent::PullFailed(number, reason) if number == self.pull_number => {
                // The failure of a canceled pull is not reported.
                let pulling = self.pulling.take()?;
                self.notice = Some(Notice::Failed(pulling.into_failure(reason)));
                None
            }
            ModelsEvent::Pulled(..) | ModelsEvent::PullFailed(..) => None,
            ModelsEvent::Used(used) => {
                self.notice = used.err().map(|error| Notice::Failed(vec![error.0]));
                Some(Effect::ListModels)
            }
        }
    }

    fn set_rows(&mut self, rows: Vec<ModelRow>) {
        // The same model stays selected.
        let selected = self.rows.get(self.selected).map(|row| row.name.clone());
        let index = rows.iter().position(|row| match &selected {
            Some(name) => row.name == *name,
            None => row.default,
        });
        self.selected = index.unwrap_or(0);
        self.rows = rows;
    }

    /// Uses the selected model: at once if it is on this machine, else after a pull.
    fn use_selected(&mut self) -> Option<Effect> {
        let row = self.rows.get(self.selected)?;
        let name = row.name.clone();
        if is_available(row) {
            return Some(self.use_model(name));
        }
        // One pull at a time: two would share the bandwidth.
        if self.pulling.is_some() {
            return None;
        }
        self.notice = None;
        self.pulling = Some(Pulling::new(name.clone()));
        self.pull_number += 1;
        Some(Effect::Pull {
            number: self.pull_number,
            name,
        })
    }

    fn use_model(&mut self, name: String) -> Effect {
        self.notice = Some(Notice::Loading(name.clone()));
        Effect::UseModel(name)
    }
}

/// Returns true if the daemon can use a model without a pull.
fn is_available(row: &ModelRow) -> bool {
    row.installed || row.builtin
}

#[cfg(test)]
mod tests {
    use crossterm::event::KeyModifiers;

    use super::*;

    fn row(name: &str, installed: bool) -> ModelRow {
        ModelRow {
            name: name.to_owned(),
            installed,
            builtin: false,
            default: installed,
            megabytes: 61,
            license: None,
            source: None,
        }
    }

    fn listed() -> ModelsState {
        let mut models = ModelsState::default();
        let rows = vec![row("known", false), row("here", true)];
        models.on_event(ModelsEvent::Listed(Ok(rows)));
        models
    }

    /// A list with a running pull of its first model.
    fn pulling() -> ModelsState {
        let mut models = listed();
        press(&mut models, KeyCode::Up);
        let pull = Effect::Pull {
            number: 1,
            name: "known".to_owned(),
        };
        assert_eq!(press(&mut models, KeyCode::Enter), Some(pull));
        models
    }

    fn press(models: &mut ModelsState, code: KeyCode) -> Option<Effect> {
        models.on_key(KeyEvent::new(code, KeyModifiers::NONE))
    }

    fn installed() -> PullEvent {
        PullEvent::Installed {
            name: "known".to_owned(),
            source: "modelscope:owner/known".to_owned(),
            already: false,
        }
    }

    fn pulled(models: &mut ModelsState, number: u64, event: PullEvent) -> Option<Effect> {
        models.on_event(ModelsEvent::Pulled(number, event, Duration::ZERO))
    }

    fn pull_failed(models: &mut ModelsState, number: u64, reason: &str) -> Option<Effect> {
        models.on_event(ModelsEvent::PullFailed(number, reason.to_owned()))
    }

    #[test]
    fn enter_uses_a_model_that_is_available() {
        let mut models = listed();
        assert_eq!(models.selected, 1, "the default model");
        let effect = press(&mut models, KeyCode::Enter);
        assert_eq!(effect, Some(Effect::UseModel("here".to_owned())));
        let effect = models.on_event(ModelsEvent::Used(Ok(())));
        assert_eq!(effect, Some(Effect::ListModels));
        assert_eq!(models.notice, None);
    }

    #[test]
    fn a_pulled_model_is_used_once_it_is_installed() {
        let mut models = pulling();
        assert_eq!(press(&mut models, KeyCode::Enter), None, "one at a time");
        let effect = pulled(&mut models, 1, installed());
        assert_eq!(effect, Some(Effect::UseModel("known".to_owned())));
        assert_eq!(models.pulling, None);
    }

    #[test]
    fn a_canceled_pull_is_not_a_failure() {
        let mut models = pulling();
        let effect = press(&mut models, KeyCode::Delete);
        assert_eq!(effect, Some(Effect::CancelPull));
        pull_failed(&mut models, 1, "killed");
        assert_eq!(models.notice, None);
        assert_eq!(press(&mut models, KeyCode::Delete), None);
    }

    #[test]
    fn events_of_a_canceled_pull_do_not_touch_the_next_one() {
        let mut models = pulling();
        press(&mut models, KeyCode::Delete);
        press(&mut models, KeyCode::Enter);
        assert_eq!(pulled(&mut models, 1, installed()), None);
        pull_failed(&mut models, 1, "killed");
        assert!(models.pulling.is_some());
    }

    #[test]
    fn a_failed_pull_names_every_source_that_failed() {
        let mut models = pulling();
        let failed = PullEvent::Failed {
            source: "modelscope:owner/known".to_owned(),
            error: "too many requests".to_owned(),
        };
        pulled(&mut models, 1, failed);
        pull_failed(&mut models, 1, "unreachable");
        let lines = ["modelscope:owner/known: too many requests", "unreachable"];
        let lines = lines.map(str::to_owned).to_vec();
        assert_eq!(models.notice, Some(Notice::Failed(lines)));
        press(&mut models, KeyCode::Esc);
        models.open();
        assert_eq!(models.notice, None, "the error is old by then");
    }

    #[test]
    fn the_hint_for_enter_tells_a_pull_from_use() {
        let mut models = listed();
        let act = |models: &ModelsState| models.key_hints()[1];
        assert_eq!(act(&models), KeyHint::new("Enter", Purpose::Use));
        press(&mut models, KeyCode::Up);
        assert_eq!(act(&models), KeyHint::new("Enter", Purpose::Pull));
        press(&mut models, KeyCode::Enter);
        assert_eq!(act(&models), KeyHint::new("Del", Purpose::CancelPull));
    }
}
