//! `gted eval` and `gted calibrate` as a user runs them, on pairs that the test makes.

use gte_tests::{Daemon, Output, Sandbox, gted};
use serde_json::{Value, json};

/// Labelled pairs in a file: those of label 1 share a beginning, the others do not.
fn pairs(sandbox: &Sandbox, count: usize) -> String {
    let subjects = [
        "退款流程",
        "发货时间",
        "会员价格",
        "密码重置",
        "发票抬头",
        "物流查询",
    ];
    let endings = [
        "怎么办",
        "在哪里看",
        "是什么",
        "多少钱",
        "几天能好",
        "可以改吗",
    ];
    let subject = |n: usize| subjects[n % subjects.len()];
    let rows = (0..count).map(|n| {
        let is_same = n % 2;
        let other = subject(n + if is_same == 1 { 0 } else { 1 + n % 5 });
        let (one, two) = (endings[n / 6 % 6], endings[(n / 36 + n) % 6]);
        format!("{}{one}{}\t{other}{two}\t{is_same}\n", subject(n), n / 12)
    });
    let table = format!("a\tb\tlabel\n{}", rows.collect::<Vec<_>>().concat());
    std::fs::write(sandbox.path().join("pairs.tsv"), table).expect("a file can be written");
    "pairs.tsv".to_owned()
}

fn run(sandbox: &Sandbox, arguments: &[&str]) -> Output {
    Output::of(sandbox.command(gted()).args(arguments))
}

#[test]
fn eval_prints_the_figures_of_a_model() {
    let sandbox = Sandbox::default();
    let file = pairs(&sandbox, 60);
    let of = run(&sandbox, &["eval", &file, "--json"]).json();
    assert_eq!(
        (&of["pairs"], &of["model"]),
        (&json!(60), &json!("bge-small-zh-v1.5"))
    );
    for key in [
        "spearman",
        "pearson",
        "roc_auc",
        "average_precision",
        "best_f1",
        "best_accuracy",
    ] {
        let value = of[key].as_f64().expect("a number");
        assert!((0.3..=1.0).contains(&value), "{key} {of}");
    }
    let report = run(&sandbox, &["eval", &file]).success();
    assert!(report.contains("spearman\t"), "{report}");
    let models = "bge-small-zh-v1.5,bge-small-zh-v1.5";
    let table = run(&sandbox, &["eval", &file, "--models", models]).success();
    assert_eq!(table.lines().count(), 3, "{table}");
    std::fs::write(sandbox.path().join("two.tsv"), "甲\t乙\n").expect("a file can be written");
    let columns = run(&sandbox, &["eval", "two.tsv"]);
    assert_eq!(columns.code(), Some(2), "{columns:?}");
    assert!(
        columns
            .stderr
            .contains("hint: each line is a<TAB>b<TAB>label"),
        "{columns:?}"
    );
    let wrong = run(&sandbox, &["eval", "missing.tsv"]);
    assert_eq!(wrong.code(), Some(1), "{wrong:?}");
    assert!(wrong.stderr.contains("missing.tsv"), "{wrong:?}");
}

#[test]
fn a_fit_is_kept_and_the_next_daemon_answers_with_it() {
    let sandbox = Sandbox::default();
    let file = pairs(&sandbox, 240);
    let few = run(&sandbox, &["calibrate", &pairs(&sandbox, 60)]);
    assert_eq!(few.code(), Some(2), "{few:?}");
    assert!(few.stderr.contains("30 pairs of label 1"), "{few:?}");
    // As many as are needed.
    let enough = run(&sandbox, &["calibrate", &pairs(&sandbox, 100), "--dry-run"]);
    assert!(enough.status.success(), "{enough:?}");
    assert!(
        !sandbox
            .path()
            .join(".local/share/gte/calibrations.json")
            .exists()
    );

    pairs(&sandbox, 240);
    let dry = run(&sandbox, &["calibrate", &file, "--dry-run", "--json"]).json();
    assert_eq!(dry["meaning"], "probability");
    let kept = run(&sandbox, &["calibrate", &file]);
    assert!(kept.stderr.contains("calibrations.json"), "{kept:?}");
    let report = kept.success();
    assert!(report.contains("calibration_error\t"), "{report}");

    let _daemon = Daemon::start(&sandbox, &[]);
    let scored = sandbox
        .run(&["sim", "退款流程怎么办", "退款流程是什么", "--json"])
        .json();
    assert_eq!(scored["meaning"], "probability");
    assert_eq!(scored["calibration"], "fitted");
    // It is for the steps that it was made with.
    let other = ["sim", "甲", "乙", "--json", "--text-steps", "none"];
    let other: Value = sandbox.run(&other).json();
    assert_eq!(
        (&other["meaning"], &other["calibration"]),
        (&json!("rating"), &json!("shipped"))
    );
}

#[test]
fn pairs_are_read_as_the_daemon_is_set() {
    let sandbox = Sandbox::default();
    let file = pairs(&sandbox, 20);
    let eval = |variables: &[(&str, &str)], options: &[&str]| {
        let mut command = sandbox.command(gted());
        let command = command.args(["eval", &file, "--json"]).args(options);
        Output::of(command.envs(variables.iter().copied())).json()
    };
    let of = eval(&[("GTE_PRECISION", "f32"), ("GTE_TEXT_STEPS", "nfkc")], &[]);
    assert_eq!(
        (&of["precision"], &of["text_steps"]),
        (&json!("f32"), &json!(["nfkc"]))
    );
    let of = eval(&[("GTE_TEXT_STEPS", "nfkc")], &["--text-steps", "none"]);
    assert_eq!(of["text_steps"], json!([]));
}

#[test]
fn a_faulty_file_of_calibrations_stops_no_daemon() {
    let sandbox = Sandbox::default();
    let folder = sandbox.path().join(".local/share/gte");
    std::fs::create_dir_all(&folder).expect("a folder can be made");
    std::fs::write(folder.join("calibrations.json"), "[{").expect("a file can be written");
    let mut daemon = Daemon::start(&sandbox, &[]);
    let scored = sandbox.run(&["sim", "甲", "乙", "--json"]).json();
    assert_eq!(scored["calibration"], "shipped");
    let status = sandbox.run(&["status"]).success();
    assert!(status.contains("calibration\tshipped\n"), "{status}");
    assert!(status.contains("text_steps\tlowercase\n"), "{status}");
    sandbox.run(&["stop"]).success();
    daemon.wait();
}
