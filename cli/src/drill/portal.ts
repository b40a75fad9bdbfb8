import { PassThrough } from 'node:stream';
import { secretOf } from '@psa/appliance/contents/secret';
import { shellQuote } from '@psa/proxmox/ssh';
import { type Comparison, compare } from '@psa/recovery/proof';
import { CliError } from '../errors.ts';
import { type Drilling, type DrillPlace, preparing, Untried } from './place.ts';

/** Who signs in at the restored platform. */
export interface DrillAccount {
  readonly email: string;
  readonly password: string;
}

/** What it takes to sign in and see tickets, each with its port in the container of the drill. */
const SERVICES = { gateway: 3900, auth: 3901, tickets: 3902 } as const;
const FOLDER = '/opt/psa-drill';
const LIBRARIES = ['lib', 'usr/lib'].map((one) => `${FOLDER}/${one}/$(uname -m)-linux-gnu`).join(':');
const COPY_MS = 30 * 60_000;
const SIGN_IN_MS = 5 * 60_000;
/** How the script ends when a service does not answer. */
const NOT_UP = 3;

const lastWords = (stderr: string): string => stderr.trim().split('\n').slice(-4).join(' ');

/**
 * Starts the release that runs in front of the restored database, in the same container, and signs in as somebody real: by
 * the gateway, as a browser would, with what the dump has of accounts, keys and permissions. Its broker and its cache are
 * nowhere, which the services can bear; nothing that they write or send leaves the container.
 */
export async function signInAt(
  drilling: Drilling,
  backup: string,
  place: DrillPlace,
  account: DrillAccount,
): Promise<{ readonly compared: readonly Comparison[]; readonly notes: readonly string[] }> {
  const { cluster, journal } = drilling;
  try {
    await preparing(drilling, () =>
      journal.step(backup, 'bring the release', () => copyRelease(drilling, place)),
    );
    const script = await preparing(drilling, () => scriptOf(drilling, account));
    const said = await journal.step(backup, 'sign in by the portal', async () => {
      const { code, stdout, stderr } = await cluster.exec(place.id, ['bash', '-s'], {
        ...{ stdin: script, timeoutMs: SIGN_IN_MS },
      });
      if (code === 0) return stdout;
      // A service lives without its database: that it does not come up says nothing of the backup.
      if (code === NOT_UP) throw new Untried(`the release does not start there: ${lastWords(stderr)}`);
      throw new CliError('The release does not start in front of the restored database.', {
        why: lastWords(stderr) || `It ended with ${code}.`,
      });
    });
    const compared = readAnswers(said);
    // Whom the running platform refuses as well has another password by now, or never had this one.
    if (compared.some(({ found }) => REFUSED.includes(String(found))) && (await isRefused(drilling, account)))
      throw new Untried('the running platform refuses PSA_EMAIL with PSA_PASSWORD as well');
    return { compared, notes: [] };
  } catch (error) {
    cluster.signal.throwIfAborted();
    if (!(error instanceof Untried)) throw error;
    return { compared: [], notes: [`Nobody could be signed in: ${error.message}`] };
  }
}

const REFUSED: readonly string[] = ['401', '403', '423'];

/** Whether the platform that runs refuses somebody. */
async function isRefused({ cluster }: Drilling, { email, password }: DrillAccount): Promise<boolean> {
  const [gateway] = await cluster.running('gateway');
  const port = cluster.site.inventory.services.find(({ name }) => name === 'gateway')?.port;
  if (!gateway || port === undefined) return false;
  const body = shellQuote(JSON.stringify({ email, password }));
  const script = `printf '%s' ${body} | curl -s -m 30 -o /dev/null -w '%{http_code}' -H 'content-type: application/json' --data-binary @- http://127.0.0.1:${port}/api/v1/auth/login`;
  const { stdout } = await cluster.exec(gateway.id, ['sh', '-s'], { stdin: script });
  return REFUSED.includes(stdout.trim());
}

/** What the portal answered, beside what it must. */
export function readAnswers(said: string): readonly Comparison[] {
  const of = (word: string) => new RegExp(`^${word} (.*)$`, 'm').exec(said)?.[1]?.trim() ?? 'no answer';
  return [
    compare('first page of the restored portal', '200', of('page')),
    compare('sign-in by the restored portal', '200', of('login')),
    compare('list of tickets for who has signed in', '200', of('tickets')),
    compare('tickets in that list', null, of('total')),
  ];
}

/** Node, what it needs of the system that the database's template has not, and the release, as a service that runs has them. */
const PACK = `set -eu
libraries=$(ldd /opt/psa/node/bin/node | sed -n 's#.*=> /\\([^ ]*\\) .*#\\1#p' | grep -E '/lib(atomic|stdc|gcc)')
exec tar -C /opt/psa -chf - node current -C / $libraries`;

async function copyRelease({ cluster }: Drilling, { id }: DrillPlace): Promise<void> {
  const [source] = await cluster.running('gateway');
  if (!source) throw new CliError('Unable to find the release: no container of "gateway" runs.');
  const pipe = new PassThrough();
  const unpack = `mkdir -p ${FOLDER} && tar -C ${FOLDER} --no-same-owner -xf -`;
  const into = cluster.exec(id, ['sh', '-c', unpack], { stdin: pipe, timeoutMs: COPY_MS });
  const from = cluster
    .exec(source.id, ['sh', '-c', PACK], { stdout: pipe, timeoutMs: COPY_MS })
    .finally(() => pipe.end());
  for (const { code, stderr } of await Promise.all([from, into]))
    if (code !== 0)
      throw new CliError('Unable to bring the release into the container of the drill.', {
        why: lastWords(stderr),
      });
}

/** By the input of a shell: what it holds must not stand in a list of processes. */
async function scriptOf({ cluster }: Drilling, { email, password }: DrillAccount): Promise<string> {
  const { inventory, folder } = cluster.site;
  const { database, version } = inventory.data.postgres;
  const at = (name: keyof typeof SERVICES) => `http://127.0.0.1:${SERVICES[name]}`;
  const url = (role: string) => `postgres://${role}@127.0.0.1:5432/${database}`;
  const peers = `auth=${at('auth')},tickets=${at('tickets')}`;
  // Nobody listens there.
  const nowhere = { REDIS_URL: 'redis://127.0.0.1:9', RABBITMQ_URL: 'amqp://127.0.0.1:9' };
  const common = { HOST: '127.0.0.1', NODE_ENV: 'production', PUBLIC_URL: `https://${inventory.domain}` };
  const fieldKey = secretOf(await folder.secrets(), 'field_key');
  const envOf = (name: keyof typeof SERVICES): Readonly<Record<string, string>> => ({
    ...{ ...common, ...nowhere, PORT: String(SERVICES[name]) },
    ...(name === 'gateway'
      ? {
          UPSTREAMS: peers,
          PORTAL_TECHNICIAN: `${FOLDER}/current/portals/technician`,
          PORTAL_CUSTOMER: `${FOLDER}/current/portals/customer`,
        }
      : {
          ...{ DATABASE_URL: url(`psa_${name}`), FILES_DATABASE_URL: url('psa_files'), PEERS: peers },
          FIELD_KEYS: `k1:${fieldKey}`,
        }),
  });
  const start = (Object.keys(SERVICES) as (keyof typeof SERVICES)[]).map((name) => {
    const env = Object.entries(envOf(name)).map(([key, value]) => `${key}=${shellQuote(value)}`);
    return `(${[...env, `LD_LIBRARY_PATH=${LIBRARIES}`].map((one) => `export ${one}`).join('; ')}; exec ${FOLDER}/node/bin/node ${FOLDER}/current/services/${name}/main.mjs) >$logs/${name} 2>&1 </dev/null &`;
  });
  const waits = Object.values(SERVICES).map(
    (port) =>
      `n=0; until curl -s -o /dev/null -m 5 http://127.0.0.1:${port}/health; do n=$((n + 1)); [ $n -lt 120 ] || { tail -n 3 $logs/* >&2; exit ${NOT_UP}; }; sleep 1; done`,
  );
  const body = shellQuote(JSON.stringify({ email, password }));
  const gateway = at('gateway');
  return `set -eu
cd /
logs=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true' EXIT
d=/var/lib/postgresql/psa-drill
echo "listen_addresses = '127.0.0.1'" >>$d/data/postgresql.conf
su postgres -s /bin/sh -c "/usr/lib/postgresql/${version}/bin/pg_ctl -D $d/data -w -t 60 -m fast -l $d/data/log restart" >/dev/null
${start.join('\n')}
${waits.join('\n')}
echo "page $(curl -s -m 20 -o /dev/null -w '%{http_code}' ${gateway}/)"
code=
for n in $(seq 30); do
  code=$(printf '%s' ${body} | curl -s -m 30 -o $logs/answer -w '%{http_code}' -H 'content-type: application/json' --data-binary @- ${gateway}/api/v1/auth/login || true)
  # While it finds its way to the database it asks for patience.
  case $code in 502 | 503 | 504 | 000) sleep 2 ;; *) break ;; esac
done
echo "login $code"
token=$(sed -n 's/.*"access_token":"\\([^"]*\\)".*/\\1/p' $logs/answer)
for n in $(seq 15); do
  code=$(printf 'header = "authorization: Bearer %s"' "$token" | curl -s -m 30 -K - -o $logs/list -w '%{http_code}' "${gateway}/api/v1/tickets?limit=1" || true)
  case $code in 502 | 503 | 504 | 000) sleep 2 ;; *) break ;; esac
done
echo "tickets $code"
echo "total $(sed -n 's/.*"total":\\([0-9]*\\).*/\\1/p' $logs/list)"
`;
}
