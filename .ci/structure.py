#!/usr/bin/env python3
"""Checks the shape of the source tree: import circles, contents-only mod.rs, lengths of files.

An import circle is a set of files, or of entries of one folder, that import each other directly or
in a ring. Tests inside a file do not count. `.ci/exceptions.txt` lists what is still allowed; a line
of it that is no longer needed is an error as well, so that the list only shrinks.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
CRATES = ["shared/src", "daemon/src", "daemon/kernels/src", "tui/src", "tests/src"]
MAX_LINES = 400
MAX_MAIN_LINES = 60


def without_tests(text):
    """The text before the first module that is compiled for tests alone."""
    found = re.search(r"^#\[cfg\(test\)\]\n(?:#\[.*\]\n|#\[(?:.*\n)*?\)\]\n)*mod \w+ \{", text, re.M)
    return text[: found.start()] if found else text


def without_comments(text):
    return re.sub(r"//.*", "", text)


def expand(tree, prefix=()):
    """All paths of a use tree."""
    tree = tree.strip()
    brace = tree.find("{")
    if brace < 0:
        path = re.sub(r"\s+as\s+\w+$", "", tree)
        yield prefix + tuple(part.strip() for part in path.split("::") if part.strip())
        return
    head = prefix + tuple(part.strip() for part in tree[:brace].split("::") if part.strip())
    body, depth, start = tree[brace + 1 : tree.rindex("}")], 0, 0
    for at, char in enumerate(body + ","):
        depth += (char == "{") - (char == "}")
        if char == "," and depth == 0:
            if body[start:at].strip():
                yield from expand(body[start:at], head)
            start = at + 1


def modules(crate):
    """Module path to file, for one crate."""
    found = {}
    for file in sorted(crate.rglob("*.rs")):
        parts = list(file.relative_to(crate).with_suffix("").parts)
        if parts[0] == "main":
            continue
        if parts[-1] in ("mod", "lib"):
            parts.pop()
        found[tuple(parts)] = file
    for path, file in list(found.items()):
        text = file.read_text()
        # `path = "x.rs"` before `mod name;`: the first alternative stands for all of them.
        for attributes, name in re.findall(r"((?:#\[(?:[^\[\]]|\[[^\]]*\])*\]\s*)+)mod (\w+);", text):
            alternative = re.search(r'path = "(\w+)\.rs"', attributes)
            if alternative:
                found[path + (name,)] = file.parent / (alternative[1] + ".rs")
    return found


def imports(module, file, known):
    """Files of the same crate that a file imports, or declares as modules."""
    text = without_comments(without_tests(file.read_text()))
    text = re.sub(r"pub\(in [^)]*\)", "pub", text)
    paths = []
    for statement in re.findall(r"^(?:pub(?:\([^)]*\))? )?use ([^;]+);", text, re.M):
        paths.extend(expand(statement))
    body = re.sub(r"^(?:pub(?:\([^)]*\))? )?use [^;]+;", "", text, flags=re.M)
    for inline in re.findall(r"\b((?:crate|super)(?:::\w+)+)", body):
        paths.append(tuple(inline.split("::")))
    for name in re.findall(r"^(?:pub(?:\([^)]*\))? )?mod (\w+);", text, re.M):
        paths.append(("self", name))
    for path in paths:
        base = list(module)
        first = path[0]
        if first == "crate":
            target = list(path[1:])
        elif first in ("super", "self"):
            target = base if first == "self" else base[:-1]
            rest = list(path[1:])
            while rest and rest[0] == "super":
                target, rest = target[:-1], rest[1:]
            target = target + rest
        elif tuple(base + [first]) in known:
            target = base + list(path)
        else:
            continue
        while tuple(target) not in known:
            target.pop()
        yield known[tuple(target)]


def circles(edges):
    """Strongly connected sets of more than one node (Tarjan 1972)."""
    order, low, on_stack, stack, found = {}, {}, set(), [], []

    def visit(node):
        order[node] = low[node] = len(order)
        stack.append(node)
        on_stack.add(node)
        for other in sorted(edges.get(node, ())):
            if other not in order:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in on_stack:
                low[node] = min(low[node], order[other])
        if low[node] == order[node]:
            together = []
            while True:
                other = stack.pop()
                on_stack.discard(other)
                together.append(other)
                if other == node:
                    break
            if len(together) > 1:
                found.append(sorted(together))

    for node in sorted(edges):
        if node not in order:
            visit(node)
    return found


def check_circles():
    for name in CRATES:
        crate = ROOT / name
        if not crate.is_dir():
            continue
        known = modules(crate)
        edges = {}
        for module, file in known.items():
            for target in imports(module, file, known):
                if target != file:
                    edges.setdefault(file, set()).add(target)
        files = {
            str(file.relative_to(ROOT)): {str(target.relative_to(ROOT)) for target in targets}
            for file, targets in edges.items()
        }
        for circle in circles(files):
            yield "circle of files: " + " ".join(circle)
        folders = {}
        for file, targets in edges.items():
            for target in targets:
                one, other = file.relative_to(ROOT).parts, target.relative_to(ROOT).parts
                common = 0
                while one[common] == other[common]:
                    common += 1
                entries = one[common], other[common]
                # The contents of a folder and its entries belong together.
                if {"mod.rs", "lib.rs"} & set(entries):
                    continue
                where = "/".join(one[:common])
                folders.setdefault(where, {}).setdefault(entries[0], set()).add(entries[1])
        for where, graph in sorted(folders.items()):
            for circle in circles(graph):
                if any(not entry.endswith(".rs") for entry in circle):
                    yield f"circle of folders in {where}: " + " ".join(circle)


def check_files():
    files = sorted(file for top in ("shared", "daemon", "tui", "tests") for file in (ROOT / top).rglob("*.rs")
                   if "target" not in file.relative_to(ROOT).parts)
    for file in files:
        name = str(file.relative_to(ROOT))
        text = file.read_text()
        lines = text.count("\n")
        if lines > MAX_LINES:
            yield f"over {MAX_LINES} lines: {name}"
        if file.name == "main.rs" and "/src/" in name and lines > MAX_MAIN_LINES:
            yield f"over {MAX_MAIN_LINES} lines: {name}"
        if file.name == "mod.rs":
            rest = without_comments(text)
            rest = re.sub(r"#!?\[(?:[^\[\]]|\[[^\]]*\])*\]", "", rest)
            rest = re.sub(r"(?:pub(?:\([^)]*\))? )?(?:mod \w+|use [^;]+);", "", rest)
            if rest.strip():
                yield f"more than contents: {name}"


def main():
    exceptions = ROOT / ".ci/exceptions.txt"
    listed = exceptions.read_text().splitlines() if exceptions.exists() else []
    allowed = {line for line in listed if line and not line.startswith("#")}
    found = set(check_circles()) | set(check_files())
    for line in sorted(found - allowed):
        print(line)
    for line in sorted(allowed - found):
        print("no longer needed in .ci/exceptions.txt:", line)
    return 1 if found ^ allowed else 0


if __name__ == "__main__":
    sys.exit(main())
