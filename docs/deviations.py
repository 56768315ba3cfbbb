#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""List the DEVIATION: comments of hw/ and accel/.

As a Sphinx extension it gives the directive "deviations", which puts the list
into a page when the page is built; as a program it prints the list.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDERS = ("hw", "accel")
MARK = "DEVIATION:"


class BadComment(Exception):
    """A mark that cannot be listed; the message has file and line."""


def comments(text):
    """(line number, text) of each C comment, decoration removed."""
    pattern = r'"(?:\\.|[^"\\\n])*"|/\*.*?\*/|//[^\n]*'
    for match in re.finditer(pattern, text, re.DOTALL):
        comment = match.group()
        if comment.startswith('"'):
            continue
        body = comment[2:-2] if comment.startswith("/*") else comment[2:]
        lines = [re.sub(r"^\s*\*? ?", "", line).rstrip()
                 for line in body.split("\n")]
        yield text.count("\n", 0, match.start()) + 1, lines


def statements(lines):
    """(offset, words) of each marked paragraph of a comment."""
    start, words = None, []
    for offset, line in enumerate(lines + [""]):
        if MARK in line or not line.strip():
            if start is not None:
                yield start, " ".join(words)
            start, words = None, []
        if MARK in line:
            start = offset
            line = line.split(MARK, 1)[1]
        if start is not None and line.strip():
            words.append(line.strip())


def sources():
    """Every C source and header that is looked at."""
    for folder in FOLDERS:
        yield from sorted((ROOT / folder).rglob("*.[ch]"))


def collect():
    """[(path, line, text)] of the whole tree, in order of path and line."""
    found = []
    for path in sources():
        name = path.relative_to(ROOT).as_posix()
        text = path.read_text(encoding="utf-8")
        before = len(found)
        for first, lines in comments(text):
            for offset, words in statements(lines):
                if not words:
                    raise BadComment(f"{name}:{first + offset}: {MARK} "
                                     "is followed by nothing")
                found.append((name, first + offset, words))
        if len(found) - before != text.count(MARK):
            raise BadComment(f"{name}: {text.count(MARK)} times {MARK}, but "
                             f"{len(found) - before} of them in comments of "
                             "their own paragraph")
    return found


def rst():
    """The list as reStructuredText lines."""
    lines = []
    for name, number, words in collect():
        plain = re.sub(r"([\\`*_|])", r"\\\1", words)
        lines += [f"``{name}``, line {number}", f"    {plain}", ""]
    return lines


def setup(app):
    """Sphinx calls this."""
    # pylint: disable=import-outside-toplevel
    from docutils import nodes
    from docutils.statemachine import StringList
    from sphinx.util.docutils import SphinxDirective

    class Deviations(SphinxDirective):
        """Directive without arguments."""

        def run(self):
            """The list as nodes."""
            try:
                lines = rst()
            except BadComment as error:
                raise self.error(str(error))
            for path in sources():
                self.env.note_dependency(str(path))
            node = nodes.container()
            self.state.nested_parse(StringList(lines, "deviations"),
                                    self.content_offset, node)
            return node.children

    app.add_directive("deviations", Deviations)
    return {"parallel_read_safe": True}


if __name__ == "__main__":
    try:
        print("\n".join(rst()))
    except BadComment as bad:
        sys.exit(f"deviations: {bad}")
