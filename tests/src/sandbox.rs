//! Temporary folder with a socket per test, and the programs run in it.

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use tempfile::TempDir;

/// A temporary folder that is the programs' home. Their environment has no other variables than
/// `HOME`, `PATH` and `GTE_SOCKET`. Dropping it stops the daemon that runs in it, if any.
pub struct Sandbox {
    directory: TempDir,
}

/// Exit status and output of a program that has ended.
#[derive(Debug)]
pub struct Output {
    /// Exit status.
    pub status: ExitStatus,
    /// Text on stdout.
    pub stdout: String,
    /// Text on stderr, with U+FFFD for bytes that are not UTF-8.
    pub stderr: String,
}

impl Output {
    /// Runs a command to its end.
    ///
    /// # Panics
    ///
    /// If it cannot be started, or its stdout is not UTF-8.
    #[must_use]
    pub fn of(command: &mut Command) -> Self {
        finish(spawn(command))
    }

    /// Runs a command to its end with `stdin` as its input.
    ///
    /// # Panics
    ///
    /// If it cannot be started, or its stdout is not UTF-8.
    #[must_use]
    pub fn with_stdin(command: &mut Command, stdin: impl AsRef<[u8]>) -> Self {
        let command = command.stdin(Stdio::piped());
        let mut child = spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped()));
        let mut pipe = child.stdin.take().expect("stdin is piped");
        let stdin = stdin.as_ref().to_vec();
        let writer = std::thread::spawn(move || pipe.write_all(&stdin));
        let output = finish(child);
        // A program may stop reading early: the test checks what it reports.
        drop(writer.join().expect("the writer does not panic"));
        output
    }

    /// Exit code, unless a signal ended the program.
    #[must_use]
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// Stdout of a program that succeeded.
    ///
    /// # Panics
    ///
    /// If the program failed.
    pub fn success(self) -> String {
        assert!(self.status.success(), "failed: {self:?}");
        self.stdout
    }

    /// Stdout of a program that succeeded, as one JSON value.
    ///
    /// # Panics
    ///
    /// If the program failed, or its stdout is not JSON.
    #[must_use]
    pub fn json(self) -> serde_json::Value {
        serde_json::from_str(&self.success()).expect("stdout is JSON")
    }

    /// Stdout of a program that succeeded, as one JSON value per line.
    ///
    /// # Panics
    ///
    /// If the program failed, or a line is not JSON.
    #[must_use]
    pub fn json_lines(self) -> Vec<serde_json::Value> {
        self.success()
            .lines()
            .map(|line| serde_json::from_str(line).expect("the line is JSON"))
            .collect()
    }
}

impl Default for Sandbox {
    fn default() -> Self {
        // Short, since the path of a socket has a limit of about 100 bytes.
        let directory = tempfile::Builder::new().prefix("gte").tempdir();
        Self {
            directory: directory.expect("a temporary folder can be made"),
        }
    }
}

impl Sandbox {
    /// Path of the folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Path of the socket, which is in the folder.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.path().join("gted.sock")
    }

    /// Path of the folder that models are installed in.
    #[must_use]
    pub fn models(&self) -> PathBuf {
        self.path().join(".local/share/gte/models")
    }

    /// Command that runs `program` in this sandbox, with stdout and stderr piped.
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

    /// Command that runs `gte` with these arguments.
    #[must_use]
    pub fn gte(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(program("gte"));
        command.args(arguments);
        command
    }

    /// Runs `gte` to its end.
    #[must_use]
    pub fn run(&self, arguments: &[&str]) -> Output {
        Output::of(&mut self.gte(arguments))
    }

    /// Runs `gted` to its end.
    pub fn gted(&self, arguments: &[&str]) -> Output {
        Output::of(self.command(gted()).args(arguments))
    }

    /// Runs `gte` to its end with `stdin` as its input.
    #[must_use]
    pub fn run_with(&self, arguments: &[&str], stdin: impl AsRef<[u8]>) -> Output {
        Output::with_stdin(&mut self.gte(arguments), stdin)
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

/// Waits for the end of a program.
fn finish(child: Child) -> Output {
    let output = child
        .wait_with_output()
        .expect("the program can be waited for");
    Output {
        status: output.status,
        stdout: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Path of `gted`.
#[must_use]
pub fn gted() -> PathBuf {
    program("gted")
}

/// Path of a program that cargo built, in the folder above the tests' own.
#[must_use]
pub fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("the test knows where it is");
    let folder = test
        .ancestors()
        .nth(2)
        .expect("tests lie in a folder of the build");
    let program = folder.join(name);
    assert!(
        program.is_file(),
        "{} is missing: build it with `cargo test --workspace`",
        program.display()
    );
    program
}
