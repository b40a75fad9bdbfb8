import { expand, type Container as Planned } from '@psa/appliance/inventory/expand';
import { DATA_PORTS, METRICS_PORTS } from '@psa/appliance/inventory/ports';
import type { Inventory } from '@psa/appliance/inventory/schema';
import type { Site } from '@psa/appliance/inventory/site-schema';
import { currentRelease } from './appliance-programs.ts';
import { BASIC_PROGRAMS } from './basic-programs.ts';
import { haproxySocket } from './fake-haproxy.ts';
import type { Call, Container, Program } from './program.ts';

/** A file in every database container: the migrations have run. */
const MIGRATED = '/var/lib/postgresql/migrated';

/** What a made-up server answers; null: nothing listens there. */
interface Answer {
  readonly status: number;
  readonly body: string;
}

/**
 * The programs of the appliance's parts, as far as psactl asks them. A part is well when its containers run and
 * their units are active; the first of them leads.
 */
export function fakeServices(inventory: Inventory, site: Site): Readonly<Record<string, Program>> {
  const planned = new Map(expand(inventory, site).map((one) => [one.id, one]));
  const parts = new Parts(inventory, planned);
  return {
    curl: (call) => curl(call, parts),
    psql: ({ box, out }) => tell(out, box.exists(MIGRATED) ? 't\n' : 'f\n'),
    pg_dump: ({ out }) => tell(out, '1; 0 0 TABLE public made_up postgres\n'),
    pg_restore: (call) => tell(call.out, call.input.rest()),
    // The only program that is run by Node itself: the migrations.
    node: ({ box }) => {
      const databases = parts.running(box, 'postgres');
      for (const one of databases) one.write(MIGRATED, Buffer.from(''));
      return databases.length > 0 ? 0 : 1;
    },
    'redis-cli': ({ box, out }) => tell(out, sentinelMaster(parts.running(box, 'redis'))),
    ip: (call) => {
      BASIC_PROGRAMS.ip!(call);
      const { virtual_address: address } = inventory.data.haproxy;
      if (parts.running(call.box, 'haproxy')[0]?.id !== call.box.id) return 0;
      return tell(call.out, `2: eth0    inet ${address}/32 scope global secondary eth0\n`);
    },
    socat: (call) => tell(call.out, haproxySocket(call.box, call.input.rest().toString(), parts)),
  };
}

function tell(out: Call['out'], text: string | Buffer): number {
  out(Buffer.from(text));
  return 0;
}

/** Which containers are what, and how they are. */
class Parts {
  readonly #inventory: Inventory;
  readonly #planned: ReadonlyMap<number, Planned>;

  constructor(inventory: Inventory, planned: ReadonlyMap<number, Planned>) {
    this.#inventory = inventory;
    this.#planned = planned;
  }

  /** Containers of a group that do their work, by id. */
  running(box: Container, group: string): Container[] {
    return box
      .others()
      .filter(({ id }) => this.#planned.get(id)?.group === group)
      .filter(({ units }) => Object.values(units).some((state) => state === 'active'))
      .sort((a, b) => a.id - b.id);
  }

  /** Whether what listens at an address answers as its health check wants it. */
  isHealthy(box: Container, address: string, backend: string): boolean {
    const target = box.others().find((one) => one.address === address);
    if (!target) return false;
    const databases = this.running(box, 'postgres');
    if (backend === 'postgres-primary') return databases[0]?.id === target.id;
    if (databases.some(({ id }) => id === target.id)) return true;
    return this.#service(target, '/ready')?.status === 200;
  }

  at(box: Container, url: URL): Answer | null {
    const target = box.others().find((one) => one.address === url.hostname) ?? box;
    const port = Number(url.port || 80);
    if (port === DATA_PORTS.patroni) return this.#patroni(target);
    if (port === METRICS_PORTS.rabbitmq) return this.#rabbitmq(target);
    if (port === DATA_PORTS.prometheus) return { status: 200, body: 'Prometheus Server is Ready.\n' };
    return this.#service(target, url.pathname);
  }

  #patroni(target: Container): Answer | null {
    const members = this.running(target, 'postgres');
    if (!members.some(({ id }) => id === target.id)) return null;
    const roles = ['leader', this.#inventory.data.postgres.synchronous ? 'sync_standby' : 'replica'];
    const body = members.map((one, index) => ({
      name: one.hostname,
      role: roles[index] ?? 'replica',
      state: index === 0 ? 'running' : 'streaming',
      host: one.address,
      timeline: 1,
      lag: 0,
    }));
    return { status: 200, body: JSON.stringify({ members: body, scope: 'psa' }) };
  }

  #rabbitmq(target: Container): Answer | null {
    const nodes = this.running(target, 'rabbitmq');
    if (!nodes.some(({ id }) => id === target.id)) return null;
    const lines = nodes
      .filter(({ id }) => id !== target.id)
      .map(({ hostname }) => `erlang_vm_dist_node_state{peer="rabbit@${hostname}"} 3`);
    return { status: 200, body: ['rabbitmq_identity_info 1', ...lines, ''].join('\n') };
  }

  #service(target: Container, path: string): Answer | null {
    const version = currentRelease(target);
    const runs = Object.entries(target.units).some(
      ([unit, state]) => unit.startsWith('psa@') && state === 'active',
    );
    if (version === null || !runs) return null;
    // A made-up release that never gets ready has this file.
    if (path === '/ready' && target.exists(`/opt/psa/releases/${version}/never-ready`))
      return { status: 503, body: '{"checks":{"release":{"status":"failed","error":"broken on purpose"}}}' };
    if (path === '/ready') return { status: 200, body: '{"status":"ok","checks":{}}' };
    if (path === '/health') return { status: 200, body: JSON.stringify({ status: 'ok', version }) };
    if (path === '/') return { status: 200, body: '<!doctype html><html></html>' };
    if (path === '/api/v1/openapi.json') return { status: 200, body: '{"openapi":"3.1.0"}' };
    return { status: 404, body: '{"error":{"code":"RESOURCE_NOT_FOUND"}}' };
  }
}

export type { Parts };

function curl({ argv, box, out }: Call, parts: Parts): number {
  const valued = new Set(['-o', '-m', '-w', '-H', '-X', '-d']);
  let target: string | null = null;
  let format = '';
  let file: string | null = null;
  for (let index = 1; index < argv.length; index++) {
    const word = argv[index]!;
    if (valued.has(word)) {
      const value = argv[++index] ?? '';
      if (word === '-o') file = value;
      if (word === '-w') format = value;
    } else if (!word.startsWith('-')) target = word;
  }
  const answer = target === null ? null : parts.at(box, new URL(target));
  if (file === null) tell(out, answer?.body ?? '');
  else if (file !== '/dev/null' && answer) box.write(file, Buffer.from(answer.body));
  tell(
    out,
    format.replaceAll('%{http_code}', String(answer?.status ?? 0).padStart(3, '0')).replaceAll('\\n', '\n'),
  );
  return answer ? 0 : 7;
}

function sentinelMaster(members: readonly Container[]): string {
  const [master] = members;
  if (!master) return '';
  const others = String(members.length - 1);
  const values = ['name', 'psa', 'ip', master.address ?? '', 'flags', 'master'];
  return `${[...values, 'num-slaves', others, 'num-other-sentinels', others].join('\n')}\n`;
}
