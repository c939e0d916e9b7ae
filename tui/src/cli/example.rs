//! `gte` without a terminal: score an example pair, so that the first run prints a result anywhere.

use super::global::Global;
use super::messages::say;
use super::sim::Sim;
use super::text_options::TextArguments;

const EXAMPLE: [&str; 2] = ["今天天气很好", "今天天气不错"];

pub(super) async fn run(global: &Global) -> anyhow::Result<()> {
    let [a, b] = EXAMPLE;
    let sim = Sim {
        explain: false,
        texts: TextArguments::default(),
        a: a.to_owned(),
        b: b.to_owned(),
    };
    sim.run(global).await?;
    say(&format!(
        "no terminal for the screen, so this is an example, {a} / {b}; see `gte --help` for commands"
    ));
    Ok(())
}
