import { planRollout, type Releases, type Rollout, turnBack } from '@psa/appliance/deploy/rollout';
import { CliError } from '../errors.ts';
import { type Archive, checkArchive } from '../site/archive.ts';
import type { Cluster } from '../site/cluster.ts';
import { readDeployed } from '../site/deployed.ts';
import { refuseSuperseded } from '../site/dr-state.ts';
import { type OpsChange, opsChange } from '../site/ops-mark.ts';
import { lookAtServices, releasesOf, statesOf } from '../site/rollout.ts';
import { type RolloutJournal, readRolloutJournal, rolloutId } from '../site/rollout-journal.ts';
import { type Check, preflight } from './preflight.ts';

/** What `deploy` and `rollback` are asked for. */
export interface Wanted {
  readonly action: 'deploy' | 'rollback';
  /** Service → release. */
  readonly to: Releases;
  /** Where the release's archive stands; null when it need not be installed. */
  readonly version: string;
  readonly backup: boolean;
  readonly migrate: boolean;
  /** Goes on although replicas or PostgreSQL are ill. */
  readonly lenient: boolean;
  readonly drainMs: number;
  readonly readyMs: number;
  /** How long all replicas must keep up after the last one. */
  readonly proveMs: number;
  readonly notify: string | null;
}

/** What will be done. */
export interface DeployPlan {
  readonly id: string;
  readonly to: Releases;
  readonly from: Releases;
  /** Why it goes back, when an earlier run had to turn back and was cut short. */
  readonly going_back: string | null;
  /** It goes on with what an earlier run began. */
  readonly resumed: boolean;
  readonly checks: readonly Check[];
  readonly replicas: ReturnType<typeof planRollout>;
  /** What of what runs by the clock goes along. */
  readonly ops: OpsChange | null;
}

/** Everything that is known when the plan stands. */
export interface Prepared {
  readonly plan: DeployPlan;
  readonly journal: RolloutJournal | null;
  readonly rollout: Rollout;
  readonly archive: Archive | null;
  /** Containers that do not have the release yet. */
  readonly lacking: readonly number[];
}

/** Why a rollout goes back that nothing was wrong with. */
export const TAKEN_BACK = 'psactl rollback';

/** Looks at the site and decides; changes nothing. */
export async function prepare(cluster: Cluster, wanted: Wanted): Promise<Prepared> {
  const { site } = cluster;
  await refuseSuperseded(site, cluster.signal);
  const journal = await readRolloutJournal(site.folder);
  if (journal) refuseAnother(journal, wanted);
  const seen = await lookAtServices(cluster, Object.keys(wanted.to));
  const from = journal?.rollout.from ?? releasesOf(seen, await readDeployed(site.folder.path));
  let rollout: Rollout = journal?.rollout ?? { to: wanted.to, from, reason: null };
  // A rollback takes back what an interrupted deploy or apply began.
  if (wanted.action === 'rollback' && journal && journal.action !== 'rollback')
    rollout = turnBack(rollout, TAKEN_BACK);
  // The way back needs no archive: what ran before is still installed.
  const missing = seen.replicas.flatMap(({ container }) => {
    const release = rollout.reason === null ? rollout.to[container.group] : undefined;
    const isThere = seen.inside.get(container.id)!.installed.includes(release ?? '');
    return release !== undefined && !isThere ? [{ ...container, release }] : [];
  });
  const version = oneRelease(missing) ?? wanted.version;
  const needed = rollout.reason === null && (wanted.action === 'deploy' || missing.length > 0);
  const archive = needed ? await checkArchive(site, version) : null;
  const replicas = planRollout(rollout, statesOf(seen));
  const nothing = replicas.length === 0 && journal === null;
  const checks = nothing
    ? []
    : await preflight(cluster, seen, {
        archiveBytes: archive?.content.length ?? 0,
        to: wanted.to,
        lenient: wanted.lenient || journal !== null,
      });
  const id = journal?.id ?? rolloutId(wanted.action, wanted.version);
  const { to, reason } = rollout;
  const ops = await opsChange(cluster, {
    ...(await readDeployed(site.folder.path)),
    ...(reason === null ? to : from),
  });
  return {
    ...{ journal, rollout, archive, lacking: missing.map((one) => one.id) },
    plan: { id, to, from, going_back: reason, resumed: journal !== null, checks, replicas, ops },
  };
}

/** The release that these replicas lack; undefined: they lack none. @throws when they lack several */
function oneRelease(missing: readonly { name: string; release: string }[]): string | undefined {
  const [first, another] = [...new Set(missing.map(({ release }) => release))];
  if (another === undefined) return first;
  throw new CliError('Unable to go back: replicas lack releases that ran before.', {
    why: missing.map(({ name, release }) => `${name} lacks ${release}`).join(', '),
    fix: 'Take back one service after the other, each with --to.',
  });
}

/** What an interrupted run left is ended first, for its releases are those that may be gone back to. */
function refuseAnother(journal: RolloutJournal, wanted: Wanted): void {
  const same =
    JSON.stringify(Object.entries(journal.rollout.to).sort()) ===
    JSON.stringify(Object.entries(wanted.to).sort());
  if ((same && journal.action !== 'apply') || wanted.action === 'rollback') return;
  const releases = [...new Set(Object.values(journal.rollout.to))].join(', ');
  const services = Object.keys(journal.rollout.to).join(' ');
  const end = journal.action === 'apply' ? 'psactl apply' : `psactl deploy ${services} --release ${releases}`;
  throw new CliError(`Unable to begin: the ${journal.action} of ${releases} (${services}) has not ended.`, {
    outcome: 'locked',
    code: 'UNFINISHED_DEPLOY',
    fix: `End it with "${end}", or take it back with "psactl rollback".`,
  });
}
