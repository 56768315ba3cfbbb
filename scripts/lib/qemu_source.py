# SPDX-License-Identifier: GPL-2.0-or-later
"""Unpacks the part of QEMU's source that its headers are made from."""

import os
import shutil
import tarfile

SUFFIXES = ('.h', '.h.inc', '.json', '.py', 'trace-events')


class SourceError(Exception):
    """There is no usable source; the text says what to pass or install."""


def wanted(path, folders, without):
    """Is this file, named from the source's root, of any use?"""
    if path == 'VERSION':
        return True
    if path in without or not path.endswith(SUFFIXES):
        return False
    return any(path.startswith(f + '/') for f in folders)


def unpack_tarball(tarball, dest, folders, without):
    """Unpacks what is wanted of a tarball with one top folder."""
    try:
        with tarfile.open(tarball) as tar:
            for member in tar:
                _, _, path = member.name.partition('/')
                if (not member.isfile() or '..' in path.split('/')
                        or not wanted(path, folders, without)):
                    continue
                place = os.path.join(dest, path)
                os.makedirs(os.path.dirname(place), exist_ok=True)
                with tar.extractfile(member) as src, open(place, 'wb') as out:
                    shutil.copyfileobj(src, out)
    except (OSError, tarfile.TarError, EOFError) as e:
        raise SourceError(f'{tarball}: cannot be unpacked: '
                          f'{str(e).splitlines()[0]}') from e


def copy_tree(tree, dest, folders, without):
    """Copies what is wanted of an unpacked source."""
    for folder in folders:
        for root, _, names in os.walk(os.path.join(tree, folder)):
            for name in names:
                path = os.path.relpath(os.path.join(root, name), tree)
                if wanted(path, folders, without):
                    place = os.path.join(dest, path)
                    os.makedirs(os.path.dirname(place), exist_ok=True)
                    shutil.copyfile(os.path.join(tree, path), place)
    shutil.copyfile(os.path.join(tree, 'VERSION'),
                    os.path.join(dest, 'VERSION'))


def take_source(source, dest, version, folders, without):
    """Fills dest/ from a folder or tarball and checks its version."""
    if os.path.realpath(source) == os.path.realpath(dest):
        raise SourceError(f'{source}: is where headers are prepared: pass '
                          'another copy of the source')
    shutil.rmtree(dest, ignore_errors=True)
    os.makedirs(dest)
    try:
        if os.path.isdir(source):
            copy_tree(source, dest, folders, without)
        else:
            unpack_tarball(source, dest, folders, without)
        with open(os.path.join(dest, 'VERSION'), encoding='utf-8') as f:
            got = f.read().strip()
    except OSError as e:
        raise SourceError(f'{source}: not a QEMU source: {e}') from e
    if got != version:
        raise SourceError(f'{source}: is QEMU {got}, but the binary is '
                          f'{version}: pass the source of {version}')
