#!/bin/sh
# Installs what `make test` needs beside Python: as root on Debian what is missing, elsewhere it only says what that is.
# Tests that lack something are listed as "not run", so a failure here is reported and does not stop them.
set -u

has_postgresql() {
    command -v initdb >/dev/null 2>&1 && return 0
    for program in /usr/lib/postgresql/*/bin/initdb; do
        [ -x "$program" ] && return 0
    done
    return 1
}

missing=''
has_postgresql || missing="$missing postgresql"
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "Missing, so some tests will be listed as \"not run\":$missing (on Debian, as root: apt-get install$missing)" >&2
    exit 0
fi

export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT

install() {
    apt-get install -y --no-install-recommends "$@" >>"$log" 2>&1
}

# Debian's package starts a server of its own at once; the tests start theirs, so that one is not made.
install_postgresql() {
    settings=/etc/postgresql-common/createcluster.conf
    if [ ! -e "$settings" ]; then
        install postgresql-common || return 1
        sed -i 's/^#\{0,1\} *create_main_cluster *=.*/create_main_cluster = false/' "$settings"
    fi
    install postgresql
}

echo "Installing$missing ..."
apt-get update >>"$log" 2>&1
for name in $missing; do
    "install_$name" || {
        tail -n 15 "$log" >&2
        echo "Could not install $name; its tests will be listed as \"not run\"." >&2
    }
done
