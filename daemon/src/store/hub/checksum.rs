//! Checksums that hubs state for files.

use std::fs::File;
use std::io;
use std::path::Path;

use sha1::Sha1;
use sha2::{Digest, Sha256};

/// Checksum of a file's content, in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store) enum Checksum {
    /// The sha256 of the content.
    Sha256(String),
    /// Git's name of the content: the sha1 of `blob`, the length and the content.
    GitBlob(String),
}

impl Checksum {
    /// Returns true if a file has this checksum.
    pub(in crate::store) fn matches(&self, path: &Path) -> io::Result<bool> {
        let mut file = File::open(path)?;
        match self {
            Self::Sha256(expected) => {
                let mut hasher = Sha256::new();
                io::copy(&mut file, &mut hasher)?;
                Ok(format!("{:x}", hasher.finalize()) == *expected)
            }
            Self::GitBlob(expected) => {
                let length = file.metadata()?.len();
                let mut hasher = Sha1::new();
                hasher.update(format!("blob {length}\0"));
                io::copy(&mut file, &mut hasher)?;
                Ok(format!("{:x}", hasher.finalize()) == *expected)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_equal_those_of_sha256sum_and_git() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "hello\n").unwrap();
        let sha256 = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";
        let blob = "ce013625030ba8dba906f756967f9e9ca394464a";
        let matches = |checksum: Checksum| checksum.matches(file.path()).unwrap();
        assert!(matches(Checksum::Sha256(sha256.into())));
        assert!(matches(Checksum::GitBlob(blob.into())));
        assert!(!matches(Checksum::GitBlob(sha256.into())));
    }
}
