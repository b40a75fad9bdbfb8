import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { planRollout, type Releases, type Rollout, turnBack } from '@psa/appliance/deploy/rollout';
import type { Service } from '@psa/appliance/inventory/schema';
import type { OpenSite } from '../appliance/site.ts';
import { CliError } from '../errors.ts';
import type { Progress } from '../progress.ts';
import { type Archive, checkArchive } from './archive.ts';
import { dumpDatabase } from './database-dump.ts';
import { addHistory, type HistoryEntry, readDeployed, writeDeployed } from './deployed.ts';
import { Hands, locate } from './hands.ts';
import { HaproxyControl } from './haproxy-control.ts';
import { type DeployJournal, endJournal, readJournal, writeJournal } from './journal.ts';
import { migrateDatabase } from './migrate.ts';
import { notify } from './notify.ts';
import { AT_ONCE, pooled } from './pooled.ts';
import { type Check, preflight, type Seen } from './preflight.ts';
import { lookAt, PSA_RELEASE, replicaOf, switchReplica } from './replicas.ts';
import { runRollout, said } from './run-rollout.ts';

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
}

/** How it went. */
export interface DeployResult {
  readonly id: string;
  readonly ended: HistoryEntry['outcome'];
  readonly to: Releases;
  readonly from: Releases;
  readonly reason: string | null;
  readonly seconds: number;
  readonly backup: string | null;
  readonly replicas: number;
  readonly lost: readonly { readonly replica: string; readonly why: string }[];
  readonly notes: readonly string[];
}

/** Everything that is known when the plan stands. */
export interface Prepared {
  readonly plan: DeployPlan;
  readonly journal: DeployJournal | null;
  readonly rollout: Rollout;
  readonly archive: Archive | null;
  /** Containers that do not have the release yet. */
  readonly lacking: readonly string[];
}

const TAKEN_BACK = 'psactl rollback';
/** Between two tries to bring a replica back. */
const REST_MS = 10_000;

/** Looks at the site and decides; changes nothing. */
export async function prepare(site: OpenSite, wanted: Wanted, signal: AbortSignal): Promise<Prepared> {
  const journal = await readJournal(site.folder.path);
  if (journal) refuseAnother(journal, wanted);
  const hands = new Hands(site, await locate(site, signal), signal);
  const seen = await look(site, hands, Object.keys(wanted.to), signal);
  const from = journal?.rollout.from ?? (await releasesBefore(site, seen));
  let rollout: Rollout = journal?.rollout ?? { to: wanted.to, from, reason: null };
  // A rollback takes back what an interrupted deploy began.
  if (wanted.action === 'rollback' && journal?.action === 'deploy') rollout = turnBack(rollout, TAKEN_BACK);
  // The way back needs no archive: what ran before is still installed.
  const missing = [...seen.replicas].flatMap(([name, one]) => {
    const release = rollout.reason === null ? rollout.to[one.service] : undefined;
    return release !== undefined && !one.installed.includes(release) ? [{ name, release }] : [];
  });
  const lacking = missing.map(({ name }) => name);
  const version = oneRelease(missing) ?? wanted.version;
  const needed = rollout.reason === null && (wanted.action === 'deploy' || lacking.length > 0);
  const archive = needed ? await checkArchive(site.path(site.inventory.releases.directory), version) : null;
  const replicas = planRollout(rollout, statesOf(seen));
  const nothing = replicas.length === 0 && journal === null;
  const checks = nothing
    ? []
    : await preflight(site, hands, seen, {
        archiveBytes: archive?.bytes ?? 0,
        to: wanted.to,
        lenient: wanted.lenient || journal !== null,
      });
  const id = journal?.id ?? `${stamp()}-${wanted.action}-${wanted.version}`;
  const { to, reason } = rollout;
  return {
    ...{ journal, rollout, archive, lacking },
    plan: { id, to, from, going_back: reason, resumed: journal !== null, checks, replicas },
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
function refuseAnother(journal: DeployJournal, wanted: Wanted): void {
  const same =
    JSON.stringify(Object.entries(journal.rollout.to).sort()) ===
    JSON.stringify(Object.entries(wanted.to).sort());
  if (same || wanted.action === 'rollback') return;
  const releases = [...new Set(Object.values(journal.rollout.to))].join(', ');
  const services = Object.keys(journal.rollout.to).join(' ');
  throw new CliError(`Unable to begin: the ${journal.action} of ${releases} (${services}) has not ended.`, {
    outcome: 'locked',
    code: 'UNFINISHED_DEPLOY',
    fix: `End it with "psactl deploy ${services} --release ${releases}", or take it back with "psactl rollback".`,
  });
}

/** Asks every replica of these services, and every HAProxy. */
async function look(
  site: OpenSite,
  hands: Hands,
  names: readonly string[],
  signal: AbortSignal,
): Promise<Seen> {
  const all = site.inventory.services.filter((one) => names.includes(one.name));
  // The gateway last: its portals may ask for what only the new services answer.
  const services = [
    ...all.filter((one) => one.name !== 'gateway'),
    ...all.filter((one) => one.name === 'gateway'),
  ];
  const asked = services.flatMap((service) => hands.of(service.name).map((placed) => ({ service, placed })));
  const haproxy = new HaproxyControl(hands, membersOf(hands), signal);
  const views = await haproxy.views();
  const answers = await pooled(asked, AT_ONCE, async ({ service, placed }) => {
    const { name } = placed.container;
    return [name, { ...(await lookAt(hands, name, service)), service: service.name }] as const;
  });
  return { services, replicas: new Map(answers), views };
}

const membersOf = (hands: Hands) => hands.of('haproxy').map((one) => one.container.name);

const serviceOf = (seen: Seen, replica: string): Service =>
  seen.services.find((one) => one.name === seen.replicas.get(replica)!.service)!;

const statesOf = (seen: Seen) =>
  [...seen.replicas].map(([name, one]) => replicaOf(name, one.service, one, seen.views));

/** What each service ran before: what was deployed, if a replica still has it, else what most of them have. */
async function releasesBefore(site: OpenSite, seen: Seen): Promise<Releases> {
  const deployed = await readDeployed(site.folder.path);
  const states = statesOf(seen);
  return Object.fromEntries(
    seen.services.flatMap(({ name }) => {
      const all = states.filter((one) => one.service === name).flatMap((one) => one.release ?? []);
      const count = (release: string) => all.filter((one) => one === release).length;
      const known = deployed[name];
      const before = known && count(known) > 0 ? known : all.sort((a, b) => count(b) - count(a))[0];
      return before === undefined ? [] : [[name, before]];
    }),
  );
}

/** Carries it out. Call it with the folder's lock held. */
export async function carryOut(
  site: OpenSite,
  wanted: Wanted,
  prepared: Prepared,
  progress: Progress,
  signal: AbortSignal,
): Promise<DeployResult> {
  const started = Date.now();
  const { plan, archive, rollout: start } = prepared;
  if (plan.replicas.length === 0 && prepared.journal === null) {
    await writeDeployed(site.folder.path, plan.to);
    return {
      ...{ id: plan.id, ended: 'done', to: plan.to, from: plan.from, reason: null, seconds: 0 },
      ...{ backup: null, replicas: 0, lost: [], notes: [] },
    };
  }
  const notes: string[] = [];
  const note = (text: string) => {
    notes.push(text);
    progress.note(text);
  };
  let journal: DeployJournal = {
    ...{ id: plan.id, action: wanted.action, startedAt: new Date(started).toISOString(), phase: 'prepare' },
    ...{ backup: null, ...prepared.journal, rollout: start },
  };
  await writeJournal(site.folder, journal);
  const save = async (more: Partial<DeployJournal>) => {
    journal = { ...journal, ...more };
    await writeJournal(site.folder, journal);
  };
  const hands = new Hands(site, await locate(site, signal), signal);

  let lost: DeployResult['lost'] = [];
  let failure: string | null = null;
  try {
    if (journal.phase === 'prepare' && journal.rollout.reason === null) {
      if (archive) await installIn(prepared.lacking, hands, archive, progress);
      if (wanted.backup && journal.backup === null) {
        progress.start('Back up the database');
        const { database } = site.inventory.data.postgres;
        const keep = site.inventory.releases.keep;
        const dump = await dumpDatabase(hands, site.folder, { database, id: plan.id, keep });
        note(`Backup: ${dump.file} (${Math.ceil(dump.bytes / 1024)} KiB, ${dump.entries} entries)`);
        await save({ backup: dump.file });
      }
      if (wanted.migrate) {
        progress.start('Migrate the database');
        const place = firstReplica(hands, plan);
        if (place) await migrateDatabase(site, hands, place, wanted.version);
      }
      await save({ phase: 'roll' });
    }
  } catch (error) {
    signal.throwIfAborted();
    failure = said(error);
  }
  if (failure === null) {
    const end = await rollOut(site, hands, wanted, journal, { progress, note, signal, save });
    journal = { ...journal, rollout: end.rollout };
    lost = end.lost;
    failure = end.rollout.reason;
  }

  const { rollout } = journal;
  const untouched = rollout.reason === null && failure !== null;
  const asked = wanted.action === 'rollback' && failure === TAKEN_BACK;
  const good = (failure === null || asked) && lost.length === 0;
  const outcome = good ? 'done' : lost.length > 0 ? 'failed' : untouched ? 'failed' : 'rolled_back';
  if (failure === null || rollout.reason !== null) {
    await writeDeployed(site.folder.path, rollout.reason === null ? rollout.to : rollout.from);
  }
  if (outcome === 'done') await pruneReleases(site, hands, rollout);
  const seconds = Math.round((Date.now() - started) / 1000);
  const entry: HistoryEntry = {
    ...{ id: plan.id, at: new Date().toISOString(), action: wanted.action, outcome },
    ...(asked ? { from: rollout.to, to: rollout.from } : { from: rollout.from, to: rollout.to }),
    ...{ reason: failure, seconds, backup: journal.backup },
  };
  await addHistory(site.folder.path, entry);
  // As long as a replica is missing it is not over: "psactl rollback" goes on from here.
  if (lost.length === 0) await endJournal(site.folder);
  await notify(wanted.notify, site, entry).catch((error) => note(`Unable to notify: ${said(error)}`));
  return {
    ...{ id: plan.id, ended: outcome, to: entry.to, from: entry.from, reason: failure, seconds },
    ...{ backup: journal.backup, replicas: plan.replicas.length, lost, notes },
  };
}

const firstReplica = (hands: Hands, plan: DeployPlan) =>
  Object.keys(plan.to)
    .flatMap((service) => hands.of(service))
    .find((one) => one.state === 'running')?.container.name;

/** Brings the release into containers, a few at a time; nothing that runs notices. */
async function installIn(
  names: readonly string[],
  hands: Hands,
  archive: Archive,
  progress: Progress,
): Promise<void> {
  progress.start(`Install ${archive.version}`, names.length);
  await pooled(names, 3, async (name) => {
    await hands.must(name, [PSA_RELEASE, 'install', archive.version], {
      stdin: createReadStream(archive.file),
      timeoutMs: 10 * 60_000,
    });
    progress.advance();
  });
}

interface Tools {
  readonly progress: Progress;
  note(text: string): void;
  save(more: Partial<DeployJournal>): Promise<void>;
  readonly signal: AbortSignal;
}

async function rollOut(site: OpenSite, hands: Hands, wanted: Wanted, journal: DeployJournal, tools: Tools) {
  const { progress, note, save, signal } = tools;
  const names = Object.keys(journal.rollout.to);
  const haproxy = new HaproxyControl(hands, membersOf(hands), signal);
  let seen = await look(site, hands, names, signal);
  progress.start('Exchange the replicas', planRollout(journal.rollout, statesOf(seen)).length);
  const again = async (replica: string, look: boolean) => {
    const service = serviceOf(seen, replica);
    const [one, views] = await Promise.all([
      look ? lookAt(hands, replica, service) : seen.replicas.get(replica)!,
      haproxy.views(),
    ]);
    const answer = { ...one, service: service.name };
    seen = { ...seen, views, replicas: new Map(seen.replicas).set(replica, answer) };
  };
  const end = await runRollout(
    journal.rollout,
    {
      observe: async () => statesOf(seen),
      async perform(step) {
        const service = serviceOf(seen, step.replica);
        try {
          if (step.action === 'drain') {
            const left = await haproxy.drain(service.name, step.replica, wanted.drainMs);
            if (left > 0)
              note(`${step.replica}: ${left} connections were still open after ${wanted.drainMs / 1000} s`);
          } else if (step.action === 'switch') {
            const options = { patienceMs: wanted.readyMs, signal };
            await switchReplica(hands, step.replica, service, step.release, options);
            note(`${step.replica}: runs ${step.release}`);
          } else if (step.action === 'return') {
            await haproxy.return(service.name, step.replica, 30_000);
            progress.advance();
          }
        } catch (error) {
          // The HA manager may have moved it meanwhile.
          await hands.refresh().catch(() => {});
          throw error;
        } finally {
          if (!signal.aborted) await again(step.replica, step.action === 'switch');
        }
      },
      letGo: async (replica) => {
        await haproxy.letGo(serviceOf(seen, replica).name, replica);
        await again(replica, true);
      },
      async save(rollout) {
        await save({ rollout });
        progress.start('Bring the release before back', planRollout(rollout, statesOf(seen)).length);
      },
      note,
      // The HA manager may be bringing it up elsewhere.
      async rest() {
        await sleep(REST_MS, undefined, { signal });
        await hands.refresh().catch(() => {});
      },
      async prove() {
        progress.start('See whether they keep up');
        await sleep(wanted.proveMs, undefined, { signal });
        seen = await look(site, hands, names, signal);
        return statesOf(seen);
      },
    },
    signal,
  );
  await haproxy.keepState();
  return end;
}

/** What is no longer needed goes; what could be gone back to stays. */
async function pruneReleases(site: OpenSite, hands: Hands, rollout: Rollout): Promise<void> {
  const names = Object.keys(rollout.to).flatMap((service) => hands.of(service));
  const { keep } = site.inventory.releases;
  await pooled(names, AT_ONCE, (one) =>
    hands.exec(one.container.name, [PSA_RELEASE, 'prune', String(keep)]).catch(() => null),
  );
}

const stamp = () =>
  `${new Date().toISOString().replace(/[-:]/g, '').slice(0, 15)}-${randomBytes(2).toString('hex')}`;
