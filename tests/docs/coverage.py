#!/usr/bin/env python3
"""docs/coverage.md: every statement has exactly one row; the tests and commands that a row names are there."""
import json
import re
import subprocess
import sys

COUNTS = {"S0": 16, "S1": 30, "S2": 15, "S3": 11, "S4": 16}
STATES = ("yes", "not yet", "not software")


def rows_of(text):
    for number, line in enumerate(text.split("\n"), 1):
        if re.match(r"\| S\d-\d+ \|", line):
            yield number, [cell.strip() for cell in line.strip().strip("|").split("|")]


def tests_of(build):
    out = subprocess.run(["ctest", "--test-dir", build, "--show-only=json-v1"], capture_output=True, text=True, check=True,
                         timeout=60)
    return {test["name"] for test in json.loads(out.stdout)["tests"]}


def verbs_of(tongban):
    out = subprocess.run([tongban, "help"], capture_output=True, text=True, check=True, timeout=60)
    verbs = set()
    for line in out.stdout.split("\n"):
        words = line.split()
        if line.startswith("  ") and words and re.fullmatch(r"[a-z-]+", words[0]):
            verbs.add(words[0])
            if len(words) > 1 and re.fullmatch(r"[a-z-]+", words[1]):
                verbs.add(words[0] + " " + words[1])
    return verbs


def names(cell):
    return [name.strip() for quoted in re.findall(r"`([^`]*)`", cell) for name in quoted.split(",")]


def command_problems(cell, verbs):
    for quoted in re.findall(r"`(tongban [^`]*)`", cell):
        first, *others = quoted.split(",")
        words = [word for word in first.split()[1:] if re.fullmatch(r"[a-z][a-z-]*", word)]
        group = words[0] if words else "?"
        verb = " ".join(words[:2]) if " ".join(words[:2]) in verbs else group
        if verb not in verbs:
            yield f"there is no verb {' '.join(words[:2])}"
        # "tongban case post, lost": verbs of one group
        for other in others:
            other = other.strip()
            if re.fullmatch(r"[a-z][a-z-]*", other) and f"{group} {other}" not in verbs:
                yield f"there is no verb {group} {other}"


def main(path, build, tongban):
    with open(path, encoding="utf-8") as file:
        rows = list(rows_of(file.read()))
    problems = []
    wanted = [f"{seed}-{i}" for seed, count in COUNTS.items() for i in range(1, count + 1)]
    found = [cells[0] for _, cells in rows]
    problems += [f"{name}: {found.count(name)} rows" for name in wanted if found.count(name) != 1]
    problems += [f"{name}: no such statement" for name in found if name not in wanted]
    tests, verbs = tests_of(build), verbs_of(tongban)
    for number, cells in rows:
        def problem(text):
            problems.append(f"{path}:{number}: {cells[0]}: {text}")
        if len(cells) != 6:
            problem(f"{len(cells)} columns, 6 expected")
            continue
        _, _, state, answer, tested, shown = cells
        if state not in STATES:
            problem(f"state {state}")
        if not answer:
            problem("nothing is said of it")
        if state == "yes" and (not tested or not shown):
            problem("answered, but no test or no command")
        for name in names(tested):
            if not (any(test.startswith(name[:-1]) for test in tests) if name.endswith("*") else name in tests):
                problem(f"there is no test {name}")
        for text in command_problems(shown, verbs):
            problem(text)
    print("\n".join(problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
