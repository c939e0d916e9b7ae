//! `gte` in a pseudo-terminal: keys are its input, a screen is its output.

use std::io::{Read, Write};
use std::num::NonZero;
use std::sync::mpsc;
use std::time::Instant;

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};

use crate::sandbox::{Sandbox, program};
use crate::wait::TEST_TIMEOUT;

/// A `gte` process and its terminal.
pub struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    keyboard: Box<dyn Write + Send>,
    written: mpsc::Receiver<Vec<u8>>,
    parser: vt100::Parser,
    /// All bytes that the program has written, with escape sequences.
    raw: Vec<u8>,
    _master: Box<dyn MasterPty + Send>,
}

impl Terminal {
    /// Starts `gte` in a terminal of `columns` by `rows` cells, with these variables in its
    /// environment.
    #[must_use]
    pub fn open(
        sandbox: &Sandbox,
        arguments: &[&str],
        variables: &[(&str, &str)],
        columns: NonZero<u16>,
        rows: NonZero<u16>,
    ) -> Self {
        let size = PtySize {
            rows: rows.get(),
            cols: columns.get(),
            pixel_width: 0,
            pixel_height: 0,
        };
        let pair = native_pty_system()
            .openpty(size)
            .expect("a pseudo-terminal can be opened");
        let mut command = CommandBuilder::new(program("gte"));
        command.args(arguments);
        command.env_clear();
        command.env("GTE_SOCKET", sandbox.socket());
        command.env("HOME", sandbox.path());
        command.env("TERM", "xterm-256color");
        for (name, value) in variables {
            command.env(name, value);
        }
        command.cwd(sandbox.path());
        let child = pair
            .slave
            .spawn_command(command)
            .expect("gte can be started");
        drop(pair.slave);
        let mut screen = pair
            .master
            .try_clone_reader()
            .expect("the screen can be read");
        let keyboard = pair.master.take_writer().expect("keys can be sent");
        let (sender, written) = mpsc::channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = screen.read(&mut buffer) {
                if sender.send(buffer[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self {
            child,
            keyboard,
            written,
            parser: vt100::Parser::new(rows, columns, 0),
            raw: Vec::new(),
            _master: pair.master,
        }
    }

    /// Sends text or escape sequences, as a keyboard or an input method does.
    pub fn keys(&mut self, keys: &str) {
        self.keyboard
            .write_all(keys.as_bytes())
            .expect("keys can be sent");
        self.keyboard.flush().expect("keys can be sent");
    }

    /// Waits until `shows` returns true for the screen. `what` names the awaited content in the
    /// message of a failure.
    pub fn wait_until(&mut self, what: &str, shows: impl Fn(&vt100::Screen) -> bool) {
        let deadline = Instant::now() + TEST_TIMEOUT;
        while !shows(self.parser.screen()) {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.written.recv_timeout(left) {
                Ok(bytes) => {
                    self.parser.process(&bytes);
                    self.raw.extend(bytes);
                }
                Err(error) => panic!("no {what} ({error}):\n{}", self.parser.screen().contents()),
            }
        }
    }

    /// Waits until all these words are on the screen. (A screen arrives in pieces, so one word may
    /// come before another.)
    pub fn wait_for(&mut self, words: &[&str]) {
        self.wait_until(&words.join(", "), |screen| {
            let contents = screen.contents();
            words.iter().all(|word| contents.contains(word))
        });
    }

    /// Waits until the cursor is at `(row, column)`, both counted from 0.
    pub fn wait_for_cursor(&mut self, position: (u16, u16)) {
        self.wait_until(&format!("cursor at {position:?}"), |screen| {
            screen.cursor_position() == position
        });
    }

    /// Waits for the end of the program. Returns its exit status and all that it wrote.
    pub fn wait(mut self) -> (ExitStatus, String) {
        while let Ok(bytes) = self.written.recv_timeout(TEST_TIMEOUT) {
            self.raw.extend(bytes);
        }
        let status = self.child.wait().expect("gte can be waited for");
        (status, String::from_utf8_lossy(&self.raw).into_owned())
    }

    /// Process id of the program, while it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.process_id()
    }
}
