import type { DesiredContainer } from '@psa/appliance/plan/desired';
import type { ObservedInside } from '@psa/appliance/plan/observed';
import type { PctShell } from '@psa/proxmox/ssh';

/** One command asks everything: getting into a container costs more than what is asked there. */
const LOOK = `
psa-config check || echo "failed psa-config"
if command -v psa-release >/dev/null; then
  echo "current $(psa-release current 2>/dev/null)"
  for one in $(psa-release list 2>/dev/null | sed 's/^[* ]*//' | cut -d' ' -f1); do echo "installed $one"; done
fi
if [ -n "$1" ]; then
  echo "ready $(curl -s -m 5 -w ' %{http_code}' "http://127.0.0.1:$1/ready" | tr -d '\\n')"
fi
echo end
`;

/** A machine under load takes its time; a plan that left its containers out would be worth nothing. */
const PATIENCE_MS = 90_000;

/** Looks into a running container; null when nobody could, and `failed` is told why. */
export async function lookInto(
  shell: Pick<PctShell, 'exec'>,
  node: string,
  container: Pick<DesiredContainer, 'id' | 'port'>,
  options: { readonly signal: AbortSignal; failed(why: string): void },
): Promise<ObservedInside | null> {
  const argv = ['sh', '-c', LOOK, 'look', container.port === null ? '' : String(container.port)];
  const { signal, failed } = options;
  try {
    const { code, stdout, stderr } = await shell.exec(node, container.id, argv, {
      timeoutMs: PATIENCE_MS,
      signal,
    });
    const inside = readLook(stdout);
    if (!inside)
      failed(stderr.trim().split('\n').at(-1) || `the look into CT ${container.id} ended with ${code}`);
    return inside;
  } catch (error) {
    if (signal.aborted) throw error;
    failed((error as Error).message);
    return null;
  }
}

/** Reads what the look printed; null when it did not come to its end. */
export function readLook(text: string): ObservedInside | null {
  const lines = text.split('\n').map((line) => line.trim());
  if (lines.findLast((line) => line !== '') !== 'end') return null;
  const after = (word: string) =>
    lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1));
  const digest = after('digest')[0] ?? 'none';
  const ready = lines.find((line) => line === 'ready' || line.startsWith('ready '));
  return {
    digest: /^[0-9a-f]{64}$/.test(digest) ? digest : null,
    changed: after('changed'),
    missing: after('missing'),
    units: Object.fromEntries(after('unit').map((line) => line.split(' ') as [string, string])),
    current: currentOf(after('current')[0]),
    installed: after('installed'),
    unready: ready === undefined ? null : unready(ready),
  };
}

function unready(line: string): string | null {
  const [, body = '', code] = /^ready\s*(.*?)\s*(\d{3})?$/.exec(line) ?? [];
  if (code === '200') return null;
  if (code === undefined || code === '000') return 'does not answer';
  return `/ready answers ${code}${body === '' ? '' : ` (${body.slice(0, 200)})`}`;
}

/** `psa-release current` says "none" where there is none. */
const currentOf = (text: string | undefined): string | null =>
  text === undefined || text === '' || text === 'none' ? null : text;
