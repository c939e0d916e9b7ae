//! States of the screen, drawn in both languages at two sizes.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use gte_shared::models::{ModelRow, PullEvent};
use gte_shared::score::{CalibrationState, Meaning, Scale, Verdict, raw};
use gte_shared::wire::{ModelInfo, Pooling, Precision, TextInfo, TextRules};
use gte_tui::app::{Action, Daemon, ModelsEvent, Outcome, Scored, State, update};
use gte_tui::strings::Language;
use gte_tui::ui::{Theme, draw};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::layout::Position;
use ratatui::style::Color;
use unicode_width::UnicodeWidthStr;

const BUILTIN: &str = "bge-small-zh-v1.5";
const LARGE: (u16, u16) = (80, 24);
const SMALL: (u16, u16) = (40, 12);

fn screen(state: &State, (width, height): (u16, u16), theme: Theme) -> Terminal<TestBackend> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(state, theme, frame)).unwrap();
    terminal
}

/// Text of the screen, one line per row between bars, and the position of the cursor.
fn picture(terminal: &Terminal<TestBackend>) -> String {
    let backend = terminal.backend();
    let mut picture = String::new();
    let width = backend.buffer().area.width.into();
    for row in backend.buffer().content().chunks(width) {
        let mut line = String::new();
        // A wide character is drawn in its first cell, and its second cell stays empty.
        let mut hidden = 0;
        for cell in row {
            if hidden == 0 {
                line.push_str(cell.symbol());
                hidden = cell.symbol().width().max(1);
            }
            hidden -= 1;
        }
        picture.extend(["|", &line, "|\n"]);
    }
    if backend.cursor_visible() {
        let at = backend.cursor_position();
        let cursor = format!("cursor {},{}\n", at.x, at.y);
        picture.push_str(&cursor);
    }
    picture
}

/// Compares a state in each language and size with its snapshot.
fn check(name: &str, build: impl Fn(Language) -> State) {
    for (language, code) in [(Language::Zh, "zh"), (Language::En, "en")] {
        let state = build(language);
        for size in [LARGE, SMALL] {
            let terminal = screen(&state, size, Theme::new(true));
            let name = format!("{name}-{code}-{}x{}", size.0, size.1);
            insta::assert_snapshot!(name, picture(&terminal));
        }
    }
}

fn press(state: &mut State, code: KeyCode) {
    update(state, Action::Key(KeyEvent::new(code, KeyModifiers::NONE)));
}

fn builtin() -> ModelInfo {
    ModelInfo {
        id: BUILTIN.to_owned(),
        dimension: 512,
        pooling: Pooling::Cls,
        max_tokens: 512,
        precision: Precision::Int8,
        builtin: true,
        rules: TextRules::default(),
        scale: Scale {
            meaning: Meaning::Rating,
            calibration: CalibrationState::Shipped,
        },
    }
}

fn ready(language: Language) -> State {
    let mut state = State::new(language);
    update(&mut state, Action::Daemon(Daemon::ready(&builtin())));
    state
}

fn with_texts(language: Language, a: &str, b: &str) -> State {
    let mut state = ready(language);
    update(&mut state, Action::Paste(a.to_owned()));
    press(&mut state, KeyCode::Tab);
    update(&mut state, Action::Paste(b.to_owned()));
    state
}

fn scored(cosine: f32) -> Scored {
    let similarity = raw(cosine);
    let text = TextInfo {
        tokens: 8,
        ..TextInfo::default()
    };
    Scored {
        similarity,
        cosine,
        verdict: Verdict::of(similarity),
        texts: [text.clone(), text],
        same_tokens: false,
        model: builtin(),
        micros: 11_234,
    }
}

fn answered(language: Language, a: &str, b: &str, outcome: Outcome) -> State {
    let mut state = with_texts(language, a, b);
    let revision = state.pair.revision;
    update(&mut state, Action::Answered(revision, outcome));
    state
}

#[test]
fn before_anything_is_typed() {
    check("empty", State::new);
}

#[test]
fn a_high_score() {
    let outcome = Outcome::Scored(scored(0.927_869_6));
    check("high", |language| {
        answered(language, "今天天气很好", "今天天气不错", outcome.clone())
    });
}

#[test]
fn medium_and_low_scores() {
    for (name, cosine) in [("medium", 0.626), ("low", 0.2345)] {
        check(name, |language| {
            let outcome = Outcome::Scored(scored(cosine));
            answered(language, "苹果发布了新手机", "苹果今年大丰收", outcome)
        });
    }
}

#[test]
fn long_texts_that_wrap_and_are_cut() {
    let long =
        "自然语言处理是人工智能的一个重要方向，研究如何让计算机理解和生成人类语言。".repeat(8);
    check("cut", |language| {
        let mut scored = scored(0.8);
        scored.texts[0] = TextInfo {
            tokens: 512,
            total_tokens: 600,
            cut_at: Some(424),
            ..TextInfo::default()
        };
        answered(
            language,
            &long,
            "第一行\n第二行 with English words\n第三行",
            Outcome::Scored(scored),
        )
    });
}

#[test]
fn scores_with_a_note() {
    check("uncalibrated", |language| {
        let mut scored = scored(0.8);
        scored.model.scale = Scale::default();
        answered(language, "甲", "乙", Outcome::Scored(scored))
    });
    check("unknown", |language| {
        let mut scored = scored(1.0);
        scored.texts[0].unknown = 2;
        scored.same_tokens = true;
        let outcome = Outcome::Scored(scored);
        answered(language, "我的iPhone坏了", "我的MacBook坏了", outcome)
    });
}

#[test]
fn a_score_that_is_computed_again() {
    check("computing", |language| {
        let outcome = Outcome::Scored(scored(0.927_869_6));
        let mut state = answered(language, "今天天气很好", "今天天气不错", outcome);
        press(&mut state, KeyCode::Char('吗'));
        state
    });
}

#[test]
fn a_daemon_that_cannot_be_reached() {
    check("unreachable", |language| {
        let error = "no daemon is running at /run/user/1000/gte/gted.sock".to_owned();
        let mut state = answered(language, "甲", "乙", Outcome::Failed(error));
        update(&mut state, Action::Daemon(Daemon::Unreachable));
        state
    });
}

#[test]
fn a_text_with_nothing_to_compare() {
    check("blank", |language| {
        answered(language, "\u{200b}甲", "乙", Outcome::Blank)
    });
}

#[test]
fn the_help() {
    check("help", |language| {
        let mut state = ready(language);
        press(&mut state, KeyCode::F(1));
        state
    });
}

#[test]
fn the_help_scrolled_down() {
    check("help-scrolled", |language| {
        let mut state = ready(language);
        press(&mut state, KeyCode::F(1));
        (0..50).for_each(|_| press(&mut state, KeyCode::Down));
        (0..7).for_each(|_| press(&mut state, KeyCode::Up));
        state
    });
}

fn send(state: &mut State, event: ModelsEvent) {
    update(state, Action::Models(event));
}

/// State with the list of models open, which has more models than a small screen has rows.
fn listed(language: Language) -> State {
    let row = |name: &str, megabytes, license: &str| ModelRow {
        name: name.to_owned(),
        installed: false,
        builtin: name == BUILTIN,
        default: name == BUILTIN,
        megabytes,
        license: Some(license.to_owned()),
        source: None,
    };
    let mut rows = vec![
        ModelRow {
            installed: true,
            ..row("text2vec-base-chinese", 409, "Apache-2.0")
        },
        row("gte-small-zh", 61, "Apache-2.0"),
        row("gte-base-zh", 205, "Apache-2.0"),
        row(BUILTIN, 24, "MIT"),
    ];
    rows.extend((1..=6).map(|number| row(&format!("further-{number}"), 1302, "MIT")));
    let mut state = ready(language);
    press(&mut state, KeyCode::F(2));
    send(&mut state, ModelsEvent::Listed(Ok(rows)));
    state
}

/// State with the list of models open while gte-base-zh is pulled.
fn pulling(language: Language) -> State {
    let mut state = listed(language);
    press(&mut state, KeyCode::Up);
    press(&mut state, KeyCode::Enter);
    for (have, seconds) in [(20_000_000, 1), (120_000_000, 9)] {
        let event = PullEvent::Progress {
            file: "model.safetensors".to_owned(),
            size: Some(204_800_000),
            have,
        };
        send(
            &mut state,
            ModelsEvent::Pulled(1, event, Duration::from_secs(seconds)),
        );
    }
    state
}

#[test]
fn the_models() {
    check("models", listed);
}

#[test]
fn the_end_of_the_list_of_models() {
    check("models-end", |language| {
        let mut state = listed(language);
        (0..20).for_each(|_| press(&mut state, KeyCode::Down));
        state
    });
}

#[test]
fn a_pull_in_the_list_of_models() {
    check("pulling", pulling);
}

#[test]
fn a_pull_while_the_list_is_closed() {
    check("pulling-closed", |language| {
        let mut state = pulling(language);
        press(&mut state, KeyCode::Esc);
        state
    });
}

#[test]
fn a_pulled_model_that_is_loaded() {
    check("switching", |language| {
        let mut state = pulling(language);
        let installed = PullEvent::Installed {
            name: "gte-base-zh".to_owned(),
            source: "modelscope:owner/gte".to_owned(),
            already: false,
        };
        send(
            &mut state,
            ModelsEvent::Pulled(1, installed, Duration::from_secs(20)),
        );
        state
    });
}

#[test]
fn a_pull_that_failed() {
    check("pull-failed", |language| {
        let mut state = pulling(language);
        let words = "hub.example cannot be reached: connection refused; a mirror or proxy may help, see `gted pull --help`";
        let failed = PullEvent::Failed {
            source: "modelscope:owner/gte".to_owned(),
            error: "hub.example takes no more requests for now (429)".to_owned(),
        };
        send(
            &mut state,
            ModelsEvent::Pulled(1, failed, Duration::from_secs(20)),
        );
        send(&mut state, ModelsEvent::PullFailed(1, words.to_owned()));
        state
    });
}

#[test]
fn the_cursor_follows_the_typed_text() {
    let cursor = |state: &State, size| {
        let mut terminal = screen(state, size, Theme::new(true));
        terminal.get_cursor_position().unwrap()
    };
    let mut state = ready(Language::Zh);
    assert_eq!(cursor(&state, LARGE), Position::new(1, 2));
    // A wide character is two cells, a narrow one is one.
    update(&mut state, Action::Paste("今天a天".to_owned()));
    assert_eq!(cursor(&state, LARGE), Position::new(1 + 7, 2));
    press(&mut state, KeyCode::Left);
    assert_eq!(cursor(&state, LARGE), Position::new(1 + 5, 2));
    press(&mut state, KeyCode::Enter);
    assert_eq!(cursor(&state, LARGE), Position::new(1, 3));
    // A line of 20 wide characters wraps in 38 cells.
    let mut state = ready(Language::Zh);
    update(&mut state, Action::Paste("长".repeat(20)));
    assert_eq!(cursor(&state, SMALL), Position::new(1 + 2, 3));
}

#[test]
fn a_theme_without_colors_colors_no_cell() {
    let outcome = Outcome::Scored(scored(0.927_869_6));
    let state = answered(Language::Zh, "今天天气很好", "今天天气不错", outcome);
    let colors = |theme| {
        let terminal = screen(&state, LARGE, theme);
        let cells = terminal.backend().buffer().content().to_vec();
        cells
            .iter()
            .filter(|cell| cell.fg != Color::Reset || cell.bg != Color::Reset)
            .count()
    };
    assert!(colors(Theme::new(true)) > 0);
    assert_eq!(colors(Theme::new(false)), 0);
}

#[test]
fn the_smallest_and_oddest_sizes_are_drawn() {
    let outcome = Outcome::Scored(scored(0.5));
    let mut state = answered(Language::Zh, "今天天气很好", "今天天气不错", outcome);
    let mut states = vec![pulling(Language::Zh)];
    for first_line in [None, Some(0), Some(9)] {
        state.help.first_line = first_line;
        states.push(state.clone());
    }
    for state in states {
        for width in [1, 2, 3, 5, 9, 20, 300] {
            for height in [1, 2, 3, 4, 5, 7, 100] {
                screen(&state, (width, height), Theme::new(true));
            }
        }
    }
}
