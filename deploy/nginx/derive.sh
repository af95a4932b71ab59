# What follows from the variables: read by `render`, which has checked them.

private='127.0.0.0/8 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 ::1 fc00::/7'
each() { # FORMAT LIST: one line for each part of a list with commas or spaces between
    for part in $(echo "$2" | tr ',' ' '); do
        [ "$part" != private ] || { each "$1" "$private"; continue; }
        # shellcheck disable=SC2059 # the format is ours
        printf "$1\n" "$part"
    done
}

listens() { # ADDRESS-OR-PORT [MORE]: with a port alone, on IPv4 and, where the machine has it, on IPv6
    case $1 in
        *:*) echo "listen $1$2;" ;;
        *)
            echo "listen $1$2;"
            [ ! -e /proc/net/if_inet6 ] || echo "listen [::]:$1$2;"
            ;;
    esac
}

# nginx looks names up by itself, and knows neither /etc/hosts nor the search domains of resolv.conf. On Kubernetes a
# short name needs the first of them; elsewhere the name server knows it as it is.
searched=$(awk '$1 == "search" || $1 == "domain" { print $2; exit }' "$resolv_conf" 2> /dev/null || true)
whole() { # HOST:PORT
    case $1 in
        localhost:*) echo "127.0.0.1:${1#*:}" ;;
        *.* | \[*) echo "$1" ;;
        *) case $searched in *.svc.*) echo "${1%:*}.$searched:${1##*:}" ;; *) echo "$1" ;; esac ;;
    esac
}
API_UPSTREAM=$(whole "$API_UPSTREAM")
WS_UPSTREAM=$(whole "$WS_UPSTREAM")
APP_UPSTREAM=${APP_UPSTREAM:+$(whole "$APP_UPSTREAM")}
DB_UPSTREAM=${DB_UPSTREAM:+$(whole "$DB_UPSTREAM")}

if [ -n "$RESOLVER" ]; then
    RESOLVERS=$(echo "$RESOLVER" | tr ',' ' ')
else
    RESOLVERS=$(awk '$1 == "nameserver" { sub(/%.*/, "", $2); print ($2 ~ /:/) ? "[" $2 "]" : $2 }' "$resolv_conf" 2> /dev/null | tr '\n' ' ')
fi
[ -n "${RESOLVERS% }" ] || fail "RESOLVER is not set, and $resolv_conf names no name server."

# Which of the templates are used.
PAGE=page-files
[ -z "$APP_UPSTREAM" ] || PAGE=page-vite
DATABASE=database-none
[ -z "$DB_UPSTREAM" ] || DATABASE=database-adminer
DB_ALLOWED=$(each '    allow %s;' "$DB_ALLOW")
DB_SERVER=$(echo "$ADMINER_DEFAULT_SERVER" | sed 's/\./\\./g')

SERVER_NAMES=$(echo "$SERVER_NAME" | tr ',' ' ')
STRANGERS=strangers-none
[ "$SERVER_NAMES" = _ ] || STRANGERS=strangers

PROXIES=$(each 'set_real_ip_from %s;' "$TRUSTED_PROXIES")
PROXY_TABLE=$(each '    %s 1;' "$TRUSTED_PROXIES")

case $LOG_ADDRESSES in
    full) LOGGED_CLIENT='"client.ip":"$remote_addr",' ;;
    network) LOGGED_CLIENT='"client.ip":"$client_network",' ;;
    none) LOGGED_CLIENT='' ;;
esac

# HTTPS.
CERTIFICATE=$TLS_FOLDER/fullchain.pem
KEY=$TLS_FOLDER/privkey.pem
readable() { [ -r "$CERTIFICATE" ] && [ -r "$KEY" ]; }
case $TLS in
    off) SERVERS=servers-plain ;;
    own) readable || fail "TLS=own needs $CERTIFICATE and $KEY, both readable for uid $(id -u)."; SERVERS=servers-tls ;;
    acme) if readable; then SERVERS=servers-tls; else SERVERS=servers-challenge; fi ;;
esac
HTTPS_PORT=":$TLS_PORT"
[ "$TLS_PORT" != 443 ] || HTTPS_PORT=''

# `http2 on` came with 1.25.1; before, it was a word of `listen`. A nginx that is not there says so itself.
version=$("${NGINX_BINARY:-nginx}" -v 2>&1 | sed -n 's,.*/\([0-9]*\)\.\([0-9]*\)\.\([0-9]*\).*,\1 \2 \3,p' | awk '{ print $1 * 1000000 + $2 * 1000 + $3 }')
if [ "${version:-0}" -ge 1025001 ]; then
    HTTP2='http2 on;'
    LISTENS_TLS=$(listens "$LISTEN_TLS" ' ssl')
else
    HTTP2=''
    LISTENS_TLS=$(listens "$LISTEN_TLS" ' ssl http2')
fi
if [ "${version:-0}" -ge 1027003 ]; then
    CONNECTIONS_BEHIND=connections-kept HOP=''
else
    CONNECTIONS_BEHIND=connections-fresh HOP=close
fi
LISTENS=$(listens "$LISTEN" '')
LISTENS_HEALTH=$(listens "$LISTEN_HEALTH" '')
LISTENS_STRANGERS=$LISTENS TLS_OF_STRANGERS=''
[ "$SERVERS" != servers-tls ] || LISTENS_STRANGERS="$LISTENS $LISTENS_TLS" TLS_OF_STRANGERS='include tls.conf;'

# Brotli is a module that the public image does not have; where it is, compressed files of that kind are sent.
BROTLI_MODULE='' BROTLI=''
for module in "${NGINX_MODULES:-/usr/lib/nginx/modules}"/ngx_http_brotli_static_module.so; do
    [ ! -e "$module" ] || BROTLI_MODULE="load_module $module;" BROTLI='brotli_static on;'
done

SOCKET_LIFE=$((API_WEBSOCKET_TIMEOUT + SOCKET_SILENCE))
FILES=$(ulimit -Hn)
[ "$FILES" != unlimited ] && [ "$FILES" -le 1048576 ] || FILES=1048576
RUN=$(CDPATH='' cd "$(dirname "$out")" && pwd)/$(basename "$out")

names="$names RESOLVERS PAGE DATABASE DB_ALLOWED DB_SERVER SERVER_NAMES STRANGERS PROXIES PROXY_TABLE CERTIFICATE KEY"
names="$names SERVERS HTTPS_PORT HTTP2 LISTENS LISTENS_TLS LISTENS_HEALTH LISTENS_STRANGERS TLS_OF_STRANGERS LOGGED_CLIENT CONNECTIONS_BEHIND HOP BROTLI_MODULE BROTLI SOCKET_LIFE FILES RUN"
