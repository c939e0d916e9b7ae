#!/usr/bin/env python3
"""Runs the image of gted in containers as the platforms do, and checks what they rely on.

GTED_BIN names the program. Needs root, umoci and runc; otherwise the last line is NOT RUN with the
reason. `--pause SECONDS` is the length of the pause between two requests; `--only WORD` runs
the checks whose names contain the word.
"""

import argparse
import json
import os
import re
import shutil
import socket
import sys
import tempfile
import time
from pathlib import Path

from container import (
    DEPLOY, MB, ONE_CORE_MB, Container, NotRun, build, end_of, get, post, program, read, require, score, unpack,
)

HTTP = ["serve", "--http", "0.0.0.0:8080", "--no-auth"]
SMALL = 128 / ONE_CORE_MB  # Share of a core that a function of 128 MB gets.
SECRET = "sts-secret-of-this-test"
FC_HEADERS = {
    "x-fc-request-id": "1-6650-test",
    "x-fc-access-key-id": "STS.key-of-this-test",
    "x-fc-access-key-secret": SECRET,
    "x-fc-security-token": SECRET,
}

CHECKS = []


def check(name):
    def add(function):
        CHECKS.append((name, function))
        return function

    return add


def files(root):
    return {str(path.relative_to(root)): (path.lstat().st_size, path.lstat().st_mtime_ns)
            for path in sorted(root.rglob("*"))}


def assert_ends(container, seconds=10):
    begin = time.monotonic()
    container.terminate()
    status = container.wait(seconds)
    took = time.monotonic() - begin
    assert status is not None, f"still there {seconds} s after SIGTERM"
    assert status == 0, f"ended with {end_of(status)}: {container.text('stderr').strip()[-300:]}"
    return f"{took:.2f} s"


@check("image.sh and the Dockerfile agree")
def image(run):
    layout = Path(run.image.rsplit(":", 1)[0])

    def blob(digest):
        return json.loads((layout / "blobs" / digest.replace(":", "/")).read_text())

    manifest = blob(json.loads((layout / "index.json").read_text())["manifests"][0]["digest"])
    config = blob(manifest["config"]["digest"])["config"]
    text = re.sub(r"\\\n", " ", (DEPLOY / "container/Dockerfile").read_text())
    lines = dict(re.findall(r"^(FROM|USER|WORKDIR|ENV|EXPOSE|STOPSIGNAL|ENTRYPOINT|CMD|LABEL) (.*)$", text, re.M))
    assert lines["FROM"] == "scratch"
    assert (lines["USER"], lines["WORKDIR"], lines["STOPSIGNAL"]) == (
        config["User"], config["WorkingDir"], config["StopSignal"])
    assert [lines["ENV"]] == [pair for pair in config["Env"] if not pair.startswith("PATH=")]
    assert [lines["EXPOSE"]] == list(config["ExposedPorts"])
    assert json.loads(lines["ENTRYPOINT"]) == config["Entrypoint"] and json.loads(lines["CMD"]) == config["Cmd"]
    labels = dict(re.findall(r'(\S+)="([^"]*)"', lines["LABEL"]))
    version = labels.pop("org.opencontainers.image.version")
    assert version == "${VERSION}"
    stated = dict(config["Labels"])
    assert re.match(r"\d+\.\d+\.\d+", stated.pop("org.opencontainers.image.version"))
    assert labels == stated, (labels, stated)
    found = [path for path in (run.bundle / "rootfs").rglob("*") if path.is_file()]
    assert len(found) == 5, found
    return f"{sum(path.stat().st_size for path in found) / MB:.0f} MB in 5 files, {sum(layer['size'] for layer in manifest['layers']) / MB:.0f} MB packed"


@check("the port is closed until the model answers, and the first answer is a score")
def first_answer(run):
    # At 7 % of a core loading takes long enough to see.
    with Container(run.bundle, HTTP, cpu=SMALL) as container:
        begin = container.start()
        connection, refused = container.connect_when_open(8080)
        opened = time.monotonic()
        cosine = score(connection)
        answered = time.monotonic()
        assert refused > 3, f"only {refused} connections were refused before the port opened"
        # A port that opens before the model is loaded would let the first request wait for it.
        assert answered - opened < 0.5 * (opened - begin), (opened - begin, answered - opened)
        assert 0 < cosine < 1
        return (f"closed for {opened - begin:.2f} s ({refused} refused), then {1000 * (answered - opened):.0f} ms, "
                f"{container.cpu_seconds() - container.cpu_before:.3f} CPU-s")


@check("a request over a keep-alive connection after pause and resume is answered")
def pause(run):
    with Container(run.bundle, HTTP, cpu=SMALL) as container:
        container.start()
        connection, _ = container.connect_when_open(8080)
        before = score(connection)
        container.runc("pause", container.name)
        time.sleep(run.pause)
        container.runc("resume", container.name)
        assert score(connection) == before
        # A platform may send the request before it lets the instance go on.
        container.runc("pause", container.name)
        body = json.dumps({"sentence_a": "怎么申请退款", "sentence_b": "退款流程"}).encode()
        connection.request("POST", "/api/similarity", body)
        connection.sock.settimeout(1)
        try:
            connection.sock.recv(1, socket.MSG_PEEK)
            raise AssertionError("a paused container answered")
        except TimeoutError:
            pass
        container.runc("resume", container.name)
        connection.sock.settimeout(20)
        assert read(connection)[0] == 200
        return f"paused for {run.pause:g} s and 1 s"


@check("SIGTERM ends process 1 with status 0, with an idle connection open")
def terminate(run):
    with Container(run.bundle, HTTP, cpu=SMALL) as container:
        container.start()
        connection, _ = container.connect_when_open(8080)
        score(connection)
        idle = container.connect(8080)
        took = assert_ends(container)
        idle.close()
        return took


@check("SIGTERM lets a running request be answered")
def drain(run):
    with Container(run.bundle, HTTP, cpu=SMALL) as container:
        container.start()
        connection, _ = container.connect_when_open(8080)
        texts = [f"第{n}个关于退款流程的问题" for n in range(64)]
        connection.request("POST", "/api/rank", json.dumps({"query": "怎么申请退款", "texts": texts}).encode())
        time.sleep(0.15)
        connection.sock.setblocking(False)
        try:
            connection.sock.recv(1, socket.MSG_PEEK)
            raise AssertionError("the request was answered too early for this check")
        except BlockingIOError:
            pass
        connection.sock.settimeout(20)
        begin = time.monotonic()
        container.terminate()
        status, _, body = read(connection)
        assert status == 200, (status, body[:200])
        answered = time.monotonic() - begin
        assert container.wait(max(0.1, 10 - answered)) == 0, f"ended with {end_of(container.status)}"
        return f"answered after {answered:.2f} s, ended after {time.monotonic() - begin:.2f} s"


@check("SIGTERM while the model loads ends process 1")
def terminate_early(run):
    # Process 1 has no default action for a signal: without a handler it would be ignored.
    with Container(run.bundle, HTTP, cpu=SMALL) as container:
        container.start()
        time.sleep(0.4)
        assert not container.listening(), "already loaded"
        return assert_ends(container)


@check("128 MB are enough, the program's own pages from disk included")
def memory(run):
    with Container(run.bundle, HTTP, cpu=1, memory_mb=128, cold_pages=True) as container:
        container.start()
        connection, _ = container.connect_when_open(8080)
        score(connection)
        first = container.memory_peak()
        for n in range(50):
            post(connection, "/api/rank", {"query": "退款", "texts": [f"第{n}次{m}" for m in range(20)]})
        assert container.out_of_memory() == 0
        peak = container.memory_peak()
        anonymous, cached = container.memory_parts()
        assert peak < 128 * MB, f"{peak / MB:.1f} MB"
        return (f"peak {first / MB:.0f} MB at the first answer, {peak / MB:.0f} MB after 1,000 texts "
                f"(then {anonymous / MB:.0f} MB anonymous, {cached / MB:.0f} MB of files)")


@check("nothing is written, where the root is not read-only")
def no_files(run):
    # As docker and Function Compute have it: the root can be written to, but not by this user.
    root = run.bundle / "rootfs"
    with Container(run.bundle, HTTP, read_only=False) as container:
        before = files(root)  # With the folders that runc mounts /dev, /proc and /sys at.
        container.start()
        connection, _ = container.connect_when_open(8080)
        score(connection)
        inside = Path(f"/proc/{container.pid}/root")
        leaves = [str(path) for folder in ("dev/shm", "dev/mqueue") for path in (inside / folder).rglob("*")]
        assert not leaves, leaves
        status = Path(f"/proc/{container.pid}/status").read_text()
        assert re.search(r"^Uid:\t65532\t65532\t65532\t65532$", status, re.M), "not the user 65532"
        assert re.search(r"^CapEff:\t0+$", status, re.M), "the process has capabilities"
        for fd in Path(f"/proc/{container.pid}/fd").iterdir():
            target = os.readlink(fd)
            flags = int(re.search(r"^flags:\t(\d+)$", (fd.parent.parent / "fdinfo" / fd.name).read_text(), re.M)[1], 8)
            stream = fd.name in ("0", "1", "2")
            assert stream or not target.startswith("/") or not flags & os.O_ACCMODE, f"open to write: {target}"
        assert_ends(container)
    assert files(root) == before, sorted(files(root).items() ^ before.items())


@check("the image's own command serves at PORT, on all addresses")
def port_variable(run):
    with Container(run.bundle, env=["PORT=8085"]) as container:
        container.start()
        connection, _ = container.connect_when_open(8085, timeout=20)
        score(connection)
        assert container.listening() == {("0.0.0.0", 8085)}, container.listening()
        assert_ends(container)


@check("FC_SERVER_PORT comes before PORT")
def fc_port(run):
    with Container(run.bundle, env=["PORT=8085", "FC_SERVER_PORT=9000"]) as container:
        container.start()
        connection, _ = container.connect_when_open(9000, timeout=20)
        score(connection)
        assert container.listening() == {("0.0.0.0", 9000)}, container.listening()


# Function Compute's pages name this variable, not FC_SERVER_PORT, and its local tool sets only this
# one for container images.
@check("FC_CUSTOM_LISTEN_PORT comes before PORT")
def fc_custom_port(run):
    with Container(run.bundle, env=["PORT=8085", "FC_CUSTOM_LISTEN_PORT=9000"]) as container:
        container.start()
        connection, _ = container.connect_when_open(9000, timeout=10)
        score(connection)
        assert container.listening() == {("0.0.0.0", 9000)}, container.listening()


@check("--http comes before FC_SERVER_PORT and PORT")
def http_first(run):
    with Container(run.bundle, HTTP, env=["PORT=8085", "FC_SERVER_PORT=9000"]) as container:
        container.start()
        score(container.connect_when_open(8080)[0])
        assert container.listening() == {("0.0.0.0", 8080)}, container.listening()


def function_compute(run):
    return Container(run.bundle, ["serve", "--http", "0.0.0.0:9000", "--no-auth"], env=["FC_SERVER_PORT=9000"])


def fc(control):
    return {**FC_HEADERS, "x-fc-control-path": control}


@check("Function Compute: an HTTP call is answered, and its id is logged on stdout")
def fc_http(run):
    with function_compute(run) as container:
        container.start()
        connection, _ = container.connect_when_open(9000)
        pair = {"sentence_a": "怎么申请退款", "sentence_b": "退款流程"}
        status, _, body = post(connection, "/api/similarity", pair, fc("/http-invoke"))
        assert status == 200 and "cosine" in json.loads(body), (status, body[:200])
        time.sleep(0.3)
        lines = container.text("stdout").splitlines()
        begin, end = (f"FC Invoke {word} RequestId: {FC_HEADERS['x-fc-request-id']}" for word in ("Start", "End"))
        assert begin in lines and end in lines and lines.index(begin) < lines.index(end), lines[-5:]


@check("Function Compute: an event call is answered with x-fc-status")
def fc_event(run):
    with function_compute(run) as container:
        container.start()
        connection, _ = container.connect_when_open(9000)
        # Events come as POST /invoke, with the event as the body.
        status, headers, body = post(connection, "/invoke", run.event, fc("/invoke"))
        assert status == 200 and headers.get("x-fc-status") == "200", (status, headers, body[:200])
        status, headers, body = post(connection, "/invoke", b"not an event {", fc("/invoke"))
        assert headers.get("x-fc-status") == "404", (status, headers, body[:200])


@check("Function Compute: initialize, pre-freeze and pre-stop succeed")
def fc_hooks(run):
    with function_compute(run) as container:
        container.start()
        connection, _ = container.connect_when_open(9000)
        status, _, body = post(connection, "/initialize", b"", fc("/initialize"))
        # 2xx is enough for custom runtimes, but the page on custom containers names only 200.
        assert status == 200, (status, body[:200])
        for hook in ("/pre-freeze", "/pre-stop"):
            status, _, body = get(connection, hook, fc(hook))
            assert status == 200, (hook, status, body[:200])
        score(connection)


@check("Function Compute: access keys of the headers are not logged")
def fc_secrets(run):
    with Container(run.bundle, ["serve", "--http", "0.0.0.0:9000", "--no-auth", "--verbose"]) as container:
        container.start()
        connection, _ = container.connect_when_open(9000)
        for control, path in (("/http-invoke", "/api/similarity"), ("/invoke", "/invoke"), ("/initialize", "/initialize")):
            post(connection, path, b"{}", fc(control))
        time.sleep(0.3)
        log = container.text("stdout") + container.text("stderr")
        assert log, "no log at all"
        assert SECRET not in log and "STS." not in log


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pause", type=float, default=12, help="longer than the 10 s that a head may take")
    parser.add_argument("--only", default="")
    run = parser.parse_args()
    # A request of PROTOCOL.md, as direct calls send it.
    run.event = json.dumps({"a": "怎么申请退款", "b": "退款流程"}).encode()
    try:
        gted = program()
        require()
    except NotRun as reason:
        print(f"NOT RUN: containers, {reason}")
        return 0
    passed, failed = 0, 0
    folder = Path(tempfile.mkdtemp(prefix="gte-container-"))
    folder.chmod(0o755)
    try:
        run.image = build(folder, gted)
        run.bundle = unpack(run.image, folder / "bundle")
        for name, function in CHECKS:
            if run.only not in name:
                continue
            try:
                note = function(run)
            except NotRun:
                raise
            except Exception as error:  # noqa: BLE001 - every fault of a check is its result
                failed += 1
                print(f"FAILED: {name}: {type(error).__name__}: {error}", flush=True)
                continue
            passed += 1
            print(f"ok: {name}{': ' + note if note else ''}", flush=True)
    except NotRun as reason:
        print(f"NOT RUN: containers, {reason}")
        return 1 if failed else 0
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
