#!/bin/sh
# Runs PostgreSQL as the user of the host that the files should belong to. initdb wants a name for that user, which
# the image does not know: nss_wrapper, which is in it, says one.
set -eu
if ! getent passwd "$(id -u)" >/dev/null; then
    library="$(find /usr/lib -name libnss_wrapper.so -print -quit)"
    if [ -n "$library" ]; then
        printf 'postgres:x:%s:%s::/var/lib/postgresql:/bin/sh\n' "$(id -u)" "$(id -g)" >/tmp/passwd
        printf 'postgres:x:%s:\n' "$(id -g)" >/tmp/group
        export LD_PRELOAD="$library" NSS_WRAPPER_PASSWD=/tmp/passwd NSS_WRAPPER_GROUP=/tmp/group
    fi
fi
exec docker-entrypoint.sh "$@"
