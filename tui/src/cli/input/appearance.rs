//! Appearance of input that cannot be read as stated, for messages: other kinds of files, and other
//! encodings. Nothing is read in another way because it looks so.

use std::path::Path;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{BIG5, EUC_JP, EUC_KR, GB18030, GBK, SHIFT_JIS};

use super::fault::Fault;

/// Beginnings of files that are not text (Wikipedia, "List of file signatures").
const SIGNATURES: [(&[u8], &str, &str); 8] = [
    (
        b"PK\x03\x04",
        "a ZIP archive, such as an Excel workbook",
        "save the table as CSV, or unpack the archive",
    ),
    (
        b"\xd0\xcf\x11\xe0",
        "an old Excel or Word file",
        "save the table as CSV",
    ),
    (
        b"\x1f\x8b",
        "compressed with gzip",
        "unpack it: gzip -dc FILE | gte …",
    ),
    (
        b"\x28\xb5\x2f\xfd",
        "compressed with zstd",
        "unpack it: zstd -dc FILE | gte …",
    ),
    (
        b"BZh",
        "compressed with bzip2",
        "unpack it: bzip2 -dc FILE | gte …",
    ),
    (
        b"\xfd7zXZ",
        "compressed with xz",
        "unpack it: xz -dc FILE | gte …",
    ),
    (b"PAR1", "a Parquet file", "convert it to CSV"),
    (b"%PDF", "a PDF file", "copy its text into a file"),
];

/// Byte order marks, the longer before those that they begin with.
const MARKS: [(&[u8], &str); 4] = [
    (b"\xff\xfe\0\0", "UTF-32LE"),
    (b"\0\0\xfe\xff", "UTF-32BE"),
    (b"\xff\xfe", "UTF-16LE"),
    (b"\xfe\xff", "UTF-16BE"),
];

/// Name of the input, for commands in hints.
#[derive(Clone, Debug)]
pub(super) struct Name(Option<String>);

impl Name {
    pub(super) fn new(file: Option<&Path>) -> Self {
        Self(file.map(|file| file.display().to_string()))
    }

    /// Name for messages.
    pub(super) fn shown(&self) -> &str {
        self.0.as_deref().unwrap_or("stdin")
    }

    /// Argument of a command.
    fn argument(&self) -> String {
        match &self.0 {
            Some(name) => format!("'{}'", name.replace('\'', r"'\''")),
            None => "FILE".to_owned(),
        }
    }
}

/// Fault of an input that its first bytes show not to be text in UTF-8. `is_decoded` is true if an
/// encoding was stated.
pub(super) fn not_text(head: &[u8], name: &Name, is_decoded: bool) -> Option<Fault> {
    // A text may begin with the letters of some of them.
    let is_binary = head
        .iter()
        .any(|byte| byte.is_ascii_control() && !byte.is_ascii_whitespace())
        || str::from_utf8(head).is_err_and(|error| error.error_len().is_some());
    for (signature, kind, hint) in SIGNATURES {
        if is_binary && head.starts_with(signature) {
            let hint = hint.replace("FILE", &name.argument());
            return Some(Fault::with_hint(format!("{kind}, not text"), hint));
        }
    }
    if is_decoded {
        return None;
    }
    let mark = MARKS.iter().find(|(mark, _)| head.starts_with(mark));
    let looks = mark
        .map(|(_, encoding)| *encoding)
        .or_else(|| utf16(head))?;
    let problem = format!("it looks like {looks}, not UTF-8");
    Some(Fault::with_hint(problem, way(looks, name)))
}

/// UTF-16 without a mark: the high or the low half of line feeds, tabs and digits is zero.
fn utf16(head: &[u8]) -> Option<&'static str> {
    let zeros = |first: usize| {
        let halves = head.iter().skip(first).step_by(2);
        halves.filter(|byte| **byte == 0).count()
    };
    let (even, odd) = (zeros(0), zeros(1));
    // A text may have a few NUL characters, which its lines are refused for.
    let is_utf8 = str::from_utf8(head).map_or_else(|error| error.error_len().is_none(), |_| true);
    if is_utf8 && (even + odd) * 8 < head.len() {
        return None;
    }
    match (even, odd) {
        (0, 2..) => Some("UTF-16LE"),
        (2.., 0) => Some("UTF-16BE"),
        _ => None,
    }
}

/// Fault of a line that is not UTF-8.
pub(super) fn not_utf8(line: &[u8], is_last: bool, name: &Name) -> Fault {
    let cut = str::from_utf8(line)
        .err()
        .filter(|error| error.error_len().is_none());
    if is_last && cut.is_some() {
        return Fault::with_hint(
            "the line ends within a character",
            "the file may have been cut: copy it again",
        );
    }
    match guess(line) {
        Some(encoding) => Fault::with_hint(
            format!("the line is not UTF-8; it looks like {encoding}"),
            way(encoding, name),
        ),
        None => Fault::with_hint(
            "the line is not UTF-8",
            "state its encoding with --encoding",
        ),
    }
}

/// Encoding of East Asia that bytes look like.
fn guess(bytes: &[u8]) -> Option<&'static str> {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    let encoding = detector.guess(None, Utf8Detection::Deny);
    // A few characters say little: most of this program's inputs are Chinese.
    let encoding = if [BIG5, EUC_JP, EUC_KR, SHIFT_JIS].contains(&encoding) {
        encoding
    } else {
        detector.guess(Some(b"cn"), Utf8Detection::Deny)
    };
    let is_whole = !encoding.decode_without_bom_handling(bytes).1;
    let known = [GBK, GB18030, BIG5, EUC_JP, EUC_KR, SHIFT_JIS];
    (is_whole && known.contains(&encoding)).then(|| match encoding.name() {
        // GB18030 has the characters of GBK and all others, in the same bytes.
        "GBK" | "gb18030" => "GB18030",
        name => name,
    })
}

/// Ways to read another encoding.
fn way(encoding: &str, name: &Name) -> String {
    let file = name.argument();
    let convert = format!("iconv -f {encoding} -t UTF-8 {file} > NEW");
    match encoding {
        // The encodings of web pages, which --encoding takes, do not include these.
        "UTF-32LE" | "UTF-32BE" => format!("convert it: {convert}"),
        _ => {
            let label = encoding.to_ascii_lowercase();
            format!("read it with --encoding {label}, or convert it: {convert}")
        }
    }
}

#[cfg(test)]
mod tests {
    use encoding_rs::Encoding;

    use super::*;

    fn looks(encoding: &'static Encoding, text: &str) -> Option<&'static str> {
        guess(&encoding.encode(text).0)
    }

    #[test]
    fn encodings_are_recognized_in_a_line() {
        for text in [
            "我们\t你好",
            "今天天气很好\t今天天气不错",
            "退款",
            "如何申请退款？",
        ] {
            assert_eq!(looks(GBK, text), Some("GB18030"), "{text}");
        }
        for text in [
            "我們的服務條款\t請問如何退款",
            "今天天氣很好",
            "請問如何申請退款？",
        ] {
            assert_eq!(looks(BIG5, text), Some("Big5"), "{text}");
        }
        assert_eq!(guess(b"caf\xe9 \xff\xff"), None);
    }

    #[test]
    fn a_command_that_mends_is_named() {
        let name = Name::new(Some(Path::new("it's.txt")));
        let fault = not_utf8(&GBK.encode("我们你好").0, false, &name);
        let expected = r"read it with --encoding gb18030, or convert it: iconv -f GB18030 -t UTF-8 'it'\''s.txt' > NEW";
        assert_eq!(fault.hint.unwrap(), expected);
        let cut = not_utf8("你好".as_bytes().split_last().unwrap().1, true, &name);
        assert_eq!(cut.problem, "the line ends within a character");
    }

    #[test]
    fn other_files_are_told_by_their_first_bytes() {
        let name = Name::new(None);
        let problem = |head: &[u8]| Some(not_text(head, &name, false)?.problem);
        assert!(problem(b"PK\x03\x04xl").unwrap().contains("Excel"));
        assert!(problem(b"PAR1\x15\x04").unwrap().contains("Parquet"));
        assert_eq!(problem("PAR16射灯\t好".as_bytes()), None);
        assert_eq!(problem("BZhang的评论".as_bytes()), None);
        for (head, encoding) in [
            (&b"\xff\xfea\0"[..], "UTF-16LE"),
            (b"\xfe\xff\0a", "UTF-16BE"),
            (b"\xff\xfe\0\0a\0\0\0", "UTF-32LE"),
            (b"a\0\t\0b\0\n\0", "UTF-16LE"),
            (b"\0a\0\n", "UTF-16BE"),
        ] {
            let expected = format!("it looks like {encoding}, not UTF-8");
            assert_eq!(problem(head), Some(expected));
        }
        for text in [
            "甲\t乙\n",
            "\u{feff}甲",
            "",
            "P",
            "text\n\0\ntext\n\0text\n",
        ] {
            assert_eq!(problem(text.as_bytes()), None);
        }
    }
}
