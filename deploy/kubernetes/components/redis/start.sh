#!/bin/sh
# Starts Redis with the users of users.conf. The password goes by a file, and as a hash: everybody on the machine may read
# a command line. What is given to this script is given to Redis.
set -eu
umask 077
hash="$(printf %s "$REDIS_PASSWORD" | sha256sum | cut -c 1-64)"
sed "s/PASSWORD ~/#$hash ~/" "${REDIS_USERS:-/etc/folkmoot/users.conf}" >"${TMPDIR:-/tmp}/redis.conf"
exec redis-server "${TMPDIR:-/tmp}/redis.conf" "$@"
