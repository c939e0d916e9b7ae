//! A user of the system with a service manager of its own: the real `systemd --user`, as it runs
//! after a login.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::sandbox::{Output, program, spawn};
use crate::wait::wait_until;

/// First user id of the tests: above those of people, services and containers.
const FIRST_USER: u32 = 1_500_000_000;

/// Most users that are tried: more than tests run at a time.
const USERS: u32 = 1_000;

/// Folder of the users' runtime folders (pam_systemd(8)).
const RUNTIME_FOLDERS: &str = "/run/user";

/// Time for killed processes to be gone.
const END_TIMEOUT: Duration = Duration::from_secs(10);

/// Program of the service manager.
const SYSTEMD: &str = "/lib/systemd/systemd";

/// A user with a home, a runtime folder, both programs, and a service manager that runs. Dropping
/// it ends and removes all of that.
pub struct ServiceUser {
    user: u32,
    manager: Option<Child>,
    home: PathBuf,
    runtime: PathBuf,
    groups: Vec<PathBuf>,
}

impl ServiceUser {
    /// Makes a user and starts its service manager. Returns `None` after saying why it cannot be
    /// done here.
    #[must_use]
    #[expect(clippy::print_stderr, reason = "what is not run is said")]
    pub fn start() -> Option<Self> {
        if !rustix::process::getuid().is_root() || !Path::new(SYSTEMD).exists() {
            eprintln!("NOT RUN: a service manager, which needs systemd and root");
            return None;
        }
        // Whoever makes the runtime folder has the user.
        drop(fs::create_dir_all(RUNTIME_FOLDERS));
        let mut users = FIRST_USER..FIRST_USER + USERS;
        let free = users.find(|user| fs::create_dir(runtime_folder(*user)).is_ok());
        let user = free.expect("a user is free");
        match Self::make(user) {
            Ok(made) => Some(made),
            Err(error) => {
                eprintln!("NOT RUN: a service manager cannot be started here: {error}");
                None
            }
        }
    }

    fn make(user: u32) -> io::Result<Self> {
        let runtime = runtime_folder(user);
        // Among the folders that `ProtectHome=` is about (systemd.exec(5)).
        let home = runtime.join("home");
        let mut groups = Vec::new();
        for hierarchy in ["systemd", "unified", ""] {
            let hierarchy = Path::new("/sys/fs/cgroup").join(hierarchy);
            if hierarchy.join("cgroup.procs").exists() {
                groups.push(hierarchy.join(format!("gte-{user}")));
            }
        }
        // From here on, dropping it cleans up.
        let mut made = Self {
            user,
            manager: None,
            home,
            runtime,
            groups,
        };
        made.prepare()?;
        Ok(made)
    }

    fn prepare(&mut self) -> io::Result<()> {
        let Self {
            user,
            home,
            runtime,
            groups,
            ..
        } = &*self;
        let user = *user;
        // Its presence says that systemd manages the system (sd_booted(3)).
        fs::create_dir_all("/run/systemd/system")?;
        let config = home.join(".config");
        for (folder, mode) in [(runtime, 0o700), (home, 0o755), (&config, 0o700)] {
            fs::create_dir_all(folder)?;
            chown(folder, Some(user), Some(user))?;
            fs::set_permissions(folder, fs::Permissions::from_mode(mode))?;
        }
        let bin = home.join("bin");
        fs::create_dir(&bin)?;
        for name in ["gte", "gted"] {
            fs::copy(program(name), bin.join(name))?;
        }
        for group in groups {
            fs::create_dir_all(group)?;
            for of_user in [group.clone(), group.join("cgroup.procs")] {
                chown(of_user, Some(user), Some(user))?;
            }
        }
        // A shell that moves itself into the groups and becomes the user's service manager.
        let enter: Vec<String> = groups
            .iter()
            .map(|group| format!("echo $$ > {}/cgroup.procs; ", group.display()))
            .collect();
        let script = format!(
            "{}exec setpriv --reuid {user} --regid {user} --clear-groups {SYSTEMD} --user",
            enter.concat()
        );
        let mut command = Command::new("sh");
        command.args(["-c", &script]).env_clear();
        command.env("HOME", home).env("PATH", "/usr/bin:/bin");
        command.env("XDG_RUNTIME_DIR", runtime).current_dir(home);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let socket = runtime.join("systemd/private");
        let manager = self.manager.insert(command.spawn()?);
        let mut ended = false;
        wait_until("the service manager", || {
            ended = matches!(manager.try_wait(), Ok(Some(_)));
            ended || socket.exists()
        });
        if ended {
            return Err(io::Error::other("it has ended"));
        }
        Ok(())
    }

    /// User id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.user
    }

    /// Home of the user, with both programs in `bin`.
    #[must_use]
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Path of the socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.runtime.join("gte/gted.sock")
    }

    /// Command that runs a program as the user, with stdout and stderr piped.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let user = self.user.to_string();
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid", &user, "--regid", &user, "--clear-groups"])
            .args(arguments)
            .env_clear()
            .env("HOME", &self.home)
            .env("XDG_RUNTIME_DIR", &self.runtime)
            .env("PATH", format!("{}/bin:/usr/bin:/bin", self.home.display()))
            .current_dir(&self.home)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs a program as the user to its end.
    #[must_use]
    pub fn run(&self, arguments: &[&str]) -> Output {
        Output::of(&mut self.command(arguments))
    }

    /// Starts a program as the user.
    #[must_use]
    pub fn spawn(&self, arguments: &[&str]) -> Child {
        spawn(&mut self.command(arguments))
    }

    /// Runs `systemctl --user` to its end.
    #[must_use]
    pub fn systemctl(&self, arguments: &[&str]) -> Output {
        self.run(&[&["systemctl", "--user"], arguments].concat())
    }

    /// A property of a unit.
    #[must_use]
    pub fn property(&self, unit: &str, name: &str) -> String {
        let shown = self.systemctl(&["show", unit, "--value", "--property", name]);
        shown.success().trim().to_owned()
    }

    /// Adds lines to a unit, and has the service manager read them.
    pub fn drop_in(&self, unit: &str, lines: &str) {
        let folder = self.home.join(format!(".config/systemd/user/{unit}.d"));
        fs::create_dir_all(&folder).expect("a folder can be made");
        fs::write(folder.join("test.conf"), lines).expect("a file can be written");
        self.systemctl(&["daemon-reload"]).success();
    }
}

impl Drop for ServiceUser {
    fn drop(&mut self) {
        // All of this may be gone already.
        drop(self.systemctl(&["stop", "gted.socket", "gted.service"]));
        if let Some(manager) = &mut self.manager {
            drop(manager.kill());
            drop(manager.wait());
        }
        let processes = ["-KILL", "-U", &self.user.to_string()];
        drop(Command::new("pkill").args(processes).status());
        let are_empty = || {
            let busy = |group: &PathBuf| has_processes(group);
            !self.groups.iter().any(busy)
        };
        let end = Instant::now() + END_TIMEOUT;
        while !are_empty() && Instant::now() < end {
            std::thread::yield_now();
        }
        for group in &self.groups {
            remove_group(group);
        }
        drop(fs::remove_dir_all(&self.runtime));
        for folder in ["/tmp", "/var/tmp"] {
            remove_private(Path::new(folder), self.user);
        }
    }
}

fn runtime_folder(user: u32) -> PathBuf {
    Path::new(RUNTIME_FOLDERS).join(user.to_string())
}

/// Removes the private temporary folders (`PrivateTmp=`) of a user's services.
fn remove_private(folder: &Path, user: u32) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let is_private = name.to_string_lossy().starts_with("systemd-private-");
        if is_private
            && entry
                .metadata()
                .is_ok_and(|metadata| metadata.uid() == user)
        {
            drop(fs::remove_dir_all(entry.path()));
        }
    }
}

/// Returns true if a control group, or one in it, has processes.
fn has_processes(group: &Path) -> bool {
    let processes = fs::read_to_string(group.join("cgroup.procs"));
    processes.is_ok_and(|processes| !processes.is_empty())
        || folders(group).any(|inner| has_processes(&inner))
}

fn folders(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    folders.map(|entry| entry.path())
}

/// Removes a control group with those in it.
fn remove_group(group: &Path) {
    for inner in folders(group) {
        remove_group(&inner);
    }
    drop(fs::remove_dir(group));
}
