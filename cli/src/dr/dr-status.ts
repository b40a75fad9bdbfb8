import { otherEdge } from '@psa/appliance/parts/edge-watch';
import { lasting } from '@psa/recovery/dr/duration';
import { NEEDED, type Needed } from '@psa/recovery/dr/facts';
import { planFailover } from '@psa/recovery/dr/plan';
import { type FollowState, standbyLoss, standbyTroubles } from '@psa/recovery/dr/standby';
import { type DrState, siteAt } from '../site/dr-state.ts';
import type { KnownSite } from '../site/site.ts';
import { handedOverMs } from '../site/standby.ts';
import { findCopies, newestCopies } from './copies.ts';
import { readDrJournal, unfinished } from './dr-journal.ts';
import { measuredOf } from './facts.ts';
import { learnPair } from './left.ts';
import { edgesOf, signsOfLife } from './life.ts';
import { type DrContext, needPair, type Pair } from './pair.ts';
import { askStandby, type StandbySeen, staleOf, standbyFacts } from './standby.ts';

/** How a site of the pair is. */
interface SiteState extends DrState {
  readonly name: string;
  /** What its edge says of itself; null: it does not answer, or dr.edges is not given. */
  readonly says: { readonly site: string; readonly epoch: number } | null;
  /** Whether its nodes or its edge answer at all. */
  readonly answers: boolean;
}

/** The newest good copy of a kind in a place. */
interface CopyAge {
  readonly id: string;
  readonly at: string;
  readonly age_minutes: number;
  readonly place: string;
}

/** How ready the second site is. */
export interface DrStatus {
  readonly appliance: string;
  readonly kind: 'cold' | 'warm';
  readonly serving: string;
  readonly sites: readonly SiteState[];
  /** The newest of each kind that is reached without the site that serves. */
  readonly copies: Readonly<Record<Needed, CopyAge | null>>;
  /** The newest of each kind in each place: how far that lags behind. */
  readonly places: readonly CopyAge[];
  /** How far what follows is; null: the standby is cold, or does not follow. */
  readonly standby: Standby | null;
  /** If the site that serves were lost now. */
  readonly predicted: {
    readonly rto_minutes: number;
    /** Null: nothing could be restored. */
    readonly rpo_minutes: number | null;
    /** `assumed`: part of it was never measured here. */
    readonly by: 'measured' | 'assumed';
  };
  readonly targets: { readonly rto_minutes: number; readonly rpo_minutes: number };
  readonly problems: readonly string[];
  /** What is worth knowing and wrong with nothing. */
  readonly notes: readonly string[];
}

/** A standby that follows. */
interface Standby {
  /** Null: it does not say. */
  readonly role: FollowState['role'] | null;
  /** The last commit that it has; ISO 8601. */
  readonly replayed_at: string | null;
  /** What was written in so many seconds would be lost. Null: nobody knows. */
  readonly lag_seconds: number | null;
  /** Bytes of the log that have come and that its database has not taken over. */
  readonly behind_bytes: number | null;
  /** The newest piece of the log that has come, and when it was last asked for more. */
  readonly newest: string | null;
  readonly asked_at: string | null;
}

const MINUTE = 60_000;

/** Looks at both sites from outside, and at the copies that are left when one of them is gone. */
export async function drStatus(context: DrContext): Promise<DrStatus> {
  const { io, signal, progress } = context;
  progress.start('look at both sites');
  const { learned } = await learnPair(context, 'both');
  const pair = await needPair(context);
  const { dr, serving, other } = pair;
  const now = new Date();
  const [found, follows, ...sites] = await Promise.all([
    findCopies(serving.known, io, signal),
    askStandby(context, pair),
    ...[serving, other].map(async ({ known, state }): Promise<SiteState> => {
      const [says, life] = await Promise.all([askSite(known, signal), signsOfLife(known, signal)]);
      return { name: known.site.name, ...state, says, answers: life.length > 0 };
    }),
  ]);
  progress.end();
  const { inventory } = serving.known;
  const targets = inventory.backup.targets.cluster;
  const copies = newestCopies(found);
  const plan = planFailover('cluster-lost', {
    ...{ now, appliance: inventory.name, from: serving.known.site.name, to: other.known.site.name },
    ...{ named: null, before: null, by_log: false, copies, container_bytes: null, life: [], fence: false },
    hooks: { fence: false, switch: true, notify: true },
    measured: measuredOf([serving.known, other.known]),
    standby: standbyFacts(follows, pair),
    unsure: learned.unsure,
  });
  const aged = ({ id, at, place }: { id: string; at: string; place: string }): CopyAge => ({
    ...{ id, at, place },
    age_minutes: Math.max(0, Math.floor((now.getTime() - Date.parse(at)) / MINUTE)),
  });
  const predicted = {
    rto_minutes: Math.ceil(plan.rto_ms / MINUTE),
    rpo_minutes: plan.rpo_ms === null ? null : Math.ceil(plan.rpo_ms / MINUTE),
    by: plan.steps.some(({ by }) => by === 'assumed') ? ('assumed' as const) : ('measured' as const),
  };
  const outside = found.all.filter(({ from }) => 'remote' in from);
  const open = [other, serving].map(({ known }) => unfinished(readDrJournal(known.folder))).find(Boolean);
  const problems = [
    ...plan.refusals.map(({ why, fix }) => `${why} ${fix}`),
    ...(predicted.rpo_minutes !== null && predicted.rpo_minutes > targets.rpo_minutes
      ? [
          `${lasting(predicted.rpo_minutes * MINUTE)} of writes would be lost, ${lasting(targets.rpo_minutes * MINUTE)} are promised (backup.targets.cluster.rpo_minutes): back up and send more often.`,
        ]
      : []),
    ...(predicted.rto_minutes > targets.rto_minutes
      ? [
          `It would take ${lasting(predicted.rto_minutes * MINUTE)}, ${lasting(targets.rto_minutes * MINUTE)} are promised (backup.targets.cluster.rto_minutes).`,
        ]
      : []),
    ...(outside.some(({ kind }) => kind === 'database') || sharesFolder(serving.known)
      ? []
      : [
          'No copy of the database is outside: what takes the site may take its backups along. Give a generation a remote, or a folder on a share.',
        ]),
    ...sites.flatMap(({ name, role, says }) =>
      role === 'fenced' && says !== null
        ? [`${name} serves, although it was failed over: psactl dr fence --site ${name}`]
        : [],
    ),
    ...(await standbyProblems(follows, pair)),
    ...(open ? [`"${open.what}" of ${open.since} was cut off: run it again.`] : []),
    ...found.unread.map((one) => `Its copies could not be read: ${one}`),
  ];
  const notes = [
    ...(dr.edges ? [] : ['dr.edges is not given: only psactl keeps a site that comes back from serving.']),
    ...(dr.hooks?.switch ? [] : ['dr.hooks.switch is not given: clients are led over by hand.']),
    ...(sites[1]!.answers ? [] : [`${sites[1]!.name} does not answer: it is switched on before a failover.`]),
  ];
  return {
    ...{ appliance: inventory.name, kind: dr.kind, serving: serving.known.site.name, sites },
    copies: Object.fromEntries(
      NEEDED.map((kind) => [kind, copies[kind] ? aged(copies[kind]) : null]),
    ) as DrStatus['copies'],
    places: [...Map.groupBy(found.all, ({ kind, place }) => `${kind} ${place}`).values()].map((list) =>
      aged(list[0]!),
    ),
    standby: follows && standbyShown(follows, pair),
    ...{ predicted, targets, problems, notes },
  };
}

function standbyShown({ state }: StandbySeen, { serving }: Pair): Standby {
  const at = (moment: number | null | undefined) => (moment ? new Date(moment).toISOString() : null);
  const lost = state && standbyLoss(state, handedOverMs(serving.known.inventory), Date.now());
  return {
    ...{ role: state?.role ?? null, replayed_at: at(state?.replayed_at) },
    lag_seconds: lost === null ? null : Math.round(lost / 1000),
    ...{ behind_bytes: state?.behind_bytes ?? null, newest: state?.newest ?? null },
    asked_at: at(state?.log.at),
  };
}

/** What is wrong with a standby that shall follow. */
async function standbyProblems(seen: StandbySeen | null, pair: Pair): Promise<string[]> {
  const { dr, serving, other } = pair;
  const names = { from: serving.known.site.name, to: other.known.site.name };
  if (dr.kind !== 'warm') return [];
  if (seen === null)
    return names.from === dr.primary
      ? [`${names.to} does not follow, although dr.kind is warm: psactl dr follow`]
      : [];
  const stale = await staleOf(pair);
  return [
    ...(seen.state
      ? standbyTroubles(seen.state, names).map(({ why, fix }) => `${why} ${fix}`)
      : [`${names.to} does not say how far it is: ${seen.why}`]),
    ...(stale.length > 0
      ? [`${names.to} lacks ${stale.join(' and ')} of ${names.from}: psactl dr follow`]
      : []),
  ];
}

/** Asked by the address that the other site uses, which does not move. */
async function askSite(known: KnownSite, signal: AbortSignal): Promise<SiteState['says']> {
  if (otherEdge(known.inventory, known.site) === null) return null;
  for (const url of edgesOf(known)) {
    const said = await siteAt(known.inventory, url, signal);
    if (said?.site === known.site.name) return said;
  }
  return null;
}

/** A folder that somebody has named is a share, as far as anybody can see from here. */
const sharesFolder = ({ inventory }: KnownSite): boolean =>
  inventory.backup.tiers.some(({ folder }) => folder !== undefined);
