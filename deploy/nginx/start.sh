#!/bin/sh
# What the image of nginx runs before nginx: the configuration goes where a read-only container can write.
set -eu

/etc/nginx/folkmoot/render /tmp/nginx
if [ "${TLS:-off}" != off ]; then
    /etc/nginx/folkmoot/watch /tmp/nginx &
fi
