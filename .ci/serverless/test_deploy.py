#!/usr/bin/env python3
"""Checks the files under deploy/ as far as it can be done without an account and a cluster.

YAML is read with PyYAML (NOT RUN without it). Names of fields are those that fc3's schema.json, Cloud
Run's YAML reference and Knative's definition of a Service have; limits are those of the platforms.
"""

import re
import subprocess
import sys
from pathlib import Path

DEPLOY = Path(__file__).resolve().parents[2] / "daemon/deploy"
IMAGE = (DEPLOY / "container/Dockerfile").read_text()
PORT = int(re.search(r"^ENV PORT=(\d+)$", IMAGE, re.M)[1])
USER = int(re.search(r"^USER (\d+)", IMAGE, re.M)[1])

# Path of a field, with the names that may stand there; a path that is missing takes any.
FC3 = {
    "": {"edition", "name", "access", "vars", "resources"},
    "resources.gte": {"component", "props"},
    "resources.gte.props": {
        "region", "functionName", "description", "runtime", "cpu", "memorySize", "diskSize", "timeout",
        "instanceConcurrency", "customContainerConfig", "internetAccess", "triggers", "logConfig",
        "instanceLifecycleConfig", "environmentVariables", "role",
    },
    "resources.gte.props.customContainerConfig": {
        "image", "port", "command", "entrypoint", "healthCheckConfig", "registryConfig"},
    "resources.gte.props.triggers[]": {
        "triggerName", "triggerType", "triggerConfig", "description", "qualifier", "invocationRole", "sourceArn"},
    "resources.gte.props.triggers[].triggerConfig": {"authType", "methods", "disableURLInternet", "authConfig"},
}
CONTAINER = {"image", "name", "args", "command", "env", "ports", "resources", "startupProbe", "livenessProbe",
             "readinessProbe", "volumeMounts", "workingDir"}
SERVICE = {
    "": {"apiVersion", "kind", "metadata", "spec"},
    "metadata": {"name", "namespace", "labels", "annotations"},
    "spec": {"template", "traffic"},
    "spec.template": {"metadata", "spec"},
    "spec.template.metadata": {"name", "labels", "annotations"},
    "spec.template.spec.containers[].ports[]": {"name", "containerPort"},
    "spec.template.spec.containers[].resources": {"limits", "requests"},
    "spec.template.spec.containers[].env[]": {"name", "value", "valueFrom"},
}
CLOUD_RUN = SERVICE | {
    "spec.template.spec": {"containerConcurrency", "timeoutSeconds", "serviceAccountName", "containers", "volumes"},
    "spec.template.spec.containers[]": CONTAINER,
    "metadata.annotations": {
        "run.googleapis.com/ingress", "run.googleapis.com/description", "run.googleapis.com/minScale",
        "run.googleapis.com/maxScale"},
    "spec.template.metadata.annotations": {
        "autoscaling.knative.dev/minScale", "autoscaling.knative.dev/maxScale", "run.googleapis.com/cpu-throttling",
        "run.googleapis.com/startup-cpu-boost", "run.googleapis.com/execution-environment"},
}
KNATIVE = SERVICE | {
    "spec.template.spec": {"containerConcurrency", "timeoutSeconds", "containers", "volumes", "serviceAccountName",
                           "automountServiceAccountToken", "enableServiceLinks"},
    "spec.template.spec.containers[]": CONTAINER | {"securityContext", "imagePullPolicy"},
    "spec.template.spec.containers[].securityContext": {
        "runAsNonRoot", "runAsUser", "runAsGroup", "readOnlyRootFilesystem", "allowPrivilegeEscalation",
        "capabilities", "seccompProfile"},
    "metadata.labels": {"networking.knative.dev/visibility"},
    "spec.template.metadata.annotations": {
        "autoscaling.knative.dev/min-scale", "autoscaling.knative.dev/max-scale",
        "autoscaling.knative.dev/scale-to-zero-pod-retention-period", "autoscaling.knative.dev/target"},
}

failures = []


def expect(holds, what):
    if not holds:
        failures.append(what)


def unknown(value, allowed, path=""):
    if isinstance(value, list):
        for item in value:
            yield from unknown(item, allowed, path + "[]")
    elif isinstance(value, dict):
        yield from (f"{path}.{name}" for name in value if path in allowed and name not in allowed[path])
        for name, item in value.items():
            yield from unknown(item, allowed, f"{path}.{name}".lstrip("."))


def megabytes(quantity):
    number, unit = re.fullmatch(r"(\d+)(Mi|Gi)", quantity).groups()
    return int(number) * {"Mi": 1, "Gi": 1024}[unit]


def cores(quantity):
    return float(quantity[:-1]) / 1000 if quantity.endswith("m") else float(quantity)


def service(text, allowed, load):
    document = load(text)
    expect((document["apiVersion"], document["kind"]) == ("serving.knative.dev/v1", "Service"), "kind of the service")
    for field in unknown(document, allowed):
        expect(False, f"no field {field}")
    template = document["spec"]["template"]
    for metadata in (document["metadata"], template["metadata"]):
        for name, value in {**metadata.get("annotations", {}), **metadata.get("labels", {})}.items():
            expect(isinstance(value, str), f"{name} is not text; quote it")
    (container,) = template["spec"]["containers"]
    (port,) = container["ports"]
    expect(port == {"name": "http1", "containerPort": PORT}, f"ports {port}")
    expect("PORT" not in {variable["name"] for variable in container.get("env", [])}, "PORT is the platform's")
    return document, template, container


def function_compute(load):
    document = load((DEPLOY / "function-compute/s.yaml").read_text())
    for field in unknown(document, FC3):
        expect(False, f"no field {field}")
    props = document["resources"]["gte"]["props"]
    cpu, memory = props["cpu"], props["memorySize"]
    expect(abs(cpu / 0.05 - round(cpu / 0.05)) < 1e-9 and 0.05 <= cpu <= 16, "cpu is a multiple of 0.05")
    expect(memory % 64 == 0 and 128 <= memory <= 32768, "memorySize is a multiple of 64 from 128 on")
    expect(1 <= memory / 1024 / cpu <= 4, "1 to 4 GB for a vCPU")
    expect(props["diskSize"] in (512, 10240), "diskSize")
    expect(1 <= props["instanceConcurrency"] <= 200, "instanceConcurrency")
    expect(props["runtime"] == "custom-container" and props["customContainerConfig"]["port"] == PORT, "port")
    expect(not any(name.startswith("FC_") for name in props.get("environmentVariables", {})), "FC_* is reserved")
    expect({trigger["triggerConfig"]["authType"] for trigger in props["triggers"]} == {"function"}, "open to anybody")


def cloud_run(load):
    _, template, container = service((DEPLOY / "cloud-run/service.yaml").read_text(), CLOUD_RUN, load)
    annotations, limits = template["metadata"]["annotations"], container["resources"]["limits"]
    cpu, memory = cores(limits["cpu"]), megabytes(limits["memory"])
    first = annotations["run.googleapis.com/execution-environment"] == "gen1"
    expect(memory >= (128 if first else 512), "memory of the execution environment")
    if cpu < 1:
        expect(template["spec"]["containerConcurrency"] == 1, "less than one CPU needs containerConcurrency 1")
        expect(first, "less than one CPU needs gen1")
        expect(annotations["run.googleapis.com/cpu-throttling"] == "true", "less than one CPU needs cpu-throttling")
    drain = {variable["name"]: variable["value"] for variable in container["env"]}["GTE_DRAIN_TIMEOUT"]
    expect(int(drain.removesuffix("s")) < 10, "SIGKILL comes 10 s after SIGTERM")
    # The command and the file say the same.
    text = (DEPLOY / "cloud-run/commands.sh").read_text()
    for option, value in (("cpu", limits["cpu"]), ("memory", limits["memory"]), ("port", PORT),
                          ("concurrency", template["spec"]["containerConcurrency"]),
                          ("timeout", template["spec"]["timeoutSeconds"]),
                          ("min-instances", annotations["autoscaling.knative.dev/minScale"]),
                          ("max-instances", annotations["autoscaling.knative.dev/maxScale"]),
                          ("execution-environment", annotations["run.googleapis.com/execution-environment"]),
                          ("set-env-vars", f"GTE_DRAIN_TIMEOUT={drain}")):
        expect(re.search(rf"--{option} {re.escape(str(value))}\b", text), f"commands.sh: --{option} {value}")


def knative(load):
    _, _, container = service((DEPLOY / "knative/service.yaml").read_text(), KNATIVE, load)
    security = container["securityContext"]
    expect(security["runAsNonRoot"] and security["readOnlyRootFilesystem"], "root")
    expect(security["runAsUser"] == security["runAsGroup"] == USER, "the user of the image")
    expect(container["readinessProbe"]["httpGet"] == {"path": "/health", "port": PORT}, "readinessProbe")
    resources = container["resources"]
    for name, amount in (("cpu", cores), ("memory", megabytes)):
        expect(amount(resources["requests"][name]) <= amount(resources["limits"][name]), f"{name} of requests")


def commands():
    for path in sorted(DEPLOY.glob("*/commands.sh")):
        done = subprocess.run(["bash", "-n", path], capture_output=True, text=True)
        expect(done.returncode == 0, f"{path.parent.name}: {done.stderr}")
        text = path.read_text()
        for file in re.findall(r"(?:\.\./)+[\w./-]+", text):
            expect((path.parent / file).exists(), f"{path.parent.name}: no file {file}")
        image = re.search(r"gte:(\$\w+)", text)
        expect(image and image[1] == "$version", f"{path.parent.name}: the image has no version")


def main():
    try:
        import yaml
    except ImportError:
        print("NOT RUN: files to deploy, no PyYAML (Debian's python3-yaml)")
        return 0
    passed = failed = 0
    for check in (lambda: function_compute(yaml.safe_load), lambda: cloud_run(yaml.safe_load),
                  lambda: knative(yaml.safe_load), commands):
        failures.clear()
        try:
            check()
        except Exception as error:  # noqa: BLE001
            failures.append(f"{type(error).__name__}: {error}")
        failed += bool(failures)
        passed += not failures
        for failure in failures:
            print(f"FAILED: {failure}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
