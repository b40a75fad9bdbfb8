import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { example } from '../inventory/example.test-helper.ts';
import type { Inventory } from '../inventory/schema.ts';
import { apply, config, desired, empty, having, ids, inside, whole, wish } from './cases.test-helper.ts';
import { createParams } from './desired.ts';
import { carryOut, configOf, emptyCluster, stopped } from './model.test-helper.ts';
import type { Observed, ObservedGuest } from './observed.ts';
import { plan } from './plan.ts';

describe('a plan', () => {
  it('for an empty cluster makes everything, and the second one is empty', () => {
    const first = plan(desired, empty);
    expect(first.problems).toEqual([]);
    expect(first.notes).toEqual([]);
    expect(first.steps.filter(({ id }) => id.startsWith('create:ct:'))).toHaveLength(
      desired.containers.length,
    );
    expect(ids(plan(desired, whole))).toEqual([]);
  });

  it('brings data up before the database is migrated, and that before any service runs', () => {
    const order = ids(plan(desired, empty));
    const at = (id: string) => {
      expect(order).toContain(id);
      return order.indexOf(id);
    };
    expect(at('create:pool:psa')).toBeLessThan(at('create:ct:300'));
    expect(at('configure:ct:302')).toBeLessThan(at('wait:part:postgres'));
    expect(at('wait:part:postgres')).toBeLessThan(at('migrate:database:0.1.0'));
    expect(at('migrate:database:0.1.0')).toBeLessThan(at('switch:ct:210'));
    expect(at('switch:ct:210')).toBeLessThan(at('configure:ct:210'));
    expect(at('wait:ct:221')).toBeLessThan(at('wait:ct:210'));
    expect(at('wait:ct:210')).toBeLessThan(at('manage:ct:210'));
    expect(at('manage:ct:211')).toBeLessThan(at('rule:psa-gateway-apart'));
    expect(order.at(-1)).toBe('smoke:edge');
  });

  it('starts all members of a new cluster at once: none of them is well alone', () => {
    const { steps } = plan(desired, empty);
    const step = steps.find(({ id }) => id === 'configure:ct:301')!;
    expect(step.after).not.toContain('configure:ct:300');
    expect(step.rolling).toBe(false);
  });

  it('for a container that is gone makes that one', () => {
    const found = plan(
      desired,
      having(whole, 211, () => null),
    );
    expect(new Set(found.steps.map(({ container }) => container))).toEqual(new Set([211, null]));
    expect(ids(found)).not.toContain('migrate:database:0.1.0');
    expect(found.steps[0]).toMatchObject({ id: 'create:ct:211', target: 'psa-gateway-2 (CT 211)' });
    expect(
      ids(
        plan(
          desired,
          apply(
            desired,
            having(whole, 211, () => null),
          ),
        ),
      ),
    ).toEqual([]);
  });

  it('for a changed memory says what it was and what it becomes', () => {
    const { steps } = plan(desired, config(240, { memory: 512 }));
    expect(steps).toMatchObject([{ id: 'update:ct:240', reason: 'memory 512 MiB → 4096 MiB' }]);
  });

  it('for a stopped service and a changed file configures that container and waits for it', () => {
    const found = inside(250, {
      units: { 'psa@events.service': 'inactive' },
      changed: ['/etc/psa/events.env'],
    });
    const { steps } = plan(desired, found);
    expect(steps.map(({ id }) => id)).toEqual(['configure:ct:250', 'wait:ct:250', 'smoke:edge']);
    expect(steps[0]!.reason).toBe(
      '/etc/psa/events.env changed by hand → as the inventory says, psa@events.service inactive → active',
    );
  });

  it('for a stopped container starts it and looks into it', () => {
    const { steps } = plan(desired, having(whole, 300, stopped));
    expect(steps.map(({ id }) => id)).toEqual([
      'start:ct:300',
      'configure:ct:300',
      'wait:part:postgres',
      'smoke:edge',
    ]);
  });

  it('grows a disk, and refuses to make one smaller', () => {
    expect(plan(desired, config(240, { rootGb: 8 })).steps).toMatchObject([
      { id: 'resize:ct:240', reason: 'disk 8 GiB → 10 GiB' },
    ]);
    const refused = plan(desired, config(240, { rootGb: 20 }));
    expect(refused.steps).toEqual([]);
    expect(refused.problems).toMatchObject([
      { target: 'psa-tickets-1 (CT 240)', message: /cannot be made smaller/ },
    ]);
  });

  it('moves what stands on another node, unless the HA manager put it there', () => {
    const away = (id: number) =>
      having(whole, id, (guest) => ({ ...guest, node: guest.node === 'pve1' ? 'pve2' : 'pve1' }));
    expect(ids(plan(desired, away(310)))).toContain('move:ct:310');
    expect(ids(plan(desired, away(210)))).toEqual([]);
  });

  it('makes a service of a new template anew one by one, and leaves data alone until it is told', () => {
    const inventory = example();
    for (const template of inventory.templates) template.version = '99.0.0';
    const next = plan(wish(inventory), whole);
    const replaced = next.steps
      .filter(({ action }) => action === 'replace')
      .map(({ container }) => container!);
    expect(replaced).toContain(210);
    expect(replaced.every((id) => id < 300 && id >= 210)).toBe(true);
    expect(next.steps.find(({ id }) => id === 'replace:ct:211')!.after).toContain('wait:ct:210');
    expect(next.notes.join()).toMatch(/psa-postgres-1 .*copy of the data.*--recreate psa-postgres-1/);
    const told = plan(wish(inventory, { recreate: ['psa-postgres-2'] }), whole);
    expect(ids(told)).toContain('replace:ct:301');
    expect(ids(told)).not.toContain('replace:ct:300');
  });

  it('rolls a new release through the replicas, after the migrations', () => {
    const inventory = example();
    inventory.releases.version = '0.2.0';
    const next = plan(wish(inventory), whole);
    const step = (id: string) => next.steps.find((one) => one.id === id)!;
    expect(next.steps.filter(({ action }) => ['switch', 'configure', 'wait'].includes(action))).toEqual([]);
    expect(step('rollout:services').after).toEqual(
      expect.arrayContaining(['migrate:database:0.2.0', 'install:ct:242']),
    );
    expect(step('rollout:services').reason).toMatch(/psa-tickets-1, .*: release 0\.1\.0 → 0\.2\.0$/);
    // Other files are brought in under the same drain; so is what a killed rollout left drained.
    const stale = plan(desired, inside(240, { changed: ['/etc/psa/tickets.env'] }));
    expect(stale.steps).toMatchObject([
      {
        deed: { kind: 'rollout', replicas: [240, 241, 242], beside: [] },
        reason: 'psa-tickets-1: /etc/psa/tickets.env changed by hand → as the inventory says',
      },
      { deed: { kind: 'smoke' } },
    ]);
    expect(plan(desired, { ...whole, drained: [211] }).steps[0]).toMatchObject({
      ...{ id: 'rollout:services', reason: 'psa-gateway-2: left drained → in rotation' },
    });
    expect(ids(plan(wish(inventory), apply(wish(inventory), whole)))).toEqual([]);
  });

  it('takes out no replica whose only other one does not serve', () => {
    const stale = inside(211, { changed: ['/etc/psa/gateway.env'] });
    // On a node that is off: nothing brings it back, so the turn waits, and is named.
    const off = having({ ...stale, nodes: { ...stale.nodes, pve1: 'offline' } }, 210, (guest) => ({
      ...{ ...guest, node: 'pve1', status: 'unknown', config: null, inside: null },
    }));
    const alone = plan(desired, off);
    expect(ids(alone)).not.toContain('rollout:services');
    expect(alone.notes.join()).toMatch(
      /psa-gateway-2 \(CT 211\) keeps what it has \(.*\): it is not taken out while psa-gateway-1 \(CT 210\) does not serve/,
    );
    // Stopped, unready or gone: it is brought back first.
    for (const change of [
      stopped,
      (guest: ObservedGuest) => ({ ...guest, inside: { ...guest.inside!, unready: 'bus: no answer' } }),
      () => null,
    ]) {
      const { steps } = plan(desired, having(stale, 210, change));
      expect(steps.find(({ id }) => id === 'rollout:services')!.after).toContain('wait:ct:210');
    }
    // It serves, and is made anew afterwards.
    const elsewhere = having(stale, 210, (guest) => ({
      ...guest,
      config: { ...guest.config!, rootStorage: 'local-lvm' },
    }));
    const { steps } = plan(desired, elsewhere);
    expect(steps.find(({ id }) => id === 'rollout:services')!.deed).toMatchObject({
      ...{ replicas: [211], beside: [210] },
    });
    expect(steps.find(({ id }) => id === 'replace:ct:210')!.after).toContain('rollout:services');
  });

  it('takes what was deployed since as what shall run', () => {
    const deployed = apply(wish(example(), { deployed: { tickets: '0.3.0' } }), whole);
    expect(ids(plan(wish(example(), { deployed: { tickets: '0.3.0' } }), deployed))).toEqual([]);
    expect(ids(plan(desired, deployed))).toContain('rollout:services');
  });

  it('removes surplus replicas, the highest number first, and data only when told', () => {
    const inventory = example();
    inventory.services.find(({ name }) => name === 'tickets')!.replicas = 1;
    inventory.data.redis.members = 1;
    const less = wish(inventory);
    const next = plan(less, whole);
    const removed = next.steps.filter(({ action }) => action === 'remove');
    expect(removed.map(({ id }) => id)).toEqual([
      'remove:rule:psa-tickets-apart',
      'remove:ct:242',
      'remove:ct:241',
    ]);
    expect(next.steps.find(({ id }) => id === 'remove:ct:241')!.after).toContain('remove:ct:242');
    expect(next.notes.join()).toMatch(/psa-redis-3 .*--remove-data/);
    expect(ids(plan({ ...less, removeData: true }, whole))).toContain('remove:ct:322');
    expect(ids(plan(less, apply(less, whole)))).toEqual([]);
  });

  it('names a foreign guest with an id of ours and does nothing', () => {
    const foreign = (change: Partial<ObservedGuest>) =>
      having(whole, 300, (guest) => ({ ...guest, ...change }));
    const bare = { ...configOf(desired.containers[0]!), description: '', tags: [] };
    for (const found of [
      foreign({ config: bare, inPool: false }),
      foreign({ type: 'qemu', config: null }),
      // A clone: all signs, but those of another id.
      foreign({ config: configOf(desired.containers.find(({ id }) => id === 301)!) }),
    ]) {
      const { steps, problems } = plan(desired, found);
      expect(steps).toEqual([]);
      expect(problems).toMatchObject([
        { target: 'psa-postgres-1 (CT 300)', message: /which psactl did not make/ },
      ]);
    }
  });

  it('puts back a sign of ours that was lost', () => {
    expect(
      ids(
        plan(
          desired,
          having(whole, 300, (guest) => ({ ...guest, inPool: false })),
        ),
      ),
    ).toEqual(['join:ct:300']);
    expect(plan(desired, config(300, { tags: ['mine'] })).steps).toMatchObject([
      { id: 'update:ct:300', reason: /tags mine → mine;psa;psa-postgres;vlan30/ },
    ]);
  });

  it('takes up a creation that was cut short, if it was ours', () => {
    const cut = having(whole, 300, (guest) => ({
      ...{ ...guest, status: 'stopped', inPool: false, inside: null },
      config: { ...guest.config!, description: '', tags: [], lock: 'create' },
    }));
    expect(plan(desired, cut).problems).toHaveLength(1);
    expect(ids(plan(desired, { ...cut, begun: [300] }))).toContain('create:ct:300');
  });

  it('does not take one for made that has our marker and is still locked by its creation', () => {
    const half = (id: number) => config(id, { lock: 'create' }, having(whole, id, stopped));
    // A service, or data that psactl began to make.
    expect(ids(plan(desired, half(240)))).toContain('create:ct:240');
    expect(ids(plan(desired, { ...half(300), begun: [300] }))).toContain('create:ct:300');
    // It may be a restore.
    const { steps, notes } = plan(desired, half(300));
    expect(steps.filter(({ container }) => container === 300)).toEqual([]);
    expect(notes.join()).toMatch(/psa-postgres-1 \(CT 300\) is left alone: .*--recreate psa-postgres-1/);
    const told = plan(wish(example(), { recreate: ['psa-postgres-1'] }), half(300));
    expect(ids(told)).toContain('create:ct:300');
  });

  it('asks for no tags where the container is not in the pool yet', () => {
    const params = createParams(desired.containers[0]!, desired.pool);
    expect(params).toMatchObject({ pool: 'psa', description: expect.stringMatching(/^psactl: /) });
    expect(params).not.toHaveProperty('tags');
    // Ended between the creation and the tags.
    const bare = { ...config(300, { tags: [] }), begun: [300] };
    expect(plan(desired, bare).steps).toMatchObject([{ id: 'update:ct:300', reason: /^tags none → psa;/ }]);
  });

  it('leaves alone what it cannot see', () => {
    const blind: Observed = {
      ...whole,
      nodes: { ...whole.nodes, pve2: 'offline' },
      guests: whole.guests.map((guest) =>
        guest.node === 'pve2' ? { ...guest, status: 'unknown', config: null, inside: null } : guest,
      ),
    };
    const { steps, notes, problems } = plan(desired, blind);
    expect(steps).toEqual([]);
    expect(problems).toEqual([]);
    expect(notes).toHaveLength(whole.guests.filter(({ node }) => node === 'pve2').length);
    expect(plan(desired, { ...whole, quorate: false }).problems).toHaveLength(1);
  });

  it('mends what HA was told', () => {
    const ha = (change: Partial<Observed['ha']>): Observed => ({ ...whole, ha: { ...whole.ha, ...change } });
    const resources = whole.ha.resources.map((one) =>
      one.sid === 'ct:210' ? { ...one, state: 'stopped' } : one,
    );
    expect(plan(desired, ha({ resources })).steps).toMatchObject([
      { id: 'manage:ct:210', reason: 'HA state stopped → started' },
    ]);
    expect(ids(plan(desired, ha({ rules: whole.ha.rules.slice(1) })))).toEqual([
      `rule:${whole.ha.rules[0]!.name}`,
    ]);
    const stranger = { ...whole.ha.rules[0]!, comment: 'mine' };
    expect(plan(desired, ha({ rules: [stranger, ...whole.ha.rules.slice(1)] })).problems).toHaveLength(1);
    expect(ids(plan(desired, ha({ rules: [...whole.ha.rules, { ...stranger, name: 'other' }] })))).toEqual(
      [],
    );
  });

  it('speaks in groups to PVE 8', () => {
    const eight = emptyCluster(example().sites[0]!, '8.4');
    const order = ids(plan(desired, eight));
    expect(order).toContain('group:psa-gateway-1');
    expect(order.filter((id) => id.startsWith('rule:'))).toEqual([]);
    expect(ids(plan(desired, apply(desired, eight)))).toEqual([]);
  });
});

// ── Whatever the state ───────────────────────────────────────────────────────

const shapes = fc.record({
  tickets: fc.integer({ min: 1, max: 3 }),
  gateway: fc.integer({ min: 1, max: 2 }),
  redis: fc.constantFrom(1, 3),
  memory: fc.constantFrom(1024, 2048),
  release: fc.constantFrom('0.1.0', '0.2.0'),
  template: fc.constantFrom('1.1.0', '99.0.0'),
  ha: fc.constantFrom('managed' as const, 'none' as const),
});
type Shape = typeof shapes extends fc.Arbitrary<infer T> ? T : never;

/** A smaller appliance, so that many can be tried. */
function shaped({ tickets, gateway, redis, memory, release, template, ha }: Shape): Inventory {
  const inventory = example();
  inventory.services = inventory.services.filter(({ name }) => ['gateway', 'tickets'].includes(name));
  for (const service of inventory.services) service.replicas = service.name === 'tickets' ? tickets : gateway;
  inventory.data.redis.members = redis;
  for (const group of inventory.containers)
    if (group.name === 'tickets') Object.assign(group, { memory_mb: memory, ha });
  inventory.releases.version = release;
  for (const one of inventory.templates) if (one.name === 'node-service') one.version = template;
  return inventory;
}

const foreignGuest: ObservedGuest = {
  ...{ id: 777, type: 'lxc', node: 'pve1', name: 'theirs', status: 'running', inPool: false, inside: null },
  config: { ...configOf(desired.containers[0]!), description: 'ours!', tags: ['psa'] },
};

/** Hands of fate on a cluster of ours. */
const mishap = fc.record({
  at: fc.nat(),
  kind: fc.constantFrom('gone', 'stopped', 'memory', 'file', 'pool', 'moved', 'away', 'unready', 'storage'),
});

function befall(observed: Observed, { at, kind }: { at: number; kind: string }): Observed {
  const ours = observed.guests.filter(({ id }) => id !== 777);
  const victim = ours[at % Math.max(1, ours.length)];
  if (!victim) return observed;
  return having(observed, victim.id, (guest) => {
    if (kind === 'gone') return null;
    if (kind === 'stopped') return stopped(guest);
    if (kind === 'memory') return { ...guest, config: { ...guest.config!, memory: 99 } };
    if (kind === 'file' && guest.inside)
      return { ...guest, inside: { ...guest.inside, changed: ['/etc/x'] } };
    if (kind === 'unready' && guest.inside && guest.id < 300)
      return { ...guest, inside: { ...guest.inside, unready: 'no answer' } };
    if (kind === 'storage' && guest.id < 300)
      return { ...guest, config: { ...guest.config!, rootStorage: 'local-lvm' } };
    if (kind === 'pool') return { ...guest, inPool: false };
    if (kind === 'moved') return { ...guest, node: 'pve3' };
    return guest;
  });
}

describe('whatever state is found', () => {
  const cases = fc.record({
    before: shapes,
    after: shapes,
    release: fc.constantFrom('8.4', '9.1'),
    /** Which of the steps that may come next comes next, and how many are done before the kill. */
    luck: fc.array(fc.nat(), { maxLength: 60 }),
    mishaps: fc.array(mishap, { maxLength: 4 }),
  });

  it('a plan carried out leaves nothing to do, and nothing foreign is touched', () => {
    fc.assert(
      fc.property(cases, ({ before, after, release, luck, mishaps }) => {
        const start = emptyCluster(example().sites[0]!, release);
        let observed: Observed = { ...start, guests: [foreignGuest] };
        const first = wish(shaped(before));
        // As far as the first apply came, in an order that the graph allows.
        const waiting = [...plan(first, observed).steps];
        const done = new Set<string>();
        for (const number of luck) {
          const free = waiting.filter((step) => !done.has(step.id) && step.after.every((id) => done.has(id)));
          const next = free[number % Math.max(1, free.length)];
          if (!next) break;
          observed = carryOut(first, observed, next);
          done.add(next.id);
        }
        if (luck.length % 2 === 0) observed = apply(first, observed);
        observed = mishaps.reduce(befall, observed);
        const then = wish(shaped(after), { removeData: true });
        const found = plan(then, observed);
        expect(found.problems).toEqual([]);
        expect(found.steps.filter(({ container }) => container === 777)).toEqual([]);
        const position = new Map(found.steps.map(({ id }, i) => [id, i]));
        for (const step of found.steps)
          for (const id of step.after) expect(position.get(id)).toBeLessThan(position.get(step.id)!);
        observed = apply(then, observed);
        expect(ids(plan(then, observed))).toEqual([]);
        expect(observed.guests.find(({ id }) => id === 777)).toBe(foreignGuest);
        // What lost a sign of ours is not removed, though nobody wants it any more.
        if (!mishaps.some(({ kind }) => kind === 'pool'))
          expect(observed.guests.length - 1).toBe(then.containers.length);
      }),
      { numRuns: 150 },
    );
  });
});
