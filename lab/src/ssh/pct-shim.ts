/** How a node's shell gets into a running container without asking the daemon. `%` stands for the id. */
export interface DirectAccess {
  /** A file that has a line as long as the container runs. */
  readonly probe: string;
  /** Command that runs what follows it in the container. */
  readonly attach: readonly string[];
}

/** What goes into the script of one node. */
export interface ShimSetting {
  /** Socket of the node's `PctServer`. */
  readonly socket: string;
  /** Null: every call is the daemon's. */
  readonly direct: DirectAccess | null;
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
    case $1 in
      --keep-env | -keep-env) shift 2 ;;
      --keep-env=*) shift ;;
    esac
    [ "$1" != -- ] || shift
    [ $# -gt 0 ] || fail 255 'missing command'
    if running; then
      exec @ATTACH@ "$@"
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
      exec @ATTACH@ sh -c '
        fail() { echo "$1" >&2; exit 255; }
        (: >>"$1") 2>/dev/null || fail "failed to create file: $1"
        [ -z "$2" ] || chmod "$2" -- "$1" || exit 255
        [ -z "$3" ] || chown "$3" -- "$1" || fail "failed to get uid for: $3"
        [ -z "$4" ] || chgrp "$4" -- "$1" || fail "failed to get gid for: $4"
        cat >"$1"' pct "$second" "$perms" "$user" "$group"
    fi
    input=yes
    ask push "$id" "$second" "$perms" "$user" "$group"
    ;;
  pull)
    transfer "$@"
    (: >>"$second") 2>/dev/null || fail 255 "failed to create file: $second"
    [ -z "$perms" ] || chmod "$perms" -- "$second"
    [ -z "$user$group" ] || chown "$user${'$'}{group:+:$group}" -- "$second"
    if running; then
      exec @ATTACH@ cat -- "$first" >"$second"
    fi
    ask pull "$id" "$first" >"$second"
    ;;
  status) ask status "$id" ;;
  unlock) ask unlock "$id" ;;
esac
`;

/** `pct` of a node as a shell script. */
export function pctShim({ socket, direct }: ShimSetting): string {
  const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
  const withId = (text: string) => text.split('%').map(quoted).join('"$id"');
  return SCRIPT.replaceAll('@SOCKET@', () => quoted(socket))
    .replaceAll('@PROBE@', () => (direct ? withId(direct.probe) : '/nonexistent'))
    .replaceAll('@ATTACH@', () => (direct ? direct.attach.map(withId).join(' ') : 'false'));
}
