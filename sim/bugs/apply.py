#!/usr/bin/env python3
"""Writes copies of the product's sources with every deliberate bug in them, each behind a switch.

A bug is a file NAME.bug:

    what: One sentence, what it breaks.
    preset: lossy       where it shows; without: each seed draws one, as in a campaign
    seeds: 40           the first one to try; without: 1
    file: node/core/delivery.c
    <<<<
    the exact text, which must be there once
    ====
    the text in its place, with SIM_BUG where the switch belongs
    >>>>

Several pieces, of several files, may follow each other. apply.py --list prints the files that are copied."""
import argparse
import pathlib
import sys


class Broken(Exception):
    """A bug that cannot be inserted."""


class Bug:
    def __init__(self, path):
        self.name = path.stem
        self.what = ""
        self.preset = ""
        self.first = 1
        self.pieces = []  # (file, text, replacement)
        place, lines, file = None, {"find": [], "put": []}, None
        for line in path.read_text(encoding="utf-8").splitlines():
            if place is None and line.startswith("what: "):
                self.what = line[6:]
            elif place is None and line.startswith("preset: "):
                self.preset = line[8:]
            elif place is None and line.startswith("seeds: "):
                self.first = int(line[7:])
            elif place is None and line.startswith("file: "):
                file = line[6:]
            elif place is None and line == "<<<<":
                place, lines = "find", {"find": [], "put": []}
            elif place == "find" and line == "====":
                place = "put"
            elif place == "put" and line == ">>>>":
                self.pieces.append((file, "\n".join(lines["find"]), "\n".join(lines["put"])))
                place = None
            elif place is not None:
                lines[place].append(line)
            elif line.strip():
                raise Broken(f"{path.name}: a line that belongs nowhere: {line}")
        if place is not None or not self.pieces or not self.what or file is None:
            raise Broken(f"{path.name}: what, file, <<<<, ====, >>>> expected")
        if not any("SIM_BUG" in put for _, _, put in self.pieces):
            raise Broken(f"{path.name}: without SIM_BUG it would always be on")

    @property
    def constant(self):
        return "SIM_BUG_" + self.name.upper().replace("-", "_")


def insert(bugs, root):
    texts = {}
    for bug in bugs:
        for file, find, put in bug.pieces:
            text = texts.get(file) or (root / file).read_text(encoding="utf-8")
            if text.count(find) != 1:
                raise Broken(f"{bug.name}.bug: its text is {text.count(find)} times in {file}, not once")
            texts[file] = text.replace(find, put.replace("SIM_BUG", f"sim_bug({bug.constant})"))
    return texts


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def header(bugs):
    names = "".join(f"\t{bug.constant},\n" for bug in bugs)
    return f"""/* Made by sim/bugs/apply.py. */
#pragma once

#include <stdbool.h>

enum {{
{names}	SIM_BUGS,
}};

extern int sim_bug_chosen; /* SIM_BUGS: none */

static inline bool sim_bug(int which)
{{
	return which == sim_bug_chosen;
}}
"""


def table(bugs):
    rows = "".join(f'\tXX({bug.constant}, "{bug.name}", "{bug.preset}", {bug.first}, "{bug.what}") \\\n' for bug in bugs)
    return f"/* Made by sim/bugs/apply.py: constant, name, preset, first seed, sentence. */\n#pragma once\n\n" \
           f"#define SIM_BUG_MAP(XX) \\\n{rows}\t/* end */\n"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", type=pathlib.Path, required=True)
    parser.add_argument("--bugs", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("--list", action="store_true")
    arguments = parser.parse_args()
    try:
        bugs = [Bug(path) for path in sorted(arguments.bugs.glob("*.bug"))]
        if arguments.list:
            print(";".join(sorted({file for bug in bugs for file, _, _ in bug.pieces})), end="")
            return 0
        for file, text in insert(bugs, arguments.root).items():
            # Own headers come by their path from the root, as everywhere.
            write(arguments.out / file, f'#include "sim_bugs.h"\n#line 1 "{file}"\n{text}')
        write(arguments.out / "sim_bugs.h", header(bugs))
        write(arguments.out / "sim_bugs_map.h", table(bugs))
    except (Broken, OSError) as problem:
        print(f"sim/bugs: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
