import { readFile } from 'node:fs/promises';
import type { Inventory } from '@psa/appliance/inventory/schema';
import { otherEdge, parseSiteLine, SITE_PATH } from '@psa/appliance/parts/edge-watch';
import type { PlanProblem } from '@psa/appliance/plan/step';
import { CliError } from '../errors.ts';
import { type SiteFolder, writeWhole } from './folder.ts';
import type { KnownSite } from './site.ts';
import { askEdge } from './smoke.ts';

/** What psactl knows of a site's place in its pair: `<folder>/dr.json`. It is in the backup of the secrets. */
export interface DrState {
  /** Which failover it serves since, counted from 1: nobody has failed over yet. */
  readonly epoch: number;
  /**
   * `fenced`: another site serves, and this one must not. `filling`: it is being made ready to. `following`: its database
   * follows that of the one that serves.
   */
  readonly role: Role;
  /** Since when; ISO 8601. Null: always. */
  readonly since: string | null;
}

const ROLES = ['serving', 'fenced', 'filling', 'following'] as const;
type Role = (typeof ROLES)[number];

const FILE = 'dr.json';
const NEVER: DrState = { epoch: 1, role: 'serving', since: null };

/** What is known of a site; of one that never took part in a failover: that it serves. */
export async function readDrState(folder: SiteFolder): Promise<DrState> {
  const text = await readFile(folder.file(FILE), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (text === null) return NEVER;
  const read = parse(text);
  if (read) return read;
  throw new CliError(`Unable to read ${folder.file(FILE)}: it is damaged.`, {
    fix: 'Write { "epoch": 2, "role": "serving" or "fenced", "since": null } there: "psactl dr status" on another machine, or a look at both portals, says which. The number is that of the site that serves.',
  });
}

function parse(text: string): DrState | null {
  try {
    const { epoch, role, since } = JSON.parse(text) as Partial<DrState>;
    if (!Number.isInteger(epoch) || epoch! < 1) return null;
    if (!ROLES.some((one) => one === role)) return null;
    return { epoch: epoch!, role: role!, since: since ?? null };
  } catch {
    return null;
  }
}

/** Whole or not at all, and on the disk before anything follows from it. */
export async function writeDrState(folder: SiteFolder, state: DrState): Promise<void> {
  await folder.make();
  await writeWhole(folder.file(FILE), `${JSON.stringify(state, null, 2)}\n`, 0o600);
}

/** How long an edge is waited for that may be switched off. */
const EDGE_MS = 5_000;

/** Which site an edge says it is; null: it is not there, does not say, or is none of this appliance. */
export async function siteAt(
  { name, domain }: Pick<Inventory, 'name' | 'domain'>,
  url: URL,
  signal: AbortSignal,
): Promise<{ readonly site: string; readonly epoch: number } | null> {
  const bound = AbortSignal.any([signal, AbortSignal.timeout(EDGE_MS)]);
  const answer = await askEdge(url, domain, SITE_PATH, bound).catch(() => null);
  signal.throwIfAborted();
  return answer?.status === 200 ? parseSiteLine(name, answer.body) : null;
}

/**
 * Why a site must not be changed: it was failed over, as this machine remembers or the edge of the other site says. Null:
 * nothing is known against it.
 */
export async function superseded(
  { inventory, site, folder }: KnownSite,
  signal: AbortSignal,
): Promise<PlanProblem | null> {
  const { dr } = inventory;
  if (!dr || (site.name !== dr.primary && site.name !== dr.standby)) return null;
  const fix = 'See "psactl dr status"; the way back, without a loss, is "psactl dr failback".';
  const state = await readDrState(folder);
  if (state.role === 'fenced')
    return {
      target: site.name,
      message: `It was failed over${state.since === null ? '' : ` on ${state.since}`}; the other site serves, and writes here would be lost.`,
      fix,
    };
  // It serves nobody, whatever is applied there.
  if (state.role === 'following') return null;
  const url = otherEdge(inventory, site);
  const other = url && (await siteAt(inventory, url, signal));
  if (!other || other.epoch <= state.epoch) return null;
  return {
    target: site.name,
    message: `The site ${other.site} serves since failover ${other.epoch}, this one since ${state.epoch}: writes here would be lost.`,
    fix,
  };
}

/** @throws CliError when the site was failed over */
export async function refuseSuperseded(site: KnownSite, signal: AbortSignal): Promise<void> {
  if ((await readDrState(site.folder)).role === 'following')
    throw new CliError(`Unable to change the site ${site.site.name}: it follows the other one.`, {
      code: 'SITE_FENCED',
      fix: 'Do it at the site that serves, then "psactl dr follow" carries it over.',
    });
  const problem = await superseded(site, signal);
  if (problem === null) return;
  throw new CliError(`Unable to change the site ${problem.target}: it is not the one that serves.`, {
    code: 'SITE_FENCED',
    why: problem.message,
    fix: problem.fix,
  });
}
