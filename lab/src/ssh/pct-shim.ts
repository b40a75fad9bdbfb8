import { shellQuote } from '@psa/proxmox/ssh';
import { type DirectAccess, GUEST_PATH } from '../ports.ts';

/** What goes into the script of one node. */
export interface ShimSetting {
  /** Socket of the node's `PctServer`. */
  readonly socket: string;
  readonly direct: DirectAccess;
}

const SCRIPT = String.raw`#!/bin/sh
# pct of a node of the lab. Written anew at each start of the node's sshd.
# Programs in running containers are started from here, so that their streams and exit codes are untouched and it
# takes milliseconds. What needs the cluster's configuration is asked of the daemon.
fail() {
  printf '%s\n' "$2" >&2
  exit "$1"
}

# Answer: "<exit code> <bytes of output>", a line feed, the output, the errors.
ask() {
  answer=$(mktemp) || exit 255
  trap 'rm -f "$answer"' EXIT
  count=$#
  while [ "$count" -gt 0 ]; do
    set -- "$@" --url-query "arg=$1"
    shift
    count=$((count - 1))
  done
  [ "$input" = yes ] || exec </dev/null
  curl --silent --show-error --unix-socket @SOCKET@ --header 'Expect:' --upload-file - --output "$answer" \
    "$@" http://lab/pct || fail 255 'Unable to ask the lab: its daemon does not answer. Start it with "psactl lab up".'
  read -r code size <"$answer"
  tail -n +2 "$answer" | head -c "$size"
  tail -n +2 "$answer" | tail -c +$((size + 1)) >&2
  return "$code"
}

running() {
  { read -r _ <@PROBE@; } 2>/dev/null
}

# Options of push and pull may stand anywhere.
transfer() {
  perms= user= group= first= second=
  while [ $# -gt 0 ]; do
    case $1 in
      --perms | -perms) perms=$2 && shift ;;
      --user | -user) user=$2 && shift ;;
      --group | -group) group=$2 && shift ;;
      --perms=*) perms=${'$'}{1#*=} ;;
      --user=*) user=${'$'}{1#*=} ;;
      --group=*) group=${'$'}{1#*=} ;;
      -*) fail 255 "Unknown option: ${'$'}{1#--}" ;;
      *) if [ -z "$first" ]; then first=$1; else second=$1; fi ;;
    esac
    shift
  done
  [ -n "$second" ] || fail 255 '400 not enough arguments'
  case $perms in
    0x*) perms=$(printf '%o' "$perms") ;;
    *[!0-7]*) fail 255 "invalid mode: '$perms'" ;;
  esac
}

verb=$1
id=$2
input=no
case $verb in
  list)
    ask list
    exit
    ;;
  # By PVESM_SHIM and FREEZE_SHIM alone.
  pvesm | lxc-freeze | lxc-unfreeze)
    ask "$@"
    exit
    ;;
  exec | push | pull | status | unlock)
    case $id in
      '' | *[!0-9]*) fail 255 '400 Parameter verification failed.
vmid: type check ('\''integer'\'') failed - got '\'"$id'" ;;
    esac
    shift 2
    ;;
  *) fail 255 "ERROR: unknown command 'pct $verb'" ;;
esac

case $verb in
  exec)
    # What the caller has in its environment goes in, unless it is told not to (PVE::CLI::pct).
    keep=1
    case $1 in
      --keep-env | -keep-env) keep=$2 && shift 2 ;;
      --keep-env=*) keep=${'$'}{1#*=} && shift ;;
    esac
    case $keep in
      1 | on | yes | true) keep=--keep-env ;;
      0 | off | no | false) keep=--clear-env ;;
      *) fail 255 "400 Parameter verification failed.
keep-env: type check ('boolean') failed - got '$keep'" ;;
    esac
    [ "$1" != -- ] || shift
    [ $# -gt 0 ] || fail 255 'missing command'
    if running; then
      unset SSL_CERT_FILE SSL_CERT_DIR
      PATH=@PATH@
      export PATH
      exec @ATTACH@ "$keep" -- "$@"
    fi
    input=yes
    ask exec "$id" "$@"
    ;;
  push)
    transfer "$@"
    [ -f "$first" ] && [ -r "$first" ] || fail 255 "failed to open $first for reading"
    exec <"$first"
    if running; then
      # shellcheck disable=SC2016
      exec @ATTACH@ --clear-env -- sh -c '
        fail() { echo "$1" >&2; exit 255; }
        (: >>"$1") 2>/dev/null || fail "failed to create file: $1"
        [ -z "$2" ] || chmod "$2" -- "$1" || exit 255
        [ -z "$3" ] || chown "$3" -- "$1" || fail "failed to get uid for: $3"
        [ -z "$4" ] || chgrp "$4" -- "$1" || fail "failed to get gid for: $4"
        cat >"$1"' pct "$second" "$perms" "$user" "$group"
    fi
    ask push "$id"
    ;;
  pull)
    transfer "$@"
    (: >>"$second") 2>/dev/null || fail 255 "failed to create file: $second"
    [ -z "$perms" ] || chmod "$perms" -- "$second"
    [ -z "$user$group" ] || chown "$user${'$'}{group:+:$group}" -- "$second"
    if running; then
      exec @ATTACH@ --clear-env -- cat -- "$first" >"$second"
    fi
    ask pull "$id"
    ;;
  status) ask status "$id" ;;
  unlock) ask unlock "$id" ;;
esac
`;

/** `lxc-attach` as `pct exec` calls it. One whose container does not run says so in other words than LXC. */
export const ATTACH_SHIM = `#!/bin/sh
# The lab's own way in.
[ "$1" = -n ] || exec /usr/bin/lxc-attach "$@"
id=$2
keep=0
shift 2
case $1 in
  --keep-env) keep=1 && shift ;;
  --clear-env) shift ;;
esac
[ "$1" != -- ] || shift
exec "\${0%/*}/pct" exec "$id" --keep-env "$keep" -- "$@"
`;

/** `pvesm path VOLUME` of a node, which is all of `pvesm` that there is. */
export const PVESM_SHIM = `#!/bin/sh
# The lab's own: where a volume's file is on this machine.
exec "\${0%/*}/pct" pvesm "$@"
`;

/** `lxc-freeze -n ID` and `lxc-unfreeze -n ID` of a node, by which name it is called. */
export const FREEZE_SHIM = `#!/bin/sh
# The lab's own: a container stands still, or goes on.
[ "$1" = -n ] && shift
exec "\${0%/*}/pct" "\${0##*/}" "$1"
`;

/** `pct` of a node as a shell script. */
export function pctShim({ socket, direct }: ShimSetting): string {
  const withId = (text: string) => text.split('%').map(shellQuote).join('"$id"');
  return SCRIPT.replaceAll('@SOCKET@', () => shellQuote(socket))
    .replaceAll('@PROBE@', () => withId(direct.probe))
    .replaceAll('@PATH@', GUEST_PATH)
    .replaceAll('@ATTACH@', () => direct.attach.map(withId).join(' '));
}
