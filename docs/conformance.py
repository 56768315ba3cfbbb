# SPDX-License-Identifier: GPL-2.0-or-later
"""Sphinx extension: the directive "conformance" is the table of tests."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent
                       / "scripts" / "lib"))
import conformance_table  # noqa: E402 pylint: disable=wrong-import-position


def setup(app):
    """Sphinx calls this."""
    # pylint: disable=import-outside-toplevel
    from docutils import nodes
    from docutils.statemachine import StringList
    from sphinx.util.docutils import SphinxDirective

    class Conformance(SphinxDirective):
        """Directive without arguments."""

        def run(self):
            """The table as nodes."""
            try:
                lines = conformance_table.rst()
            except conformance_table.BadMark as error:
                raise self.error(str(error))
            for _, path in conformance_table.test_files():
                self.env.note_dependency(str(path))
            node = nodes.container()
            self.state.nested_parse(StringList(lines, "conformance"),
                                    self.content_offset, node)
            return node.children

    app.add_directive("conformance", Conformance)
    return {"parallel_read_safe": True}
