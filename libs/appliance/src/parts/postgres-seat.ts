import { RENDERED } from '../render/rendered-file.ts';
import { type Place, script } from './part.ts';
import { POSTGRES_PORTS } from './postgres-settings.ts';

/** Runs before Patroni, as root. */
export const SEAT_PROGRAM = '/usr/local/sbin/psa-postgres-seat';

const dataOf = (version: number) => `/var/lib/postgresql/${version}/main`;

/** Inode and time of birth of the folder with the data, noted beside it: one that comes out of an archive has others. */
export const noteSeat = (version: number) =>
  `[ "$(cat ${dataOf(version)}.seat 2>/dev/null)" = "$(stat -c '%i %W' ${dataOf(version)})" ] || stat -c '%i %W' ${dataOf(version)} > ${dataOf(version)}.seat`;

/**
 * What a member has out of a backup of its container is no state that the others know. Was it the primary then, Patroni
 * has PostgreSQL recover it first, which writes an end of its own into the log: a second history on the same timeline,
 * which pg_rewind does not see, and with which it follows nobody. So where the others have a leader it is made anew, like
 * one without data; where they have none, it is the data.
 */
const seatScript = (version: number, others: readonly string[]) => `#!/bin/sh
# ${RENDERED}
# Before Patroni starts: sets data aside that came out of a backup, where the other members have a leader.
dir=${dataOf(version)}
[ -e "$dir/PG_VERSION" ] && [ -e "$dir.seat" ] || exit 0
[ "$(cat "$dir.seat")" != "$(stat -c '%i %W' "$dir")" ] || exit 0
for other in ${others.join(' ')}; do
  [ "$(curl -s -m 3 -o /dev/null -w '%{http_code}' "http://$other:${POSTGRES_PORTS.patroni}/leader")" = 200 ] || continue
  echo "What is here came out of a backup: making this member anew." >&2
  rm -f "$dir.seat"
  rm -rf "$dir.new"
  # psa-postgres-create takes of it what is as in the repository.
  if [ -x /usr/local/sbin/psa-postgres-create ]; then mv -T "$dir" "$dir.new"; else rm -rf "$dir"; fi
  exit 0
done
`;

/** The file of that program. */
export const seatFile = ({ inventory, container, of }: Place) =>
  script(
    SEAT_PROGRAM,
    seatScript(
      inventory.data.postgres.version,
      of('postgres').flatMap(({ id, address }) => (id === container.id ? [] : [address])),
    ),
  );
