import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lasting } from './duration.ts';
import type { DrFacts } from './facts.ts';
import { planFailover } from './plan.ts';
import { playbookOf } from './playbook.ts';
import { isScenario, SCENARIO, SCENARIOS } from './scenario.ts';
import { expectStep, STEP_KINDS } from './step.ts';

const NOW = new Date('2026-11-30T03:00:00Z');
const copy = (kind: string, at: string, bytes = 1_000) => ({
  ...{ id: `${kind}-20261130T020000Z-3f9a2c`, at, bytes, place: 'offsite:psa' },
});
const FACTS: DrFacts = {
  ...{
    now: NOW,
    appliance: 'psa',
    from: 'main',
    to: 'dr',
    named: 'psa-redis-1',
    before: null,
    by_log: false,
    container_bytes: null,
  },
  copies: {
    database: copy('database', '2026-11-30T02:00:00.000Z', 40_000_000),
    secrets: copy('secrets', '2026-11-30T02:01:00.000Z'),
    redis: copy('redis', '2026-11-30T02:00:30.000Z'),
  },
  ...{
    life: [],
    fence: false,
    standby: null,
    hooks: { fence: false, switch: true, notify: true },
    measured: [],
  },
};
const ids = (facts: Partial<DrFacts>, scenario = 'cluster-lost' as const) =>
  planFailover(scenario, { ...FACTS, ...facts }).steps.map(({ id }) => id);

describe('the plan of a failover', () => {
  it('of a lost cluster looks first, fills the other site, and leads clients there last', () => {
    const plan = planFailover('cluster-lost', FACTS);
    expect(plan).toMatchObject({ site: 'dr', refusals: [], rpo_ms: 3_600_000 });
    expect(ids({})).toEqual([
      ...['look', 'fetch', 'secrets', 'build', 'quiet', 'database', 'redis', 'migrate', 'start', 'smoke'],
      ...['switch', 'notify'],
    ]);
    expect(ids({ fence: true }).slice(0, 2)).toEqual(['look', 'fence']);
    expect(ids({ copies: { ...FACTS.copies, redis: undefined } })).not.toContain('redis');
  });

  it('has the database that follows take over, and brings and restores nothing', () => {
    const standby = { why_not: null, loss_ms: 40_000 };
    const plan = planFailover('cluster-lost', { ...FACTS, standby, copies: {} });
    expect(plan).toMatchObject({ warm: true, refusals: [], rpo_ms: 40_000, copies: {}, moment: null });
    expect(plan.rto_ms).toBeLessThanOrEqual(5 * 60_000);
    expect(plan.steps.map(({ id }) => id)).toEqual([
      ...['look', 'claim', 'catch_up', 'open', 'wake', 'smoke', 'switch', 'notify'],
    ]);
    expect(ids({ standby, fence: true }).slice(0, 2)).toEqual(['look', 'fence']);
    // What is alive there is no less in the way than it is of a cold one.
    expect(planFailover('cluster-lost', { ...FACTS, standby, life: ['its edge'] }).refusals).toHaveLength(1);
    // A database that is mended where it is needs nobody to follow.
    expect(planFailover('database-corrupt', { ...FACTS, standby }).warm).toBe(false);
  });

  it('takes copies where what follows cannot take over, and where an older state is wanted, and clears its place first', () => {
    const cold = ['look', 'fetch', 'secrets', 'clear', 'build', 'quiet', 'database'];
    const standby = { why_not: 'No database follows at dr.', loss_ms: null };
    expect(ids({ standby }).slice(0, 7)).toEqual(cold);
    const before = new Date('2026-11-30T02:30:00Z');
    expect(ids({ standby: { why_not: null, loss_ms: 1 }, before }).slice(0, 7)).toEqual(cold);
    expect(planFailover('cluster-lost', { ...FACTS, standby, copies: {} }).refusals).toHaveLength(2);
    expect(planFailover('cluster-lost', { ...FACTS, standby }).warm).toBe(false);
  });

  it('is refused while anything of the other site answers, unless it is fenced', () => {
    const life = ['the API of pve2', 'its edge'];
    expect(planFailover('cluster-lost', { ...FACTS, life }).refusals).toMatchObject([
      {
        why: 'The site main is not gone: the API of pve2, its edge.',
        fix: expect.stringContaining('--fence'),
      },
    ]);
    expect(planFailover('system-lost', { ...FACTS, life, fence: true }).refusals).toEqual([]);
    // What goes on where it is asks nobody to be gone.
    expect(planFailover('database-corrupt', { ...FACTS, life }).refusals).toEqual([]);
  });

  it('does nothing to a site of which nobody knows whether it follows, also with all copies there', () => {
    const unsure = { why: 'Nobody knows whether dr follows.', fix: 'Ask it.' };
    expect(planFailover('cluster-lost', { ...FACTS, unsure }).refusals).toEqual([unsure]);
    // What goes on where it is has nothing to do with it.
    expect(planFailover('database-failed', { ...FACTS, unsure }).refusals).toEqual([]);
  });

  it('is refused without a second site, without the database, without the secrets, without a name', () => {
    const why = (facts: Partial<DrFacts>, scenario: Parameters<typeof planFailover>[0] = 'cluster-lost') =>
      planFailover(scenario, { ...FACTS, ...facts })
        .refusals.map((one) => one.why)
        .join('\n');
    expect(why({ to: null })).toContain('names no site that takes over');
    expect(why({ copies: {} })).toMatch(/copy of the database[\s\S]*secrets/);
    expect(why({ copies: {} }, 'database-failed')).toContain('no good backup of the database');
    expect(why({}, 'data-corrupted')).toContain('When the data were still right was not said');
    expect(why({ before: NOW }, 'data-corrupted')).toBe('');
    expect(why({ named: null }, 'container-failed')).toContain('Which container');
    expect(why({ named: null }, 'node-lost')).toContain('Which node');
    expect(why({ copies: {}, to: null }, 'node-lost')).toBe('');
  });

  it('loses nothing where a container or a node alone is gone', () => {
    expect(planFailover('container-failed', FACTS).rpo_ms).toBeNull();
    expect(planFailover('node-lost', FACTS).rpo_ms).toBeNull();
  });

  it('takes a moment that is named from the log where that reaches it, else the newest copy before it', () => {
    const before = new Date('2026-11-30T02:30:00Z');
    const plan = planFailover('data-corrupted', { ...FACTS, before, by_log: true, copies: {} });
    expect(plan).toMatchObject({ refusals: [], rpo_ms: 1_800_000, copies: {}, moment: before.toISOString() });
    expect(plan.steps.find(({ id }) => id === 'database')!.command).toContain(
      'psactl restore pitr --to 2026',
    );
    const copied = planFailover('data-corrupted', { ...FACTS, before });
    expect(copied).toMatchObject({ refusals: [], rpo_ms: 3_600_000, moment: null });
    // The log of a site that is lost is lost with it.
    expect(planFailover('cluster-lost', { ...FACTS, before, by_log: true }).moment).toBeNull();
  });

  it('has steps that each say what, how it is seen, how long; and a yes before anything is taken away', () => {
    for (const scenario of SCENARIOS)
      for (const fence of [true, false]) {
        const { steps, rto_ms } = planFailover(scenario, { ...FACTS, fence });
        expect(new Set(steps.map(({ id }) => id)).size).toBe(steps.length);
        expect(steps.reduce((sum, one) => sum + one.expected_ms, 0)).toBe(rto_ms);
        for (const { id, what, check, expected_ms, confirm } of steps) {
          expect(what).toMatch(/\.$/);
          expect(check).toMatch(/\.$/);
          expect(expected_ms).toBeGreaterThan(0);
          if (['fence', 'database', 'container'].includes(id)) expect([id, confirm]).toEqual([id, true]);
        }
      }
  });

  it('knows the seven scenarios of both documents', () => {
    expect(SCENARIOS.filter((one) => SCENARIO[one].source.startsWith('BDUF'))).toHaveLength(4);
    expect(SCENARIOS.filter((one) => SCENARIO[one].source.startsWith('SAFe'))).toHaveLength(3);
    expect(isScenario('cluster-lost')).toBe(true);
    expect(isScenario('toString')).toBe(false);
  });
});

describe('how long a step is expected to take', () => {
  it('is what it took, and never less for more', () => {
    const kind = fc.constantFrom(...STEP_KINDS);
    const bytes = fc.option(fc.integer({ min: 0, max: 1e12 }));
    const ms = fc.integer({ min: 0, max: 1e7 });
    fc.assert(
      fc.property(kind, bytes, ms, fc.nat(1e9), (step, then, took, more) => {
        const measured = [{ step, ms: took, bytes: then }];
        const same = expectStep(step, then, measured);
        expect(same).toEqual({ expected_ms: took, by: 'measured' });
        const larger = expectStep(step, (then ?? 0) + more, measured).expected_ms;
        expect(larger).toBeGreaterThanOrEqual(took);
        const assumed = expectStep(step, (then ?? 0) + more, []).expected_ms;
        expect(assumed).toBeGreaterThanOrEqual(expectStep(step, then, []).expected_ms);
      }),
    );
  });

  it('is for people', () => {
    expect([0, 59_000, 61_000, 7_200_000, 90_000_000].map(lasting)).toEqual([
      ...['0 s', '59 s', '1 min', '2 h', '1 d 1 h'],
    ]);
  });
});

describe('a playbook', () => {
  it('has every step of the plan, and who is told', () => {
    const plan = planFailover('cluster-lost', FACTS);
    const text = playbookOf(plan, {
      appliance: 'psa',
      contacts: [{ name: 'Ada Lang', role: 'on call', phone: '+49 30 1' }],
      target: { rto_minutes: 120, rpo_minutes: 240 },
    });
    for (const { what, command } of plan.steps) {
      expect(text).toContain(what);
      if (command !== null) expect(text).toContain(command);
    }
    expect(text).toContain('- **Ada Lang** (on call): +49 30 1');
    expect(text).toContain('back within 2 h, at most 4 h of writes lost');
  });
});
