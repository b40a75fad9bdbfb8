import { AsyncLocalStorage } from 'node:async_hooks';

const current = new AsyncLocalStorage<number>();

/** The program of a task's worker: it leads a process group, and ends when nobody writes to it any more. */
export const LEAD: readonly [string, ...string[]] = ['perl', '-e', 'setpgrp(0, 0); <STDIN>'];

/**
 * Becomes a member of a group, which its worker may not have made yet, with its leader's priority and policy (proc(5):
 * the 41st of its numbers, 5 is SCHED_IDLE), as what the worker itself
 * starts would have; of one that is gone nothing can be a member.
 */
const JOIN = `my $group = shift;
for (1 .. 200) { last if setpgrp(0, $group) || !kill(0, $group); select(undef, undef, undef, 0.01) }
setpriority(0, 0, getpriority(0, $group)) if kill(0, $group);
if (open(my $stat, '<', "/proc/$group/stat")) {
  my (undef, $rest) = split(/\\) /, <$stat>, 2);
  unshift @ARGV, 'chrt', '--idle', '0' if (split(' ', $rest))[38] == 5;
}
exec { $ARGV[0] } @ARGV or die "$ARGV[0]: $!\n"`;

/** What of this work is started by {@link ofTask} belongs to a worker's process group; undefined: to none. */
export const inGroup = <T>(worker: number | undefined, work: () => T): T =>
  worker === undefined ? work() : current.run(worker, work);

/**
 * A program as a task's worker starts it: a member of its process group, as on a real node. Who lowers the group's priority
 * lowers that of tar and zstd, whether they run already or not.
 */
export function ofTask(argv: readonly [string, ...string[]]): readonly [string, ...string[]] {
  const group = current.getStore();
  return group === undefined ? argv : ['perl', '-e', JOIN, String(group), ...argv];
}
