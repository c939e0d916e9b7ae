//! Time from nothing to the first answer.

use std::io;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::engine::Embed;
use crate::model::{Model, ModelError, Spent, Stopwatch};

/// Number of programs that are started to time a start.
const STARTS: usize = 5;

/// Pair of texts of the first answer.
const PAIR: [&str; 2] = ["手机坏了，怎么申请退款？", "我想退货退款"];

/// A phase on the way to the first answer.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Phase {
    /// Name.
    pub(crate) phase: &'static str,
    /// Time of the clock in milliseconds.
    pub(crate) wall_ms: f64,
    /// Time of the processor in milliseconds, of all threads.
    pub(crate) cpu_ms: f64,
}

impl Phase {
    fn new(phase: &'static str, spent: Spent) -> Self {
        let ms = |duration: Duration| duration.as_secs_f64() * 1e3;
        Self {
            phase,
            wall_ms: ms(spent.wall),
            cpu_ms: ms(spent.cpu),
        }
    }
}

/// Times the phases from the start of the program to the first answer, and their sum. `load` loads
/// the model, for the first time in this program.
///
/// # Errors
///
/// If the model cannot be loaded or fails, or the program cannot be started once more.
pub(crate) fn time_cold_start(
    load: impl FnOnce() -> anyhow::Result<Model>,
) -> anyhow::Result<Vec<Phase>> {
    // Before the other programs are started, which takes time of this one as well.
    let cpu = Stopwatch::since_start_of_program();
    let start = Spent {
        wall: time_start()?,
        cpu,
    };
    let model = load()?;
    let mut watch = Stopwatch::start();
    let ids = PAIR.map(|text| model.tokenizer.ids(text));
    let [first, second] = ids;
    let (first, second) = (first?, second?);
    model
        .encoder
        .embed(&[&first, &second])
        .map_err(ModelError::from)?;
    let answer = watch.lap();
    let timings = model.timings;
    let phases = [
        ("process start", start),
        ("tokenizer", timings.tokenizer),
        ("map", timings.map),
        ("pack", timings.pack),
        ("warm-up", timings.warm_up),
        ("first answer", answer),
    ];
    let total = phases
        .iter()
        .fold(Spent::default(), |sum, (_, spent)| Spent {
            wall: sum.wall + spent.wall,
            cpu: sum.cpu + spent.cpu,
        });
    let phases = phases.into_iter().chain([("total", total)]);
    Ok(phases
        .map(|(name, spent)| Phase::new(name, spent))
        .collect())
}

/// Times the start and end of a program that only prints its version: the fastest of several. When
/// this program began, it can no longer tell to less than 10 ms (proc(5), starttime).
fn time_start() -> io::Result<Duration> {
    let program = std::env::current_exe()?;
    let mut fastest = Duration::MAX;
    for _ in 0..STARTS {
        let start = Instant::now();
        let mut command = Command::new(&program);
        command.arg("--version").stdout(Stdio::null());
        command.status()?;
        fastest = fastest.min(start.elapsed());
    }
    Ok(fastest)
}
