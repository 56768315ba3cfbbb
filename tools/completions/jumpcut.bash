# SPDX-License-Identifier: GPL-2.0-or-later
# bash completion of jumpcut; tests/functional/test-cli.py compares it with
# --help.

_jumpcut_run_options='--variant --repeat --kernels --payloads --initrd --output
--qemu --plugin --timeout --list --dry-run --help'
_jumpcut_boot_options='--guest --initrd --smp --max-smp --memory --append --invtsc --tsc-mode
--tsc-khz --host-uptime --xen-version --cut --fault --steal --digest --disk --net --reboot
--no-icount
--qemu --plugin --console-log --report --timeout --control --dry-run --help'
_jumpcut_record_options="$_jumpcut_boot_options --output --level --pace
--checkpoint"
_jumpcut_replay_options='--until --gdb --trace --from --in-place --kernel
--initrd --qemu --plugin --force-build --trust --console-log --timeout --dry-run --help'
_jumpcut_qtest_options='--emit --output --until --qemu --plugin --modules --help'
_jumpcut_cut_options='--way --at --via --help'
_jumpcut_cut_keys='uptime= tsc= tsc-khz= invtsc= tsc-scaling= wallclock=
downtime= way= via='

# Words for the value of option $1, or return 1 if they are files.
_jumpcut_values()
{
    case $1 in
    --invtsc) echo on off ;;
    --tsc-mode) echo default always-emulate native ;;
    --xen-version) echo 4.17 4.20 ;;
    --reboot) echo stop continue ;;
    --net) echo user ;;
    --guest) echo xen-hvm xen-pvh kvm ;;
    --smp | --max-smp) echo 1 2 4 ;;
    --memory) echo 512M 1G ;;
    --append) echo jumpcut.run=agent jumpcut.run=shell jumpcut.run=echo \
        jumpcut.run=root jumpcut.run=poweroff jumpcut.run=reboot \
        jumpcut.run=panic ;;
    --level) echo inputs digests devices ;;
    --pace) echo on off ;;
    --until) echo event: digest: ;;
    --checkpoint | --gdb | --from) ;;
    --way) echo in-place suspend migrate cancel ;;
    --via) echo unix file ;;
    --at | --cut | --fault | --tsc-khz | --host-uptime | --steal | --digest | --timeout) ;;
    *) return 1 ;;
    esac
}

_jumpcut_run()
{
    COMPREPLY=()
    case $prev in
    --kernels | --payloads | --output)
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -d -- "$cur")
        ;;
    --initrd | --qemu | --plugin)
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        ;;
    --variant)
        mapfile -t COMPREPLY < <(compgen -W 'good bad' -- "$cur")
        ;;
    --repeat | --timeout) ;;
    *)
        if [[ $cur = -* ]]; then
            mapfile -t COMPREPLY < <(compgen -W "$_jumpcut_run_options" -- "$cur")
        else
            compopt -o filenames
            mapfile -t COMPREPLY < <(compgen -f -X '!*.scenario' -- "$cur")
        fi
        ;;
    esac
}

# $1: the options there are
_jumpcut_boot()
{
    local words
    case $prev in
    --cut | --fault | --guest | --steal | --initrd | --smp | --max-smp | --memory | --append | --invtsc | --tsc-mode | \
        --tsc-khz | --host-uptime | --xen-version | --digest | --disk | \
        --net | --reboot | \
        --qemu | --plugin | --console-log | --report | --control | --timeout | \
        -o | --output | --level | --pace | --checkpoint | --until | --gdb | \
        --trace | --from | --kernel)
        if [[ $prev = --cut && $cur = *:* ]]; then
            # Complete the last key after "AT:" or a comma.
            local head=${cur%"${cur##*[:,]}"}
            words=$(printf "$head%s " $_jumpcut_cut_keys)
            mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
            compopt -o nospace
        elif words=$(_jumpcut_values "$prev"); then
            mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
        else
            compopt -o filenames
            mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        fi
        ;;
    *)
        if [[ $cur = -* ]]; then
            mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur")
        else
            compopt -o filenames
            mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        fi
        ;;
    esac
}

_jumpcut_cut()
{
    local words
    case $prev in
    --way | --via | --at)
        words=$(_jumpcut_values "$prev")
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
        ;;
    *)
        if [[ $cur = -* ]]; then
            mapfile -t COMPREPLY < <(compgen -W "$_jumpcut_cut_options" -- "$cur")
        elif ((${#typed[@]} == 3)); then
            compopt -o filenames
            mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        else
            mapfile -t COMPREPLY < <(compgen -W "$_jumpcut_cut_keys" -- "$cur")
            compopt -o nospace
        fi
        ;;
    esac
}

_jumpcut_trace()
{
    local words
    case $prev in
    --type)
        words='input-bytes input-qmp cut digest event handover output
            checkpoint-pages checkpoint device end'
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
        return
        ;;
    --format)
        mapfile -t COMPREPLY < <(compgen -W 'chrome vcd ctf' -- "$cur")
        return
        ;;
    --outcome)
        mapfile -t COMPREPLY < <(compgen -W 'console: ending: event: digest@' \
            -- "$cur")
        compopt -o nospace
        return
        ;;
    --output | --kernel | --initrd | --qemu | --plugin)
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
        ;;
    --from | --to | --timeout) return ;;
    esac
    case ${typed[1]} in
    info) words='--json' ;;
    dump) words='--type --from --to --full' ;;
    verify) words='--partial' ;;
    export) words='--format --output' ;;
    minimize)
        words='--outcome --output --timeout --kernel --initrd --qemu --plugin
            --force-build --trust'
        ;;
    esac
    if [[ $cur = -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$words --help" -- "$cur")
    else
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -X '!*.jct*' -- "$cur")
    fi
}

_jumpcut_commands='boot
run
record
replay
cut
report
info
dump
verify
diff
export
qtest
minimize
--help
--version'

_jumpcut_qtest()
{
    case $prev in
    --emit)
        mapfile -t COMPREPLY < <(compgen -W 'C qtest' -- "$cur")
        return
        ;;
    --until) return ;;
    esac
    if [[ $cur = -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$_jumpcut_qtest_options" -- "$cur")
    else
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
    fi
}

_jumpcut()
{
    local cur prev line=${COMP_LINE:0:COMP_POINT}
    # COMP_WORDS is split at "=" and ":"; our words are not.
    local -a typed
    read -ra typed <<<"$line"
    [[ $line = *[[:space:]] ]] && typed+=('')
    cur=${typed[-1]}
    prev=${typed[-2]-}
    COMPREPLY=()
    if ((${#typed[@]} <= 2)); then
        mapfile -t COMPREPLY < <(compgen -W "$_jumpcut_commands" \
            -- "$cur")
        return
    fi
    if [[ $cur = --*=* ]]; then
        prev=${cur%%=*}
        cur=${cur#*=}
    fi
    case ${typed[1]} in
    boot) _jumpcut_boot "$_jumpcut_boot_options" ;;
    record) _jumpcut_boot "$_jumpcut_record_options" ;;
    replay) _jumpcut_boot "$_jumpcut_replay_options" ;;
    run) _jumpcut_run ;;
    cut) _jumpcut_cut ;;
    info | dump | verify | diff | export | minimize) _jumpcut_trace ;;
    qtest) _jumpcut_qtest ;;
    report)
        if [[ $cur = -* ]]; then
            mapfile -t COMPREPLY < <(compgen -W '--help' -- "$cur")
        else
            compopt -o filenames
            mapfile -t COMPREPLY < <(compgen -f -X '!*.json' -- "$cur")
        fi
        ;;
    esac
    # What bash replaces starts behind the last ":" or "=" of the word.
    local last=${cur%"${cur##*[:=]}"}
    COMPREPLY=("${COMPREPLY[@]#"$last"}")
}

complete -F _jumpcut jumpcut
