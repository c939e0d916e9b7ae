//! Keys and pastes as terminals and input methods send them.

use std::num::NonZero;
use std::time::Duration;

use gte_tests::{Daemon, GOLDEN_A, GOLDEN_B, Sandbox, Terminal, has_golden_score};

const COLUMNS: NonZero<u16> = NonZero::new(80).unwrap();
const ROWS: NonZero<u16> = NonZero::new(24).unwrap();

const ESC: &str = "\x1b";
const BACKSPACE: &str = "\x7f";
const CTRL_C: &str = "\x03";
const LEFT: &str = "\x1b[D";

fn open(sandbox: &Sandbox) -> Terminal {
    let mut terminal = Terminal::open(sandbox, &[], &[], COLUMNS, ROWS);
    terminal.wait_for(&["就绪"]);
    terminal
}

/// Sends the bytes of a key in two pieces, as a slow connection does.
fn in_pieces(terminal: &mut Terminal, first: &str, rest: &str) {
    terminal.keys(first);
    std::thread::sleep(Duration::from_millis(30));
    terminal.keys(rest);
}

/// Sends a key, and asserts that the program ends with success.
fn close(mut terminal: Terminal, key: &str) {
    terminal.keys(key);
    assert!(terminal.wait().0.success());
}

#[test]
fn an_arrow_key_in_pieces_is_one() {
    let sandbox = Sandbox::default();
    let mut terminal = open(&sandbox);
    terminal.keys(&format!("{GOLDEN_A}\t今天天不错"));
    terminal.wait_for_cursor((10, 11));
    for (first, rest) in [(ESC, "[D"), (ESC, "OD"), ("\x1b[", "D")] {
        in_pieces(&mut terminal, first, rest);
    }
    terminal.wait_for_cursor((10, 5));
    terminal.keys("\x1b[C");
    terminal.wait_for_cursor((10, 7));
    terminal.keys("气");
    terminal.wait_until("score", |screen| has_golden_score(&screen.contents()));
    // Option and an arrow: Esc twice in one read.
    terminal.keys("\x1b\x1b[D");
    terminal.wait_for_cursor((10, 7));
    close(terminal, CTRL_C);
}

#[test]
fn a_paste_in_pieces_or_over_a_panel_is_kept() {
    let sandbox = Sandbox::default();
    let mut terminal = open(&sandbox);
    in_pieces(&mut terminal, ESC, &format!("[200~{GOLDEN_A}\x1b[201~"));
    terminal.wait_for(&[GOLDEN_A]);
    terminal.keys("\t\x1bOQ");
    terminal.wait_for(&["gte-small-zh"]);
    terminal.keys(&format!("\x1b[200~{GOLDEN_B}\x1b[201~"));
    terminal.wait_until("score", |screen| {
        has_golden_score(&screen.contents()) && !screen.contents().contains("gte-small-zh")
    });
    close(terminal, CTRL_C);
}

#[test]
fn escape_with_a_text_asks_before_it_leaves() {
    let sandbox = Sandbox::default();
    let mut terminal = open(&sandbox);
    terminal.keys("写了很久的一段合同条款");
    terminal.wait_for(&["合同条款"]);
    terminal.keys(ESC);
    terminal.wait_for(&["再按一次 Esc", "合同条款"]);
    // An input method goes on.
    terminal.keys("款");
    terminal.wait_until("hints", |screen| {
        !screen.contents().contains("再按一次 Esc")
    });
    terminal.keys(ESC);
    terminal.wait_for(&["再按一次 Esc"]);
    close(terminal, ESC);
}

#[test]
fn one_key_deletes_what_is_seen_as_one_sign() {
    let sandbox = Sandbox::default();
    let mut terminal = open(&sandbox);
    let family = "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}";
    terminal.keys(&format!(
        "好{family}{BACKSPACE}e\u{301}{LEFT}{LEFT}\x1b[3~好"
    ));
    terminal.keys(&format!("\x1b[F{BACKSPACE}\t好"));
    terminal.wait_for(&["100.00", "3 词元"]);
    close(terminal, CTRL_C);
}

#[test]
fn a_failed_comparison_is_tried_again_by_itself() {
    let sandbox = Sandbox::default();
    let mut terminal = Terminal::open(&sandbox, &["--no-start"], &[], COLUMNS, ROWS);
    terminal.wait_for(&["未连接"]);
    terminal.keys(&format!("{GOLDEN_A}\t{GOLDEN_B}"));
    terminal.wait_for(&["处没有守护进程"]);
    let _daemon = Daemon::start(&sandbox, &[]);
    terminal.wait_until("score", |screen| has_golden_score(&screen.contents()));
    close(terminal, CTRL_C);
}

#[test]
fn texts_are_kept_between_starts_where_that_is_set() {
    let sandbox = Sandbox::default();
    let keep = [("GTE_KEEP_TEXTS", "true")];
    let file = sandbox.path().join(".local/state/gte/texts.json");
    for variables in [&[][..], &keep] {
        let mut terminal = Terminal::open(&sandbox, &[], variables, COLUMNS, ROWS);
        terminal.wait_for(&["就绪", "在此输入文本"]);
        terminal.keys(&format!("{GOLDEN_A}\t{GOLDEN_B}"));
        terminal.wait_for(&[GOLDEN_A, GOLDEN_B]);
        close(terminal, CTRL_C);
        assert_eq!(file.exists(), !variables.is_empty());
    }
    let mut terminal = Terminal::open(&sandbox, &[], &keep, COLUMNS, ROWS);
    terminal.wait_until("score", |screen| has_golden_score(&screen.contents()));
    close(terminal, CTRL_C);
    std::fs::write(&file, "{").expect("the file can be written");
    let (status, raw) = Terminal::open(&sandbox, &[], &keep, COLUMNS, ROWS).wait();
    assert!(
        !status.success() && raw.contains("texts.json cannot be used"),
        "{raw}"
    );
}
