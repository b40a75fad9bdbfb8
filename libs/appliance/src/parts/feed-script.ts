import { RENDERED } from '../render/rendered-file.ts';
import { REPOSITORY, STANZA } from './pgbackrest-settings.ts';
import { FEED_STATE } from './standby-settings.ts';

/** On the primary's `ops`: what the standby's may ask. */
export const FEED = '/usr/local/sbin/psa-feed';

/**
 * Reads the repository for the other site, and writes nothing into it: whoever has the key can look at what the other site
 * has anyway, in its own encryption. Names come on its input and are held to what pgBackRest writes; no shell reads them.
 */
export const FEED_SCRIPT = `#!/bin/sh
# ${RENDERED}
# What the other site may ask, by ssh, for its copy of this repository:
#   log SINCE ROLE REPLAYED BEHIND   pieces of the log that are newer, and "end" with this clock; the rest is what its database says
#   copies                           files of the copies that are whole
#   infos                            the tables of contents, as a tar
#   send                             the files whose names are on its input, as a tar
set -fu
LC_ALL=C
export LC_ALL
cd ${REPOSITORY} 2>/dev/null || { echo "There is no repository here yet." >&2; exit 1; }
set -- \${SSH_ORIGINAL_COMMAND:-}
number() { case $1 in '' | *[!0-9]*) echo 0 ;; *) echo "$1" ;; esac; }
# A file has its name when it is whole.
files() { find "$1" -type f ! -name '*.tmp' ! -name '*.info' ! -name '*.info.copy' -newermt "@$2" -printf '%s %p\\n'; }
case \${1:-} in
log)
  now=$(date +%s) since=$(number "\${2:-0}") role=\${3:-none}
  case $role in *[!a-z_]*) role=none ;; esac
  [ -d archive/${STANZA} ] || { echo "There is no log here yet." >&2; exit 1; }
  files archive/${STANZA} "$since"
  # Who asks has whatever was here when it asked last.
  printf 'at %s\\nhas_until %s\\nrole %s\\nreplayed_at %s\\nbehind %s\\n' "$now" "$since" "$role" "$(number "\${4:-0}")" "$(number "\${5:-0}")" \\
    >${FEED_STATE}/standby.new && mv -f ${FEED_STATE}/standby.new ${FEED_STATE}/standby
  echo "end $now"
  ;;
copies)
  for manifest in $(find backup/${STANZA} -mindepth 2 -maxdepth 2 -name backup.manifest); do files "\${manifest%/*}" 0; done
  echo "end $(date +%s)"
  ;;
infos)
  exec tar -c archive/${STANZA}/archive.info archive/${STANZA}/archive.info.copy \\
    backup/${STANZA}/backup.info backup/${STANZA}/backup.info.copy
  ;;
send)
  # Pruned meanwhile: what is left comes, and the next round asks for what there is then.
  grep -E '^(archive|backup)/${STANZA}/[A-Za-z0-9._/@%+-]+$' | grep -vE '(^|/)\\.\\.(/|$)' |
    tar -c --no-recursion --verbatim-files-from --ignore-failed-read -T -
  ;;
*)
  echo "This is not allowed here: \${SSH_ORIGINAL_COMMAND:-}" >&2
  exit 1
  ;;
esac
`;
