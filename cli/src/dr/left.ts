import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { hostname, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import type { DrRefusal } from '@psa/recovery/dr/facts';
import type { CliError } from '../errors.ts';
import { Cluster } from '../site/cluster.ts';
import { type DrState, readDrState, writeDrState } from '../site/dr-state.ts';
import type { SecretRecord } from '../site/folder.ts';
import { type KnownSite, withSite } from '../site/site.ts';
import { followState } from '../site/standby.ts';
import { type DrContext, type Pair, readPair } from './pair.ts';
import { CARRIED, refuseOtherSecrets } from './secrets.ts';

/**
 * What a site of a warm pair has of its own place in it, in its container `ops` and for root alone: so that who fails over
 * needs no machine but one with the inventory, token and ssh key. The standby has the secrets that it was built with, too;
 * they stand in its containers anyhow.
 */
interface Left {
  readonly state: DrState;
  /** Who wrote it: `ada on laptop`. */
  readonly by: string;
  /** Of a failover that was begun: the database that follows takes over. Null: none was begun. */
  readonly warm: boolean | null;
  readonly secrets?: SecretRecord;
  /** Of the site's folder: name → base64. */
  readonly files?: Readonly<Record<string, string>>;
}

const FILE = '/var/lib/psa/dr.json';
/** How long a site may take to say what it has. */
const ASK_MS = 30_000;

/** Leaves it in the container of the site that is open. @param warm of a failover that has begun */
export async function leave(cluster: Cluster, warm: boolean | null = null): Promise<void> {
  const { site } = cluster;
  const { dr } = site.inventory;
  const [ops] = await cluster.running('ops');
  if (dr?.kind !== 'warm' || !ops) return;
  const left: Left = {
    ...{ state: await readDrState(site.folder), by: `${userInfo().username} on ${hostname()}`, warm },
    ...(site.site.name === dr.standby && {
      secrets: await site.folder.secrets(),
      files: await filesOf(site),
    }),
  };
  const line = `f=\${PSA_ROOT:-}${FILE}; umask 077; mkdir -p "\${f%/*}" && cat >"$f.new" && mv -f "$f.new" "$f"`;
  await cluster.must(ops.id, ['sh', '-c', line], { stdin: JSON.stringify(left) });
}

/** The same where a failover must not fail for it. */
export const leaveIfPossible = (cluster: Cluster, warm: boolean | null = null): Promise<void> =>
  leave(cluster, warm).catch(() => cluster.signal.throwIfAborted());

async function filesOf({ folder }: KnownSite): Promise<Readonly<Record<string, string>>> {
  const found: Record<string, string> = {};
  for (const name of CARRIED) {
    if (!existsSync(folder.file(name))) continue;
    const inside = await readdir(folder.file(name), { recursive: true, withFileTypes: true }).catch(
      () => null,
    );
    const paths =
      inside === null
        ? [folder.file(name)]
        : inside.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name));
    for (const path of paths)
      found[path.slice(folder.path.length + 1)] = (await readFile(path)).toString('base64');
  }
  return found;
}

/** What a site says, as far as it could be asked. */
export interface Learned {
  /** Why nothing may be done to it from here; null: this machine knows what it is. */
  readonly unsure: DrRefusal | null;
  /** A failover to it that was begun, as it says. */
  readonly begun: { readonly by: string; readonly since: string | null; readonly warm: boolean } | null;
}

/**
 * Takes over into this machine's folder what a site says of its place, where that is newer than what the folder has: a
 * failover, or a `psactl dr follow`, was carried out from another machine.
 */
async function learn(context: DrContext, known: KnownSite): Promise<Learned> {
  const { name } = known.site;
  const own = await readDrState(known.folder);
  const isKnown = own.since !== null;
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(ASK_MS)]);
  const at = { ...context, options: { ...context.options, site: name } };
  let said: { readonly left: Left | null; readonly follows: boolean };
  try {
    said = await withSite(at, async (site) => {
      const cluster = new Cluster(site, signal);
      const left = await readLeft(cluster);
      const follows = left === null && !isKnown && (await followState(cluster).catch(() => null)) !== null;
      return { left, follows };
    });
  } catch (error) {
    context.signal.throwIfAborted();
    const { message, why } = error as CliError;
    return { begun: null, unsure: isKnown ? null : unknown(known, `${message} ${why ?? ''}`.trim()) };
  }
  const { left, follows } = said;
  if (left === null)
    return {
      begun: null,
      unsure: follows
        ? unknown(known, 'It follows, and does not hold the secrets that it was built with.')
        : null,
    };
  const { state, by, warm } = left;
  if (state.epoch > own.epoch || (state.epoch === own.epoch && (state.since ?? '') > (own.since ?? ''))) {
    await takeOver(known, left);
    context.progress.note(`${name}: what this machine did not know of it was taken from there (${by}).`);
  }
  return {
    unsure: null,
    begun: state.role === 'filling' && warm !== null ? { by, since: state.since, warm } : null,
  };
}

const unknown = ({ site, folder }: KnownSite, why: string): DrRefusal => ({
  why: `This machine does not know whether ${site.name} follows: ${why}`,
  fix: `See that ${site.name} is switched on and reached from here, with its token and ssh key (psactl doctor --site ${site.name}); or copy ${folder.path} from the machine where "psactl dr follow" was run. Where that still can be done, "psactl dr follow" leaves at ${site.name} what every machine needs.`,
});

async function readLeft(cluster: Cluster): Promise<Left | null> {
  const [ops] = await cluster.running('ops');
  if (!ops) return null;
  const line = `f=\${PSA_ROOT:-}${FILE}; [ ! -e "$f" ] || cat "$f"`;
  const text = await cluster.must(ops.id, ['sh', '-c', line]);
  return text.trim() === '' ? null : (JSON.parse(text) as Left);
}

/** Last of all its place: cut off, it is taken over again. */
async function takeOver(known: KnownSite, { state, secrets, files = {} }: Left): Promise<void> {
  const { folder } = known;
  await folder.make();
  if (secrets) {
    await refuseOtherSecrets(known, secrets);
    for (const [name, content] of Object.entries(files)) {
      const isOurs = CARRIED.some((one) => name === one || name.startsWith(`${one}/`));
      if (!isOurs || name.includes('..')) continue;
      const draft = `${folder.file(name)}.new`;
      await mkdir(dirname(draft), { recursive: true, mode: 0o700 });
      await rm(draft, { force: true });
      await writeFile(draft, Buffer.from(content, 'base64'), { mode: 0o600 });
      await rename(draft, folder.file(name));
    }
    await folder.writeSecrets(secrets);
  }
  await writeDrState(folder, state);
}

/**
 * Both sites, after what the standby says of itself was taken over; of a warm pair. The site that serves is asked only where
 * it is not known to be lost.
 */
export async function learnPair(
  context: DrContext,
  whom: 'standby' | 'both',
): Promise<{ readonly pair: Pair | null; readonly learned: Learned }> {
  const pair = await readPair(context);
  const nothing: Learned = { unsure: null, begun: null };
  if (pair?.dr.kind !== 'warm') return { pair, learned: nothing };
  const sites = [pair.serving.known, pair.other.known];
  const [standby, primary] = [pair.dr.standby, pair.dr.primary].map(
    (name) => sites.find(({ site }) => site.name === name)!,
  ) as [KnownSite, KnownSite];
  const [learned] = await Promise.all([
    learn(context, standby),
    whom === 'both' ? learn(context, primary) : null,
  ]);
  return { pair: await readPair(context), learned };
}
