import { RENDERED } from '../render/rendered-file.ts';
import { REPOSITORY, STANZA } from './pgbackrest-settings.ts';
import { POSTGRES_PORTS } from './postgres-settings.ts';
import { FOLLOW_SECONDS, FOLLOW_STATE } from './standby-settings.ts';

/** The other site's edge, as ssh knows it here. */
export const FEED_HOST = 'psa-feed';
/** Files that are asked for at once: what has come when the line is cut is kept, so many at a time. */
const CHUNK = 64;

/** What a follower needs to know. */
export interface FollowFacts {
  /** Addresses of the members of the database here. */
  readonly members: readonly string[];
  /** What the other site has no longer goes so many days after it has come. */
  readonly keepDays: number;
}

/**
 * Brings the other site's repository, and never writes over what is here nor removes it because it is gone there: whoever
 * empties the other one has emptied only that.
 */
export const followScript = ({ members, keepDays }: FollowFacts): string => `#!/bin/sh
# ${RENDERED}
# psa-follow log [once]      the pieces of the database's log, every ${FOLLOW_SECONDS.log} s
# psa-follow copies [once]   the copies that it goes on from, every ${FOLLOW_SECONDS.copies} s
# psa-follow state           how far both are
set -u
LC_ALL=C
export LC_ALL
repo=${REPOSITORY} state=${FOLLOW_STATE} members='${members.join(' ')}' keep_days=${keepDays}
what=\${1:-}
work=$state/$what.work
ask() { timeout "$1" ssh ${FEED_HOST} "$2" 2>"$work/said"; }
number() { sed -n "s/^$2 \\([0-9][0-9]*\\)$/\\1/p" "$1" 2>/dev/null | tail -n 1; }

# Ends a round that went wrong; what it has brought stays.
fail() {
  why=$(printf '%s %s' "$1" "$(head -c 300 "$work/said" 2>/dev/null)" | tr -s '[:space:]' ' ')
  since=$(number "$state/$what" failing_since)
  grep -v '^failing' "$state/$what" >"$state/$what.new" 2>/dev/null
  printf 'failing_since %s\\nfailing %s\\n' "\${since:-$(date +%s)}" "$why" >>"$state/$what.new" &&
    mv -f "$state/$what.new" "$state/$what"
  echo "$why" >&2
  return 1
}

# "standby_leader 1796040000 0": what the database here says, the time of the last commit that it has, and the bytes of
# the log that are here and not yet in it. Pieces are of 16 MiB, 256 to a number of their name's middle part.
position() {
  newest=$(sed -n 's/^newest \\([0-9A-F]\\{24\\}\\)$/\\1/p' "$state/log" 2>/dev/null)
  for member in $members; do
    said=$(curl -s -m 2 "http://$member:${POSTGRES_PORTS.patroni}/patroni" | tr -d '\\n') || continue
    role=$(printf '%s' "$said" | sed -n 's/.*"role": *"\\([a-z_]*\\)".*/\\1/p')
    case $role in standby_leader | master | primary) ;; *) continue ;; esac
    stamp=$(printf '%s' "$said" | sed -n 's/.*"replayed_timestamp": *"\\([^"]*\\)".*/\\1/p')
    at_byte=$(printf '%s' "$said" | sed -n 's/.*"replayed_location": *\\([0-9]*\\).*/\\1/p')
    behind=0
    if [ -n "$newest" ] && [ -n "$at_byte" ]; then
      low=\${newest#????????????????} middle=\${newest%????????}
      behind=$(((0x\${middle#????????} * 256 + 0x$low + 1) * 16777216 - at_byte))
      [ "$behind" -gt 0 ] || behind=0
    fi
    echo "$role $( ([ -n "$stamp" ] && date -d "$stamp" +%s 2>/dev/null) || echo 0) $behind"
    return
  done
  echo 'none 0 0'
}

here() { find "$repo/$1" -type f -printf "%s $1/%P\\n" 2>/dev/null | sort; }

# Brings what of a list is not here: a few at a time, into their places when they are whole and on the disk.
bring() {
  here "$1" >"$work/have"
  sort "$work/list" | comm -23 - "$work/have" | sort -k 2 >"$work/want"
  # Of the same name and another size: nothing is written over.
  cut -d ' ' -f 2- "$work/have" | sort >"$work/names"
  other=$(cut -d ' ' -f 2- "$work/want" | sort | comm -12 - "$work/names" | head -n 1)
  [ -z "$other" ] || { : >"$work/said"; fail "$other is another one there than here: this is no longer the same database's log."; return 1; }
  rm -f "$work"/part.*
  split -l ${CHUNK} -a 6 "$work/want" "$work/part." || return 1
  for part in "$work"/part.*; do
    [ -e "$part" ] || break
    rm -rf "$work/in" && mkdir "$work/in" || return 1
    cut -d ' ' -f 2- "$part" >"$work/asked"
    { ask 86400 send <"$work/asked" | tar -x -m --no-same-owner --no-same-permissions -C "$work/in" 2>"$work/tar"; } ||
      { cat "$work/tar" >>"$work/said"; fail "Unable to bring $(head -n 1 "$work/asked"):"; return 1; }
    [ -z "$(find "$work/in" ! -type f ! -type d)" ] || { fail 'What came is no plain file.'; return 1; }
    sync -f "$work/in"
    while read -r size name; do
      [ "$(stat -c %s "$work/in/$name" 2>/dev/null)" = "$size" ] || continue
      mkdir -p "$repo/\${name%/*}" && mv -n "$work/in/$name" "$repo/$name" || { : >"$work/said"; fail "Unable to put $name into its place."; return 1; }
    done <"$part"
  done
  rm -rf "$work/in" "$work"/part.*
  here "$1" >"$work/have"
  missing=$(sort "$work/list" | comm -23 - "$work/have" | head -n 1)
  [ -z "$missing" ] || { : >"$work/said"; fail "\${missing#* } has not come: it is asked for again."; return 1; }
}

# The list of a question, whole: its last line says so.
list() {
  ask 120 "$1" >"$work/answer" || { fail 'The other site does not answer:'; return 1; }
  end=$(tail -n 1 "$work/answer" | sed -n 's/^end \\([0-9]*\\)$/\\1/p')
  [ -n "$end" ] || { fail 'The list of the other site is cut off.'; return 1; }
  sed '$d' "$work/answer" | grep -E '^[0-9]+ (archive|backup)/${STANZA}/[A-Za-z0-9._/@%+-]+$' | grep -vE '/\\.\\.?(/|$)' >"$work/list"
  return 0
}

log_round() {
  # Pieces are written at once and not in their order; an hour's are looked for again, and now and then all.
  at=$(date +%s) from=0
  since=$(number "$state/log" has_until) whole=$(number "$work/whole" at)
  [ -n "$since" ] && [ -n "$whole" ] && [ $((at - whole)) -lt 21600 ] && [ "$since" -gt 3600 ] && from=$((since - 3600))
  list "log $from $(position)" || return 1
  until=$end
  bring archive || return 1
  [ "$from" != 0 ] || echo "at $at" >"$work/whole"
  newest=$(find "$repo/archive/${STANZA}" -type f -name '[0-9A-F]*-*' -printf '%f\\n' 2>/dev/null | sort | tail -n 1 | cut -c 1-24)
  printf 'at %s\\nhas_until %s\\nnewest %s\\n' "$at" "$until" "$newest" >"$state/log.new" && mv -f "$state/log.new" "$state/log"
}

copies_round() {
  at=$(date +%s)
  rm -rf "$work/infos" && mkdir "$work/infos" || return 1
  # The tables of contents first: what they name is whole by now.
  { ask 60 infos | tar -x -m --no-same-owner -C "$work/infos" 2>"$work/tar"; } ||
    { fail 'The other site gives no table of contents:'; return 1; }
  list copies || return 1
  [ -s "$work/list" ] || { : >"$work/said"; fail 'The other site has no copy of the database yet.'; return 1; }
  cp "$work/list" "$work/there"
  bring backup || return 1
  for name in archive/${STANZA}/archive.info archive/${STANZA}/archive.info.copy backup/${STANZA}/backup.info backup/${STANZA}/backup.info.copy; do
    [ -s "$work/infos/$name" ] || { : >"$work/said"; fail "The other site gave no $name."; return 1; }
    cmp -s "$work/infos/$name" "$repo/$name" && continue
    mkdir -p "$repo/\${name%/*}" "$state/infos" || return 1
    # What it was stays: with it an older copy is found again, whatever the other site has become.
    [ ! -e "$repo/$name" ] || cp -p "$repo/$name" "$state/infos/\${name##*/}.$at" || return 1
    sync -f "$work/infos" && mv -f "$work/infos/$name" "$repo/$name" || { : >"$work/said"; fail "Unable to put $name into its place."; return 1; }
  done
  printf 'at %s\\nhas_until %s\\ncopies %s\\n' "$at" "$end" "$(cut -d / -f 3 "$work/there" | sort -u | grep -c '^[0-9]')" >"$state/copies.new" &&
    mv -f "$state/copies.new" "$state/copies"
  tidy
}

# Once a day: what is no longer there, and has been here for long. An empty list takes nothing away.
tidy() {
  [ -n "$(find "$work/tidied" -mtime -1 2>/dev/null)" ] && return 0
  list "log 0 $(position)" && [ -s "$work/list" ] || return 1
  cat "$work/there" >>"$work/list"
  cut -d ' ' -f 2- "$work/list" | sort -u >"$work/names"
  (cd "$repo" && find archive backup -type f ! -name '*.info' ! -name '*.info.copy' -mtime "+$keep_days" 2>/dev/null) | sort |
    comm -23 - "$work/names" | while read -r name; do rm -f "$repo/$name"; done
  find "$state/infos" -type f -mtime "+$keep_days" -exec rm -f {} + 2>/dev/null
  : >"$work/tidied"
}

case $what in
log | copies)
  mkdir -p "$work" || exit 1
  # One at a time: a failover asks once more beside the unit.
  exec 9>"$work/lock"
  [ "\${2:-}" = once ] && pause='' || pause=$([ "$what" = log ] && echo ${FOLLOW_SECONDS.log} || echo ${FOLLOW_SECONDS.copies})
  while :; do
    flock -w 60 9 || exit 1
    rm -f "$work/said"
    "\${what}_round"
    code=$?
    flock -u 9
    [ -n "$pause" ] || exit "$code"
    # After a failure it asks again soon.
    [ "$code" = 0 ] && sleep "$pause" || sleep ${FOLLOW_SECONDS.log}
  done
  ;;
state)
  for one in log copies; do sed "s/^/$one./" "$state/$one" 2>/dev/null; done
  set -- $(position)
  printf 'now %s\\nrole %s\\nreplayed_at %s\\nbehind %s\\nfree %s\\n' "$(date +%s)" "$1" "$2" "$3" "$(($(df -Pk "$repo" | awk 'NR == 2 { print $4 }') * 1024))"
  ;;
*)
  sed -n 's/^# \\(psa-follow .*\\)/\\1/p' "$0" >&2
  exit 2
  ;;
esac
`;
