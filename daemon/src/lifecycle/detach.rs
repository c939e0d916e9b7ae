//! Detachment of a daemon from the program that has started it.

#![allow(unsafe_code, reason = "close_range(2)")]

use std::io;

use rustix::io::Errno;

/// First descriptor that is not one of the standard three.
const FIRST_OTHER: libc::c_uint = 3;

/// Leaves everything of the caller behind but the environment and the standard streams: its session
/// and its terminal, its current folder (which could not be unmounted), and all its other
/// descriptors (locks and pipes would stay held as long as the daemon runs).
///
/// # Errors
///
/// If the system refuses one of the steps.
pub(crate) fn detach() -> io::Result<()> {
    match rustix::process::setsid() {
        // The process leads a group already, as one started by a shell does.
        Ok(_) | Err(Errno::PERM) => {}
        Err(error) => return Err(error.into()),
    }
    rustix::process::chdir("/")?;
    close_others()
}

/// Closes all descriptors but the standard streams.
#[cfg(target_os = "linux")]
fn close_others() -> io::Result<()> {
    // SAFETY: close_range(2) takes three integers by value. It is called first of all, while this
    // program has opened nothing, so no owner of a descriptor loses it. (Called by its number: the
    // C library of older systems lacks the function.)
    let closed = unsafe { libc::syscall(libc::SYS_close_range, FIRST_OTHER, libc::c_uint::MAX, 0) };
    if closed == 0 {
        return Ok(());
    }
    let error = io::Error::last_os_error();
    match Errno::from_io_error(&error) {
        // Linux before 5.9, and containers that refuse calls which they do not know.
        Some(Errno::NOSYS | Errno::PERM) => close_listed(),
        _ => Err(error),
    }
}

/// Closes the descriptors that the system lists (proc_pid_fd(5)).
#[cfg(target_os = "linux")]
fn close_listed() -> io::Result<()> {
    let mut others = Vec::new();
    for entry in std::fs::read_dir("/proc/self/fd")? {
        let name = entry?.file_name();
        others.extend(
            name.to_str()
                .and_then(|name| name.parse::<libc::c_int>().ok()),
        );
    }
    for other in others {
        if u32::try_from(other).is_ok_and(|other| other >= FIRST_OTHER) {
            // SAFETY: As above. The descriptor of the listing itself is closed already, so this
            // fails for that one, and changes nothing.
            unsafe { libc::close(other) };
        }
    }
    Ok(())
}

/// Closes nothing: other systems have no such call.
#[cfg(not(target_os = "linux"))]
fn close_others() -> io::Result<()> {
    Ok(())
}
