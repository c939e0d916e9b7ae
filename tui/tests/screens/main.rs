//! States of the screen, drawn in both languages at two sizes.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod explanation;
mod models;
mod pair;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use gte_shared::score::{CalibrationState, Meaning, Scale, Verdict, raw};
use gte_shared::wire::{ModelInfo, Pooling, Precision, TextInfo, TextRules};
use gte_tui::app::{Action, Daemon, Outcome, Scored, State, update};
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
            let mut settings = insta::Settings::new();
            settings.set_prepend_module_to_snapshot(false);
            settings.bind(|| insta::assert_snapshot!(name, picture(&terminal)));
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
    let mut states = vec![
        models::pulling(Language::Zh),
        explanation::explained(Language::Zh),
    ];
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
