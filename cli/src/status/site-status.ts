import type { Answer } from '@psa/appliance/parts/part';
import { dataParts } from '@psa/appliance/parts/parts';
import { patroniMembers, standbyLeaderOf } from '@psa/appliance/parts/postgres';
import { isAsleep } from '@psa/appliance/parts/standby-settings';
import type { Io } from '../command.ts';
import type { Progress } from '../progress.ts';
import { describeCertificate, SOON_DAYS } from '../site/certificate.ts';
import { Cluster } from '../site/cluster.ts';
import { readDeployed, readHistory } from '../site/deployed.ts';
import { readDrState } from '../site/dr-state.ts';
import { answersOf, lookInto } from '../site/look.ts';
import { NOTHING, replicaOf } from '../site/replicas.ts';
import { viewsOf } from '../site/rollout.ts';
import { readRolloutJournal } from '../site/rollout-journal.ts';
import type { OpenSite } from '../site/site.ts';
import { plural } from '../text.ts';
import type { ReplicaStatus, SiteStatus } from './site-status-text.ts';

interface ClusterEntry {
  readonly type: string;
  readonly name?: string;
  readonly quorate?: number;
  readonly online?: number;
}

/** Asks everything at the same time. */
export async function siteStatus(
  site: OpenSite,
  io: Pick<Io, 'env'>,
  signal: AbortSignal,
  progress: Progress,
): Promise<SiteStatus> {
  progress.start('Ask the site');
  const cluster = new Cluster(site, signal);
  const [status, placed, last, secrets, deployed, history, journal, holder, backups] = await Promise.all([
    cluster.get<readonly ClusterEntry[]>('/cluster/status'),
    cluster.placed(),
    lastDump(site),
    site.folder.secrets(),
    readDeployed(site.folder.path),
    readHistory(site.folder.path),
    readRolloutJournal(site.folder),
    site.folder.holder(),
    backupState(cluster, io),
  ]);
  const of = (group: string) => placed.filter(({ container }) => container.group === group);
  const { seen, failures } = await lookInto(
    cluster,
    placed.flatMap(({ container, node, state }) =>
      node !== null && state === 'running' ? [{ container, node }] : [],
    ),
  );
  const follows = (await readDrState(site.folder)).role === 'following';
  const views = viewsOf(seen, of('haproxy'));
  const parts = Object.entries(dataParts()).map(([part, { trouble }]) => {
    const members = of(part);
    const running = members.filter(({ state }) => state === 'running');
    const answers = answersOf(seen, running);
    const wrong =
      running.length === 0
        ? 'no container runs'
        : answers.length < running.length
          ? 'does not answer'
          : follows
            ? followingTrouble(part, answers) && trouble(site.inventory, answers)
            : trouble(site.inventory, answers);
    return { part, running: running.length, wanted: members.length, trouble: wrong };
  });
  const replicas = site.inventory.services.flatMap(({ name }) =>
    of(name).map(({ container, node, state }): ReplicaStatus => {
      const { id } = container;
      const inside = seen.get(id)?.inside ?? { ...NOTHING, unready: failures.get(id) ?? state };
      const { release, running, ready, rotation } = replicaOf(container, inside, views);
      const why = inside.unready ?? '';
      return { name: container.name, node, state, release, running, ready, rotation, why };
    }),
  );
  const services = site.inventory.services.map(({ name }) => {
    const ours = of(name).map((one) => one.container.name);
    return {
      name,
      release: deployed[name] ?? site.inventory.releases.version,
      replicas: replicas.filter((one) => ours.includes(one.name)),
    };
  });
  progress.end();
  const nodes = status
    .filter((one) => one.type === 'node')
    .map((one) => ({
      name: one.name ?? '',
      online: one.online === 1,
      running: placed.filter(({ node, state }) => node === one.name && state === 'running').length,
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const head = status.find((one) => one.type === 'cluster');
  const quorate = head === undefined || head.quorate === 1;
  const certificate = certificateOf(secrets.tls_pem);
  const done = history.at(-1);
  const problems = [
    ...(quorate ? [] : ['The cluster has no quorum.']),
    ...nodes.filter((one) => !one.online).map((one) => `${one.name} is offline.`),
    ...placed.filter((one) => one.state !== 'running').map((one) => `${one.container.name} is ${one.state}.`),
    ...parts.flatMap(({ part, trouble }) => (trouble === null ? [] : [`${part}: ${trouble}.`])),
    // On a site that follows they lie ready.
    ...(follows ? [] : services).flatMap(({ name, release, replicas }) =>
      replicas.filter((one) => one.state === 'running').flatMap((one) => replicaTrouble(name, release, one)),
    ),
    ...(certificate && certificate.days < SOON_DAYS
      ? [
          `The certificate of ${certificate.subject} ends in ${plural(certificate.days, 'day')}: psactl certs renew`,
        ]
      : []),
    ...(journal
      ? [
          holder
            ? `${journal.id} is under way: ${holder}.`
            : `${journal.id} was cut short: run it again, or psactl rollback.`,
        ]
      : []),
  ];
  return {
    ...{ site: site.site.name, at: new Date().toISOString(), healthy: problems.length === 0, quorate, nodes },
    containers: { wanted: placed.length, running: placed.filter((one) => one.state === 'running').length },
    ...{ follows, services, parts, certificate, problems },
    postgres: patroniMembers(answersOf(seen, of('postgres'))) ?? [],
    ...{ last_backup: last, backups },
    last_deploy: done ? { id: done.id, at: done.at, outcome: done.outcome } : null,
    unfinished: journal?.id ?? null,
  };
}

/** Whether a part of a site that follows is asked as one that serves is: what is not started is not, and its database leads nobody. */
function followingTrouble(part: string, answers: readonly Answer[]): true | null {
  if (isAsleep(part, false)) return null;
  return part === 'postgres' && standbyLeaderOf(patroniMembers(answers) ?? []) ? null : true;
}

function replicaTrouble(service: string, release: string, one: ReplicaStatus): string[] {
  if (!one.ready) return [`${one.name} is not ready: ${one.why}.`];
  if (one.release !== release)
    return [`${one.name} has ${one.release ?? 'no release'}, ${service} is ${release}.`];
  if (one.running !== one.release) return [`${one.name} still runs ${one.running}.`];
  if (one.rotation !== 'serving')
    return [`${one.name} is ${one.rotation === 'out' ? 'out of rotation' : 'drained'}.`];
  return [];
}

/** What is there of backups. That they cannot be looked at must not hide the rest. */
async function backupState(cluster: Cluster, io: Pick<Io, 'env'>): Promise<SiteStatus['backups']> {
  const { watchSite } = await import('../watch/watch-site.ts');
  try {
    const { summary, key } = await watchSite(cluster, io, Date.now(), { outside: false });
    const { series, findings, drills } = summary;
    const proven = series.flatMap(({ newest_proven }) => newest_proven?.at ?? []);
    return { newest_proven_at: proven.toSorted().at(-1) ?? null, series, drills, findings, key };
  } catch {
    cluster.signal.throwIfAborted();
    return null;
  }
}

async function lastDump(site: OpenSite): Promise<string | null> {
  const { readShelf } = await import('@psa/recovery/shelf');
  const { generationsOf } = await import('../site/generations.ts');
  const shelf = await readShelf(generationsOf(site)[0]!.folder).catch(() => []);
  return shelf.find(({ kind, state }) => kind === 'deploy' && state === 'good')?.id ?? null;
}

/** The first certificate of a PEM: that of the edge itself. */
function certificateOf(pem: string | undefined): SiteStatus['certificate'] {
  if (!pem) return null;
  try {
    const { subject, until, days } = describeCertificate('edge', pem);
    return { subject, until, days };
  } catch {
    return null;
  }
}
