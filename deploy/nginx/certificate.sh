# Which certificate there is: read by `render`, which notes it beside the configuration, and by `watch`, which looks
# whether it is another by now.

certificate() {
    cat "${TLS_FOLDER:-/etc/nginx/tls}/fullchain.pem" "${TLS_FOLDER:-/etc/nginx/tls}/privkey.pem" 2> /dev/null | cksum
}
noted=certificate.cksum
