#!/bin/sh
# Runs nginx with gte.conf as a plain process in the foreground, for a test:
#   start.sh DIR SOCKET HTTP_PORT HTTPS_PORT [OPTION OF nginx]...
# DIR holds index.html and gte-tokens.conf, and gets all that nginx writes, a certificate for
# localhost (gte.crt), and metrics.sock, which stands for port 8765. SOCKET is the Unix socket where
# gted serves HTTP. The option -t only checks.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
dir=$(cd "$1" && pwd) socket=$2 http=$3 https=$4
shift 4
rm -f "$dir/metrics.sock"  # nginx removes it only if it ends in order.
cp "$here/nginx.conf" "$dir"
sed -e "s|/run/gte/http.sock|$socket|" \
    -e "s|listen 80;|listen 127.0.0.1:$http;|" \
    -e "s|listen 127.0.0.1:8765;|listen unix:$dir/metrics.sock;|" \
    -e "s|listen 443 |listen 127.0.0.1:$https |" \
    -e "s|/etc/ssl/|$dir/|" -e "s|/var/log/nginx/|$dir/|" -e "s|/usr/share/gte;|$dir;|" \
    "$here/gte.conf" >"$dir/gte.conf"
[ -e "$dir/gte.crt" ] || openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
    -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 \
    -keyout "$dir/gte.key" -out "$dir/gte.crt" 2>/dev/null
exec nginx -p "$dir" -c nginx.conf -e stderr "$@"
