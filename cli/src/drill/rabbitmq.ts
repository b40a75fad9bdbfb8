import { verifySum } from '@psa/recovery/artefact';
import type { SiteManifest } from '@psa/recovery/manifest';
import { type Comparison, compare } from '@psa/recovery/proof';
import { unseal } from '@psa/recovery/sealed';
import type { Catalogued } from '../backup/catalogue.ts';
import { CliError } from '../errors.ts';
import type { Tried } from './database.ts';
import { type Drilling, fromTemplate, inPlace, preparing } from './place.ts';
import { feedSealed, keyOf } from './redis.ts';

/** A broker of its own, that finds nobody to make a cluster with. */
const START = `set -eu
systemctl start rabbitmq-server.service
rabbitmqctl await_startup --timeout 300 >/dev/null`;
const IMPORT = `set -eu
f=$(mktemp)
trap 'rm -f "$f"' EXIT
cat >"$f"
chmod 644 "$f"
rabbitmqctl -q import_definitions "$f" >/dev/null
rabbitmqctl -q export_definitions -`;

/** Definitions, as RabbitMQ exports them. */
type Definitions = Readonly<Record<string, readonly Readonly<Record<string, unknown>>[] | undefined>>;
const KINDS = [
  'users',
  'vhosts',
  'permissions',
  'exchanges',
  'queues',
  'bindings',
  'policies',
  'parameters',
] as const;
/** What tells one of a kind from another. */
const KEYS = [
  'name',
  'user',
  'vhost',
  'source',
  'destination',
  'destination_type',
  'routing_key',
  'component',
];

const keyIn = (one: Readonly<Record<string, unknown>>) => JSON.stringify(KEYS.map((key) => one[key] ?? null));

/** Of each kind, how many there were, and how many of those came back; what a new broker has of its own does not count. */
export function compareDefinitions(wanted: Definitions, found: Definitions): readonly Comparison[] {
  return KINDS.map((kind) => {
    const there = new Set((found[kind] ?? []).map(keyIn));
    const before = wanted[kind] ?? [];
    return compare(kind, before.length, before.filter((one) => there.has(keyIn(one))).length);
  });
}

function parse(text: string, what: string): Definitions {
  try {
    return JSON.parse(text) as Definitions;
  } catch (cause) {
    throw new CliError(`${what} is no list of definitions.`, { why: (cause as Error).message });
  }
}

/** Has a broker of its own take the definitions, and give them out again. */
export async function drillRabbitmq(
  drilling: Drilling,
  { id: backup, file }: Catalogued,
  manifest: SiteManifest,
): Promise<Tried> {
  const { cluster, journal } = drilling;
  const began = performance.now();
  const identity = keyOf(drilling);
  const wanted = await journal.step(backup, 'read the backup', async () => {
    await verifySum(file, manifest);
    const chunks: Buffer[] = [];
    await unseal(file, identity, async (content) => {
      for await (const chunk of content) chunks.push(chunk as Buffer);
    });
    return parse(Buffer.concat(chunks).toString('utf8'), 'The backup');
  });
  const place = await preparing(drilling, () => fromTemplate(drilling, 'rabbitmq'));
  return inPlace(drilling, backup, { ...place, name: 'rabbitmq', restoring: false }, async ({ id }) => {
    await preparing(drilling, () =>
      journal.step(backup, 'start a broker', () =>
        cluster.must(id, ['sh', '-c', START], { timeoutMs: 400_000 }),
      ),
    );
    const said = await journal.step(backup, 'import the definitions', () =>
      feedSealed(drilling, id, IMPORT, { file, identity, unable: 'The definitions cannot be imported.' }),
    );
    const restore_ms = Math.round(performance.now() - began);
    return {
      restore_ms,
      compared: compareDefinitions(wanted, parse(said, 'What the broker says')),
      notes: [],
    };
  });
}
