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
    """A mark that cannot be listed; the message names the file."""


def comments(text):
    """(position, lines) of each C comment, decoration removed."""
    pattern = r'"(?:\\.|[^"\\\n])*"|/\*.*?\*/|//[^\n]*'
    for match in re.finditer(pattern, text, re.DOTALL):
        comment = match.group()
        if comment.startswith('"'):
            continue
        body = comment[2:-2] if comment.startswith("/*") else comment[2:]
        yield match.start(), [re.sub(r"^\s*\*? ?", "", line).rstrip()
                              for line in body.split("\n")]


def statements(lines):
    """What each mark of a comment says, to the end of its paragraph; with the
    words before it if it stands inside a line."""
    words = None
    for line in lines + [""]:
        if MARK in line or not line.strip():
            if words is not None:
                yield " ".join(words).replace("( ", "(")
            words = None
        if MARK in line:
            before, line = line.split(MARK, 1)
            words = [before.strip()] if before.strip() else []
        if words is not None and line.strip():
            words.append(line.strip())


def function_at(text, position):
    """Name of the function a comment is in, or right before."""
    heads = re.finditer(r"^(?:[A-Za-z]\w*[ *]+)+\**(\w+)\([^;{]*\)\n\{", text,
                        re.MULTILINE)
    before = None
    column = position - (text.rfind("\n", 0, position) + 1)
    for head in heads:
        if head.start() > position:
            after = text[position:head.start()]
            if column == 0 and after.count("/*") == 1 and "\n\n" not in after:
                return head.group(1)
            break
        before = head.group(1)
    return before if column else None


def sources():
    """Every C source and header that is looked at."""
    for folder in FOLDERS:
        yield from sorted((ROOT / folder).rglob("*.[ch]"))


def collect():
    """[(path, function or None, text)] of the whole tree, in order."""
    found = []
    for path in sources():
        name = path.relative_to(ROOT).as_posix()
        text = path.read_text(encoding="utf-8")
        before = len(found)
        for position, lines in comments(text):
            for words in statements(lines):
                if not words:
                    raise BadComment(f"{name}: {MARK} is followed by nothing")
                found.append((name, function_at(text, position), words))
        if len(found) - before != text.count(MARK):
            raise BadComment(f"{name}: {text.count(MARK)} times {MARK}, but "
                             f"{len(found) - before} of them in comments, one "
                             "a line")
    return found


def rst():
    """The list as reStructuredText lines."""
    lines = []
    for name, function, words in collect():
        plain = re.sub(r"([\\`*_|])", r"\\\1", words)
        where = f", ``{function}()``" if function else ""
        lines += [f"``{name}``{where}", f"    {plain}", ""]
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
