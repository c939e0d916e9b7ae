//! Speed of the readers alone: 64 MB of pairs as TSV, CSV and JSON lines, on one core.
//!
//! Prints the minimum of five runs: `cargo bench --package gte-tui`.

use std::io::{self, Write};
use std::time::Instant;

use gte_tui::cli::count_pairs;

/// Size of each file.
const FILE_BYTES: usize = 64 * 1024 * 1024;

const RUNS: usize = 5;

fn main() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let text = |n: usize| format!("第{n}条：退款流程说明，如何申请退款？");
    let rows = |row: &dyn Fn(usize) -> String| {
        let block: String = (0..5000).map(row).collect();
        block.repeat(FILE_BYTES / block.len())
    };
    let tsv = rows(&|n| format!("{}\t{}\t1\n", text(n), text(n + 1)));
    let csv = rows(&|n| format!("{n},\"{}\",{},1\n", text(n), text(n + 1)));
    let json = rows(&|n| {
        let [a, b] = [text(n), text(n + 1)];
        format!("{{\"id\": {n}, \"text_a\": \"{a}\", \"text_b\": \"{b}\", \"label\": 1}}\n")
    });
    let csv = format!("id,text_a,text_b,label\n{csv}");
    for (name, content) in [("a.tsv", tsv), ("a.csv", csv), ("a.jsonl", json)] {
        let path = folder.path().join(name);
        std::fs::write(&path, &content)?;
        let mut fastest = f64::INFINITY;
        let mut pairs = 0;
        for _ in 0..RUNS {
            let begin = Instant::now();
            pairs = count_pairs(&path)?.0;
            fastest = fastest.min(begin.elapsed().as_secs_f64());
        }
        #[expect(clippy::cast_precision_loss, reason = "for people to read")]
        let speed = content.len() as f64 / 1e6 / fastest;
        writeln!(io::stdout(), "{name}: {speed:.0} MB/s, {pairs} pairs")?;
    }
    Ok(())
}
