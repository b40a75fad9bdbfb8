import { hostname, userInfo } from 'node:os';
import { PassThrough } from 'node:stream';
import { shellQuote } from '@psa/proxmox/ssh';
import { CliError } from '../errors.ts';
import type { OpenSite } from './site.ts';

/** The lock of drills: what they read must not be pruned meanwhile, and what is backed up meanwhile is no trouble. */
export const DRILL_LOCK = 'drill';

/** While backups are removed; who has one stay meanwhile would be told so of what is gone a moment later. */
export const PRUNE_LOCK = 'prune';

/** How often the nodes are told that the holder is still there. */
const BEAT_MS = 10_000;
/** A holder that was not heard of for so long is gone: its machine has lost its power, or the network is cut. */
const PATIENCE_SEC = 60;
const START_MS = 30_000;

/**
 * On a node: holds a lock of the kernel for as long as it is told to. It goes with this script, so nobody has to judge
 * whether a lock that is found is a dead one's. A file of the user who logs in: on a lab every node has one of its own.
 */
const HOLD = `f="$HOME/.psa-$1.lock"
exec 9>>"$f" || exit 1
if flock -n 9; then
  printf '%s' "$2" >"$f.holder"; echo held
  while read -r -t ${PATIENCE_SEC} beat && [ "$beat" != end ]; do :; done
  rm -f "$f.holder"
else
  printf 'busy %s\\n' "$(cat "$f.holder" 2>/dev/null)"
fi`;

/** A lock on one node. */
interface Held {
  readonly node: string;
  readonly state: 'held' | 'busy' | 'away';
  /** Who has it, or why nobody could be asked. */
  readonly said: string;
  release(): Promise<void>;
  /** Ends when it is no longer held. */
  readonly gone: Promise<void>;
  beat(): void;
}

/**
 * Runs `work` while no psactl on any machine holds the same lock of the cluster. It is held on more than half of the
 * nodes, so of two that cannot see each other one at most has it; and on each of them by a process that ends with psactl's
 * connection, so a psactl that is killed leaves no lock behind.
 * @param name lower-case letters: what is locked
 * @param what stands in the message of whoever comes second, as in `psactl backup run`
 * @param work its signal aborts when the lock is lost while it runs
 * @throws CliError with exit code 11 when another one has it
 */
export async function withClusterLock<T>(
  site: OpenSite,
  { name, what, signal }: { readonly name: string; readonly what: string; readonly signal: AbortSignal },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const who = `${what} (process ${process.pid} of ${userInfo().username} on ${hostname()}, since ${new Date().toISOString()})`;
  const nodes = site.site.nodes.map((node) => node.name);
  const needed = Math.floor(nodes.length / 2) + 1;
  const all = await Promise.all(nodes.map((node) => holdOn(site, node, { name, who, signal })));
  const held = all.filter(({ state }) => state === 'held');
  const release = () => Promise.all(held.map((one) => one.release()));
  signal.throwIfAborted();
  if (held.length < needed) {
    await release();
    throw refusal(all, needed);
  }
  const lost = new AbortController();
  let left = held.length;
  for (const one of held)
    void one.gone.then(() => {
      left--;
      if (left < needed)
        lost.abort(
          new CliError(`Unable to go on: the lock of the cluster was lost on ${one.node}.`, {
            why: 'Too few nodes are left that hold it, so another psactl may begin.',
            fix: 'See "psactl status", then run this again.',
          }),
        );
    });
  const beats = setInterval(() => {
    for (const one of held) one.beat();
  }, BEAT_MS);
  try {
    return await work(AbortSignal.any([signal, lost.signal]));
  } catch (error) {
    if (lost.signal.aborted && !signal.aborted) throw lost.signal.reason;
    throw error;
  } finally {
    clearInterval(beats);
    await release();
  }
}

function refusal(all: readonly Held[], needed: number): CliError {
  const busy = all.find(({ state }) => state === 'busy');
  if (busy)
    return new CliError('Unable to begin: another psactl is at work on this cluster.', {
      outcome: 'locked',
      why: busy.said === '' ? `It holds the lock on ${busy.node}.` : `It is held by ${busy.said}.`,
      fix: 'Wait until it has ended, then run this again.',
    });
  const away = all.filter(({ state }) => state === 'away');
  return new CliError(`Unable to lock the cluster: ${needed} of its nodes are needed for it.`, {
    why: away.map(({ node, said }) => `${node}: ${said}`).join('\n'),
    fix: 'Bring the nodes back, or mend the way to them (psactl doctor).',
  });
}

async function holdOn(
  { shell }: OpenSite,
  node: string,
  { name, who, signal }: { readonly name: string; readonly who: string; readonly signal: AbortSignal },
): Promise<Held> {
  const beats = new PassThrough();
  const script = `bash -c ${shellQuote(HOLD)} hold ${shellQuote(name)} ${shellQuote(who)}`;
  let said = '';
  const answer = Promise.withResolvers<string>();
  const running = shell
    .onNode(node, 'hold a lock', script, {
      stdin: beats,
      onStdout: (chunk) => {
        said += Buffer.from(chunk).toString();
        if (said.includes('\n')) answer.resolve(said.trim());
      },
    })
    .then(
      ({ code, stderr }) => answer.reject(new Error(stderr.trim() || `it ended with ${code}`)),
      (error: Error) => answer.reject(error),
    );
  const end = async () => {
    if (!beats.destroyed) beats.end('end\n');
    await running;
  };
  const timer = setTimeout(() => answer.reject(new Error('it does not answer')), START_MS);
  signal.addEventListener('abort', () => answer.reject(signal.reason), { once: true });
  try {
    const text = await answer.promise;
    const base = { node, gone: running, release: end, beat: () => void beats.write('beat\n') };
    if (text === 'held') return { ...base, state: 'held', said: '' };
    await end();
    return { ...base, state: 'busy', said: text.replace(/^busy ?/, '') };
  } catch (error) {
    beats.destroy();
    const none = async () => {};
    return { node, state: 'away', said: (error as Error).message, release: none, gone: running, beat() {} };
  } finally {
    clearTimeout(timer);
  }
}
