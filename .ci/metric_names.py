#!/usr/bin/env python3
"""Checks that the alerts and the dashboard use no metric that gted does not have.

metric_names.py METRICS [FILE]...: METRICS is a reply of GET /metrics; FILE is a dashboard (.json) or
a file of Prometheus rules, by default those of daemon/deploy. Metrics that no file uses are
listed; that is not an error.
"""

import json
import re
import sys
from pathlib import Path

SUFFIXES = {"histogram": ["_bucket", "_sum", "_count"]}


def series(metrics):
    """Names of series, by the `# TYPE` lines; a counter may be typed without its _total."""
    names = set()
    for name, kind in re.findall(r"^# TYPE (gte_\w+) (\w+)$", metrics, re.MULTILINE):
        if kind == "counter":
            names.add(name.removesuffix("_total") + "_total")
        else:
            names.update(name + suffix for suffix in SUFFIXES.get(kind, [""]))
    return names


def expressions(path):
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".json":
        # Comments and annotations name metrics as well.
        return [text]
    dashboard = json.loads(text)
    targets = [target for panel in dashboard["panels"] for target in panel.get("targets", [])]
    variables = [variable["definition"] for variable in dashboard["templating"]["list"] if "definition" in variable]
    return [target["expr"] for target in targets] + variables


def main(metrics, *files):
    here = Path(__file__).resolve().parent.parent / "daemon/deploy"
    files = [Path(file) for file in files] or [here / "grafana/gte.json", *here.glob("prometheus/*.yml")]
    known = series(Path(metrics).read_text(encoding="utf-8"))
    used, wrong = set(), []
    for file in files:
        for expression in expressions(file):
            names = set(re.findall(r"\bgte_[a-z_]+\b", expression))
            used |= names
            wrong += [f"{file}: no metric {name}" for name in sorted(names - known)]
    print(f"{len(used)} names of {len(known)} are used; not used: {', '.join(sorted(known - used)) or 'none'}")
    print("\n".join(wrong), end="\n" if wrong else "")
    return 1 if wrong or not used else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
