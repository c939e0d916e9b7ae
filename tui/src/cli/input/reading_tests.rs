//! Tests of reading: bytes in, rows and faults out.

use std::io::{self, Read};

use super::appearance::Name;
use super::column::{Column, Columns};
use super::format::{Format, Header};
use super::line_reader::MAX_LINE_BYTES;
use super::row::Row;
use super::rows::Rows;
use super::table::Table;

fn table<const N: usize>(format: Format) -> Table<N> {
    Table::new(Name::new(None), format)
}

fn columns<const N: usize>(names: &str) -> [Column; N] {
    names.parse::<Columns<N>>().unwrap().0
}

fn rows<const N: usize>(bytes: impl AsRef<[u8]>, table: Table<N>) -> Rows<N> {
    Rows::new(Box::new(io::Cursor::new(bytes.as_ref().to_vec())), table)
}

/// Rows as `NUMBER:TEXT|TEXT|FURTHER`, and faults as their messages.
fn read<const N: usize>(bytes: impl AsRef<[u8]>, table: Table<N>) -> Vec<String> {
    let mut rows = rows(bytes, table);
    let mut found = Vec::new();
    while let Some(row) = rows.next() {
        let is_over = row.as_ref().is_err_and(|faulty| faulty.ends);
        found.push(match row {
            Ok(row) => shown(&row),
            Err(faulty) => faulty.error.to_string(),
        });
        if is_over {
            break;
        }
    }
    found
}

fn shown<const N: usize>(row: &Row<N>) -> String {
    let columns: Vec<_> = row.columns().collect();
    format!("{}:{}", row.number, columns.join("|"))
}

fn texts(bytes: impl AsRef<[u8]>) -> Vec<String> {
    read(bytes, table::<1>(Format::Lines))
}

fn pairs(bytes: impl AsRef<[u8]>) -> Vec<String> {
    read(bytes, table::<2>(Format::Tsv))
}

fn csv(bytes: impl AsRef<[u8]>) -> Vec<String> {
    read(bytes, table::<2>(Format::Csv))
}

fn json(bytes: impl AsRef<[u8]>) -> Vec<String> {
    read(bytes, table::<2>(Format::Jsonl))
}

#[test]
fn line_ends_and_byte_order_marks_are_not_text() {
    assert_eq!(
        texts("\u{feff}一\r\n二\n\u{feff}三"),
        ["1:一", "2:二", "3:三"]
    );
    assert_eq!(pairs("\u{feff}甲\t\u{feff}乙\n"), ["1:甲|乙"]);
    assert_eq!(
        csv("\u{feff}\"甲,\",乙\n\u{feff}\"丙\",丁"),
        ["1:甲,|乙", "2:丙|丁"]
    );
    assert_eq!(json("\u{feff}{\"a\":\"甲\",\"b\":\"乙\"}\n"), ["1:甲|乙"]);
}

#[test]
fn faults_are_named_by_their_line() {
    let blank = "line 2: the text is blank";
    for white in [" ", "\u{3000}", "\u{a0}", ""] {
        assert_eq!(texts(format!("一\n{white}\n三")), ["1:一", blank, "3:三"]);
    }
    assert_eq!(pairs("甲\t乙\n\t \n丙\t丁\n")[1], blank);
    assert_eq!(pairs("甲\t乙\n \t乙\n")[1], "line 2: text A is blank");
    assert_eq!(
        pairs("甲\t乙\n丙\n")[1],
        "line 2: 1 column, and the text is in column 2"
    );
    let more = "line 2: 3 columns, where the first line has 2";
    assert_eq!(pairs("甲\t乙\n丙\t丁\t戊\n")[1], more);
    assert_eq!(texts("a\0b\n"), ["line 1: the line has a NUL character"]);
    assert_eq!(
        texts("一\n二".as_bytes().split_last().unwrap().1)[1],
        "line 2: the line ends within a character"
    );
    let gbk = "line 2: the line is not UTF-8; it looks like GB18030";
    assert_eq!(
        texts(b"a\n\xce\xd2\xc3\xc7\xc4\xe3\xba\xc3\nb\n"),
        ["1:a", gbk, "3:b"]
    );
}

#[test]
fn a_long_line_is_named_before_it_is_read() {
    let long = "x".repeat(MAX_LINE_BYTES);
    let fault = "line 2: the line has more than 1048576 bytes";
    assert_eq!(texts(format!("一\n{long}\n三\n")), ["1:一", fault, "3:三"]);
    assert_eq!(csv(format!("甲,乙\n{long},\n"))[1], fault);
    // Endless, but for the limit.
    let endless: Box<dyn Read + Send> = Box::new("甲,乙\n\"".as_bytes().chain(io::repeat(b'x')));
    let mut rows = Rows::new(endless, table::<2>(Format::Csv));
    assert!(rows.next().unwrap().is_ok());
    assert_eq!(rows.next().unwrap().unwrap_err().error.to_string(), fault);
}

#[test]
fn an_open_quote_is_named_by_the_line_that_opens_it() {
    let lines = "x\n".repeat(MAX_LINE_BYTES / 2 + 1);
    let fault = "line 2: the line has more than 1048576 bytes";
    assert_eq!(csv(format!("甲,乙\n丙,\"{lines}"))[1], fault);
    let fault = "line 2: a cell in quotes that begins here is not closed";
    for end in ["", "\n", "\n丁,戊\n"] {
        assert_eq!(csv(format!("甲,乙\n丙,\"丁{end}"))[1], fault);
    }
}

#[test]
fn csv_cells_have_quotes_and_lines_of_their_own() {
    let lines = "甲,\"乙\n\n乙\"\r\n\r\n\"a \"\"b\"\"\",\"c,d\"\n";
    assert_eq!(
        csv(lines),
        ["1:甲|乙  乙", "line 4: the text is blank", "5:a \"b\"|c,d"]
    );
    assert_eq!(csv("甲;乙\n丙;丁,\n"), ["1:甲|乙", "2:丙|丁,"]);
    assert_eq!(csv("sep=|\r\n甲|乙\r\n"), ["2:甲|乙"]);
    assert_eq!(csv("\"甲\t\"\t乙\n"), ["1:甲 |乙"]);
    assert_eq!(
        csv("甲,乙\n,,\n丙,丁,,\n")[1..],
        ["line 2: the text is blank", "3:丙|丁"]
    );
    let told = "line 1: the lines end in carriage returns alone";
    assert_eq!(csv("甲,乙\r丙,丁\r"), [told]);
    let cut = "line 2: the line ends within a character";
    assert_eq!(
        csv("甲,乙\n丙,丁".as_bytes().split_last().unwrap().1)[1],
        cut
    );
    // Two halves of a character in two cells.
    assert_eq!(csv(b"a,b\n\xe4,\xbd\xa0\n").len(), 2);
    assert!(csv(b"a,b\n\xe4,\xbd\xa0\n")[1].starts_with("line 2: the line is not UTF-8"));
}

#[test]
fn columns_are_chosen_and_carried() {
    let lines = "text_a\ttext_b\tlabel\n甲\t乙\t1\n";
    assert_eq!(pairs(lines), ["2:甲|乙|1"]);
    assert_eq!(pairs("甲\t乙\t1\n丙\t丁\n"), ["1:甲|乙|1", "2:丙|丁"]);
    let numbered = Table {
        columns: Some(columns("3,2")),
        ..table::<2>(Format::Tsv)
    };
    assert_eq!(read("7\t甲\t乙\n", numbered), ["1:乙|甲|7"]);
    let named = Table {
        columns: Some(columns("q")),
        ..table::<1>(Format::Csv)
    };
    assert_eq!(read("id,q\n7,甲\n", named), ["2:甲|7"]);
    let stated = Table {
        header: Header::Yes,
        ..table::<2>(Format::Csv)
    };
    assert_eq!(read("x,y\n甲,乙\n", stated), ["2:甲|乙"]);
    let none = Table {
        header: Header::No,
        ..table::<2>(Format::Csv)
    };
    assert_eq!(read("a,b\n", none), ["1:a|b"]);
    let unclear = "line 1: there are 3 columns";
    assert_eq!(
        pairs("7\t甲\t乙\n8\t甲\t乙\n"),
        [unclear],
        "the input ends there"
    );
}

#[test]
fn fields_are_chosen_and_carried() {
    let line = r#"{"id":7,"text_b":"乙","text_a":"甲\n","label":null,"tags":["x"],"note":"n\t"}"#;
    assert_eq!(json(line), ["1:甲 |乙|7||[\"x\"]|n "]);
    let named = Table {
        columns: Some(columns("q,k")),
        ..table::<2>(Format::Jsonl)
    };
    let lines = "{\"k\":\"乙\",\"q\":\"甲\"}\n\n{\"q\":\"甲\"}\n{\"q\":\"甲\",\"k\":1}\n";
    let expected = [
        "1:甲|乙",
        "line 2: the text is blank",
        "line 3: the object has no field k",
        "line 4: the field k is a number, not a text",
    ];
    assert_eq!(read(lines, named), expected);
    let unclear = "line 1: the fields are id, x, y";
    assert_eq!(
        json("{\"id\":1,\"x\":\"甲\",\"y\":\"乙\"}\n{}\n"),
        [unclear]
    );
    assert_eq!(
        json("甲\t乙\n{\"a\":\"丙\",\"b\":\"丁\"}\n"),
        ["line 1: the line is not a JSON object", "2:丙|丁"]
    );
}

#[test]
fn a_line_that_is_blank_in_its_text_is_blank() {
    let field = Table {
        columns: Some(columns("b")),
        ..table::<1>(Format::Csv)
    };
    let mut rows = rows("a,b\n7,,x\n8,好\n", field);
    // More columns than the header are another fault.
    assert!(!rows.next().unwrap().unwrap_err().is_blank);
    assert!(rows.next().unwrap().is_ok());
    let field = Table {
        columns: Some(columns("b")),
        ..table::<1>(Format::Csv)
    };
    let mut rows = self::rows("a,b\n7,\n", field);
    assert!(rows.next().unwrap().unwrap_err().is_blank);
}

#[test]
fn a_carriage_return_in_a_later_long_line_is_no_format() {
    let long = format!("一\n\r{}\n二\n", "x".repeat(2 * MAX_LINE_BYTES));
    let fault = "line 2: the line has more than 1048576 bytes";
    assert_eq!(texts(long), ["1:一", fault, "3:二"]);
}

#[test]
fn other_formats_are_told() {
    let unstated = || Table {
        is_stated: false,
        ..table::<1>(Format::Lines)
    };
    let told = "line 1: the line looks like JSON";
    assert_eq!(read("{\"text\":\"甲\"}\n{}\n", unstated()), [told]);
    assert_eq!(read("{甲}\n", unstated()), ["1:{甲}"]);
    assert_eq!(texts("{\"text\":\"甲\"}\n"), ["1:{\"text\":\"甲\"}"]);
    assert_eq!(
        texts("一\r二\r"),
        ["line 1: the lines end in carriage returns alone"]
    );
    assert_eq!(texts("一\r一\n"), ["1:一\r一"]);
    assert_eq!(
        texts(b"\x1f\x8b\x08"),
        ["stdin: compressed with gzip, not text"]
    );
    assert_eq!(
        texts(b"\xff\xfea\0\n\0"),
        ["stdin: it looks like UTF-16LE, not UTF-8"]
    );
}

#[test]
fn a_stated_encoding_is_read() {
    let stated = || Table {
        encoding: Some(encoding_rs::GB18030),
        ..table::<1>(Format::Lines)
    };
    let decoding = |bytes: &'static [u8]| {
        let reader = super::decoding::Decoding::new(bytes, encoding_rs::GB18030);
        let mut rows = Rows::new(Box::new(reader), stated());
        let next = std::iter::from_fn(move || rows.next());
        next.map(|row| row.map_or_else(|faulty| faulty.error.to_string(), |row| shown(&row)))
            .collect::<Vec<_>>()
    };
    let expected = [
        "1:你好",
        "line 2: the line has bytes that are not gb18030",
        "3:好",
    ];
    assert_eq!(decoding(b"\xc4\xe3\xba\xc3\na\xff\n\xba\xc3\n"), expected);
}
