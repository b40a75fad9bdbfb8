import { describe, expect, it } from 'vitest';
import { example } from '../inventory/example.test-helper.ts';
import { desired, empty, having, ids, inside, whole, wish } from './cases.test-helper.ts';
import { stopped } from './model.test-helper.ts';
import type { Observed } from './observed.ts';
import { plan } from './plan.ts';

describe('the members of a data part', () => {
  it.each<[string, (from: Observed) => Observed]>([
    ['gone', (from) => having(from, 301, () => null)],
    ['stopped', (from) => having(from, 301, stopped)],
    ['empty', (from) => inside(301, { digest: null }, from)],
    ['without its service', (from) => inside(301, { units: { 'patroni.service': 'failed' } }, from)],
  ])('does not wait for a member that is %s before it had its turn', (_what, befalls) => {
    // All three are to be changed; the part is well when the second one is.
    const changed = [300, 301, 302].reduce(
      (from, id) => inside(id, { changed: ['/etc/patroni/config.yml'] }, from),
      whole,
    );
    const { steps } = plan(desired, befalls(changed));
    const turns = steps.filter(({ id }) => /^configure:ct:30[012]$/.test(id));
    expect(turns.map(({ id }) => id)).toEqual(['configure:ct:301', 'configure:ct:300', 'configure:ct:302']);
    // Before the next one, it is waited for.
    expect(turns.map(({ rolling }) => rolling)).toEqual([true, true, true]);
    expect(turns[1]!.after).toContain('configure:ct:301');
    expect(turns[2]!.after).toContain('configure:ct:300');
  });

  it('comes to the one that takes the writes last', () => {
    const changed = [300, 301, 302].reduce<Observed>(
      (from, id) => inside(id, { changed: ['/etc/patroni/config.yml'] }, from),
      { ...whole, leader: 300 },
    );
    const after = (from: Observed, wanted = desired, kind = 'configure') => {
      const { steps } = plan(wanted, from);
      return Object.fromEntries(
        [300, 301, 302].map((id) => [
          id,
          steps.find((one) => one.id === `${kind}:ct:${id}`)!.after.filter((one) => /ct:30\d$/.test(one)),
        ]),
      );
    };
    expect(after(changed)).toEqual({ 300: ['configure:ct:302'], 301: [], 302: ['configure:ct:301'] });
    // Of those that are made anew, too: each goes when the one before it is well.
    const inventory = example();
    for (const template of inventory.templates) if (template.name === 'postgres') template.version = '99.0.0';
    const recreate = ['psa-postgres-1', 'psa-postgres-2', 'psa-postgres-3'];
    expect(after({ ...whole, leader: 301 }, wish(inventory, { recreate }), 'replace')).toEqual({
      300: [],
      301: ['configure:ct:302'],
      302: ['configure:ct:300'],
    });
  });

  it('keeps what is in one of an older template until it is made anew: what is rendered may not run there', () => {
    const inventory = example();
    for (const template of inventory.templates) if (template.name === 'postgres') template.version = '99.0.0';
    const next = wish(inventory, { digestOf: ({ id }) => `next ${id}` });
    const found = plan(next, whole);
    expect(ids(found).filter((id) => /configure:ct:30/.test(id))).toEqual([]);
    // Others are of their own template, and get theirs.
    expect(ids(found)).toContain('configure:ct:310');
    expect(found.notes.join()).toMatch(/psa-postgres-1 .* keeps what is in it until then \(contents /);
    const told = wish(inventory, { digestOf: ({ id }) => `next ${id}`, recreate: ['psa-postgres-2'] });
    expect(ids(plan(told, whole)).filter((id) => /configure:ct:30/.test(id))).toEqual(['configure:ct:301']);
    // What does not run is started all the same, where its contents are the same.
    const ill = plan(wish(inventory), inside(300, { units: { 'patroni.service': 'failed' } }));
    expect(ids(ill)).toContain('configure:ct:300');
  });

  it('looks for the repository of the log when the database is there', () => {
    const { steps } = plan(desired, empty);
    expect(steps.find(({ id }) => id === 'wait:part:ops')!.after).toContain('wait:part:postgres');
    // An appliance from before has none, and its members are not made anew by themselves.
    const inventory = example();
    for (const template of inventory.templates) if (template.name === 'postgres') template.version = '99.0.0';
    const found = ids(
      plan(
        wish(inventory),
        having(whole, 340, () => null),
      ),
    );
    expect(found).toContain('configure:ct:340');
    expect(found).not.toContain('wait:part:ops');
  });

  it('waits after the last of the members that do not work, and never before', () => {
    const found = [300, 301].reduce((from, id) => inside(id, { digest: null }, from), whole);
    const changed = inside(302, { changed: ['/etc/patroni/config.yml'] }, found);
    const turns = plan(desired, changed).steps.filter(({ id }) => /^configure:ct:30[012]$/.test(id));
    expect(turns.map(({ id, rolling }) => [id, rolling])).toEqual([
      ['configure:ct:300', false],
      ['configure:ct:301', true],
      ['configure:ct:302', true],
    ]);
  });

  it('waits for a part that is well after each of its members, whatever else does not run in them', () => {
    const exporter = { 'rabbitmq-server.service': 'active', 'prometheus-node-exporter.service': 'failed' };
    const group = desired.containers.filter((one) => one.group === 'rabbitmq').map(({ id }) => id);
    const found = group.reduce(
      (from, id) => inside(id, { changed: ['/etc/x'], units: exporter }, from),
      whole,
    );
    const { steps } = plan(desired, { ...found, parts: { ...found.parts, rabbitmq: null } });
    const turns = steps.filter(({ id }) => group.some((one) => id === `configure:ct:${one}`));
    expect(turns.map(({ rolling }) => rolling)).toEqual([true, true, true]);
  });

  it.each(['away', 'hanging'])(
    'restarts no member of a part that has one %s: it would lose its majority',
    (how) => {
      const [first, second, third] = desired.containers.filter(({ group }) => group === 'rabbitmq');
      const stale = [first!, second!].reduce(
        (from, { id }) => inside(id, { changed: ['/etc/x'] }, from),
        whole,
      );
      const found = having(stale, third!.id, (guest) => ({
        ...guest,
        inside: null,
        ...(how === 'away' && { status: 'unknown', config: null }),
      }));
      const nodes = how === 'away' ? { ...found.nodes, [third!.node]: 'offline' as const } : found.nodes;
      const { steps, notes } = plan(desired, { ...found, nodes });
      expect(steps.filter(({ action }) => action === 'configure')).toEqual([]);
      expect(notes.join()).toMatch(
        /psa-rabbitmq-1 .* keeps what it has \(.*\): without it and psa-rabbitmq-3 .*, rabbitmq would have no majority/,
      );
      // One that does not work is mended all the same: nothing is lost by it.
      const ill = plan(desired, {
        ...inside(first!.id, { units: { 'rabbitmq-server.service': 'failed' } }, found),
        nodes,
      });
      expect(ids(ill)).toContain(`configure:ct:${first!.id}`);
    },
  );

  it('are not made anew when most of them have vanished: they would begin an empty one beside the data', () => {
    const left = [301, 302].reduce((from, id) => having(from, id, () => null), having(whole, 300, stopped));
    // Never made: the first apply was cut short.
    expect(ids(plan(desired, left))).toEqual(expect.arrayContaining(['create:ct:301', 'create:ct:302']));
    const lost = { ...left, made: [300, 301, 302] };
    const { steps, notes } = plan(desired, lost);
    expect(steps.filter(({ action }) => action === 'create')).toEqual([]);
    expect(ids({ steps })).toContain('start:ct:300');
    expect(notes.join()).toMatch(
      /psa-postgres-2 .* is not made anew: .*--recreate psa-postgres-2,psa-postgres-3/,
    );
    const told = plan(wish(example(), { recreate: ['psa-postgres-2', 'psa-postgres-3'] }), lost);
    expect(ids(told)).toEqual(expect.arrayContaining(['create:ct:301', 'create:ct:302']));
    // One is brought back by the others; and where all are gone there is nothing to lose.
    const one = having(whole, 301, () => null);
    expect(ids(plan(desired, { ...one, made: [301] }))).toContain('create:ct:301');
    const all = having(left, 300, () => null);
    expect(ids(plan(desired, { ...all, made: [300, 301, 302] }))).toContain('create:ct:300');
  });
});
