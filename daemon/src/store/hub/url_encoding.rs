//! Percent-encoding of the parts of a URL.

/// Percent-encodes all special characters of a part of a URL, `/` included.
pub(super) fn encoded(part: &str) -> String {
    let encode = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
            char::from(byte).to_string()
        }
        other => format!("%{other:02X}"),
    };
    part.bytes().map(encode).collect()
}

/// Percent-encodes each part of a path, and keeps the `/` between them.
pub(super) fn encoded_path(path: &str) -> String {
    let parts: Vec<String> = path.split('/').map(encoded).collect();
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_characters_are_percent_encoded() {
        assert_eq!(encoded("refs/pr/1"), "refs%2Fpr%2F1");
        assert_eq!(
            encoded_path("1_Pooling/config.json"),
            "1_Pooling/config.json"
        );
        assert_eq!(encoded_path("a b?&#%.bin"), "a%20b%3F%26%23%25.bin");
    }
}
