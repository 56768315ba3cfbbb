# SPDX-License-Identifier: GPL-2.0-or-later
"""Every operation of Xen's public headers, and the tests that show its state.

Operations come from the headers as installed and from the names that
hw/xen/abi gives to newer ones.  States come from the marks of
tests/conformance.h above the test functions.
"""
import dataclasses
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
INCLUDE = pathlib.Path("/usr/include/xen")
ABI = ROOT / "hw" / "xen" / "abi"
SUITES = ("unit", "payload", "qtest")
MARKS = ("CONFORMS", "DEVIATES", "NOT_OFFERED")


class BadMark(Exception):
    """A mark that makes no sense; the message names file and line."""


@dataclasses.dataclass
class Group:
    """The sub-operations of one hypercall, or another family of numbers."""
    title: str
    headers: tuple
    pattern: str
    skip: str = ""         # names that are no operation of their own
    hypercall: str = ""    # whose sub-operations these are
    newer: str = ""        # names of hw/xen/abi that belong here
    optional: bool = False  # listed if a test names it
    enum: bool = False      # an enumeration's members


GROUPS = (
    Group("Hypercalls", ("xen.h",), r"__HYPERVISOR_\w+",
          r"__HYPERVISOR_(dom0_op|\w*VIRT_\w+)"),
    Group("xen_version", ("version.h",), r"XENVER_\w+",
          hypercall="xen_version", newer=r"XEN_XENVER_\w+"),
    Group("memory_op", ("memory.h",), r"XENMEM_\w+",
          r"XENMEM_(paging_op|access_op|sharing_op|resource)_\w+|"
          r"XENMEM_[A-Z]\w+|XENMEM_add_to_physmap_range",
          hypercall="memory_op", newer=r"XEN_XENMEM_\w+"),
    Group("Spaces of XENMEM_add_to_physmap", ("memory.h",),
          r"XENMAPSPACE_\w+"),
    Group("hvm_op", ("hvm/hvm_op.h",), r"HVMOP_\w+",
          r"HVMOP_altp2m_\w+|HVMOP_[A-Z]\w+", hypercall="hvm_op",
          newer=r"XEN_HVMOP_\w+"),
    Group("HVM parameters", ("hvm/params.h",), r"HVM_PARAM_\w+",
          r"HVM_PARAM_CALLBACK_\w+_\w+"),
    Group("vcpu_op", ("vcpu.h",), r"VCPUOP_\w+", hypercall="vcpu_op",
          newer=r"XEN_VCPUOP_\w+"),
    Group("sched_op", ("sched.h",), r"SCHEDOP_\w+", hypercall="sched_op"),
    Group("Reasons of a shutdown", ("sched.h",), r"SHUTDOWN_\w+",
          r"SHUTDOWN_MAX"),
    Group("event_channel_op", ("event_channel.h",), r"EVTCHNOP_\w+",
          hypercall="event_channel_op", newer=r"XEN_EVTCHNOP_\w+"),
    Group("Virtual interrupts", ("xen.h",), r"VIRQ_\w+", optional=True),
    Group("grant_table_op", ("grant_table.h",), r"GNTTABOP_\w+",
          r"GNTTABOP_error_msgs", hypercall="grant_table_op"),
    Group("physdev_op", ("physdev.h",), r"PHYSDEVOP_\w+",
          r"PHYSDEVOP_DBGP_\w+|PHYSDEVOP_(IRQ_SHARED|IRQ_NEEDS\w+)",
          hypercall="physdev_op", newer=r"XEN_PHYSDEVOP_\w+"),
    Group("console_io", ("xen.h",), r"CONSOLEIO_\w+", hypercall="console_io"),
    Group("vm_assist", ("xen.h",), r"VMASST_\w+", hypercall="vm_assist"),
    Group("Features", ("features.h",), r"XENFEAT_\w+", r"XENFEAT_NR_\w+",
          optional=True),
    Group("CPUID leaves", ("arch-x86/cpuid.h",), r"XEN_CPUID_LEAF\(\d\)",
          optional=True),
    Group("xenstore requests", ("io/xs_wire.h",), r"XS_[A-Z_]+",
          r"XS_(TYPE_COUNT|INVALID|WATCH_(PATH|TOKEN))", enum=True),
)


@dataclasses.dataclass
class Operation:
    """One row of the table."""
    name: str
    value: str
    group: Group
    other_names: list = dataclasses.field(default_factory=list)
    marks: list = dataclasses.field(default_factory=list)

    @property
    def required(self):
        """Must a test show it?"""
        if self.group.optional:
            return False
        return self.name not in WITH_SUB_OPERATIONS


WITH_SUB_OPERATIONS = {"__HYPERVISOR_" + g.hypercall
                       for g in GROUPS if g.hypercall}


@dataclasses.dataclass
class Mark:
    """What one line above a test says."""
    kind: str
    name: str
    detail: str   # why, or the error
    suite: str
    file: str
    test: str
    where: str


def defines(path):
    """(name, value) of each macro without arguments, in order."""
    text = re.sub(r"/\*.*?\*/", " ", path.read_text(encoding="utf-8"),
                  flags=re.DOTALL)
    return re.findall(r"^[ \t]*#[ \t]*define[ \t]+(\w+)[ \t]+(\S+)[ \t]*$",
                      text, re.MULTILINE)


def enumerators(path):
    """(name, number) of the members of enumerations, in order."""
    text = re.sub(r"/\*.*?\*/", " ", path.read_text(encoding="utf-8"),
                  flags=re.DOTALL)
    found = []
    for body in re.findall(r"^enum[^{]*\{(.*?)\}", text, re.DOTALL |
                           re.MULTILINE):
        found += re.findall(r"(\w+)\s*(?:=[^,]*)?(?:,|$)", body.strip())
    return [(name, str(number)) for number, name in enumerate(found)]


def names_of(group, include):
    """(name, value) of a group's macros, newer ones of ours included."""
    if group.pattern.startswith("XEN_CPUID_LEAF"):
        return [(f"XEN_CPUID_LEAF({n})", str(n)) for n in range(6)]
    found = []
    for header in group.headers:
        read = enumerators if group.enum else defines
        found += [(name, value) for name, value in read(include / header)
                  if re.fullmatch(group.pattern, name)]
    if group.newer:
        for path in sorted(ABI.glob("*.h")):
            found += [(name, value) for name, value in defines(path)
                      if re.fullmatch(group.newer, name)]
    return found


def operations(include=INCLUDE):
    """{name: Operation}, with each other name of the same operation."""
    found = {}
    for group in GROUPS:
        by_value = {}
        for name, value in names_of(group, include):
            if name in found or re.fullmatch(group.skip, name):
                continue
            newer = group.newer and re.fullmatch(group.newer, name)
            same = found.get(value) or (by_value.get(value) if newer else None)
            if same is None:
                same = Operation(name, value, group)
                by_value[value] = same
            else:
                same.other_names.append(name)
            found[name] = same
    return found


def balanced(text, start):
    """Position after the parenthesis that closes the one at @start."""
    depth, quoted, at = 0, False, start
    while at < len(text):
        char = text[at]
        if quoted:
            if char == "\\":
                at += 1
            quoted = char != '"'
        elif char == '"':
            quoted = True
        elif char in "()":
            depth += 1 if char == "(" else -1
            if depth == 0:
                return at + 1
        at += 1
    return -1


def split_arguments(text):
    """Arguments of a mark, cut at the first comma outside parentheses."""
    depth = 0
    for at, char in enumerate(text):
        depth += (char == "(") - (char == ")")
        if char == "," and depth == 0:
            return text[:at].strip(), text[at + 1:].strip()
    return text.strip(), ""


def listed(suite, path):
    """Does the folder's meson.build run this file?"""
    stem = path.stem if suite == "payload" else path.stem[len("test-"):]
    build = (path.parent / "meson.build").read_text(encoding="utf-8")
    return f"'{stem}'" in build


def registered(text, test):
    """Is the function in the file's list of tests?"""
    if re.search(rf"\bADD\w*\({re.escape(test.removeprefix('test_'))}\b",
                 text):
        return True
    return len(re.findall(rf"\b{re.escape(test)}\b", text)) > 1


def text_below(text, at):
    """What follows @at after blanks, comments and other marks."""
    while True:
        skipped = re.compile(r"(?:\s|;|/\*.*?\*/)*", re.DOTALL).match(text, at)
        mark = re.compile(rf"(?:{'|'.join(MARKS)})\(").match(text,
                                                            skipped.end())
        if not mark:
            return text[skipped.end():]
        at = balanced(text, mark.end() - 1)
        if at < 0:
            return ""


def marks_of(suite, path):
    """The marks of one test file."""
    text = path.read_text(encoding="utf-8")
    name = path.relative_to(ROOT).as_posix()
    found = []
    for match in re.finditer(rf"^({'|'.join(MARKS)})\(", text, re.MULTILINE):
        where = f"{name}:{text.count(chr(10), 0, match.start()) + 1}"
        end = balanced(text, match.end() - 1)
        if end < 0:
            raise BadMark(f"{where}: no closing parenthesis")
        first, rest = split_arguments(text[match.end():end - 1])
        if match.group(1) == "DEVIATES":
            rest = "".join(re.findall(r'"((?:\\.|[^"\\])*)"', rest))
        rest = " ".join(rest.split())
        if (match.group(1) == "CONFORMS") != (rest == ""):
            raise BadMark(f"{where}: {match.group(1)} with "
                          f"{'no ' if not rest else ''}second argument")
        head = re.match(r"static\s+void\s+(\w+)\(", text_below(text, end))
        if not head:
            raise BadMark(f"{where}: no test function below "
                          f"{match.group(1)}({first})")
        if not registered(text, head.group(1)):
            raise BadMark(f"{where}: {head.group(1)}() is in no list of tests")
        found.append(Mark(match.group(1), first, rest, suite, path.stem,
                          head.group(1), where))
    if found and not listed(suite, path):
        raise BadMark(f"{name}: is not in its folder's meson.build")
    return found


def test_files():
    """(suite, path) of each file that may hold marks."""
    for suite in SUITES:
        for path in sorted((ROOT / "tests" / suite).glob("*.c")):
            yield suite, path


def collect(include=INCLUDE):
    """(operations in order, problems): the table with its marks."""
    by_name = operations(include)
    problems = []
    for suite, path in test_files():
        try:
            marks = marks_of(suite, path)
        except BadMark as bad:
            problems.append(str(bad))
            continue
        for mark in marks:
            if mark.name in by_name:
                by_name[mark.name].marks.append(mark)
            else:
                problems.append(f"{mark.where}: {mark.name} is no operation "
                                "of Xen's headers")
    rows = list({id(op): op for op in by_name.values()}.values())
    return rows, problems


def state(operation):
    """Its state in words, worst first."""
    said = []
    for mark in operation.marks:
        if mark.kind == "DEVIATES":
            said.append(f"deviation: {mark.detail}")
    for mark in operation.marks:
        if mark.kind == "CONFORMS":
            said.append("as Xen")
    for mark in operation.marks:
        if mark.kind == "NOT_OFFERED":
            error = re.sub(r"^-(?:\(\w+\))?XEN_", "-", mark.detail)
            said.append(f"not offered: {error}")
    return list(dict.fromkeys(said))


def rst():
    """The table as reStructuredText lines, a section a group."""
    rows, problems = collect()
    if problems:
        raise BadMark(problems[0])
    lines = []
    for group in GROUPS:
        shown = [op for op in rows if op.group is group and
                 (op.marks or op.required)]
        if not shown:
            continue
        lines += [f"**{group.title}**", "", ".. list-table::",
                  "   :header-rows: 1", "   :widths: 34 26 40", "",
                  "   * - operation", "     - state", "     - shown by"]
        for operation in shown:
            said = "; ".join(state(operation)) or "no test yet"
            said = re.sub(r"([\\`*_|])", r"\\\1", said)
            shown_by = ", ".join(f"``{suite} {file}: {test}``"
                                 for suite, file, test in tests(operation))
            lines += [f"   * - ``{operation.name}``", f"     - {said}",
                      f"     - {shown_by or 'none'}"]
        lines.append("")
    return lines


def tests(operation):
    """The tests that show it, once each."""
    return list(dict.fromkeys((m.suite, m.file.removeprefix("test-"),
                               m.test.removeprefix("test_"))
                              for m in operation.marks))
