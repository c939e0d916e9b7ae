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

/// Fingerprint of the files of a model, and of this program on this machine.
#[derive(Clone, Debug)]
pub struct FilesFingerprint(Sha256);

impl FilesFingerprint {
    /// Takes the fingerprint of the files of a model.
    ///
    /// # Errors
    ///
    /// If the system does not tell about this program or a file of the model.
    pub fn of(source: &Source) -> io::Result<Self> {
        let mut hash = Sha256::new();
        add_program(&mut hash);
        add_file(&mut hash, Path::new(PROGRAM))?;
        if let Source::Folder(folder) = source {
            add_file(&mut hash, &folder.path.join("config.json"))?;
            let weights = source.weights().map_err(io::Error::other)?;
            for file in weights.files() {
                add_file(&mut hash, file)?;
            }
        }
        Ok(Self(hash))
    }

    /// Fingerprint of the model as this program computes it on this machine: where it is the same,
    /// a text has the same vector, bit for bit. `None` unless these were its files before it was
    /// loaded and `after` are now: otherwise nobody knows which of them were loaded.
    #[must_use]
    pub fn of_model(self, after: &Self, info: &ModelInfo) -> Option<[u8; 32]> {
        let of = |files: &Self| {
            let mut hash = files.0.clone();
            for part in [info.precision.name(), info.pooling.name(), &info.id] {
                add_text(&mut hash, part);
            }
            <[u8; 32]>::from(hash.finalize())
        };
        (of(&self) == of(after)).then(|| of(after))
    }
}

/// Fingerprint of the model as this program computes it on a machine with these instructions: where
/// it is the same, a text has the same vector, bit for bit, on whatever machine. Reads the files of
/// the model, a gigabyte in a second or two.
///
/// # Errors
///
/// If a file of the model cannot be read.
pub fn content_fingerprint(source: &Source, info: &ModelInfo) -> io::Result<[u8; 32]> {
    let mut hash = Sha256::new();
    add_program(&mut hash);
    for part in [info.precision.name(), info.pooling.name()] {
        add_text(&mut hash, part);
    }
    match source {
        Source::Builtin => add_text(&mut hash, source.id()),
        Source::Folder(folder) => {
            let weights = source.weights().map_err(io::Error::other)?;
            let config = folder.path.join("config.json");
            for path in [config].iter().chain(weights.files()) {
                let mut file = File::open(path)?;
                hash.update(file.metadata()?.size().to_le_bytes());
                io::copy(&mut file, &mut hash)?;
            }
        }
    }
    Ok(hash.finalize().into())
}

/// Adds the version of the program, and the instruction sets of the kernels and of the operations
/// of rten-vecmath.
fn add_program(hash: &mut Sha256) {
    add_text(hash, VERSION);
    add_text(hash, Cpu::detect().name());
    hash.update((gte_kernels::vector_lanes() as u64).to_le_bytes());
}

fn add_text(hash: &mut Sha256, text: &str) {
    hash.update((text.len() as u64).to_le_bytes());
    hash.update(text);
}

/// Adds the number, size and times of a file, of which a program cannot set the last (ctime,
/// inode(7)), and samples of its content, since images of file systems may have the same times for
/// all of their files. Reading all of it would take longer than loading the model.
fn add_file(hash: &mut Sha256, path: &Path) -> io::Result<()> {
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

    #[test]
    fn a_changed_file_or_precision_changes_it() {
        let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/tiny-bert/hf");
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("tiny");
        fs::create_dir_all(folder.join("1_Pooling")).unwrap();
        let files = [
            "config.json",
            "1_Pooling/config.json",
            "model.safetensors",
            "tokenizer.json",
        ];
        for file in files {
            fs::copy(fixture.join(file), folder.join(file)).unwrap();
        }
        let source = Source::Folder(Folder::new(&folder));
        let files = || FilesFingerprint::of(&source).unwrap();
        let info = |precision| ModelSpec::read(&source, precision).unwrap().info;
        let before = files();
        let fingerprint = |precision| files().of_model(&before, &info(precision));
        assert!(fingerprint(Precision::F32).is_some());
        assert_ne!(fingerprint(Precision::F32), fingerprint(Precision::Int8));
        let content = |precision| content_fingerprint(&source, &info(precision)).unwrap();
        let of_content = content(Precision::F32);
        assert_ne!(of_content, content(Precision::Int8));
        // The same content and time of change: the time of the inode is another one.
        let weights = folder.join("model.safetensors");
        let written = fs::metadata(&weights).unwrap().modified().unwrap();
        let mut bytes = fs::read(&weights).unwrap();
        fs::write(&weights, &bytes).unwrap();
        let file = File::options().write(true).open(&weights).unwrap();
        file.set_modified(written).unwrap();
        assert_eq!(fingerprint(Precision::F32), None);
        assert_eq!(content(Precision::F32), of_content);
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&weights, bytes).unwrap();
        assert_ne!(content(Precision::F32), of_content);
    }
}
