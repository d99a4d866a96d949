#!/bin/sh
# Volumes are mounted owned by root: takes DATA_DIR over for the user `node`, then runs the command as that user,
# without a way back to root and in this very process, so that signals reach it.
set -eu
# What the process holds are words of users: when it crashes, none of it goes onto a disk.
ulimit -c 0
# Nor into a debugger: without this a SIGUSR1 opens Node's, for whoever reaches it.
export NODE_OPTIONS="--disable-sigusr1${NODE_OPTIONS:+ $NODE_OPTIONS}"
if [ "$(id -u)" = 0 ]; then
  mkdir -p "$DATA_DIR"
  chown -R node:node "$DATA_DIR"
  exec setpriv --reuid=node --regid=node --init-groups --no-new-privs -- "$@"
fi
exec "$@"
