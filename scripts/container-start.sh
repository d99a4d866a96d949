#!/bin/sh
# Volumes are mounted owned by root: takes DATA_DIR over for the user `node`, then runs the command as that user,
# without a way back to root and in this very process, so that signals reach it.
set -eu
if [ "$(id -u)" = 0 ]; then
  mkdir -p "$DATA_DIR"
  chown -R node:node "$DATA_DIR"
  exec setpriv --reuid=node --regid=node --init-groups --no-new-privs -- "$@"
fi
exec "$@"
