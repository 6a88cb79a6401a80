#!/bin/sh
# Runs a Node under another umask: Node itself can only change its own.
umask "$UMASK"
exec "$REAL_NODE" "$@"
