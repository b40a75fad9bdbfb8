#!/bin/sh
# Runs inside the template's root once its packages and files are there.
set -eu
groupadd --gid 990 psa
useradd --uid 990 --gid 990 --home-dir /var/lib/psa --no-create-home --shell /usr/sbin/nologin \
  --comment PSA-Platform psa
# Nobody signs in: commands come by the host.
passwd --lock root
systemctl set-default multi-user.target
