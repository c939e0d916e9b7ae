//! Calibrations: those that come with the program, and those that the user has made.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;

use gte_shared::score::{Calibration, CalibrationState};
use gte_shared::wire::{ModelInfo, Pooling, Precision, TextSteps};
use serde::{Deserialize, Serialize};

use super::builtin_data;
use super::error::{StoreError, at};
use super::installed::Store;

/// The calibrations that come with the program.
const BUILTIN: &str = include_str!("../../assets/calibrations.json");

/// File of the user's calibrations in the data folder.
const FILE: &str = "calibrations.json";

/// A calibration, and what it is for. What is left out may be anything.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StoredCalibration {
    /// Name of the model.
    pub(crate) model: String,
    /// True for the built-in model, false for others of its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) builtin: Option<bool>,
    /// Pooling that the model was computed with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pooling: Option<Pooling>,
    /// Precision that it was computed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) precision: Option<Precision>,
    /// Steps before the texts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) text_steps: Option<TextSteps>,
    /// Most tokens of a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) max_tokens: Option<u32>,
    /// Source of the calibration.
    pub(crate) state: CalibrationState,
    /// Data and day that it was made from and on, for people.
    pub(crate) origin: String,
    /// The map from cosines to scores.
    pub(crate) map: Calibration,
}

impl StoredCalibration {
    /// Returns true if it is for a model.
    fn is_for(&self, model: &ModelInfo) -> bool {
        self.model == model.id
            && self.precision.is_none_or(|of| of == model.precision)
            && self.max_tokens.is_none_or(|of| of == model.max_tokens)
            && self.pooling.is_none_or(|of| of == model.pooling)
            && self.builtin.is_none_or(|of| of == model.builtin)
    }

    /// Returns true if it stands in the place of the other one.
    fn replaces(&self, other: &Self) -> bool {
        self.model == other.model
            && self.precision == other.precision
            && self.text_steps == other.text_steps
            && self.max_tokens == other.max_tokens
            && self.pooling == other.pooling
            && self.builtin == other.builtin
    }
}

impl Store {
    /// The calibrations of a model: the user's first, then those that come with the program. The
    /// error is that of a user's file that cannot be read; the others stand all the same.
    ///
    /// # Errors
    ///
    /// If those that come with the program are not what they were.
    pub(crate) fn calibrations(
        &self,
        model: &ModelInfo,
    ) -> Result<(Vec<StoredCalibration>, Option<StoreError>), StoreError> {
        let builtin: Vec<_> = builtin_data::parse(FILE, BUILTIN)?;
        let (mut all, error) = match self.own_calibrations() {
            Ok(own) => (own, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        all.extend(builtin);
        all.retain(|calibration: &StoredCalibration| calibration.is_for(model));
        Ok((all, error))
    }

    /// Keeps a calibration, in the place of a former one for the same.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or written.
    pub(crate) fn keep_calibration(&self, new: StoredCalibration) -> Result<PathBuf, StoreError> {
        let root = self.make_root()?;
        let _lock = self.lock_selection()?;
        let mut all = self.own_calibrations()?;
        all.retain(|old| !new.replaces(old));
        all.insert(0, new);
        let path = root.join(FILE);
        let aside = root.join(format!("{FILE}.new"));
        let json = serde_json::to_vec_pretty(&all);
        let json = json.map_err(|error| at(&path)(io::Error::other(error)))?;
        let written = File::create(&aside).and_then(|mut file| {
            file.write_all(&json)?;
            // A crash of the machine leaves the former file or this one.
            file.sync_all()
        });
        written.map_err(at(&aside))?;
        fs::rename(&aside, &path).map_err(at(&path))?;
        Ok(path)
    }

    fn own_calibrations(&self) -> Result<Vec<StoredCalibration>, StoreError> {
        let Some(root) = &self.root else {
            return Ok(Vec::new());
        };
        let path = root.join(FILE);
        let json = match fs::read(&path) {
            Ok(json) => json,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(at(&path)(error)),
        };
        serde_json::from_slice(&json).map_err(|error| at(&path)(error.into()))
    }
}

#[cfg(test)]
mod tests {
    use gte_shared::score::{Meaning, Scale};
    use gte_shared::wire::{TextRules, TextStep};

    use super::*;

    fn model(id: &str, builtin: bool) -> ModelInfo {
        ModelInfo {
            id: id.to_owned(),
            dimension: 512,
            pooling: Pooling::Cls,
            max_tokens: 512,
            precision: Precision::Int8,
            builtin,
            rules: TextRules::default(),
            scale: Scale::default(),
        }
    }

    #[test]
    fn the_programs_own_are_for_their_models_alone() {
        let store = Store { root: None };
        let of = |model: &ModelInfo| store.calibrations(model).unwrap().0;
        let own = of(&model("bge-small-zh-v1.5", true));
        let lowercase = Some(TextSteps::NONE.with(TextStep::Lowercase));
        for steps in [lowercase, Some(TextSteps::NONE)] {
            let own = own.iter().find(|own| own.text_steps == steps).unwrap();
            assert_eq!(own.state, CalibrationState::Shipped);
            assert_eq!(own.map.meaning(), Meaning::Rating);
        }
        assert!(of(&model("bge-small-zh-v1.5", false)).is_empty());
        for gte in ["gte-small-zh", "gte-base-zh", "gte-large-zh"] {
            assert_eq!(
                of(&model(gte, false))[0].state,
                CalibrationState::Provisional
            );
        }
        assert!(of(&model("other", false)).is_empty());
    }

    #[test]
    fn a_new_calibration_replaces_the_one_for_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store {
            root: Some(folder.path().join("gte")),
        };
        let new = |score: f64, precision| StoredCalibration {
            model: "m".to_owned(),
            builtin: Some(false),
            pooling: Some(Pooling::Cls),
            precision: Some(precision),
            text_steps: Some(TextSteps::NONE),
            max_tokens: Some(512),
            state: CalibrationState::Fitted,
            origin: "pairs.tsv".to_owned(),
            map: Calibration::ratings(vec![(0.5, score)]).unwrap(),
        };
        store.keep_calibration(new(10.0, Precision::Int8)).unwrap();
        store.keep_calibration(new(20.0, Precision::F32)).unwrap();
        let path = store.keep_calibration(new(30.0, Precision::Int8)).unwrap();
        let (kept, error) = store.calibrations(&model("m", false)).unwrap();
        assert!(kept == [new(30.0, Precision::Int8)] && error.is_none());
        assert!(store.calibrations(&model("m", true)).unwrap().0.is_empty());
        // A faulty file does not take the program's own away, and is not overwritten.
        fs::write(&path, "[{}]").unwrap();
        let (own, error) = store.calibrations(&model("gte-base-zh", false)).unwrap();
        assert!(own.len() == 1 && error.is_some());
        assert!(store.keep_calibration(new(40.0, Precision::Int8)).is_err());
    }
}
