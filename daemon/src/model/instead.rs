//! Files that are something else than they are called: what a download, a clone or an editor has
//! left in place of a model's file.

use std::fmt;

/// Content of a file that is not the file itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instead {
    /// Nothing.
    Empty,
    /// The pointer of Git LFS, whose content is stored elsewhere.
    LfsPointer,
    /// A web page: of a login, a portal or an error.
    WebPage,
    /// Text in UTF-16, where UTF-8 is read.
    Utf16,
    /// A compressed file or an archive.
    Packed,
}

/// Bytes of the beginning that show what a file is.
pub(crate) const HEAD_BYTES: usize = 256;

impl Instead {
    /// Recognizes a file by its first 256 bytes.
    #[must_use]
    pub fn of(head: &[u8]) -> Option<Self> {
        let head = head.get(..HEAD_BYTES).unwrap_or(head);
        let text = head.strip_prefix("\u{feff}".as_bytes()).unwrap_or(head);
        let text = text.trim_ascii_start().to_ascii_lowercase();
        if head.is_empty() {
            Some(Self::Empty)
        } else if text.starts_with(b"version https://git-lfs.github.com/spec/") {
            Some(Self::LfsPointer)
        } else if text.starts_with(b"<!doctype") || text.starts_with(b"<html") {
            Some(Self::WebPage)
        } else if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
            Some(Self::Utf16)
        } else if head.starts_with(b"\x1f\x8b") {
            Some(Self::Packed)
        } else {
            None
        }
    }

    /// Next step for the user.
    #[must_use]
    pub fn hint(self) -> &'static str {
        match self {
            Self::LfsPointer => {
                "run `git lfs pull` in the folder, or fetch the model with `gted pull`"
            }
            Self::Utf16 => "save it as UTF-8",
            Self::Packed => "unpack it",
            Self::Empty | Self::WebPage => "download it again",
        }
    }
}

impl fmt::Display for Instead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "empty",
            Self::LfsPointer => "a Git LFS pointer, not the file itself",
            Self::WebPage => "a web page, not the file itself",
            Self::Utf16 => "in UTF-16, not in UTF-8",
            Self::Packed => "compressed with gzip",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_content_is_recognized() {
        for (head, expected) in [
            (&b""[..], Some(Instead::Empty)),
            (
                b"version https://git-lfs.github.com/spec/v1\noid",
                Some(Instead::LfsPointer),
            ),
            (b"\n<!DOCTYPE html>", Some(Instead::WebPage)),
            (b"<html>", Some(Instead::WebPage)),
            (b"\xff\xfe{\0", Some(Instead::Utf16)),
            (b"\x1f\x8b\x08", Some(Instead::Packed)),
            (b"{\"a\":1}", None),
            (b"\xef\xbb\xbf{}", None),
            (b"\x80\x02}q", None),
        ] {
            assert_eq!(Instead::of(head), expected);
        }
    }
}
