import { RENDERED } from '../render/rendered-file.ts';
import { type ContentFile, type ContentUnit, plainFile, script } from './part.ts';
import { noteSeat } from './postgres-seat.ts';
import { POSTGRES_PORTS } from './postgres-settings.ts';

const PROGRAM = '/usr/local/sbin/psa-postgres-wake';
const SERVICE = 'psa-postgres-wake.service';
const TIMER = 'psa-postgres-wake.timer';

/**
 * A member that lost its power as primary comes back by pg_rewind, and is a replica when it has the log up to where the
 * new primary's stood then. With `archive_timeout` the log of a database that nobody writes to stands at the begin of a
 * piece; PostgreSQL 15 names that place by the end of the piece's header, which is written with the next record only. So
 * the member would be "starting" until somebody writes, and by night that is hours without a second replica.
 */
const SCRIPT = (own: string, version: number) => `#!/bin/sh
# ${RENDERED}
at=http://${own}:${POSTGRES_PORTS.patroni}
# What a member runs on is its own: where it stands is what its next start finds again.
if curl -s -m 3 -o /dev/null "$at/patroni"; then ${noteSeat(version)}; fi
# Where this member takes the writes and another one is starting, it writes a record that changes nothing: an idle log has
# none, and the other one waits for it.
curl -sf -m 3 "$at/cluster" | grep -q '"state": *"starting"' || exit 0
[ "$(curl -s -m 3 -o /dev/null -w '%{http_code}' "$at/primary")" = 200 ] || exit 0
# Without waiting for a replica: that none is there may be why.
PGOPTIONS='-c synchronous_commit=local' exec psql -X -q -d postgres -o /dev/null -c "select pg_logical_emit_message(true, 'psa', 'wake')"
`;

/** What wakes a member that waits for the log of an idle primary. */
export const wakeContents = (
  own: string,
  version: number,
): { readonly files: readonly ContentFile[]; readonly units: readonly ContentUnit[] } => ({
  files: [
    script(PROGRAM, SCRIPT(own, version)),
    plainFile(
      `/etc/systemd/system/${SERVICE}`,
      `# ${RENDERED}
[Unit]
Description=Wake members of PostgreSQL that wait for the log of an idle primary

[Service]
Type=oneshot
User=postgres
ExecStart=${PROGRAM}
TimeoutStartSec=20s
`,
    ),
    plainFile(
      `/etc/systemd/system/${TIMER}`,
      `# ${RENDERED}
[Unit]
Description=See whether members of PostgreSQL wait for the log of an idle primary

[Timer]
OnActiveSec=10s
OnUnitInactiveSec=10s
AccuracySec=1s

[Install]
WantedBy=timers.target
`,
    ),
  ],
  units: [{ name: TIMER, onChange: 'restart', paths: [`/etc/systemd/system/${TIMER}`] }],
});
