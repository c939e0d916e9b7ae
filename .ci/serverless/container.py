"""Containers of gted, run by runc: limits, requests, CPU time and memory.

A container has a network of its own, in which only its loopback is up; connections are opened
there. runc's `create` and `start` are apart, so that the CPU time of runc itself is not counted.
"""

import ctypes
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

DEPLOY = Path(__file__).resolve().parents[2] / "daemon/deploy"
# Memory in MB at which Lambda gives one core; shares of other sizes are in proportion.
ONE_CORE_MB = 1769
MB = 1 << 20
PERIOD_US = 100_000
CLONE_NEWNET = 0x40000000
PR_SET_CHILD_SUBREAPER = 36
PAIR = {"sentence_a": "怎么申请退款", "sentence_b": "退款流程"}

libc = ctypes.CDLL(None, use_errno=True)


class NotRun(Exception):
    """The reason for which containers cannot run here."""


def require():
    """Raises NotRun unless containers can run here."""
    for tool in ("umoci", "runc"):
        if not shutil.which(tool):
            raise NotRun(f"no {tool}; install Debian's packages umoci and runc")
    if os.geteuid() != 0:
        raise NotRun("not root")
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise NotRun("processes of containers cannot be waited for")


def program():
    """The program gted, from GTED_BIN."""
    path = os.environ.get("GTED_BIN")
    if not path:
        raise SystemExit("set GTED_BIN to the program gted")
    return Path(path).resolve(strict=True)


def build(folder, gted):
    """Builds the image in the folder; returns its name for umoci."""
    subprocess.run([DEPLOY / "container/image.sh", gted, folder], check=True, stdout=subprocess.DEVNULL)
    return f"{folder}/oci:gte"


def unpack(image, bundle):
    command = ["umoci", "unpack", "--image", image, str(bundle)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise NotRun(f"umoci unpack: {done.stderr.strip().splitlines()[-1]}")
    return bundle


def forget_pages(folder):
    """Drops the folder's files from the page cache, so that the container reads and pays them."""
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            fd = os.open(path, os.O_RDONLY)
            try:
                os.fsync(fd)
                os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(fd)


class Container:
    """One run of the image. Leaving the `with` block ends it and removes its files of runc."""

    def __init__(self, bundle, args=None, env=(), memory_mb=128, cpu=1.0, read_only=True, cold_pages=False):
        """`args` replaces the image's command; `env` has further variables; `cpu` is in cores."""
        self.bundle = Path(bundle)
        self.name = f"gte-{os.getpid()}-{time.monotonic_ns()}"
        self.pid = self.status = None
        self.log = Path(tempfile.mkdtemp(prefix="gte-log-"))
        config = json.loads((self.bundle / "config.json").read_text())
        # umoci's file has the image's entrypoint and command in one list.
        self.original = config
        config = json.loads(json.dumps(config))
        process, linux = config["process"], config["linux"]
        if args is not None:
            process["args"] = [process["args"][0], *args]
        process["terminal"] = False
        process["noNewPrivileges"] = True
        process["capabilities"] = {kind: [] for kind in ("bounding", "effective", "permitted")}
        # Neither a home nor a terminal; the image's own variables stay.
        kept = [pair for pair in process["env"] if not pair.startswith(("HOME=", "TERM="))]
        names = {pair.split("=")[0] for pair in env}
        process["env"] = [pair for pair in kept if pair.split("=")[0] not in names] + list(env)
        config["root"]["readonly"] = read_only
        config["hostname"] = "gte"
        linux["cgroupsPath"] = "/" + self.name
        linux["resources"] = {
            "devices": [{"allow": False, "access": "rwm"}],
            "memory": {"limit": memory_mb * MB, "swap": memory_mb * MB},
            "cpu": {"quota": max(1000, round(cpu * PERIOD_US)), "period": PERIOD_US},
        }
        if Path("/sys/fs/cgroup/cgroup.controllers").exists():
            linux["namespaces"].append({"type": "cgroup"})
        self.config = config
        if cold_pages:
            forget_pages(self.bundle / "rootfs")

    def runc(self, *args, check=True):
        done = subprocess.run(["runc", *args], stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if check and done.returncode:
            raise RuntimeError(f"runc {args[0]}: {done.stderr.strip()}")
        return done

    def create(self):
        # runc reads config.json of the bundle; every run gets its own.
        place = self.bundle / "config.json"
        kept = place.read_text()
        place.write_text(json.dumps(self.config))
        try:
            with open(self.log / "stdout", "wb") as out, open(self.log / "stderr", "wb") as err:
                done = subprocess.run(
                    ["runc", "--log", str(self.log / "runc"), "create", "--bundle", str(self.bundle), self.name],
                    stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                )
        finally:
            place.write_text(kept)
        if done.returncode:
            raise NotRun(f"runc create: {self.text('runc').strip()[-300:]}")
        self.pid = json.loads(self.runc("state", self.name).stdout)["pid"]
        self.cgroups = self.find_cgroups()
        self.cpu_before = self.cpu_seconds()

    def start(self):
        """Starts the program; returns the moment just before, by the monotonic clock."""
        self.started = time.monotonic()
        self.runc("start", self.name)
        return self.started

    def __enter__(self):
        try:
            self.create()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.runc("delete", "--force", self.name, check=False)
        if self.pid and self.status is None:
            self.wait(10)
        shutil.rmtree(self.log, ignore_errors=True)

    def text(self, which):
        path = self.log / which
        return path.read_text(errors="replace") if path.exists() else ""

    def find_cgroups(self):
        """Folders of the controllers: of both versions of cgroups."""
        folders = {}
        for line in Path(f"/proc/{self.pid}/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if not controllers:
                roots = [Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/unified")]
                root = next((root for root in roots if (root / "cgroup.procs").exists()), roots[0])
                folders["unified"] = root / path.lstrip("/")
            for controller in filter(None, controllers.split(",")):
                folders[controller] = Path("/sys/fs/cgroup") / controller / path.lstrip("/")
        return folders

    def counter(self, v1, v2):
        """Text of a file of the cgroup: `v1` is (controller, file)."""
        controller, name = v1
        if controller in self.cgroups:
            return (self.cgroups[controller] / name).read_text()
        return (self.cgroups["unified"] / v2).read_text()

    def cpu_seconds(self):
        """CPU time of the cgroup, of which `cpu_before` is runc's own."""
        if "cpuacct" in self.cgroups:
            return int(self.counter(("cpuacct", "cpuacct.usage"), "")) / 1e9
        return int(dict(line.split() for line in self.counter(("-", ""), "cpu.stat").splitlines())["usage_usec"]) / 1e6

    def memory_peak(self):
        return int(self.counter(("memory", "memory.max_usage_in_bytes"), "memory.peak"))

    def memory_parts(self):
        """Bytes of anonymous memory and of cached files."""
        stat = dict(line.split() for line in self.counter(("memory", "memory.stat"), "memory.stat").splitlines())
        return int(stat.get("total_rss", stat.get("anon", 0))), int(stat.get("total_cache", stat.get("file", 0)))

    def out_of_memory(self):
        """Number of processes that the kernel has killed for memory."""
        text = self.counter(("memory", "memory.oom_control"), "memory.events")
        return int(dict(line.split() for line in text.splitlines())["oom_kill"])

    def connect(self, port, timeout=30):
        """A connection from inside of the container's network."""
        with open("/proc/self/ns/net") as own, open(f"/proc/{self.pid}/ns/net") as there:
            if libc.setns(there.fileno(), CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")
            try:
                stream = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            finally:
                if libc.setns(own.fileno(), CLONE_NEWNET) != 0:
                    os.abort()  # Whatever would run next were in the wrong network.
        try:
            stream.settimeout(timeout)
            stream.connect(("127.0.0.1", port))
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except BaseException:
            stream.close()
            raise
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
        connection.sock = stream
        connection.auto_open = 0  # A connection that breaks must not be replaced silently.
        return connection

    def connect_when_open(self, port, timeout=60):
        """The first connection that is accepted, and the number of those that were refused before."""
        refused, deadline = 0, time.monotonic() + timeout
        while time.monotonic() < deadline:
            if self.exited():
                raise RuntimeError(f"the program ended with status {self.status}: {self.text('stderr').strip()[-400:]}")
            try:
                return self.connect(port), refused
            except ConnectionRefusedError:
                refused += 1
                time.sleep(0.002)
        raise RuntimeError(f"port {port} did not open within {timeout} s: {self.text('stderr').strip()[-400:]}")

    def listening(self):
        """Addresses that the program listens at, as (address, port)."""
        found = set()
        for line in Path(f"/proc/{self.pid}/net/tcp").read_text().splitlines()[1:]:
            local, state = line.split()[1], line.split()[3]
            if state == "0A":
                address, port = local.split(":")
                found.add((socket.inet_ntoa(bytes.fromhex(address)[::-1]), int(port, 16)))
        return found

    def exited(self):
        """True if process 1 has ended; its status is in `status` then."""
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
        return self.status is not None

    def wait(self, timeout):
        """Status of process 1, negative for a signal; None after the timeout."""
        deadline = time.monotonic() + timeout
        while not self.exited():
            if time.monotonic() > deadline:
                return None
            time.sleep(0.005)
        return self.status

    def terminate(self):
        self.runc("kill", self.name, "TERM")


def post(connection, path, body, headers=None):
    """Status, headers and body of a reply."""
    data = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    connection.request("POST", path, data, {"Content-Type": "application/json", **(headers or {})})
    return read(connection)


def get(connection, path, headers=None):
    connection.request("GET", path, headers=headers or {})
    return read(connection)


def read(connection):
    reply = connection.getresponse()
    return reply.status, dict((name.lower(), value) for name, value in reply.getheaders()), reply.read()


def score(connection):
    """The cosine of the pair; raises unless the reply has one."""
    status, _, body = post(connection, "/api/similarity", PAIR)
    if status != 200:
        raise RuntimeError(f"status {status}: {body[:200]!r}")
    return json.loads(body)["cosine"]


def end_of(status):
    return signal.Signals(-status).name if status is not None and status < 0 else status
