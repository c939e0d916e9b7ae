//! The screen in a real pseudo-terminal, with a real daemon behind it.

use std::num::NonZero;

use crate::models::convert;
use gte_tests::{
    Daemon, Faults, GOLDEN_A, GOLDEN_B, Hub, Sandbox, Terminal, fixture, has_golden_score,
};
use rustix::process::{Pid, Signal, kill_process};

const COLUMNS: NonZero<u16> = NonZero::new(80).unwrap();
const ROWS: NonZero<u16> = NonZero::new(24).unwrap();

const ESC: &str = "\x1b";
const CTRL_C: &str = "\x03";
const F1: &str = "\x1bOP";
const F2: &str = "\x1bOQ";
const F3: &str = "\x1bOR";
const UP: &str = "\x1b[A";

fn open(sandbox: &Sandbox, arguments: &[&str]) -> Terminal {
    Terminal::open(sandbox, arguments, &[], COLUMNS, ROWS)
}

/// Sends a key that closes the program, and asserts that it succeeds. Returns all that it wrote.
fn close(mut terminal: Terminal, key: &str) -> String {
    terminal.keys(key);
    let (status, raw) = terminal.wait();
    assert!(status.success());
    raw
}

fn signal(pid: u64, signal: Signal) {
    let pid = i32::try_from(pid).expect("a process id is small");
    let pid = Pid::from_raw(pid).expect("a process id is not 0");
    kill_process(pid, signal).expect("a signal can be sent");
}

fn wait_for_golden_score(terminal: &mut Terminal) {
    terminal.wait_until("score", |screen| has_golden_score(&screen.contents()));
}

#[test]
fn the_screen_shows_the_score_of_typed_chinese() {
    let sandbox = Sandbox::default();
    // In f32, where the score is the same on every CPU.
    let _daemon = Daemon::start(&sandbox, &["--precision", "f32"]);
    let mut terminal = open(&sandbox, &[]);
    terminal.wait_for(&["bge-small-zh-v1.5", "就绪"]);
    // An input method commits several characters at once.
    terminal.keys(GOLDEN_A);
    // Six characters of two cells each, behind a margin of one.
    terminal.wait_for_cursor((2, 13));
    terminal.keys("\t");
    terminal.keys("今天");
    terminal.keys("天气不错");
    terminal.wait_for(&[GOLDEN_A, GOLDEN_B, "87.23  高度相似", "0.92786", "8 词元"]);
    // 87.23 of 100 on a scale of 76 cells, behind a margin of two.
    terminal.wait_until("pointer", |screen| {
        screen
            .contents()
            .contains(&format!("\n{}^", " ".repeat(67)))
    });
    // The score follows an edit, which makes both texts equal.
    terminal.keys("\x7f\x7f很好");
    terminal.wait_for(&["100.00"]);
    close(terminal, CTRL_C);
}

#[test]
fn the_words_of_a_score_are_explained() {
    let sandbox = Sandbox::default();
    let _daemon = Daemon::start(&sandbox, &["--precision", "f32"]);
    let mut terminal = open(&sandbox, &[]);
    terminal.wait_for(&["就绪"]);
    terminal.keys(GOLDEN_A);
    // Without a second text.
    terminal.keys(F3);
    terminal.wait_for(&["解释：各词与分数", "输入两段文本"]);
    terminal.keys(ESC);
    terminal.wait_until("no explanation", |screen| {
        !screen.contents().contains("解释：")
    });
    terminal.keys("\t");
    terminal.keys(GOLDEN_B);
    wait_for_golden_score(&mut terminal);
    terminal.keys(F3);
    terminal.wait_for(&["解释：各词与分数", "今天天气", "<-> 很", "不错"]);
    // Keys over the words change no text.
    terminal.keys("字");
    terminal.keys(ESC);
    terminal.wait_until("the score", |screen| {
        let screen = screen.contents();
        has_golden_score(&screen) && !screen.contains('字')
    });
    close(terminal, CTRL_C);
}

#[test]
fn two_models_stand_side_by_side() {
    let sandbox = Sandbox::default();
    convert(&sandbox, &fixture("tiny-bert/hf"), "a-tiny-one").success();
    let _daemon = Daemon::start(&sandbox, &["--precision", "f32"]);
    let mut terminal = open(&sandbox, &[]);
    terminal.wait_for(&["就绪"]);
    terminal.keys(&format!("{GOLDEN_A}\t{GOLDEN_B}"));
    wait_for_golden_score(&mut terminal);
    terminal.keys(F2);
    terminal.wait_for(&["a-tiny-one", "* bge-small-zh-v1.5"]);
    terminal.keys(&UP.repeat(9));
    terminal.wait_for(&[">  a-tiny-one", "对比"]);
    terminal.keys(" ");
    terminal.wait_for(&[">+ a-tiny-one"]);
    terminal.keys(ESC);
    terminal.wait_for(&["--- bge-small-zh-v1.5 -", "--- a-tiny-one -", "未校准"]);
    wait_for_golden_score(&mut terminal);
    // Both follow an edit, which makes the texts equal.
    terminal.keys("\x7f\x7f很好");
    terminal.wait_until("two scores of 100", |screen| {
        screen.contents().matches("100.00  高度相似").count() == 2
    });
    // And one alone again.
    terminal.keys(F2);
    terminal.wait_for(&[">+ a-tiny-one"]);
    terminal.keys(" ");
    terminal.wait_for(&[">  a-tiny-one"]);
    terminal.keys(ESC);
    terminal.wait_until("one score", |screen| {
        !screen.contents().contains("a-tiny-one")
    });
    close(terminal, CTRL_C);
}

#[test]
fn escape_restores_the_terminal() {
    let sandbox = Sandbox::default();
    let mut terminal = open(&sandbox, &[]);
    terminal.wait_for(&["就绪"]);
    let raw = close(terminal, ESC);
    assert!(raw.contains("\x1b[?2004l"), "bracketed paste is still on");
    assert!(raw.contains("\x1b[?1049l"), "the other screen is shown");
}

#[test]
fn a_pasted_text_that_is_truncated_is_marked() {
    let sandbox = Sandbox::default();
    let mut terminal = open(&sandbox, &["--lang", "en"]);
    terminal.wait_for(&["ready"]);
    let long = "长".repeat(600);
    terminal.keys(&format!(
        "\x1b[200~{long}\x1b[201~\t\x1b[200~今天\n天气\x1b[201~"
    ));
    terminal.wait_for(&[
        "cosine",
        "cut: 512/602 tokens were read",
        "at character 510",
        " 今天",
        " 天气",
    ]);
    close(terminal, CTRL_C);
}

#[test]
fn f1_opens_the_help_and_ctrl_c_closes_the_program() {
    let sandbox = Sandbox::default();
    let mut terminal = open(&sandbox, &["--lang", "en"]);
    terminal.wait_for(&["ready"]);
    terminal.keys(F1);
    terminal.wait_for(&["Texts stay on this machine"]);
    close(terminal, CTRL_C);
}

#[test]
fn a_killed_daemon_is_replaced_without_loss_of_text() {
    let sandbox = Sandbox::default();
    let mut terminal = open(&sandbox, &[]);
    terminal.wait_for(&["就绪"]);
    terminal.keys("今天天气很好\t今天天气不");
    terminal.wait_for(&["余弦"]);
    let status = sandbox.run(&["status", "--json"]).json();
    signal(status["pid"].as_u64().expect("a number"), Signal::KILL);
    terminal.keys("错");
    terminal.wait_for(&[GOLDEN_A, GOLDEN_B, "就绪"]);
    wait_for_golden_score(&mut terminal);
    close(terminal, CTRL_C);
}

#[test]
fn without_a_daemon_the_screen_says_so() {
    let sandbox = Sandbox::default();
    let mut terminal = open(&sandbox, &["--no-start"]);
    terminal.wait_for(&["未连接"]);
    terminal.keys("甲\t乙");
    terminal.wait_for(&["处没有守护进程", "未连接"]);
    close(terminal, CTRL_C);
}

#[test]
fn a_signal_restores_the_terminal() {
    let sandbox = Sandbox::default();
    let mut terminal = open(&sandbox, &["--no-start"]);
    terminal.wait_for(&["未连接"]);
    let pid = terminal.pid().expect("gte runs");
    signal(pid.into(), Signal::TERM);
    let (status, raw) = terminal.wait();
    assert!(status.success());
    assert!(raw.contains("\x1b[?1049l"));
}

/// Opens the screen with a hub that has the tiny BERT under every name, and scores the reference
/// pair with the built-in model.
fn open_with_hub(sandbox: &Sandbox) -> (Terminal, Hub) {
    let hub = Hub::serving(&fixture("tiny-bert/modelscope"));
    let endpoint = hub.endpoint();
    let variables = [
        ("HF_ENDPOINT", endpoint.as_str()),
        ("MODELSCOPE_ENDPOINT", endpoint.as_str()),
    ];
    let mut terminal = Terminal::open(sandbox, &[], &variables, COLUMNS, ROWS);
    terminal.wait_for(&["bge-small-zh-v1.5", "就绪", "按 F2 可下载"]);
    terminal.keys(&format!("{GOLDEN_A}\t{GOLDEN_B}"));
    wait_for_golden_score(&mut terminal);
    (terminal, hub)
}

/// Opens the list of models, and moves from the current model up to the first.
fn select_first_model(terminal: &mut Terminal) {
    terminal.keys(F2);
    terminal.wait_for(&["gte-small-zh", "* bge-small-zh-v1.5", "内置"]);
    terminal.keys(&UP.repeat(3));
    terminal.wait_for(&[">  gte-small-zh", "下载并使用"]);
}

#[test]
fn the_list_of_models_requests_nothing_before_enter() {
    let sandbox = Sandbox::default();
    let (mut terminal, hub) = open_with_hub(&sandbox);
    select_first_model(&mut terminal);
    assert_eq!(hub.take_requests().len(), 0);
    close(terminal, CTRL_C);
}

#[test]
fn a_failed_pull_is_named_and_can_be_repeated() {
    let sandbox = Sandbox::default();
    let (mut terminal, hub) = open_with_hub(&sandbox);
    select_first_model(&mut terminal);
    hub.set_faults(Faults::status(404));
    terminal.keys("\r");
    terminal.wait_for(&["出错", "was not found (404)"]);
    hub.clear_faults();
    terminal.keys("\r");
    terminal.wait_for(&[">* gte-small-zh", "已安装", "gte-small-zh  就绪"]);
    close(terminal, CTRL_C);
}

#[test]
fn a_pulled_model_answers_without_a_restart() {
    let sandbox = Sandbox::default();
    let (mut terminal, _hub) = open_with_hub(&sandbox);
    let started = sandbox.run(&["status", "--json"]).json()["pid"].clone();
    select_first_model(&mut terminal);
    terminal.keys("\r");
    terminal.wait_for(&[">* gte-small-zh", "已安装", "gte-small-zh  就绪"]);
    terminal.keys(ESC);
    terminal.wait_until("another score", |screen| {
        let contents = screen.contents();
        contents.contains(GOLDEN_A) && contents.contains("余弦") && !has_golden_score(&contents)
    });
    let status = sandbox.run(&["status", "--json"]).json();
    assert_eq!(status["model"]["id"], "gte-small-zh");
    assert_eq!(status["model"]["builtin"], false);
    assert_eq!(status["pid"], started, "the same daemon");

    // The screen also shows a model that another program selects.
    sandbox.gted(&["use", "bge-small-zh-v1.5"]).success();
    terminal.keys("！");
    terminal.wait_for(&["bge-small-zh-v1.5  就绪"]);
    close(terminal, CTRL_C);
}
