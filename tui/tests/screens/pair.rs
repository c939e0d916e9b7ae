//! The pair and its score.

use crossterm::event::KeyCode;
use gte_shared::score::Scale;
use gte_shared::wire::TextInfo;
use gte_tui::app::{Action, Daemon, Outcome, State, update};

use gte_tui::strings::Language;

use super::{answered, check, models, press, scored};

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
        scored.texts[0].unknown_at = vec![(2, 8), (8, 10)];
        scored.texts[1].changed_by = "nfkc,lowercase".parse().unwrap();
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

/// State with a second model, which has answered with `outcome`, if it has.
fn compared(language: Language, cosine: f32, outcome: Option<Outcome>) -> State {
    let first = Outcome::Scored(scored(cosine));
    let mut state = answered(
        language,
        "苹果发布了新手机",
        "苹果今年大丰收",
        first.clone(),
    );
    press(&mut state, KeyCode::F(2));
    update(&mut state, Action::Models(models::rows()));
    // From the model that answers to the installed one.
    (0..3).for_each(|_| press(&mut state, KeyCode::Up));
    press(&mut state, KeyCode::Char(' '));
    press(&mut state, KeyCode::Esc);
    let revision = state.pair.revision;
    update(&mut state, Action::Answered(revision, first));
    if let Some(outcome) = outcome {
        update(&mut state, Action::SecondAnswered(revision, outcome));
    }
    state
}

#[test]
fn two_models_side_by_side() {
    check("two-models", |language| {
        let mut second = scored(0.81);
        second.model.id = "text2vec-base-chinese".to_owned();
        second.model.scale = Scale::default();
        compared(language, 0.626, Some(Outcome::Scored(second)))
    });
    check("two-models-loading", |language| {
        compared(language, 0.626, None)
    });
    check("two-models-refused", |language| {
        let error = "the model takes 1303 MiB while it is loaded".to_owned();
        compared(language, 0.626, Some(Outcome::Failed(error)))
    });
}

#[test]
fn the_second_model_in_the_list() {
    check("models-second", |language| {
        let mut state = compared(language, 0.5, None);
        press(&mut state, KeyCode::F(2));
        state
    });
}
