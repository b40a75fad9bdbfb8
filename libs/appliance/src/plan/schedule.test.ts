import { describe, expect, it } from 'vitest';
import { example } from '../inventory/example.test-helper.ts';
import { apply, having, ids, inside, whole, wish } from './cases.test-helper.ts';
import { OPS_UNMARKED, printOpsMark } from './ops-mark.ts';
import { plan } from './plan.ts';

const inventory = example();
const wanted = (release: string, digest: string, isKnown = false) =>
  wish(inventory, { schedule: { mark: { release, digest }, isKnown } });
const ops = wanted('0.1.0', 'a').containers.find(({ group }) => group === 'ops')!;
const marked = (text: string | null) => inside(ops.id, { ops: text });
const old = printOpsMark({ release: '0.1.0', digest: 'a' });
const STEP = `schedule:ct:${ops.id}`;

describe('what runs by the clock', () => {
  it('goes along with a release, an inventory and secrets, once, and says so', () => {
    for (const [there, release, digest, reason] of [
      [old, '0.2.0', 'b', 'psactl 0.1.0 → 0.2.0, with its timers'],
      [old, '0.1.0', 'b', 'inventory, secrets or releases changed → as they are here'],
      [OPS_UNMARKED, '0.1.0', 'a', 'psactl of some release → 0.1.0, with its timers'],
    ] as const) {
      const desired = wanted(release, digest);
      expect(plan(desired, marked(there)).steps).toMatchObject([{ id: STEP, reason, after: [] }]);
      expect(plan(desired, apply(desired, marked(there))).steps).toEqual([]);
    }
    expect(plan(wanted('0.1.0', 'a'), marked(old)).steps).toEqual([]);
  });

  it('is left alone where nobody has begun it, and where nobody looks', () => {
    expect(plan(wanted('0.2.0', 'b'), marked(null)).steps).toEqual([]);
    expect(plan(wish(inventory), marked(old)).steps).toEqual([]);
  });

  it('comes after everything else', () => {
    const stale = inside(240, { changed: ['/etc/psa/tickets.env'] }, marked(old));
    const { steps } = plan(wanted('0.2.0', 'b'), stale);
    expect(steps.length).toBeGreaterThan(2);
    expect(steps.at(-1)).toMatchObject({ id: STEP });
    expect(new Set(steps.at(-1)!.after)).toEqual(new Set(ids({ steps: steps.slice(0, -1) })));
  });

  it('comes back with a container that is made anew', () => {
    const gone = having(whole, ops.id, () => null);
    expect(ids(plan(wanted('0.1.0', 'a', true), gone))).toContain(STEP);
    expect(ids(plan(wanted('0.1.0', 'a'), gone))).not.toContain(STEP);
    const told = wish(inventory, {
      ...{ recreate: [ops.name], schedule: { mark: { release: '0.1.0', digest: 'a' }, isKnown: false } },
    });
    const elsewhere = having(marked(old), ops.id, (guest) => ({
      ...guest,
      config: { ...guest.config!, rootStorage: 'elsewhere' },
    }));
    expect(ids(plan(told, elsewhere))).toEqual(expect.arrayContaining([`replace:ct:${ops.id}`, STEP]));
  });
});
