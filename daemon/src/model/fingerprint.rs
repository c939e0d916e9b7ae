//! Fingerprint of a model: what its vectors depend on besides the token ids.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

use gte_kernels::Cpu;
use gte_shared::VERSION;
use gte_shared::wire::ModelInfo;
use sha2::{Digest, Sha256};

use super::source::Source;

/// Link to this program (proc(5)). It leads to the program that runs, also after an upgrade.
const PROGRAM: &str = "/proc/self/exe";

/// Number of samples that are taken of a file.
const SAMPLES: u64 = 64;

/// Bytes of a sample.
const SAMPLE_BYTES: usize = 4096;

/// Fingerprint of a model as this program computes it on this machine. Equal fingerprints mean that
/// a text has the same vector, bit for bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint(pub(crate) [u8; 32]);

impl Fingerprint {
    /// Takes the fingerprint of a model, before its files are loaded: a file that is changed
    /// meanwhile has another fingerprint the next time.
    ///
    /// # Errors
    ///
    /// If the system does not tell about this program or a file of the model.
    pub(super) fn of(source: &Source, info: &ModelInfo) -> io::Result<Self> {
        let mut hash = Sha256::new();
        let cpu = Cpu::detect().name();
        let (precision, pooling) = (info.precision.name(), info.pooling.name());
        for part in [VERSION, cpu, precision, pooling, &info.id] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        add(&mut hash, Path::new(PROGRAM))?;
        if let Source::Folder(folder) = source {
            add(&mut hash, &folder.path.join("config.json"))?;
            let weights = source.weights().map_err(io::Error::other)?;
            for file in weights.files() {
                add(&mut hash, file)?;
            }
        }
        Ok(Self(hash.finalize().into()))
    }
}

/// Adds the number, size and times of a file, of which a program cannot set the last (ctime,
/// inode(7)), and samples of its content, since images of file systems may have the same times for
/// all of their files. Reading all of it would take longer than loading the model.
fn add(hash: &mut Sha256, path: &Path) -> io::Result<()> {
    let file = File::open(path)?;
    let of = file.metadata()?;
    for number in [of.mtime(), of.mtime_nsec(), of.ctime(), of.ctime_nsec()] {
        hash.update(number.to_le_bytes());
    }
    for number in [of.ino(), of.size()] {
        hash.update(number.to_le_bytes());
    }
    let mut sample = [0; SAMPLE_BYTES];
    for index in 0..SAMPLES {
        let read = file.read_at(&mut sample, of.size() / SAMPLES * index)?;
        hash.update(&sample[..read]);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use gte_shared::wire::Precision;

    use super::super::source::Folder;
    use super::super::spec::ModelSpec;
    use super::*;

    fn fingerprint(folder: &Path, precision: Precision) -> Fingerprint {
        let source = Source::Folder(Folder::new(folder));
        let info = ModelSpec::read(&source, precision).unwrap().info;
        Fingerprint::of(&source, &info).unwrap()
    }

    #[test]
    fn a_changed_file_or_precision_changes_it() {
        let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/tiny-bert/hf");
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("tiny");
        fs::create_dir(&folder).unwrap();
        for entry in fs::read_dir(fixture).unwrap().map(Result::unwrap) {
            if entry.path().is_file() {
                fs::copy(entry.path(), folder.join(entry.file_name())).unwrap();
            }
        }
        let pooling = folder.join("1_Pooling");
        fs::create_dir(&pooling).unwrap();
        let cls = r#"{"pooling_mode_cls_token": true}"#;
        fs::write(pooling.join("config.json"), cls).unwrap();
        let before = fingerprint(&folder, Precision::F32);
        assert_eq!(fingerprint(&folder, Precision::F32), before);
        assert_ne!(fingerprint(&folder, Precision::Int8), before);
        // The same size and time of change, and another content.
        let weights = folder.join("model.safetensors");
        let written = fs::metadata(&weights).unwrap().modified().unwrap();
        let mut content = fs::read(&weights).unwrap();
        let last = content.len() - 1;
        content[last] ^= 1;
        fs::write(&weights, content).unwrap();
        let file = File::options().write(true).open(&weights).unwrap();
        file.set_modified(written).unwrap();
        assert_ne!(fingerprint(&folder, Precision::F32), before);
    }
}
