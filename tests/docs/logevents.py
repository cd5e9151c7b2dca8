"""Every event that the node logs has its row in docs/operations.md, section 8, and every row is of one that it logs.

usage: logevents.py SOURCE_DIR
"""

import pathlib
import re
import sys

EVENT = re.compile(r"[a-z]+\.[a-z_]+")
CALL = re.compile(r"\b(?:turn_log|tb_log)\(")


def call_text(source, start):
    """What stands in the parentheses that open before |start|."""
    depth = 1
    for end in range(start, len(source)):
        depth += {"(": 1, ")": -1}.get(source[end], 0)
        if depth == 0:
            return source[start:end]
    return source[start:]


def logged(root):
    """The events of the sources; a file that logs may name one beside its call, in a table or a variable."""
    events, named = set(), set()
    for folder in ("base", "pki", "storage", "node"):
        for path in sorted((root / folder).rglob("*.c")):
            source = path.read_text(encoding="utf-8")
            named.update(word for word in re.findall(r'"([^"\n]*)"', source) if EVENT.fullmatch(word))
            for call in CALL.finditer(source):
                texts = re.findall(r'"([^"\n]*)"', call_text(source, call.end()))
                events.update(text for text in texts if EVENT.fullmatch(text))
    return events, named


def documented(root):
    text = (root / "docs" / "operations.md").read_text(encoding="utf-8")
    table = text[text.index("## 8. The log"):text.index("## 9. ")]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`([a-z]+\.[a-z_]+)`", row)}


def main():
    root = pathlib.Path(sys.argv[1])
    events, named = logged(root)
    told = documented(root)
    assert len(events) > 50, f"only {len(events)} events were found in the sources"
    for name in sorted(events - told):
        print(f"docs/operations.md, section 8, has no row for {name}")
    for name in sorted(told - named):
        print(f"docs/operations.md, section 8: nothing logs {name}")
    return 1 if events - told or told - named else 0


sys.exit(main())
