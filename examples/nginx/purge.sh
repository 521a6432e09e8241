#!/bin/sh
# Removes from nginx's cache what carries one of these tags (Cache-Tag): purge.sh src-0123456789abcdef tag-dog
# nginx takes a missing file for a miss. Reads the whole cache once, however many tags.
set -eu
folder=${DARKROOM_NGINX_CACHE:-/var/cache/nginx-darkroom}
[ $# -gt 0 ] || { echo "usage: purge.sh TAG..." >&2; exit 2; }
for tag in "$@"; do
  case $tag in
    '' | *[!a-z0-9_.:-]*) echo "purge.sh: no tag: $tag" >&2; exit 2 ;;
  esac
done
tags=$(IFS='|'; echo "$*")
export LC_ALL=C
grep -rlaZiE "^cache-tag:(.*[ ,])?($tags)(,|[[:space:]]*\$)" "$folder" | xargs -0 -r rm -fv --
