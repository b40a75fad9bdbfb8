import type { Container } from '@psa/appliance/inventory/expand';
import type { Answer } from '@psa/appliance/parts/part';
import { partOf } from '@psa/appliance/parts/parts';
import type { ObservedInside } from '@psa/appliance/plan/observed';
import { OPS_UNMARKED } from '@psa/appliance/plan/ops-mark';
import { OPS_MARK_FILE } from '@psa/appliance/render/timers';
import type { Cluster } from './cluster.ts';

/** Programs of the templates are called by their path: PATH is whoever's who runs the command. */
export const PSA_CONFIG = '/usr/local/sbin/psa-config';
export const PSA_RELEASE = '/usr/local/sbin/psa-release';

/** What a container says, and what its data part's probe does. */
export interface Look {
  readonly inside: ObservedInside;
  /** Empty where no data part runs. */
  readonly probe: string;
}

/** What was seen: of each container that could be asked, and why others could not. */
export interface Looks {
  readonly seen: ReadonlyMap<number, Look>;
  readonly failures: ReadonlyMap<number, string>;
}

/** Everything at once: getting into a container costs more than what is asked there. `$1`: port of a service. */
const LOOK = `
${PSA_CONFIG} check || echo "failed psa-config"
if [ -n "$1" ]; then
  echo "current $(${PSA_RELEASE} current 2>/dev/null)"
  for one in $(${PSA_RELEASE} list 2>/dev/null); do echo "installed $one"; done
  echo "free $(df -Pk /opt/psa | awk 'NR==2 { print $4 }')"
  echo "health $(curl -s -m 5 "http://127.0.0.1:$1/health" | tr -d '\\n')"
  echo "ready $(curl -s -m 8 -w ' %{http_code}' "http://127.0.0.1:$1/ready" | tr -d '\\n')"
fi
`;

/** What psactl has put into the container that runs by the clock, if anybody has. */
const LOOK_OPS = `
r=\${PSA_ROOT:-}
if [ -e "$r${OPS_MARK_FILE}" ]; then echo "ops $(cat "$r${OPS_MARK_FILE}")"
elif [ -e "$r/etc/systemd/system/psa-backup.timer" ]; then echo "ops ${OPS_UNMARKED}"
fi
`;

/** A machine under load takes its time; a plan that left its containers out would be worth nothing. */
const PATIENCE_MS = 90_000;

/** Looks into containers that run, all at once: one session for each node. */
export async function lookInto(
  { site, signal }: Pick<Cluster, 'site' | 'signal'>,
  targets: readonly { readonly container: Container; readonly node: string }[],
): Promise<Looks> {
  const seen = new Map<number, Look>();
  const failures = new Map<number, string>();
  const nodes = Map.groupBy(targets, ({ node }) => node);
  await Promise.all(
    [...nodes].map(async ([node, here]) => {
      const commands = new Map(here.map(({ container }) => [container.id, commandOf(site, container)]));
      try {
        const answers = await site.shell.execEach(node, commands, { timeoutMs: PATIENCE_MS, signal });
        for (const id of commands.keys()) {
          const { code, stdout, stderr } = answers.get(id) ?? { code: 255, stdout: '', stderr: '' };
          const look = readLook(stdout);
          if (look) seen.set(id, look);
          else
            failures.set(id, stderr.trim().split('\n').at(-1) || `the look into CT ${id} ended with ${code}`);
        }
      } catch (error) {
        if (signal.aborted) throw error;
        for (const id of commands.keys()) failures.set(id, (error as Error).message);
      }
    }),
  );
  return { seen, failures };
}

/** What the running members of a data part answer to its probe; null: one that runs could not be asked. */
export async function askPart(cluster: Cluster, part: string): Promise<readonly Answer[] | null> {
  const placed = await cluster.placed(part);
  const targets = placed.flatMap(({ container, node, state }) =>
    node !== null && state === 'running' ? [{ container, node }] : [],
  );
  const { seen, failures } = await lookInto(cluster, targets);
  return failures.size > 0 ? null : answersOf(seen, targets);
}

/**
 * What is wrong with a data part as a whole; null when nothing is, undefined when nobody could be asked.
 * @param without ids of members that are left out of account
 */
export async function partTrouble(
  cluster: Cluster,
  part: string,
  without: ReadonlySet<number> = new Set(),
): Promise<string | null | undefined> {
  const asked = await askPart(cluster, part);
  if (asked === null) return undefined;
  const answers = asked.filter(({ container }) => !without.has(container.id));
  if (answers.length === 0) return 'none of its containers runs';
  return partOf(part)!.trouble(cluster.site.inventory, answers);
}

/** The answers of these containers, as far as they were seen. */
export const answersOf = (
  seen: Looks['seen'],
  targets: readonly { readonly container: Container }[],
): readonly Answer[] =>
  targets.flatMap(({ container }) => {
    const look = seen.get(container.id);
    return look ? [{ container, text: look.probe }] : [];
  });

function commandOf({ inventory }: Cluster['site'], container: Container): readonly string[] {
  const port = inventory.services.find(({ name }) => name === container.group)?.port;
  const probe = partOf(container.group)?.probe(inventory, container);
  // What ends without a line feed must not swallow the line that follows.
  const asked = probe === undefined ? '' : `( ${probe}\necho ) 2>/dev/null | sed 's/^/probe /'\n`;
  const marked = container.group === 'ops' ? LOOK_OPS : '';
  const whole = `${LOOK}${marked}${asked}echo end`;
  return ['sh', '-c', whole, 'look', port === undefined ? '' : String(port)];
}

/** Reads what the look printed; null when it did not come to its end. */
export function readLook(text: string): Look | null {
  const lines = text.split('\n').map((line) => line.trim());
  if (lines.findLast((line) => line !== '') !== 'end') return null;
  const after = (word: string) =>
    lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1));
  const digest = after('digest')[0] ?? 'none';
  const ready = lines.find((line) => line === 'ready' || line.startsWith('ready '));
  const version = parsed(after('health')[0])?.version;
  const free = after('free')[0];
  const ops = after('ops')[0];
  return {
    probe: after('probe').join('\n'),
    inside: {
      digest: /^[0-9a-f]{64}$/.test(digest) ? digest : null,
      changed: after('changed'),
      missing: after('missing'),
      units: Object.fromEntries(after('unit').map((line) => line.split(' ') as [string, string])),
      current: after('current').find((one) => one !== '' && one !== 'none') ?? null,
      installed: after('installed'),
      running: typeof version === 'string' ? version : null,
      unready: ready === undefined ? null : unready(ready),
      free: free !== undefined && /^\d+$/.test(free) ? Number(free) * 1024 : null,
      ...(ops !== undefined && { ops }),
    },
  };
}

/** What it waits for, by name, if it says so. */
function unready(line: string): string | null {
  const [, body = '', code] = /^ready\s*(.*?)\s*(\d{3})?$/.exec(line) ?? [];
  if (code === '200') return null;
  if (code === undefined || code === '000') return 'nothing answers at its port';
  const checks = (parsed(body)?.checks ?? {}) as Record<string, { status: string; error?: string }>;
  const failed = Object.entries(checks).filter(([, { status }]) => status !== 'ok');
  if (failed.length > 0)
    return failed.map(([name, { status, error }]) => `${name}: ${error ?? status}`).join(', ');
  return `/ready answers ${code}${body === '' ? '' : ` (${body.slice(0, 200)})`}`;
}

function parsed(text: string | undefined): Record<string, unknown> | null {
  try {
    return text ? (JSON.parse(text) as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
