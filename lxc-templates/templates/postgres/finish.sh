#!/bin/sh
# Runs inside the template's root once its packages and files are there.
set -eu
# Made at installation: keys that all containers would share, and links to a certificate.
rm -f /etc/ssh/ssh_host_* /etc/ssl/private/ssl-cert-snakeoil.key /etc/ssl/certs/ssl-cert-snakeoil.pem
find /etc/ssl/certs -xtype l -delete
# Names of passing files that debconf has kept: others in every build.
sed -i 's|/tmp/[A-Za-z0-9.-]*|/tmp/|' /var/cache/debconf/config.dat
