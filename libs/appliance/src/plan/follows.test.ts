import { describe, expect, it } from 'vitest';
import { example } from '../inventory/example.test-helper.ts';
import { apply, empty, ids, whole, wish } from './cases.test-helper.ts';
import { plan } from './plan.ts';

const inventory = example();
const following = wish(inventory, { follows: true });

describe('a site whose database follows that of another one', () => {
  it('is made whole, and nobody waits for what comes from the other site or is not started', () => {
    const steps = ids(plan(following, empty));
    for (const { id, kind } of following.containers)
      expect(steps).toEqual(
        expect.arrayContaining([
          `create:ct:${id}`,
          `configure:ct:${id}`,
          ...(kind === 'service' ? [`install:ct:${id}`, `switch:ct:${id}`] : []),
        ]),
      );
    const waits = plan(following, empty).steps.flatMap(({ deed, target }) =>
      ['ready', 'part', 'migrate', 'smoke', 'rollout'].includes(deed.kind) ? [target] : [],
    );
    expect(waits.toSorted()).toEqual(['rabbitmq', 'redis']);
  });

  it('has nothing to do when that is so, although nothing serves there', () => {
    const seen = apply(following, empty);
    const asleep = {
      ...seen,
      parts: {
        ...seen.parts,
        postgres: 'no leader',
        haproxy: 'HAProxy does not answer',
        ops: 'no repository',
      },
      migrated: false,
      guests: seen.guests.map((guest) => ({
        ...guest,
        inside: guest.inside && { ...guest.inside, units: {}, unready: 'nothing answers at its port' },
      })),
    };
    expect(ids(plan(following, asleep))).toEqual([]);
    // When it takes over, all of it is started and waited for.
    const digestOf = ({ id }: { id: number }) => `${id + 1}`.repeat(8);
    const { steps } = plan(wish(inventory, { digestOf }), { ...asleep, migrated: true });
    const kinds = (kind: string) => steps.filter(({ deed }) => deed.kind === kind);
    expect(kinds('part').map(({ target }) => target)).toEqual(
      expect.arrayContaining(['postgres', 'haproxy']),
    );
    const services = following.containers.filter(({ kind }) => kind === 'service').map(({ id }) => id);
    for (const kind of ['configure', 'ready'])
      expect(kinds(kind).map(({ container }) => container)).toEqual(expect.arrayContaining(services));
    for (const kind of ['migrate', 'install', 'create', 'rollout']) expect(kinds(kind)).toEqual([]);
    expect(kinds('smoke')).toHaveLength(1);
  });

  it('is another one than a site that serves', () => {
    expect(ids(plan(wish(), whole))).toEqual([]);
  });
});
