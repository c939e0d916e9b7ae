//! The lines of the unit that take rights away, each seen at work: what it forbids succeeds without
//! it, fails with it, and fails in the unit.

use std::fs;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::chown;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::{Path, PathBuf};

use gte_tests::ServiceUser;

/// Unit of the daemon.
const UNIT: &str = include_str!("../../../daemon/systemd/gted.service");

/// Lines of the unit, and the function of the probe that tries what each forbids.
const LINES: [(&str, &str); 16] = [
    ("LimitCORE=0", "core"),
    ("UMask=0077", "umask"),
    ("PrivateUsers=yes", "users"),
    ("ProtectSystem=strict", "system"),
    ("ProtectHome=read-only", "home"),
    ("PrivateTmp=yes", "tmp"),
    ("PrivateDevices=yes", "devices"),
    ("PrivateNetwork=yes", "network"),
    ("RestrictAddressFamilies=AF_UNIX", "internet"),
    ("NoNewPrivileges=yes", "privileges"),
    ("MemoryDenyWriteExecute=yes", "code"),
    ("LockPersonality=yes", "personality"),
    ("RestrictNamespaces=yes", "namespace"),
    ("RestrictSUIDSGID=yes", "suid"),
    ("SystemCallArchitectures=native", "architecture"),
    ("SystemCallFilter=@system-service", "trace"),
];

/// Lines that say how others work.
const OTHERS: [&str; 1] = ["SystemCallErrorNumber=EPERM"];

/// Program that tries one thing, and fails if it is forbidden. `NUMBER` is the user.
const PROBE: &str = r#"
import ctypes, mmap, os, resource, socket, sys

libc = ctypes.CDLL(None, use_errno=True)
number = "NUMBER"
runtime = os.environ["RUNTIME_DIRECTORY"]


def nothing():
    pass


def core():
    assert resource.getrlimit(resource.RLIMIT_CORE)[1] != 0


def umask():
    path = runtime + "/umask"
    open(path, "w").close()
    mode = os.stat(path).st_mode & 0o077
    os.remove(path)
    assert mode != 0


def users():
    assert os.stat("/usr").st_uid == 0


def system():
    open("/var/lib/gte-" + number + "/file", "w").close()


def home():
    open(os.path.expanduser("~/file"), "w").close()


def tmp():
    os.stat("/tmp/gte-" + number)


def devices():
    os.stat("/dev/kmsg")


def network():
    socket.socket(socket.AF_UNIX).connect("\0gte-" + number)


def internet():
    socket.socket(socket.AF_INET)


def privileges():
    assert "NoNewPrivs:\t0" in open("/proc/self/status").read()


def code():
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)


def personality():
    assert libc.personality(0x0040000) != -1


def namespace():
    assert libc.unshare(0x10000000) == 0


def suid():
    path = runtime + "/suid"
    open(path, "w").close()
    os.chmod(path, 0o4755)


def architecture():
    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    # mov eax, 20 (getpid of 32-bit programs); int 0x80; ret
    page.write(b"\xb8\x14\x00\x00\x00\xcd\x80\xc3")
    address = ctypes.addressof(ctypes.c_char.from_buffer(page))
    assert ctypes.CFUNCTYPE(ctypes.c_int)(address)() == os.getpid()


def trace():
    assert libc.ptrace(0, 0, None, None) == 0


globals()[sys.argv[1]]()
"#;

/// The probe: a user, and things of its own around it.
struct Probe {
    user: ServiceUser,
    folder: PathBuf,
    file: PathBuf,
    _listener: UnixListener,
}

impl Probe {
    fn new(user: ServiceUser) -> Self {
        let id = user.id();
        let name = format!("gte-{id}");
        let folder = Path::new("/var/lib").join(&name);
        fs::create_dir_all(&folder).expect("a folder can be made");
        chown(&folder, Some(id), Some(id)).expect("it can be given away");
        let file = Path::new("/tmp").join(&name);
        fs::write(&file, "").expect("a file can be written");
        let address = SocketAddr::from_abstract_name(&name).expect("a short name");
        let listener = UnixListener::bind_addr(&address).expect("nobody has the name");
        let probe = PROBE.replace("NUMBER", &id.to_string());
        fs::write(user.home().join("probe.py"), probe).expect("a file can be written");
        Self {
            user,
            folder,
            file,
            _listener: listener,
        }
    }

    /// Tries one thing in a unit with these lines.
    fn succeeds(&self, what: &str, lines: &[&str]) -> bool {
        let units = self.user.home().join(".config/systemd/user");
        fs::create_dir_all(&units).expect("a folder can be made");
        let unit = format!(
            "[Service]\nType=oneshot\nRuntimeDirectory=gte\n{}\nExecStart=python3 {}/probe.py {what}\n",
            lines.join("\n"),
            self.user.home().display()
        );
        fs::write(units.join("probe.service"), unit).expect("a file can be written");
        self.user.systemctl(&["daemon-reload"]).success();
        let started = self.user.systemctl(&["start", "probe.service"]);
        let status = self.user.property("probe.service", "ExecMainStatus");
        // An exception of Python, or the signal for a forbidden system call.
        assert!(
            lines.is_empty() || ["0", "1", "31"].contains(&status.as_str()),
            "{what} {lines:?}: {status}"
        );
        started.code() == Some(0)
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.folder));
        drop(fs::remove_file(&self.file));
    }
}

/// Lines of the unit that take rights away.
fn hardening() -> Vec<&'static str> {
    let (_, lines) = UNIT
        .split_once("# A core would hold texts.")
        .expect("it is there");
    let lines = lines
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.filter(|line| !OTHERS.contains(line)).collect()
}

#[test]
fn every_line_that_takes_rights_away_is_tried() {
    let tried = LINES.map(|(line, _)| line);
    assert_eq!(hardening(), tried);
}

#[test]
fn what_the_unit_forbids_fails() {
    let Some(user) = ServiceUser::start() else {
        return;
    };
    let probe = Probe::new(user);
    let whole = [&hardening()[..], &OTHERS].concat();
    assert!(probe.succeeds("nothing", &whole), "the probe itself");
    for (line, what) in LINES {
        if !probe.succeeds(what, &[]) {
            eprintln!("NOT RUN: {line}, since {what} is forbidden on this machine anyway");
            continue;
        }
        // In a unit of a user, many lines work in a user namespace alone.
        let alone = ["PrivateUsers=yes", line];
        assert!(!probe.succeeds(what, &alone), "{what} with {line}");
        assert!(!probe.succeeds(what, &whole), "{what} in the unit");
    }
}
