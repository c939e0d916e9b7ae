#!/usr/bin/env python3
"""Checks the rules of language that a pattern can hold without false alarms.

- The first line of a doc comment begins with a noun or a verb, not with a question word.
- "is not a", not "is no".
- Comments have at most 100 columns, test names at most 60 characters.
- Names that have been replaced, and that mean nothing else, do not come back.
"""

import re
import subprocess
import sys

QUESTION = re.compile(r"\s*//[/!] (?:What|Whether|How|Why|Where|Who|That)\b")
IS_NO = re.compile(r"\bis no (?!longer\b|more\b)[a-z]")
LONG_NAME = re.compile(r"\bfn [a-z0-9_]{61,}\(")
MAX_COLUMNS = 100
# Replaced names, with the name to use.
REPLACED = {
    "ModelCard": "ModelInfo",
    "Quantised": "QuantizedTensor or QuantizedActivations",
    "quantise": "quantize",
    "dequantise": "dequantize",
    "keep_little": "limit_retained",
    "let_go": "drop_pages",
    "give_back": "trim",
    "share_out": "run_parallel",
    "take_on": "reserve",
    "texts_in_hand": "pending_texts",
    "bytes_a_text": "bytes_per_text",
    "bytes_remembered": "cache_bytes",
    "LINES_A_REQUEST": "LINES_PER_REQUEST",
    "ON_THE_SPOT": "INLINE_TOKENIZE_BYTES",
    "SHUTTLE_THREADS": "IO_THREADS",
    "licence": "license",
    "colour": "color",
    "normalise": "normalize",
    "tokenise": "tokenize",
}
# Where a stored name keeps a replaced one.
STORED = re.compile(r'#\[serde\(rename = "licence"\)\]|"licence"')


def tracked(*patterns):
    output = subprocess.run(["git", "ls-files", *patterns], capture_output=True, text=True, check=True)
    return output.stdout.splitlines()


def check(path):
    rust = path.endswith(".rs")
    with open(path, encoding="utf-8") as file:
        lines = file.read().splitlines()
    replaced = re.compile(r"\b(" + "|".join(map(re.escape, REPLACED)) + r")\b")
    before = None
    for number, line in enumerate(lines, 1):
        where = f"{path}:{number}"
        doc = re.match(r"\s*//([/!])", line)
        kind = doc and doc[1]
        if rust and kind and kind != before and QUESTION.match(line):
            yield f"{where}: a doc comment begins with a question word"
        before = kind
        if IS_NO.search(line):
            yield f'{where}: "is no" where "is not a" is meant'
        if not rust:
            continue
        if re.match(r"\s*//", line) and len(line) > MAX_COLUMNS:
            yield f"{where}: a comment of over {MAX_COLUMNS} columns"
        if LONG_NAME.search(line):
            yield f"{where}: a name of over 60 characters"
        for name in replaced.findall(STORED.sub("", line)):
            yield f"{where}: {name} is {REPLACED[name]} now"


def main():
    found = [line for path in tracked("*.rs", "*.md") for line in check(path)]
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
