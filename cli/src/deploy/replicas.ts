import { setTimeout as sleep } from 'node:timers/promises';
import type { Replica } from '@psa/appliance/deploy/rollout';
import type { Service } from '@psa/appliance/inventory/schema';
import { CliError } from '../errors.ts';
import type { Hands } from './hands.ts';
import type { ServerState } from './haproxy-stats.ts';
import { rotationOf } from './haproxy-stats.ts';

/** What a replica says about itself. */
export interface ReplicaSeen {
  readonly release: string | null;
  readonly installed: readonly string[];
  readonly running: string | null;
  readonly ready: boolean;
  /** What `/ready` said when it was not. */
  readonly why: string;
  /** Bytes free where releases stand. */
  readonly free: number | null;
}

/** By its path: what `pct exec` gives for PATH differs. */
export const PSA_RELEASE = '/usr/local/sbin/psa-release';

/** Asks everything at once: a command in a container costs more than what it does. */
const LOOK = `
echo "current $(${PSA_RELEASE} current 2>/dev/null)"
for one in $(${PSA_RELEASE} list 2>/dev/null); do echo "installed $one"; done
echo "free $(df -Pk /opt/psa | awk 'NR==2 { print $4 }')"
echo "health $(curl -s -m 5 "http://127.0.0.1:$1/health" | tr -d '\\n')"
echo "ready $(curl -s -m 8 -w ' %{http_code}' "http://127.0.0.1:$1/ready" | tr -d '\\n')"
`;
const NOTHING: ReplicaSeen = {
  release: null,
  installed: [],
  running: null,
  ready: false,
  why: 'it does not answer',
  free: null,
};

/** Asks a replica; one that cannot be asked has and does nothing. */
export async function lookAt(hands: Hands, name: string, service: Service): Promise<ReplicaSeen> {
  try {
    const { stdout } = await hands.exec(name, ['sh', '-c', LOOK, 'look', String(service.port)], {
      timeoutMs: 60_000,
    });
    return readLook(stdout);
  } catch (error) {
    if ((error as Error).name === 'AbortError') throw error;
    return { ...NOTHING, why: (error as Error).message };
  }
}

/** Reads what `LOOK` printed. */
export function readLook(text: string): ReplicaSeen {
  const values = (key: string) =>
    text
      .split('\n')
      .filter((line) => line.startsWith(`${key} `))
      .map((line) => line.slice(key.length + 1).trim())
      .filter((value) => value !== '');
  const health = parsed(values('health')[0]);
  const [, body, code] = /^(.*?)\s*(\d{3})$/.exec(values('ready')[0] ?? '') ?? [];
  const failed = Object.entries(
    (parsed(body)?.checks ?? {}) as Record<string, { status: string; error?: string }>,
  ).filter(([, check]) => check.status !== 'ok');
  const free = Number(values('free')[0]);
  return {
    release: values('current').find((value) => value !== 'none') ?? null,
    installed: values('installed'),
    running: typeof health?.version === 'string' ? health.version : null,
    ready: code === '200',
    why:
      failed.length > 0
        ? failed.map(([name, check]) => `${name}: ${check.error ?? check.status}`).join(', ')
        : code === '200'
          ? ''
          : code === undefined || code === '000'
            ? 'nothing answers at its port'
            : `/ready answers ${code}`,
    free: Number.isFinite(free) && values('free').length > 0 ? free * 1024 : null,
  };
}

function parsed(text: string | undefined): Record<string, unknown> | null {
  try {
    return text ? (JSON.parse(text) as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

/** A replica for the decision what comes next. Views of a HAProxy that does not answer are null. */
export function replicaOf(
  name: string,
  service: string,
  seen: ReplicaSeen,
  views: readonly (readonly ServerState[] | null)[],
): Replica {
  const answering = views.filter((view) => view !== null);
  const { release, running, ready } = seen;
  return { name, service, release, running, ready, rotation: rotationOf(answering, service, name) };
}

/** Something that every good release answers, without signing in. */
interface Smoke {
  readonly path: string;
  readonly status: number;
  /** Stands in the answer. */
  readonly has: string;
}
const PAGES: readonly Smoke[] = [
  { path: '/', status: 200, has: '<html' },
  { path: '/api/v1/openapi.json', status: 200, has: '"openapi"' },
];
/** A service without a token refuses, in the platform's own words. */
const REFUSAL: readonly Smoke[] = [{ path: '/api/v1/smoke-test', status: 404, has: '"error"' }];

/** A unit that failed too often is given a new chance. */
const SWITCH = `${PSA_RELEASE} switch "$1" || exit 1
systemctl reset-failed "$2" 2>/dev/null
systemctl restart "$2"
`;

/** Switches a replica to a release, restarts it, and answers when it is ready and has passed its tests. */
export async function switchReplica(
  hands: Hands,
  name: string,
  service: Service,
  release: string,
  options: { readonly patienceMs: number; readonly signal: AbortSignal },
): Promise<void> {
  await hands.must(name, ['sh', '-c', SWITCH, 'switch', release, `psa@${service.name}.service`]);
  const deadline = Date.now() + options.patienceMs;
  for (;;) {
    const seen = await lookAt(hands, name, service);
    if (seen.ready && seen.running === release) break;
    if (Date.now() >= deadline) {
      const wrong = seen.ready && seen.running !== release;
      throw new CliError(`Unable to start ${release} of ${service.name} in ${name}.`, {
        why: wrong
          ? `What answers there is ${seen.running}.`
          : `It is not ready after ${Math.round(options.patienceMs / 1000)} s: ${seen.why}.${seen.running === null ? await lastLine(hands, name, service) : ''}`,
      });
    }
    await sleep(500, undefined, { signal: options.signal });
  }
  await smoke(hands, name, service);
}

async function smoke(hands: Hands, name: string, service: Service): Promise<void> {
  for (const { path, status, has } of service.name === 'gateway' ? PAGES : REFUSAL) {
    const url = `http://127.0.0.1:${service.port}${path}`;
    const answer = await hands.must(name, [
      'curl',
      '-s',
      '-m',
      '10',
      '-H',
      'X-Forwarded-Proto: https',
      '-w',
      '\n%{http_code}',
      url,
    ]);
    const code = Number(answer.slice(answer.lastIndexOf('\n') + 1));
    if (code !== status || !answer.includes(has)) {
      throw new CliError(`Unable to use ${service.name} in ${name}: its test failed.`, {
        why: `GET ${path} answered ${code}, wanted ${status} with ${has}.`,
      });
    }
  }
}

/** Why it does not even run is often in its last line. */
async function lastLine(hands: Hands, name: string, service: Service): Promise<string> {
  const argv = ['journalctl', '-u', `psa@${service.name}.service`, '-n', '1', '-o', 'cat', '--no-pager'];
  const { stdout } = await hands.exec(name, argv).catch(() => ({ stdout: '' }));
  return stdout.trim() === '' ? '' : ` Its last words: ${stdout.trim().slice(-300)}`;
}
