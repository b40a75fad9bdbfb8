import type { Inventory } from '@psa/appliance/inventory/schema';
import type { Site } from '@psa/appliance/inventory/site-schema';
import { RuntimeFailure } from '../ports.ts';
import { namespaceFile } from './namespaces.ts';
import { ProbeChild, type ProbeFound } from './probe-child.ts';
import { type Attempt, allowedAttempts, forbiddenAttempts, probeMachines } from './probe-plan.ts';
import { namespaceOf } from './topology.ts';

/** Where the machines are. */
export interface FlowProbeOptions {
  readonly inventory: Inventory;
  readonly site: Site;
  /** Name of the lab. */
  readonly lab: string;
  /** Network namespaces of the containers, by name: `/proc/<pid of its init>/ns/net`. */
  readonly containers: Readonly<Record<string, string>>;
  /** How many forbidden connections are tried. */
  readonly forbidden: number;
}

/** An attempt with what it met. */
export interface ProbeResult extends Attempt {
  readonly found: ProbeFound;
  readonly fine: boolean;
}

/** A loaded machine takes its time; what is dropped never comes. */
const OPEN_MS = 5_000;
const SILENT_MS = 1_500;

/**
 * Tries the inventory's flows with real sockets between the machines themselves: each one that is allowed, and some
 * that are not. Where nothing listens, something does for the time of the attempt.
 */
export async function flowProbe(options: FlowProbeOptions): Promise<readonly ProbeResult[]> {
  const { inventory, site } = options;
  const allowed = allowedAttempts(inventory, site);
  const forbidden = forbiddenAttempts(inventory, site, options.forbidden);
  return withProbes(options, [...allowed, ...forbidden], async (probes) => {
    await listenFor(probes, allowed);
    const opened = await attempt(probes, allowed, OPEN_MS);
    return [...opened, ...(await attempt(probes, forbidden, SILENT_MS))];
  });
}

/** Tries just these, with listeners where they arrive. */
export async function probeAttempts(
  options: Omit<FlowProbeOptions, 'forbidden'>,
  attempts: readonly Attempt[],
): Promise<readonly ProbeResult[]> {
  return withProbes(options, attempts, async (probes) => {
    await listenFor(probes, attempts);
    return attempt(probes, attempts, SILENT_MS);
  });
}

/** A line per attempt that went otherwise than the inventory says. */
export function probeFindings(results: readonly ProbeResult[]): readonly string[] {
  return results
    .filter((one) => !one.fine)
    .map(
      ({ from, to, address, protocol, port, expected, found, why }) =>
        `${from.name} to ${to} (${address}) ${protocol} ${port}: ${found}, should be ${expected} (${why})`,
    );
}

/** Starts a probe in each machine that has a part in the attempts. */
async function withProbes<T>(
  { inventory, site, lab, containers }: Omit<FlowProbeOptions, 'forbidden'>,
  attempts: readonly Attempt[],
  work: (probes: Probes) => Promise<T>,
): Promise<T> {
  const edge = inventory.data.haproxy.virtual_address;
  const arrivals = new Set(attempts.map((one) => one.arrives));
  const senders = new Set(attempts.map((one) => one.from.name));
  const children = new Map<string, ProbeChild>();
  try {
    for (const { name, group, address } of probeMachines(inventory, site)) {
      const holdsEdge = group === 'haproxy' && arrivals.has(edge);
      if (!senders.has(name) && !arrivals.has(address) && !holdsEdge) continue;
      const host = inventory.hosts.some((one) => one.name === name) ? `host-${name}` : name;
      const own = ['nodes', 'internet'].includes(group) || host !== name;
      const file = own ? namespaceFile(namespaceOf(lab, host)) : containers[name];
      if (!file) throw new RuntimeFailure(`Unable to try the flows: ${name} does not run.`);
      children.set(name, new ProbeChild(file));
    }
    children.set('fabric', new ProbeChild(namespaceFile(namespaceOf(lab, 'fabric'))));
    const at = new Map<string, ProbeChild>();
    for (const child of children.values())
      for (const address of await child.addresses()) at.set(address, child);
    return await work({ of: (name) => children.get(name)!, at: (address) => at.get(address) });
  } finally {
    await Promise.all([...children.values()].map((child) => child.stop()));
  }
}

interface Probes {
  of(name: string): ProbeChild;
  /** Who has the address; the virtual one is with one of several. */
  at(address: string): ProbeChild | undefined;
}

async function listenFor(probes: Probes, attempts: readonly Attempt[]): Promise<void> {
  const places = new Map(attempts.map((one) => [`${one.protocol} ${one.arrives} ${one.port}`, one] as const));
  await Promise.all(
    [...places.values()].map(async ({ protocol, arrives, port, to }) => {
      const child = probes.at(arrives);
      const answer = child ? await child.listen(protocol, arrives, port) : 'nobody has that address';
      if (answer !== 'listening' && answer !== 'taken')
        throw new RuntimeFailure(`Unable to listen on ${arrives} ${protocol} ${port} (${to}): ${answer}.`);
    }),
  );
}

/** So many at a time: a machine of two cores serves them well within their time. */
const AT_ONCE = 64;

async function attempt(
  probes: Probes,
  attempts: readonly Attempt[],
  timeoutMs: number,
): Promise<readonly ProbeResult[]> {
  const results = new Array<ProbeResult>(attempts.length);
  const queue = attempts.entries();
  const worker = async () => {
    for (const [at, one] of queue) {
      const { from, protocol, address, port, expected } = one;
      const found = await probes.of(from.name).connect(protocol, { address, port }, from.address, timeoutMs);
      const fine = expected === 'open' ? found === 'open' : found === 'silent' || found === 'unreachable';
      results[at] = { ...one, found, fine };
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return results;
}
