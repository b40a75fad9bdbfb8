import { X509Certificate } from 'node:crypto';
import type { OpenSite } from '../appliance/site.ts';
import type { Progress } from '../progress.ts';
import { plural } from '../text.ts';
import { patroniCluster } from './database-dump.ts';
import { readDeployed, readHistory } from './deployed.ts';
import { Hands, locate } from './hands.ts';
import { HaproxyControl } from './haproxy-control.ts';
import { readJournal } from './journal.ts';
import { AT_ONCE, pooled } from './pooled.ts';
import { lookAt, replicaOf } from './replicas.ts';
import type { ReplicaStatus, SiteStatus } from './site-status-text.ts';

interface ClusterEntry {
  readonly type: string;
  readonly name?: string;
  readonly quorate?: number;
  readonly online?: number;
}

const SOON_DAYS = 30;

/** Asks everything at the same time. */
export async function siteStatus(
  site: OpenSite,
  signal: AbortSignal,
  progress: Progress,
): Promise<SiteStatus> {
  progress.start('Ask the site');
  const [cluster, placed] = await Promise.all([
    site.client.request<readonly ClusterEntry[]>('GET', '/cluster/status', {}, { signal }),
    locate(site, signal),
  ]);
  const hands = new Hands(site, placed, signal);
  const members = hands.of('haproxy').map((one) => one.container.name);
  const [views, parts, postgres, last, secrets, deployed, history, journal] = await Promise.all([
    new HaproxyControl(hands, members, signal).views(),
    partsOf(site, hands, signal),
    patroniCluster(hands),
    lastDump(site),
    site.folder.secrets(),
    readDeployed(site.folder.path),
    readHistory(site.folder.path),
    readJournal(site.folder.path),
  ]);
  const replicas = await pooled(
    site.inventory.services.flatMap((service) =>
      hands.of(service.name).map((placed) => ({ service, placed })),
    ),
    AT_ONCE,
    async ({ service, placed: { container, node, state } }): Promise<ReplicaStatus> => {
      const { name } = container;
      const seen = await lookAt(hands, name, service);
      const { rotation } = replicaOf(name, service.name, seen, views);
      const { release, running, ready, why } = seen;
      return {
        ...{ name, node, state, release, running, ready, rotation },
        why: state === 'running' ? why : state,
      };
    },
  );
  const services = site.inventory.services.map(({ name }) => {
    const ours = hands.of(name).map((one) => one.container.name);
    return {
      name,
      release: deployed[name] ?? site.inventory.releases.version,
      replicas: replicas.filter((one) => ours.includes(one.name)),
    };
  });
  progress.end();
  const nodes = cluster
    .filter((one) => one.type === 'node')
    .map((one) => ({
      name: one.name ?? '',
      online: one.online === 1,
      running: placed.filter(({ node, state }) => node === one.name && state === 'running').length,
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const head = cluster.find((one) => one.type === 'cluster');
  const quorate = head === undefined || head.quorate === 1;
  const certificate = certificateOf(secrets.tls_pem);
  const done = history.at(-1);
  const problems = [
    ...(quorate ? [] : ['The cluster has no quorum.']),
    ...nodes.filter((one) => !one.online).map((one) => `${one.name} is offline.`),
    ...placed.filter((one) => one.state !== 'running').map((one) => `${one.container.name} is ${one.state}.`),
    ...parts.flatMap(({ part, trouble }) => (trouble === null ? [] : [`${part}: ${trouble}.`])),
    ...services.flatMap(({ name, release, replicas }) =>
      replicas.filter((one) => one.state === 'running').flatMap((one) => replicaTrouble(name, release, one)),
    ),
    ...(certificate && certificate.days < SOON_DAYS
      ? [
          `The certificate of ${certificate.subject} ends in ${plural(certificate.days, 'day')}: psactl certs renew`,
        ]
      : []),
    ...(journal ? [`${journal.id} was cut short: run it again, or psactl rollback.`] : []),
  ];
  return {
    ...{ site: site.site.name, at: new Date().toISOString(), healthy: problems.length === 0, quorate, nodes },
    containers: { wanted: placed.length, running: placed.filter((one) => one.state === 'running').length },
    ...{ services, parts, certificate, problems },
    postgres: postgres ?? [],
    last_backup: last,
    last_deploy: done ? { id: done.id, at: done.at, outcome: done.outcome } : null,
    unfinished: journal?.id ?? null,
  };
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

async function partsOf(site: OpenSite, hands: Hands, signal: AbortSignal): Promise<SiteStatus['parts']> {
  const { partTrouble } = await import('../appliance/health.ts');
  return Promise.all(
    Object.keys(site.inventory.data).map(async (part) => {
      const members = hands
        .of(part)
        .flatMap(({ container, node, state }) => (node && state === 'running' ? [{ container, node }] : []));
      const counted = { part, running: members.length, wanted: hands.of(part).length };
      if (members.length === 0) return { ...counted, trouble: 'no container runs' };
      const trouble = await partTrouble(site, part, members, signal);
      return { ...counted, trouble: trouble === undefined ? 'does not answer' : trouble };
    }),
  );
}

async function lastDump(site: OpenSite): Promise<string | null> {
  const { readdir } = await import('node:fs/promises');
  const names = await readdir(site.folder.file('backups')).catch(() => []);
  return (
    names
      .filter((name) => name.endsWith('.dump'))
      .sort()
      .at(-1) ?? null
  );
}

/** The first certificate of a PEM: that of the edge itself. */
export function certificateOf(pem: string | undefined): SiteStatus['certificate'] {
  if (!pem) return null;
  try {
    const certificate = new X509Certificate(pem);
    const days = Math.floor((certificate.validToDate.getTime() - Date.now()) / 86_400_000);
    const subject = /(?:^|\n)CN=(.+)/.exec(certificate.subject)?.[1] ?? certificate.subject;
    return { subject, until: certificate.validToDate.toISOString(), days };
  } catch {
    return null;
  }
}
