//! Records of JSON lines.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::fault::Fault;

/// Fields of an object, in their order.
pub(super) struct Fields<'a>(pub(super) Vec<(Cow<'a, str>, &'a RawValue)>);

/// A key, borrowed unless it has escapes.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Fields<'de>, M::Error> {
                let mut fields = Vec::new();
                while let Some((Key(key), value)) = map.next_entry()? {
                    fields.push((key, value));
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

impl<'a> Fields<'a> {
    /// Reads the object of a line.
    pub(super) fn of_line(line: &'a str) -> Result<Self, Fault> {
        serde_json::from_str(line).map_err(|error| not_an_object(line, error.classify()))
    }

    /// Names of the fields.
    pub(super) fn names(&self) -> Vec<&str> {
        self.0.iter().map(|(name, _)| name.as_ref()).collect()
    }

    /// Index of a field; of a name that is there twice, that of the last, as most readers take it.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        self.0.iter().rposition(|(key, _)| key == name)
    }

    /// Text of a field.
    pub(super) fn text(&self, index: usize) -> Result<String, Fault> {
        let (name, value) = &self.0[index];
        serde_json::from_str(value.get()).map_err(|_| {
            let kind = match value.get().as_bytes().first() {
                Some(b'{') => "an object",
                Some(b'[') => "an array",
                Some(b't' | b'f') => "true or false",
                Some(b'n') => "null",
                Some(b'"') => "malformed",
                _ => "a number",
            };
            Fault::new(format!("the field {name} is {kind}, not a text"))
        })
    }
}

/// Fault of a line that is not one JSON object. The parser's own words would quote the text.
fn not_an_object(line: &str, category: Category) -> Fault {
    let over_lines = "jq -c . FILE > NEW puts each object into a line";
    let line = line.trim();
    if line.starts_with('[') {
        let problem = "the line begins an array, where each line should be an object";
        return Fault::with_hint(problem, "jq -c '.[]' FILE > NEW puts each into a line");
    }
    if line == "{" || line == "}" {
        return Fault::with_hint("the object is spread over several lines", over_lines);
    }
    if category == Category::Eof && line.starts_with('{') {
        let problem = "the object ends early";
        let hint = "the file may have been cut, or the object be spread over lines: jq -c . FILE";
        return Fault::with_hint(problem, hint);
    }
    if line.starts_with("{'") {
        let problem = "the line has single quotes, which JSON does not know";
        return Fault::with_hint(problem, "write the file with json.dumps or jq");
    }
    let mut values = serde_json::Deserializer::from_str(line).into_iter::<&RawValue>();
    if line.starts_with('{') && values.next().is_some_and(|first| first.is_ok()) {
        return Fault::with_hint("the line has more than one object", over_lines);
    }
    Fault::with_hint(
        "the line is not a JSON object",
        "--format states another format: lines, tsv or csv",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(line: &str) -> String {
        match Fields::of_line(line) {
            Ok(_) => "none".to_owned(),
            Err(fault) => fault.problem,
        }
    }

    #[test]
    fn fields_are_found_by_name() {
        let fields = Fields::of_line(r#"{"id":7,"a":"退\"款\n","b":"\u9000","a\t":1}"#).unwrap();
        assert_eq!(fields.names(), ["id", "a", "b", "a\t"]);
        assert_eq!(fields.text(1).unwrap(), "退\"款\n");
        assert_eq!(fields.text(2).unwrap(), "退");
        let fault = fields.text(0).unwrap_err();
        assert_eq!(fault.problem, "the field id is a number, not a text");
        let twice = Fields::of_line(r#"{"a":"1","a":"2"}"#).unwrap();
        assert_eq!(twice.find("a"), Some(1));
    }

    #[test]
    fn other_lines_are_told_apart() {
        for (line, expected) in [
            ("[{\"a\":1},", "the line begins an array"),
            ("{", "the object is spread over several lines"),
            ("{\"a\":\"x\"", "the object ends early"),
            ("{\"a\":1}{\"a\":2}", "the line has more than one object"),
            ("{'a': 'x'}", "the line has single quotes"),
            ("今天天气很好", "the line is not a JSON object"),
            ("\"text\"", "the line is not a JSON object"),
            ("{\"a\":x}", "the line is not a JSON object"),
        ] {
            assert!(
                problem(line).starts_with(expected),
                "{line}: {}",
                problem(line)
            );
        }
    }
}
