import { RENDERED } from '../render/rendered-file.ts';
import { RESTORE_CONFIG, STANZA } from './pgbackrest-settings.ts';

/** On the repository host: has the database as it was at a moment, beside everything else. */
export const PITR = '/usr/local/sbin/psa-pitr';
/** Where what it restores stands, a folder for each name. */
export const PITR_FOLDER = '/var/lib/psa-pitr';
/** How it ends when the log does not reach as far as the moment that was asked for. */
export const PITR_TOO_LATE = 3;

/** The folder of the socket that a restored database is reached at. */
export const pitrSocket = (name: string): string => `${PITR_FOLDER}/${name}/socket`;

/** A moment as `psa-pitr start` takes it: `2026-11-30 20:55:11.256+00`. */
export const pitrTime = (at: Date): string => at.toISOString().replace('T', ' ').replace('Z', '+00');

/**
 * A database server of its own from the repository, at no address, for whoever is root or `postgres` in this container.
 * It knows neither the members nor the archive, and is no longer in recovery when `start` ends with 0.
 */
export const pitrScript = (version: number): string => `#!/bin/sh
# ${RENDERED}
# psa-pitr start NAME latest|TIME   restores the database as it was then, and starts it
# psa-pitr stop NAME                ends it, and takes it away
set -eu
what=\${1:-} name=\${2:-} moment=\${3:-}
case $name in '' | *[!a-z0-9-]*) echo "Give a name of small letters, digits and dashes." >&2; exit 2 ;; esac
root=${PITR_FOLDER}
dir=$root/$name
bin=/usr/lib/postgresql/${version}/bin
as() { setpriv --reuid=postgres --regid=postgres --init-groups "$@"; }
cd /

case $what in
start)
  install -d -m 700 -o postgres -g postgres "$root"
  if ! as mkdir -m 700 "$dir"; then
    echo "There is a database of that name. Take it away with: psa-pitr stop $name" >&2
    exit 2
  fi
  as mkdir -m 700 "$dir/data" "$dir/socket"
  # Nobody comes but by the socket, whose folder is the database's own.
  echo 'local all all trust' >"$dir/hba.conf"
  : >"$dir/ident.conf"
  if [ "$moment" = latest ]; then
    set -- --type=default
  else
    set -- --type=time "--target=$moment" --target-action=promote
  fi
  as pgbackrest --config=${RESTORE_CONFIG} --stanza=${STANZA} --pg1-path="$dir/data" --archive-mode=off "$@" restore
  # What it took over of its members' settings would have it look for them, or wait for a replica. It is thrown away,
  # so that nothing of it has to be on the disk.
  options="-c listen_addresses= -c unix_socket_directories=$dir/socket -c hba_file=$dir/hba.conf -c ident_file=$dir/ident.conf
    -c hot_standby=off -c archive_mode=off -c primary_conninfo= -c synchronous_standby_names= -c shared_buffers=64MB
    -c maintenance_work_mem=64MB -c fsync=off -c full_page_writes=off -c autovacuum=off -c logging_collector=off -c ssl=off"
  as "$bin/pg_ctl" -D "$dir/data" -s -w -t 86400 -l "$dir/log" -o "$(echo $options)" start >&2 || true
  # It takes nobody in before it has come to the end of its recovery, and is gone if it cannot.
  while as "$bin/pg_ctl" -D "$dir/data" status >/dev/null; do
    if as "$bin/pg_isready" -q -h "$dir/socket"; then exit 0; fi
    sleep 0.2
  done
  if grep -q 'recovery ended before configured recovery target was reached' "$dir/log"; then
    echo "The log in the repository ends before $moment." >&2
    exit ${PITR_TOO_LATE}
  fi
  tail -n 15 "$dir/log" >&2
  exit 1
  ;;
stop)
  [ -d "$dir" ] || exit 0
  if as "$bin/pg_ctl" -D "$dir/data" status >/dev/null 2>&1; then as "$bin/pg_ctl" -D "$dir/data" -s -m immediate stop >&2 || true; fi
  rm -rf "$dir"
  ;;
*)
  sed -n 's/^# \\(psa-pitr .*\\)/\\1/p' "$0" >&2
  exit 2
  ;;
esac
`;
