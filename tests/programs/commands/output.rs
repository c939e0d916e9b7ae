//! Output that both programs have in common: closed pipes, hints, completions, man pages.

use std::process::Stdio;

use gte_tests::{Output, Sandbox, gted};

#[test]
fn a_closed_pipe_is_not_a_failure_of_either_program() {
    let sandbox = Sandbox::default();
    let gted = |arguments: &[&str]| {
        let mut command = sandbox.command(gted());
        command.args(arguments);
        command
    };
    for mut command in [
        gted(&["models"]),
        gted(&["models", "--json"]),
        gted(&["completions", "bash"]),
        sandbox.gte(&["completions", "zsh"]),
    ] {
        let (reader, writer) = std::io::pipe().expect("a pipe can be made");
        // Nobody reads, as after `head` has ended.
        drop(reader);
        let output = Output::of(command.stdout(Stdio::from(writer)));
        assert_eq!(output.code(), Some(0), "{command:?}: {output:?}");
        assert_eq!(output.stderr, "", "{command:?}");
    }
}

#[test]
fn an_error_and_its_hint_have_a_line_each() {
    let sandbox = Sandbox::default();
    let output = sandbox.gted(&["use", "nonsense"]);
    let lines: Vec<&str> = output.stderr.lines().collect();
    let hint = "hint: `gted models` lists the installed and the known models; other repositories are \
             called owner/name, such as google-bert/bert-base-chinese";
    assert_eq!(lines, ["gted: unknown model nonsense", hint]);
    let output = sandbox.run(&["status"]);
    let lines: Vec<&str> = output.stderr.lines().collect();
    assert!(
        lines[0].starts_with("gte: no daemon is running"),
        "{output:?}"
    );
    assert!(lines[1].starts_with("hint: start it"), "{output:?}");
}

#[test]
fn completions_know_every_subcommand() {
    let sandbox = Sandbox::default();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = sandbox.run(&["completions", shell]).success();
        for subcommand in ["sim", "batch", "rank", "embed", "status", "stop"] {
            assert!(script.contains(subcommand), "{shell}: {subcommand}");
        }
        let script = sandbox.gted(&["completions", shell]).success();
        for subcommand in ["serve", "models", "pull", "verify"] {
            assert!(script.contains(subcommand), "{shell}: {subcommand}");
        }
    }
}

#[test]
fn man_pages_are_written_for_each_subcommand() {
    let sandbox = Sandbox::default();
    let folder = sandbox.path().join("man");
    std::fs::create_dir(&folder).expect("a folder can be made");
    sandbox.run(&["man", "man"]).success();
    sandbox.gted(&["man", "man"]).success();
    let page = |name: &str| {
        let page = std::fs::read_to_string(folder.join(name));
        page.unwrap_or_else(|error| panic!("{name}: {error}"))
    };
    assert!(page("gte.1").contains("Chinese semantic similarity"));
    assert!(page("gte-rank.1").contains("Rank lines"));
    assert!(page("gted.1").contains("daemon that holds the model"));
    assert!(page("gted-serve.1").contains("socket"));
    let missing = sandbox.run(&["man", "missing"]);
    assert_eq!(missing.code(), Some(1));
    assert!(
        missing.stderr.contains("missing cannot be written"),
        "{missing:?}"
    );
}
