# SPDX-License-Identifier: GPL-2.0-or-later
# Sourced: packages of the machine's own Debian mirrors, without changing its
# apt configuration and without being root.  APT_DIR is a folder of ours.

# Prints "deb" or "deb-src" lines for every suite of this Debian that the
# machine gets packages from, for its backports, and for SUITEs of others from
# the same mirror.  apt itself reads the sources, whatever their format; no
# mirror is named here.
apt_sources() { # TYPE SUITE...
    type=$1
    shift
    codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
    keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    option=
    [ -r $keyring ] && option="[signed-by=$keyring] "
    apt-get --print-uris update 2>/dev/null |
        sed -n "s#^'\(.*\)/dists/\([^/]*\)/InRelease' .*#\1 \2#p" |
        while read -r uri suite; do
            case $suite in
            "$codename")
                for also in "$suite" "$suite-backports" "$@"; do
                    echo "$type $option$uri $also main"
                done
                ;;
            "$codename"-*) echo "$type $option$uri $suite main" ;;
            esac
        done | sort -u
}

# Runs apt-get or apt-cache with lists and cache of our own in APT_DIR.
apt_private() { # PROGRAM ARGS...
    program=$1
    shift
    "$program" -o Dir::Etc::SourceList="$APT_DIR/sources.list" \
        -o Dir::Etc::SourceParts=/dev/null \
        -o Dir::State::Lists="$APT_DIR/lists" -o Dir::Cache="$APT_DIR/cache" \
        -o APT::Sandbox::User="$(id -un)" -o Acquire::Languages=none "$@"
}

# Fetches package lists, of what apt_sources prints, into APT_DIR; at most once
# a day.
apt_update_private() { # TYPE SUITE...
    mkdir -p "$APT_DIR/lists/partial" "$APT_DIR/cache/archives/partial"
    apt_sources "$@" >"$APT_DIR/sources.new"
    if [ ! -s "$APT_DIR/sources.new" ]; then
        echo "no Debian mirror in this machine's apt sources" >&2
        return 1
    fi
    if cmp -s "$APT_DIR/sources.new" "$APT_DIR/sources.list" &&
        [ -n "$(find "$APT_DIR/updated" -mtime -1 2>/dev/null)" ]; then
        return 0
    fi
    mv "$APT_DIR/sources.new" "$APT_DIR/sources.list"
    # Its status is 0 even if no mirror answers.
    apt_private apt-get -qq update >/dev/null 2>&1 || return 1
    [ -n "$(find "$APT_DIR/lists" -name '*_InRelease')" ] || return 1
    touch "$APT_DIR/updated"
}
