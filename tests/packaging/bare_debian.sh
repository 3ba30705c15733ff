#!/bin/bash
# Proof that a bare Debian 12 with git, make and python3-venv is enough for `make test`: first with the network,
# then a second time without, then `make demo` for a minute, then from a wheelhouse in a fresh clone without. Needs root,
# mmdebstrap, iproute2, and about 2 GB in SCRATCH.
#
#     tests/packaging/bare_debian.sh [--bind DIR]... SCRATCH
#
# pip inside is set up as pip outside: /etc/pip.conf, PIP_* and the CA bundle are carried in. --bind shows a folder of
# this machine inside under the same name, for a local package index that the settings point at.
set -euo pipefail

binds=()
while [[ ${1-} == --bind ]]; do
    binds+=("$(realpath "$2")")
    shift 2
done
[[ $# == 1 && $EUID == 0 ]] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2; }
scratch=$(realpath -m "$1")
tree=$(cd "$(dirname "$0")/../.." && pwd)
root=$scratch/bookworm

if [[ ! -e $root/ready ]]; then
    rm -rf "$root"
    mkdir -p "$scratch"
    mmdebstrap --quiet --variant=minbase --include=git,make,python3-venv,ca-certificates bookworm "$root"
    chroot "$root" useradd --create-home camp
    [[ -e /etc/pip.conf ]] && cp /etc/pip.conf "$root/etc/"
    cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
    cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
    touch "$root/ready"
fi

# The mounts live in a namespace of their own and go with it.
inside() {  # inside [--net] COMMAND...: as user camp in the bare system; --net takes the network away
    local net=()
    [[ $1 == --net ]] && { net=(--net); shift; }
    unshare --mount --pid --fork --kill-child "${net[@]}" bash -euc '
        root=$1 net=$2 count=$3; shift 3
        [[ $net ]] && ip link set lo up
        mount -t proc proc "$root/proc"
        mount --rbind /dev "$root/dev"
        mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"  # no terminals of other processes
        mkdir -p "$root/sys"
        mount -t sysfs -o ro sysfs "$root/sys"
        while ((count--)); do mkdir -p "$root$1"; mount --bind "$1" "$root$1"; shift; done
        exec env -i HOME=/home/camp PATH=/usr/bin:/bin LANG=C.UTF-8 "${@:1:$#-1}" \
            /usr/sbin/chroot --userspec=camp:camp "$root" /bin/sh -ec "${!#}"
    ' bash "$root" "${net[*]}" "${#binds[@]}" "${binds[@]}" $(env | grep ^PIP_ || true) "$*"
}

clone() {  # clone NAME: the committed tree
    rm -rf "${root:?}/home/camp/$1"
    git clone --quiet --no-hardlinks "$tree" "$root/home/camp/$1"
    chown -R --reference="$root/home/camp" "$root/home/camp/$1"
}

step() {  # step NAME COMMAND...: run, and say how long it took
    local name=$1 from=$SECONDS
    shift
    echo "== $name"
    "$@"
    echo "== $name: passed in $((SECONDS - from)) s"
}

clone first
step "first run" inside 'cd ~/first && make test'
step "second run, network off" inside --net 'cd ~/first && make test'
step "demo, network off" inside --net 'cd ~/first && DEMO_SECONDS=60 make demo </dev/null'
step "wheelhouse" inside 'cd ~/first && make wheelhouse WHEELHOUSE=$HOME/wheels'
clone second
step "from the wheelhouse, network off" inside --net 'cd ~/second && WHEELHOUSE=$HOME/wheels make test'
