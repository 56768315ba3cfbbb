# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes the headers QEMU's build would make, without building QEMU."""

import configparser
import os
import subprocess
import sys


class HeaderError(Exception):
    """Headers cannot be made; the text says what to do about it."""


def load_version(path):
    """Reads versions/SERIES."""
    table = configparser.ConfigParser(delimiters=('=',),
                                      comment_prefixes=('#',),
                                      interpolation=None)
    table.optionxform = str
    with open(path, encoding='utf-8') as f:
        table.read_file(f)
    return table


def write_changed(path, text):
    """Writes a file unless it already reads so: keeps rebuilds short."""
    try:
        with open(path, encoding='utf-8') as f:
            if f.read() == text:
                return
    except OSError:
        pass
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'w', encoding='utf-8') as f:
        f.write(text)


class Evaluator:
    """Turns the values of a version file into C macros."""

    def __init__(self, elf):
        self.exports = elf.exports()
        self.needed = elf.needed()

    def value(self, name, text):
        """The macro's replacement, or None if it stays undefined."""
        word, _, rest = text.partition(' ')
        if word == 'yes':
            return '1'
        if word == 'export':
            return '1' if rest in self.exports else None
        if word == 'needs':
            return '1' if any(n.startswith(rest) for n in self.needed) \
                else None
        if not text or word in ('no', 'true'):
            raise HeaderError(f'version file: {name}: bad value "{text}"')
        return text

    def macros(self, section):
        """[(name, replacement)] of what a section defines."""
        pairs = [(k, self.value(k, v)) for k, v in section.items()]
        return [(k, v) for k, v in pairs if v is not None]


def run_python(args, cwd):
    """Runs one of QEMU's own generators."""
    env = dict(os.environ, PYTHONDONTWRITEBYTECODE='1')
    done = subprocess.run([sys.executable, '-B', *args], cwd=cwd, env=env,
                          stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ['no message'])[-1]
        raise HeaderError(f'{os.path.relpath(args[0], cwd)} of QEMU\'s '
                          f'source failed: {last}')


def define_lines(macros):
    """C source that defines macros."""
    return ''.join(f'#define {k} {v}\n' for k, v in macros)


def trace_headers(src, gen, group_dirs, backends):
    """trace/trace-GROUP.h for those of QEMU's headers that want them."""
    for folder in group_dirs:
        group = folder.replace('/', '_')
        header = os.path.join(gen, 'trace', f'trace-{group}.h')
        os.makedirs(os.path.dirname(header), exist_ok=True)
        run_python([os.path.join(src, 'scripts/tracetool.py'),
                    f'--backends={backends}', f'--group={group}',
                    '--format=h', os.path.join(src, folder, 'trace-events'),
                    header], src)


def make_headers(elf, version, table, src, gen, backends):
    """Fills gen/ with what QEMU's headers include; returns host macros."""
    ev = Evaluator(elf)
    host = ev.macros(table['config-host'])
    major, minor, micro = version
    host += [('QEMU_VERSION', f'"{major}.{minor}.{micro}"'),
             ('QEMU_VERSION_MAJOR', major), ('QEMU_VERSION_MINOR', minor),
             ('QEMU_VERSION_MICRO', micro)]
    host += [(f'CONFIG_TRACE_{b.upper()}', '1') for b in backends.split(',')]
    stamp = elf.module_stamp()
    if stamp:
        host.append(('CONFIG_STAMP', stamp[len('qemu_stamp'):]))
    write_changed(os.path.join(gen, 'config-host.h'), define_lines(host))
    write_changed(os.path.join(gen, 'x86_64-softmmu-config-target.h'),
                  define_lines(ev.macros(table['target'])))
    # QEMU's build passes these on the command line.
    write_changed(os.path.join(gen, 'per-target.h'), define_lines([
        ('COMPILING_PER_TARGET', ''), ('COMPILING_SYSTEM_VS_USER', ''),
        ('NEED_CPU_H', ''),
        ('CONFIG_TARGET', '"x86_64-softmmu-config-target.h"')]))
    os.makedirs(os.path.join(gen, 'qapi'), exist_ok=True)
    run_python([os.path.join(src, 'scripts/qapi-gen.py'),
                '-o', os.path.join(gen, 'qapi'), '-b',
                os.path.join(src, 'qapi/qapi-schema.json')], src)
    trace_headers(src, gen, table['source']['trace'].split(), backends)
    return dict(host)
