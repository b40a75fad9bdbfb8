#!/bin/sh
# Runs inside the template's root once its packages and files are there.
set -eu
# Made at installation: a key that all containers would share, and links to its certificate.
rm -f /etc/ssl/private/ssl-cert-snakeoil.key /etc/ssl/certs/ssl-cert-snakeoil.pem
find /etc/ssl/certs -xtype l -delete
# Where Patroni makes the database, and what it configures itself.
install -d -o postgres -g postgres -m 0700 /var/lib/postgresql/data
install -d -o etcd -g etcd -m 0700 /var/lib/etcd
