import { RENDERED } from '../render/rendered-file.ts';
import { type ContentFile, type Place, script } from './part.ts';
import { STANZA } from './pgbackrest-settings.ts';
import { follows } from './standby-settings.ts';

const CREATE = '/usr/local/sbin/psa-postgres-create';
const LOG = '/usr/local/sbin/psa-postgres-log';

/** There while a member has not yet all of the log that the repository had; beside its data. */
const markOf = (version: number) => `/var/lib/postgresql/${version}/from-repository`;

/**
 * Makes a member of the database out of pgBackRest's repository, so that the primary need not be read for it: Patroni's
 * first method, which it calls with the way to the primary. Where it ends with another code than 0 nothing of it is left,
 * and Patroni copies the primary (its second method, `pg_basebackup`).
 *
 * What is restored stands beside the place of the data and is moved there when it is whole: whoever is killed goes on with
 * it (`--delta`), as a member that is made anew by "patronictl reinit" does with what it had.
 */
const createScript = (version: number) => `#!/bin/sh
# ${RENDERED}
# psa-postgres-create --datadir=DIR --connstring=PRIMARY   makes this member out of the repository; else says why not
set -u
LC_ALL=C
export LC_ALL
dir= primary=
for word; do
  case $word in
  --datadir=*) dir=\${word#*=} ;;
  --connstring=*) primary=\${word#*=} ;;
  esac
done
[ -n "$dir" ] && [ -n "$primary" ] || { sed -n 's/^# \\(psa-postgres-create .*\\)/\\1/p' "$0" >&2; exit 2; }
new=$dir.new mark=${markOf(version)}
mkdir -p "\${dir%/*}"
cd "\${dir%/*}" || exit 1
no() {
  echo "Not from the repository: $1" >&2
  rm -rf "$new" "$mark"
  exit 1
}

# Patroni's end is not that of what it has started: who is still at work is waited for.
exec 9>>"$dir.lock"
waited=
flock -n 9 || { flock 9; waited=yes; }
if [ -e "$mark" ] && [ ! -e "$new" ]; then
  [ -z "$waited" ] || [ ! -e "$dir/global/pg_control" ] || exit 0
  no 'a member that was made of it did not find its way into the cluster.'
fi

# The newest copy, by one line for each fact of it.
info=$(timeout 60 pgbackrest --stanza=${STANZA} --output=json info 2>&1) || no "it does not answer: $(echo "$info" | tail -n 1 | cut -c 1-300)"
newest() { printf '%s' "$info" | grep -oE "\\"$1\\":$2" | tail -n 1 | sed 's/^[^:]*://; s/"//g'; }
label=$(newest label '"[^"]+"') start=$(newest start '"[0-9A-F]{24}"') archive=$(newest id '"[0-9]+-[0-9]+"')
# pgBackRest's own word for what it cannot ask; it ends with 0 then, too.
[ "$(newest message '"[^"]+"')" != other ] || no "it does not answer: $(printf '%s' "$info" | grep -oE '"message":"[^"]+"' | head -n 1 | cut -c 12-300)"
[ -n "$label" ] && [ -n "$start" ] && [ -n "$archive" ] || no 'it has no copy yet.'
[ "$(newest error '[a-z]+')" = false ] || no "its newest copy, $label, has damaged pages."

# One of another database would never be let in.
own=$(timeout 15 psql -X -A -t -d "$primary replication=true" -c IDENTIFY_SYSTEM 2>&1) || no "the primary does not answer: $own"
[ "\${own%%|*}" = "$(newest system-id '[0-9]+')" ] || no 'it is that of another database.'

# Where a piece of the log is missing nobody gets past it. By their numbers (256 to one of the middle part), for a piece in
# which another member took over stands there for both timelines.
pieces=$(timeout 300 pgbackrest repo-ls --recurse "archive/${STANZA}/$archive" 2>/dev/null |
  sed -n 's|.*/[0-9A-F]\\{8\\}\\([0-9A-F]\\{16\\}\\)-.*|\\1|p' | sort -u | awk -v from="x\${start#????????}" '"x" $0 >= from')
number() { echo $((0x\${1%????????} * 256 + 0x\${1#????????})); }
first=$(echo "$pieces" | head -n 1) last=$(echo "$pieces" | tail -n 1)
[ "$first" = "\${start#????????}" ] && [ "$(echo "$pieces" | wc -l)" = $(($(number "$last") - $(number "$first") + 1)) ] ||
  no "a piece of the log is missing behind its newest copy, $label."

: >"$mark"
[ -e "$new" ] || [ ! -e "$dir" ] || mv -T "$dir" "$new" || no "unable to set $dir aside."
# Cut off before it had begun to restore: of no use, and in the way.
[ -e "$new/PG_VERSION" ] || [ -e "$new/backup.manifest" ] || rm -rf "$new"
delta=
[ ! -e "$new" ] || delta=--delta
# Of a server that lost its power; it is no longer where it could be started.
rm -f "$new/postmaster.pid"
/usr/bin/pgbackrest --stanza=${STANZA} --pg1-path="$new" --set="$label" $delta --type=none restore || no "copy $label did not restore."
rm -rf "$dir"
mv -T "$new" "$dir" || no "unable to put it into its place."
`;

/**
 * Gives a member that was made out of the repository the log from there, for what the primary has no longer of it. Where
 * it ends the primary's begins, and from then on nobody asks the repository: while it is away every failover would wait.
 */
const logScript = (version: number) => `#!/bin/sh
# ${RENDERED}
# psa-postgres-log NAME TO   PostgreSQL's restore_command
mark=${markOf(version)}
[ -e "$mark" ] || exit 1
timeout 60 pgbackrest --stanza=${STANZA} archive-get "$1" "$2"
code=$?
case $1 in *.history) ;; *) [ "$code" != 1 ] || rm -f "$mark" ;; esac
exit "$code"
`;

/** How Patroni makes further members where there is a repository that this site fills itself: files and settings. */
export function createContents({ inventory, secrets, of }: Place): {
  readonly files: readonly ContentFile[];
  /** For `postgresql` in Patroni's own settings. */
  readonly settings: Readonly<Record<string, unknown>>;
} {
  const { version } = inventory.data.postgres;
  if (of('ops').length === 0 || follows(secrets)) return { files: [], settings: {} };
  return {
    files: [script(CREATE, createScript(version)), script(LOG, logScript(version))],
    settings: {
      create_replica_methods: ['pgbackrest', 'basebackup'],
      // A whole cluster without data is not brought back by itself: somebody decides to which moment.
      pgbackrest: { command: CREATE, keep_data: true },
      recovery_conf: { restore_command: `${LOG} %f "%p"` },
    },
  };
}
