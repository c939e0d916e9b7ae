//! The terminal: opened for the screen, put back in order on every way out, and read.

use std::io::{self, Stdout};
use std::panic;
use std::sync::Once;

use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste, Event, read};
use crossterm::execute;
use crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::backend::CrosstermBackend;
use ratatui::{Frame, Terminal};
use tokio::sync::mpsc;

use crate::app::Action;

/// The terminal in the screen's hands; dropping it puts everything back.
pub(super) struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
}

impl Screen {
    pub(super) fn open() -> io::Result<Self> {
        restore_on_panic();
        // Made first, so that its drop undoes whatever of the rest has been done.
        let screen = Self {
            terminal: Terminal::new(CrosstermBackend::new(io::stdout()))?,
        };
        enable_raw_mode()?;
        execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste)?;
        Ok(screen)
    }

    pub(super) fn draw(&mut self, draw: impl FnOnce(&mut Frame)) -> io::Result<()> {
        self.terminal.draw(draw)?;
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

/// Puts the terminal back in order. Nobody is left to be told if that fails.
fn restore() {
    drop(execute!(
        io::stdout(),
        DisableBracketedPaste,
        LeaveAlternateScreen,
        crossterm::cursor::Show
    ));
    drop(disable_raw_mode());
}

/// A panic's message is readable only once the terminal is back in order.
fn restore_on_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            restore();
            usual(info);
        }));
    });
}

/// Reads events on a thread of its own, since reading blocks. The thread ends with the program.
pub(super) fn read_events(actions: mpsc::UnboundedSender<Action>) {
    std::thread::spawn(move || {
        loop {
            let action = match read() {
                Ok(Event::Key(key)) => Action::Key(key),
                Ok(Event::Paste(text)) => Action::Paste(text),
                Ok(Event::Resize(..)) => Action::Redraw,
                Ok(_) => continue,
                // The terminal is gone.
                Err(_) => Action::End,
            };
            let over = matches!(action, Action::End);
            if actions.send(action).is_err() || over {
                return;
            }
        }
    });
}
