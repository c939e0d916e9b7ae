//! The screen in a real pseudo-terminal, with a real daemon behind it.

use std::num::NonZero;

use gte_tests::{Daemon, Faults, Hub, Sandbox, Terminal, fixture, has_golden_score};
use rustix::process::{Pid, Signal, kill_process};

const COLUMNS: NonZero<u16> = NonZero::new(80).unwrap();
const ROWS: NonZero<u16> = NonZero::new(24).unwrap();

fn open(sandbox: &Sandbox, arguments: &[&str]) -> Terminal {
    Terminal::open(sandbox, arguments, &[], COLUMNS, ROWS)
}

#[test]
fn chinese_is_typed_and_the_score_is_read_off_the_screen() {
    let sandbox = Sandbox::default();
    // In f32, where the score is the same on every CPU.
    let _daemon = Daemon::start(&sandbox, &["--precision", "f32"]);
    let mut terminal = open(&sandbox, &[]);
    terminal.wait_for(&["bge-small-zh-v1.5", "就绪"]);
    // An input method commits several characters at once.
    terminal.keys("今天天气很好");
    // Six characters of two cells each, behind a margin of one.
    terminal.wait_for_cursor((2, 13));
    terminal.keys("\t");
    terminal.keys("今天");
    terminal.keys("天气不错");
    terminal.wait_for(&[
        "今天天气很好",
        "今天天气不错",
        "92.79  高度相似",
        "0.92786",
        "8 词元",
    ]);
    // 92.79 of 100 on a scale of 76 cells, behind a margin of two.
    terminal.wait_until("pointer", |screen| {
        screen
            .contents()
            .contains(&format!("\n{}^", " ".repeat(72)))
    });

    // The score follows what is typed: back to one and the same text.
    terminal.keys("\x7f\x7f很好");
    terminal.wait_for(&["100.00"]);
    terminal.keys("\x1b");
    let (status, raw) = terminal.wait();
    assert!(status.success());
    assert!(
        raw.contains("\x1b[?2004l") && raw.contains("\x1b[?1049l"),
        "all is put back"
    );
}

#[test]
fn english_words_a_paste_and_a_text_that_is_cut() {
    let sandbox = Sandbox::default();
    let mut terminal = open(&sandbox, &["--lang", "en"]);
    terminal.wait_for(&["ready"]);
    let long = "长".repeat(600);
    terminal.keys(&format!(
        "\x1b[200~{long}\x1b[201~\t\x1b[200~今天\n天气\x1b[201~"
    ));
    terminal.wait_for(&[
        "cosine",
        "cut: only the first 512 tokens were read",
        " 今天",
        " 天气",
    ]);
    terminal.keys("\x1bOP");
    terminal.wait_for(&["Texts stay on this machine"]);
    terminal.keys("\x03");
    assert!(terminal.wait().0.success());
}

#[test]
fn a_daemon_that_dies_is_replaced_and_no_text_is_lost() {
    let sandbox = Sandbox::default();
    let mut terminal = open(&sandbox, &[]);
    terminal.wait_for(&["就绪"]);
    terminal.keys("今天天气很好\t今天天气不");
    terminal.wait_for(&["余弦"]);
    let status = sandbox.run(&["status", "--json"]).json();
    let pid = i32::try_from(status["pid"].as_u64().expect("a process id")).expect("small");
    kill_process(Pid::from_raw(pid).expect("not 0"), Signal::KILL).expect("it can be killed");
    terminal.keys("错");
    terminal.wait_for(&["今天天气很好", "今天天气不错", "就绪"]);
    terminal.wait_until("score", |screen| has_golden_score(&screen.contents()));
    terminal.keys("\x1b");
    assert!(terminal.wait().0.success());
}

#[test]
fn without_a_daemon_the_screen_says_so() {
    let sandbox = Sandbox::default();
    let mut terminal = open(&sandbox, &["--no-start"]);
    terminal.wait_for(&["未连接"]);
    terminal.keys("甲\t乙");
    terminal.wait_for(&["no daemon is running"]);
    terminal.keys("\x1b");
    assert!(terminal.wait().0.success());
}

#[test]
fn a_signal_puts_the_terminal_back_in_order() {
    let sandbox = Sandbox::default();
    let mut terminal = open(&sandbox, &["--no-start"]);
    terminal.wait_for(&["未连接"]);
    let pid = i32::try_from(terminal.pid().expect("it runs")).expect("small");
    kill_process(Pid::from_raw(pid).expect("not 0"), Signal::TERM).expect("a signal can be sent");
    let (status, raw) = terminal.wait();
    assert!(status.success());
    assert!(raw.contains("\x1b[?1049l"));
}

#[test]
fn a_model_is_fetched_and_answers_without_a_restart() {
    let sandbox = Sandbox::default();
    let hub = Hub::serving(&fixture("tiny-bert/modelscope"));
    let endpoint = hub.endpoint();
    let variables = [
        ("HF_ENDPOINT", endpoint.as_str()),
        ("MODELSCOPE_ENDPOINT", endpoint.as_str()),
    ];
    let mut terminal = Terminal::open(&sandbox, &[], &variables, COLUMNS, ROWS);
    terminal.wait_for(&["bge-small-zh-v1.5", "就绪", "按 F2 可下载"]);
    terminal.keys("今天天气很好\t今天天气不错");
    terminal.wait_until("score", |screen| has_golden_score(&screen.contents()));
    let started = sandbox.run(&["status", "--json"]).json()["pid"].clone();

    // F2, and up from the one in use to the first.
    terminal.keys("\x1bOQ");
    terminal.wait_for(&["gte-small-zh", "* bge-small-zh-v1.5", "内置"]);
    assert_eq!(
        hub.requests().len(),
        0,
        "nothing is asked for before the user asks"
    );
    terminal.keys("\x1b[A\x1b[A\x1b[A");
    terminal.wait_for(&[">  gte-small-zh", "下载并使用"]);

    // A hub that cannot be used is named, and the screen goes on.
    hub.misbehave(Faults {
        status: Some(404),
        ..Faults::default()
    });
    terminal.keys("\r");
    terminal.wait_for(&["出错", "was not found (404)"]);
    hub.misbehave(Faults::default());
    terminal.keys("\r");
    terminal.wait_for(&[">* gte-small-zh", "已安装", "gte-small-zh  就绪"]);
    terminal.keys("\x1b");
    terminal.wait_until("another score", |screen| {
        let contents = screen.contents();
        contents.contains("今天天气很好")
            && contents.contains("余弦")
            && !has_golden_score(&contents)
    });
    let status = sandbox.run(&["status", "--json"]).json();
    assert_eq!(status["model"]["id"], "gte-small-zh");
    assert_eq!(status["model"]["builtin"], false);
    assert_eq!(status["pid"], started, "the same daemon");

    // And back to the embedded one, which somebody else asks for.
    sandbox.gted(&["use", "bge-small-zh-v1.5"]).success();
    terminal.keys("！");
    terminal.wait_for(&["bge-small-zh-v1.5  就绪"]);
    terminal.keys("\x1b");
    assert!(terminal.wait().0.success());
}
