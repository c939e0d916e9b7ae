//! The terminal: prepared for the screen, read, and restored whenever the screen ends.

use std::io::{self, Stdout};
use std::panic;
use std::sync::Once;

use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste, Event, poll, read};
use crossterm::execute;
use crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::backend::CrosstermBackend;
use ratatui::{Frame, Terminal};
use tokio::sync::mpsc;

use super::escapes::{Escapes, WAIT};
use crate::app::Action;

/// The terminal while the screen uses it. Dropping the screen restores the terminal.
pub(super) struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
}

impl Screen {
    pub(super) fn open() -> io::Result<Self> {
        restore_on_panic();
        // Created first, so that its drop undoes the steps below even if one of them fails.
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

/// Restores the terminal. An error is ignored, since the screen cannot show it any more.
fn restore() {
    drop(execute!(
        io::stdout(),
        DisableBracketedPaste,
        LeaveAlternateScreen,
        crossterm::cursor::Show
    ));
    drop(disable_raw_mode());
}

/// Makes a panic restore the terminal before its message is printed.
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

/// Reads events on a thread, since reading blocks. The thread ends with the program.
pub(super) fn read_events(action_tx: mpsc::UnboundedSender<Action>) {
    std::thread::spawn(move || {
        let mut escapes = Escapes::default();
        loop {
            // The terminal has been closed.
            let events = next_events(&mut escapes).map_err(|_| Action::End);
            let actions = match events {
                Ok(events) => events.into_iter().filter_map(action).collect(),
                Err(end) => vec![end],
            };
            for action in actions {
                let is_over = matches!(action, Action::End);
                if action_tx.send(action).is_err() || is_over {
                    return;
                }
            }
        }
    });
}

/// Waits for events; none while they are held back.
fn next_events(escapes: &mut Escapes) -> io::Result<Vec<Event>> {
    if escapes.is_waiting() && !poll(WAIT)? {
        return Ok(escapes.release());
    }
    Ok(escapes.on_event(read()?))
}

fn action(event: Event) -> Option<Action> {
    match event {
        Event::Key(key) => Some(Action::Key(key)),
        Event::Paste(text) => Some(Action::Paste(text)),
        Event::Resize(..) => Some(Action::Redraw),
        _ => None,
    }
}
