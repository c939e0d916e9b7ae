//! A folder of its own for each test, with a socket in it, and the programs pointed at that.

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use tempfile::TempDir;

/// A temporary folder in which the programs find nothing but what the test puts there. The daemon
/// that may have been started in it is stopped at the end.
pub struct Sandbox {
    directory: TempDir,
}

/// What a program did.
#[derive(Debug)]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// What it wrote to stdout.
    pub stdout: String,
    /// What it wrote to stderr.
    pub stderr: String,
}

impl Output {
    /// The exit status as a number.
    #[must_use]
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// stdout, which must come with success.
    pub fn success(self) -> String {
        assert!(self.status.success(), "failed: {self:?}");
        self.stdout
    }

    /// stdout as one JSON value, which must come with success.
    #[must_use]
    pub fn json(self) -> serde_json::Value {
        serde_json::from_str(&self.success()).expect("stdout is JSON")
    }
}

impl Default for Sandbox {
    fn default() -> Self {
        // Short, since a socket's path has to be.
        let directory = tempfile::Builder::new().prefix("gte").tempdir();
        Self {
            directory: directory.expect("a temporary folder can be made"),
        }
    }
}

impl Sandbox {
    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// The socket in it.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.path().join("gted.sock")
    }

    /// A command that runs `program` in this sandbox.
    #[must_use]
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("GTE_SOCKET", self.socket())
            .env("HOME", self.path())
            .env("PATH", "/usr/bin:/bin")
            .current_dir(self.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// A command that runs `gte` with these arguments.
    #[must_use]
    pub fn gte(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(program("gte"));
        command.args(arguments);
        command
    }

    /// Runs `gte` to its end.
    #[must_use]
    pub fn run(&self, arguments: &[&str]) -> Output {
        finish(spawn(&mut self.gte(arguments)))
    }

    /// Runs `gted` to its end.
    pub fn gted(&self, arguments: &[&str]) -> Output {
        finish(spawn(self.command(gted()).args(arguments)))
    }

    /// Runs `gte` to its end with something on stdin.
    #[must_use]
    pub fn run_with(&self, arguments: &[&str], stdin: impl AsRef<[u8]>) -> Output {
        let mut child = spawn(self.gte(arguments).stdin(Stdio::piped()));
        let mut pipe = child.stdin.take().expect("stdin is piped");
        let stdin = stdin.as_ref().to_vec();
        let writer = std::thread::spawn(move || pipe.write_all(&stdin));
        let output = finish(child);
        // A program that stops reading early is the test's business, not an error here.
        drop(writer.join().expect("the writer does not panic"));
        output
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        drop(self.run(&["stop"]));
    }
}

/// Starts a command.
pub(crate) fn spawn(command: &mut Command) -> Child {
    command
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?} cannot be started: {error}"))
}

/// Waits for a program's end.
pub(crate) fn finish(child: Child) -> Output {
    let output = child
        .wait_with_output()
        .expect("the program can be waited for");
    Output {
        status: output.status,
        stdout: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// The daemon's program.
#[must_use]
pub fn gted() -> PathBuf {
    program("gted")
}

/// A program as cargo has built it, in the folder above the tests' own.
pub(crate) fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("the test knows where it is");
    let folder = test
        .ancestors()
        .nth(2)
        .expect("tests lie in a folder of the build");
    let program = folder.join(name);
    assert!(
        program.is_file(),
        "{} is not there: build it with `cargo test --workspace`",
        program.display()
    );
    program
}
