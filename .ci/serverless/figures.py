#!/usr/bin/env python3
"""Measures gted in containers of the sizes of functions, and computes what it costs.

GTED_BIN names the program. Prints three Markdown tables: first and warm answers per size, what they
cost with the article's formula, and the inputs of that formula: options, and PRICES in this file.

A first answer counts from `runc start` to the last byte of the reply; CPU time is that of the
container without runc's. Warm answers are to pairs that were not asked before. Each figure is the
minimum of the runs, because anything else on this machine can only add to it.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

from container import MB, ONE_CORE_MB, Container, NotRun, build, post, program, require, unpack

SIZES = (128, 256, 512, 1024, 1769)
WARM = 20
# Prices: currency, per GB-second, per million requests, whose. Free amounts are left out.
# The second is what Huawei's FunctionGraph states, as Function Compute did before its prices per CU;
# with it the article's ¥6.5 is about 180,000 requests per month.
PRICES = (
    ("US$", 1.66667e-5, 0.20, "AWS Lambda, x86, us-east-1"),
    ("¥", 1.1108e-4, 1.33, "Huawei FunctionGraph, mainland China"),
)
# The article's service, on other hardware: its figures, not ours.
ARTICLE = {"first": 6.8, "warm": 0.32, "memory_mb": 780, "gb": 1.0, "resident": 80.0, "monthly": 6.5}


def measure(bundle, size_mb, cold_pages):
    share = size_mb / ONE_CORE_MB
    with Container(bundle, ["serve", "--http", "127.0.0.1:8080"], cpu=share, memory_mb=size_mb,
                   cold_pages=cold_pages) as container:
        begin = container.start()
        connection, _ = container.connect_when_open(8080)
        pair(connection, "怎么申请退款", "退款流程")
        first, first_cpu = time.monotonic() - begin, container.cpu_seconds() - container.cpu_before
        peak = container.memory_peak()
        cpu, begin, slowest = container.cpu_seconds(), time.monotonic(), 0
        for n in range(WARM):
            asked = time.monotonic()
            pair(connection, f"第{n}张订单怎么申请退款", f"第{n}张订单的退款流程是什么")
            slowest = max(slowest, time.monotonic() - asked)
        return {
            "first": first, "first_cpu": first_cpu, "first_peak": peak / MB,
            # The mean: at a small share most answers are quick, and some wait for the next period.
            "warm": (time.monotonic() - begin) / WARM, "warm_cpu": (container.cpu_seconds() - cpu) / WARM,
            "slowest": slowest, "peak": container.memory_peak() / MB,
        }


def pair(connection, a, b):
    status, _, body = post(connection, "/api/similarity", {"sentence_a": a, "sentence_b": b})
    if status != 200:
        raise RuntimeError(f"status {status}: {body[:200]!r}")


def best(runs):
    return {name: min(run[name] for run in runs) for name in runs[0]}


def table(head, rows):
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print()


def gb_seconds(options, warm_s, first_s, gb):
    """Billed GB-seconds per month: of all requests, and of the starts."""
    warm = options.requests * round_up(warm_s, options.step) * gb
    return warm, options.requests * options.cold * round_up(first_s, options.step) * gb


def round_up(seconds, step):
    """Duration as billed: whole steps."""
    steps = -(-seconds // step)
    return max(1, steps) * step


def main():
    parser = argparse.ArgumentParser(formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--cold-pages", action="store_true", help="read the program from disk in each run")
    parser.add_argument("--json", type=Path, help="file to write all runs to")
    parser.add_argument("--requests", type=float, default=180_000, help="requests per month")
    parser.add_argument("--cold", type=float, default=0.01, help="share of requests that start an instance")
    parser.add_argument("--step", type=float, default=0.001, help="billed step of duration in seconds")
    options = parser.parse_args()
    try:
        gted = program()
        require()
        folder = Path(tempfile.mkdtemp(prefix="gte-figures-"))
        folder.chmod(0o755)
        try:
            bundle = unpack(build(folder, gted), folder / "bundle")
            runs = {size: [] for size in SIZES}
            # Sizes in turn, so that a slow minute of the machine does not fall on one of them.
            for _ in range(options.runs):
                for size in SIZES:
                    runs[size].append(measure(bundle, size, options.cold_pages))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    except NotRun as reason:
        print(f"NOT RUN: figures of containers, {reason}")
        return 0
    if options.json:
        options.json.write_text(json.dumps(runs, indent=1))

    figures = {size: best(of_size) for size, of_size in runs.items()}
    table(
        ["memory, share of a core", "first answer", "its CPU time", "warm answer", "its CPU time", "slowest warm", "memory peak"],
        [[f"{size} MB, {100 * size / ONE_CORE_MB:.1f} %", f"{it['first']:.2f} s", f"{it['first_cpu']:.3f} s",
          f"{1000 * it['warm']:.1f} ms", f"{1000 * it['warm_cpu']:.1f} ms", f"{1000 * it['slowest']:.0f} ms",
          f"{it['peak']:.0f} MB"]
         for size, it in figures.items()]
        + [["the article's, other hardware", f"{ARTICLE['first']} s", "", f"{1000 * ARTICLE['warm']:.0f} ms", "", "",
            f"{ARTICLE['memory_mb']} MB"]],
    )

    rows = []
    services = [(f"{size} MB", it["warm"], it["first"], size / 1024) for size, it in figures.items()]
    services.append((f"the article's, {ARTICLE['gb']:g} GB", ARTICLE["warm"], ARTICLE["first"], ARTICLE["gb"]))
    for name, warm_s, first_s, gb in services:
        warm, starts = gb_seconds(options, warm_s, first_s, gb)
        rows.append([name, f"{warm:,.0f}", f"{starts:,.0f}"] + [
            f"{currency}{(warm + starts) * price + options.requests / 1e6 * per_million:.2f}"
            for currency, price, per_million, _ in PRICES])
    table(["per month", "GB-seconds of requests", "of starts", *(whose for *_, whose in PRICES)], rows)
    print("cost = (requests × warm + requests × cold × first) × GB × price + requests × request price\n")
    print("The article's formula is requests × duration × GB × price, without the starts.\n")
    table(
        ["input", "value"],
        [["requests per month", f"{options.requests:,.0f}"],
         ["cold: share of requests that start an instance", f"{100 * options.cold:g} %"],
         ["warm, first: seconds, billed in steps of", f"{1000 * options.step:g} ms"]]
        + [[f"{whose}: price per GB-second, per million requests", f"{currency}{price:.4g}, {currency}{per_million:g}"]
           for currency, price, per_million, whose in PRICES]
        + [["the article's sums per month", f"¥{ARTICLE['resident']:g} resident, ¥{ARTICLE['monthly']:g} on demand"]],
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
