#!/bin/sh
# Runs inside the template's root once its packages and files are there.
set -eu
# What was drained outlasts a reload. HAProxy warns at its first start when the file is not there.
touch /var/lib/haproxy/server-state
