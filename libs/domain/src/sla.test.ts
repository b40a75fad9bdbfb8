import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addBusinessMinutes, businessMinutesBetween } from './business-time.ts';
import { alwaysOpen } from './calendar.ts';
import { anyCalendar, anyInstant, OFFICE } from './calendar-arbitraries.test-helper.ts';
import {
  AT_RISK_SHARE,
  assessSla,
  pausesAfter,
  pausesFromHistory,
  pickPolicy,
  type SlaClock,
  type SlaFacts,
  type SlaPause,
  type SlaPolicy,
  validatePolicy,
} from './sla.ts';

const berlin = (local: string): Temporal.Instant =>
  Temporal.PlainDateTime.from(local).toZonedDateTime('Europe/Berlin').toInstant();
const local = (at: Temporal.Instant | null | undefined): string | undefined =>
  at?.toZonedDateTimeISO('Europe/Berlin').toPlainDateTime().toString({ smallestUnit: 'minute' });

const GOLD: SlaPolicy = {
  id: 'gold',
  name: 'Gold',
  targets: {
    high: { response_minutes: 60, resolution_minutes: 480 },
    low: { response_minutes: 240, resolution_minutes: 2400 },
  },
  calendar: OFFICE,
  pause_on: ['waiting_customer'],
};

/** Opened on Monday, 2 March 2026, at 16:00; nothing has happened yet. */
const TICKET: SlaFacts = {
  created_at: berlin('2026-03-02T16:00'),
  priority: 'high',
  pauses: [],
  first_response_at: null,
  resolved_at: null,
};

const pause = (from: string, until: string | null): SlaPause => ({
  from: berlin(from),
  until: until === null ? null : berlin(until),
  reason: 'waiting_customer',
});

/** Both clocks, which a policy with both targets always has. */
function clocks(
  policy: SlaPolicy,
  facts: SlaFacts,
  now: Temporal.Instant,
): { response: SlaClock; resolution: SlaClock } {
  const assessment = assessSla(policy, facts, now);
  if (!assessment?.response || !assessment.resolution) throw new Error('A clock is missing');
  return { response: assessment.response, resolution: assessment.resolution };
}

const assess = (facts: Partial<SlaFacts>, now: string) => clocks(GOLD, { ...TICKET, ...facts }, berlin(now));

describe('assessSla', () => {
  it('runs both clocks in business time', () => {
    const { response, resolution } = assess({}, '2026-03-02T16:30');
    expect(local(response.due_at)).toBe('2026-03-02T17:00');
    expect(response).toMatchObject({
      state: 'running',
      due_is_provisional: false,
      used_minutes: 30,
      remaining_minutes: 30,
      share_used: 0.5,
      phase: 'ok',
    });
    expect(local(resolution.due_at)).toBe('2026-03-03T16:00');
    expect(resolution.explain.map((s) => [s.kind, s.minutes])).toEqual([
      ['counted', 60],
      ['outside_hours', 900],
      ['counted', 240],
      ['break', 60],
      ['counted', 180],
    ]);
  });

  it('is met at the due time and breached after it', () => {
    const answered = { first_response_at: berlin('2026-03-02T17:00') };
    expect(assess(answered, '2026-03-09T12:00').response).toMatchObject({
      state: 'met',
      remaining_minutes: 0,
    });
    // Not one business minute later, and late all the same.
    const morning = { first_response_at: berlin('2026-03-03T08:00') };
    expect(assess(morning, '2026-03-09T12:00').response).toMatchObject({
      state: 'breached',
      share_used: 1,
      phase: 'breached',
    });
    expect(assess({}, '2026-03-02T17:00').response.state).toBe('running');
    expect(assess({}, '2026-03-03T09:00').response).toMatchObject({
      state: 'breached',
      achieved_at: null,
      remaining_minutes: -60,
      share_used: 2,
    });
  });

  it('moves the due time by the business time of a pause', () => {
    // Waiting from Monday 16:30 to Tuesday 10:00: thirty minutes and two hours of business time.
    const { resolution } = assess(
      { pauses: [pause('2026-03-02T16:30', '2026-03-03T10:00')] },
      '2026-03-03T11:00',
    );
    expect(local(resolution.due_at)).toBe('2026-03-04T09:30');
    expect(resolution).toMatchObject({ state: 'running', used_minutes: 90 });
    expect(resolution.explain[1]).toMatchObject({
      kind: 'paused',
      minutes: 1050,
      params: { reason: 'waiting_customer', business_minutes: 150 },
      text_key: 'sla.step.paused',
      running_total: 30,
    });
  });

  it('moves the due time on while a pause lasts', () => {
    const waiting = { pauses: [pause('2026-03-03T09:00', null)] };
    const at = (now: string) => assess(waiting, now).resolution;
    expect(at('2026-03-03T10:00')).toMatchObject({
      state: 'paused',
      due_is_provisional: true,
      used_minutes: 120,
    });
    expect(local(at('2026-03-03T10:00').due_at)).toBe('2026-03-03T17:00');
    expect(local(at('2026-03-03T11:00').due_at)).toBe('2026-03-04T09:00');
    // A pause that came too late rescues nothing.
    expect(
      assess({ pauses: [pause('2026-03-04T09:00', null)] }, '2026-03-09T10:00').resolution,
    ).toMatchObject({
      state: 'breached',
      due_is_provisional: false,
    });
  });

  it('no longer moves a due time after the goal', () => {
    const answered = {
      first_response_at: berlin('2026-03-02T16:20'),
      pauses: [pause('2026-03-02T16:20', null)],
    };
    const { response } = assess(answered, '2026-03-05T10:00');
    expect(response).toMatchObject({ state: 'met', used_minutes: 20, due_is_provisional: false });
    expect(local(response.due_at)).toBe('2026-03-02T17:00');
  });

  it('takes resolving as an answer', () => {
    const { response } = assess({ resolved_at: berlin('2026-03-02T16:10') }, '2026-03-05T10:00');
    expect(response).toMatchObject({ state: 'met', used_minutes: 10 });
  });

  it('counts the target of the present priority from the creation', () => {
    const now = '2026-03-04T10:00';
    expect(assess({ priority: 'low' }, now).resolution).toMatchObject({
      state: 'running',
      used_minutes: 660,
    });
    expect(assess({ priority: 'high' }, now).resolution).toMatchObject({
      state: 'breached',
      used_minutes: 660,
    });
    expect(assessSla(GOLD, { ...TICKET, priority: 'medium' }, berlin(now))).toBeNull();
    const responseOnly = { ...GOLD, targets: { high: { response_minutes: 60, resolution_minutes: null } } };
    expect(assessSla(responseOnly, TICKET, berlin(now))).toMatchObject({
      response: { state: 'breached' },
      resolution: null,
    });
  });
});

describe('at risk', () => {
  it('begins when its share of the business time is used, and a weekend uses none', () => {
    // Friday 16:00: an hour on Friday, seven on Monday.
    const friday = { created_at: berlin('2026-03-06T16:00') };
    const at = (now: string) => assess(friday, now).resolution;
    expect(local(at('2026-03-06T16:30').risk_at)).toBe('2026-03-09T14:24');
    expect(at('2026-03-08T12:00')).toMatchObject({ phase: 'ok', share_used: 0.125 });
    expect(at('2026-03-09T14:23')).toMatchObject({ phase: 'ok', share_used: 0.7979 });
    expect(at('2026-03-09T14:24')).toMatchObject({ phase: 'at_risk', share_used: 0.8 });
    expect(at('2026-03-09T16:00')).toMatchObject({ phase: 'at_risk', share_used: 1 });
    expect(at('2026-03-09T16:01')).toMatchObject({ phase: 'breached', share_used: 1.002 });
  });

  it('does not count paused time, and is not while paused', () => {
    const waited = { pauses: [pause('2026-03-03T09:00', '2026-03-05T09:00')] };
    expect(assess(waited, '2026-03-05T09:30').resolution).toMatchObject({ phase: 'ok', share_used: 0.3125 });
    const waits = { pauses: [pause('2026-03-03T09:00', null)] };
    expect(assess(waits, '2026-03-06T09:00').resolution).toMatchObject({ phase: 'paused', share_used: 0.25 });
  });

  it('says the same by the share and by the instant, in every calendar', () => {
    fc.assert(
      fc.property(
        anyCalendar,
        anyInstant,
        fc.integer({ min: 1, max: 3000 }),
        fc.nat(25_000),
        (calendar, created_at, target, minute) => {
          const policy = {
            ...GOLD,
            calendar,
            targets: { high: { response_minutes: target, resolution_minutes: target } },
          };
          const now = created_at.add({ minutes: minute });
          const clock = clocks(policy, { ...TICKET, created_at }, now).resolution;
          expect(clock.phase === 'breached').toBe(clock.state === 'breached');
          if (clock.phase === 'ok') expect(clock.share_used).toBeLessThan(AT_RISK_SHARE);
          if (clock.phase === 'at_risk') {
            expect(clock.share_used).toBeGreaterThanOrEqual(AT_RISK_SHARE);
            expect(clock.share_used).toBeLessThanOrEqual(1);
          }
        },
      ),
    );
  });
});

describe('pausesAfter', () => {
  it('begins and ends pauses by the policy alone', () => {
    const none = pausesAfter<string>([], 'waiting_customer', [], '9');
    expect(none).toEqual([]);
    const waiting = pausesAfter([], 'waiting_customer', ['waiting_customer'], '9');
    expect(waiting).toEqual([{ from: '9', until: null, reason: 'waiting_customer' }]);
    expect(pausesAfter(waiting, 'waiting_customer', ['waiting_customer'], '10')).toEqual(waiting);
    expect(pausesAfter(waiting, 'in_progress', ['waiting_customer'], '10')).toEqual([
      { ...waiting[0], until: '10' },
    ]);
    expect(pausesAfter(waiting, 'resolved', ['waiting_customer'], '10')).toEqual([
      { ...waiting[0], until: '10' },
      { from: '10', until: null, reason: 'resolved' },
    ]);
    expect(pausesAfter([], 'new', ['new'], '9')).toEqual([{ from: '9', until: null, reason: 'new' }]);
  });
});

describe('pausesFromHistory', () => {
  it('takes the statuses of the policy and the time between resolving and reopening', () => {
    const history = [
      { status: 'in_progress', at: berlin('2026-03-03T11:00') },
      { status: 'new', at: berlin('2026-03-02T16:00') },
      { status: 'waiting_customer', at: berlin('2026-03-03T09:00') },
      { status: 'resolved', at: berlin('2026-03-03T12:00') },
      { status: 'in_progress', at: berlin('2026-03-04T09:00') },
      { status: 'waiting_customer', at: berlin('2026-03-04T10:00') },
    ] as const;
    const found = pausesFromHistory(history, GOLD.pause_on);
    expect(found.map((p) => [local(p.from), local(p.until), p.reason])).toEqual([
      ['2026-03-03T09:00', '2026-03-03T11:00', 'waiting_customer'],
      ['2026-03-03T12:00', '2026-03-04T09:00', 'resolved'],
      ['2026-03-04T10:00', undefined, 'waiting_customer'],
    ]);
    // 16:00–17:00, 08:00–09:00, 11:00–12:00 and 09:00–10:00.
    expect(assess({ pauses: found }, '2026-03-05T10:00').resolution).toMatchObject({
      state: 'paused',
      used_minutes: 240,
    });
  });
});

describe('assessSla, for every calendar and history', () => {
  const moments = fc.array(fc.nat(20_000), { maxLength: 6 }).map((list) => list.sort((a, b) => a - b));
  const history = fc.tuple(
    anyCalendar,
    anyInstant,
    moments,
    fc.integer({ min: 1, max: 3000 }),
    fc.nat(25_000),
  );

  it('is due when the target and the paused business time have passed, and explains it to the minute', () => {
    fc.assert(
      fc.property(history, ([calendar, created_at, bounds, target, nowMinute]) => {
        const at = (minute: number): Temporal.Instant => created_at.add({ minutes: minute });
        const pauses: SlaPause[] = [];
        for (let i = 0; i < bounds.length; i += 2) {
          const until = bounds[i + 1];
          pauses.push({ from: at(bounds[i]!), until: until === undefined ? null : at(until), reason: 'x' });
        }
        const targets = { high: { response_minutes: target, resolution_minutes: target } };
        const facts = { ...TICKET, created_at, pauses };
        const now = at(nowMinute);
        const { resolution } = clocks({ ...GOLD, targets, calendar }, facts, now);
        const { explain, due_at } = resolution;

        const sum = (kind: string): number =>
          explain.filter((s) => s.kind === kind).reduce((total, s) => total + s.minutes, 0);
        expect(sum('counted')).toBe(target);
        expect(explain.at(-1)!.until.equals(due_at)).toBe(true);
        const pausedBusiness = explain.reduce((total, s) => total + (s.params.business_minutes ?? 0), 0);
        const shifted = addBusinessMinutes(created_at, target + pausedBusiness, calendar).due;
        expect(due_at.toString()).toBe(shifted.toString());
        expect(businessMinutesBetween(created_at, due_at, calendar)).toBe(target + pausedBusiness);

        expect(resolution.state === 'breached').toBe(Temporal.Instant.compare(now, due_at) > 0);
        if (resolution.state !== 'breached') expect(resolution.remaining_minutes).toBeGreaterThanOrEqual(0);
        else expect(resolution.remaining_minutes).toBeLessThanOrEqual(0);
      }),
    );
  });

  it('never forgives a breach by itself: time that passes only uses up', () => {
    fc.assert(
      fc.property(
        history,
        fc.nat(3000),
        ([calendar, created_at, [from, until], target, nowMinute], later) => {
          const at = (minute: number): Temporal.Instant => created_at.add({ minutes: minute });
          const pauses =
            from !== undefined && until !== undefined
              ? [{ from: at(from), until: at(until), reason: 'x' }]
              : [];
          const policy = {
            ...GOLD,
            targets: { high: { response_minutes: target, resolution_minutes: target } },
            calendar,
          };
          const then = clocks(policy, { ...TICKET, created_at, pauses }, at(nowMinute)).resolution;
          const after = clocks(policy, { ...TICKET, created_at, pauses }, at(nowMinute + later)).resolution;
          expect(after.used_minutes).toBeGreaterThanOrEqual(then.used_minutes);
          if (then.state === 'breached') expect(after.state).toBe('breached');
        },
      ),
    );
  });
});

describe('pickPolicy', () => {
  const standard: SlaPolicy = {
    ...GOLD,
    id: 'standard',
    is_default: true,
    targets: { ...GOLD.targets, medium: { response_minutes: 120, resolution_minutes: 960 } },
  };
  const policies = [GOLD, standard];

  it('prefers the customer policy, then the default', () => {
    expect(pickPolicy({ sla_policy_id: 'gold' }, 'high', policies)).toEqual({
      policy: GOLD,
      reason: 'customer_policy',
    });
    expect(pickPolicy({ sla_policy_id: null }, 'high', policies)).toEqual({
      policy: standard,
      reason: 'default_policy',
    });
    expect(pickPolicy({ sla_policy_id: 'gold' }, 'medium', policies)).toEqual({
      policy: standard,
      reason: 'default_as_customer_policy_has_no_target',
    });
    expect(pickPolicy({ sla_policy_id: 'gone' }, 'critical', policies)).toEqual({
      policy: null,
      reason: 'no_policy',
    });
  });

  it('chooses among several defaults whatever their order', () => {
    const other = { ...standard, id: 'other' };
    for (const list of [
      [standard, other],
      [other, standard],
    ]) {
      expect(pickPolicy({ sla_policy_id: null }, 'high', list).policy?.id).toBe('other');
    }
  });
});

describe('validatePolicy', () => {
  it('accepts a sound policy', () => {
    expect(validatePolicy(GOLD)).toEqual([]);
    expect(validatePolicy({ ...GOLD, calendar: alwaysOpen('Europe/Berlin') })).toEqual([]);
  });

  it('names every bad field, those of the calendar too', () => {
    const bad: SlaPolicy = {
      id: 'bad',
      name: '',
      targets: {
        low: { response_minutes: 0, resolution_minutes: 1.5 },
        high: { response_minutes: 60, resolution_minutes: 30 },
      },
      calendar: { ...OFFICE, time_zone: 'Mars' },
      pause_on: ['waiting_customer', 'closed'],
    };
    expect(validatePolicy(bad).map((p) => p.field)).toEqual([
      'name',
      'targets.low.response_minutes',
      'targets.low.resolution_minutes',
      'targets.high.resolution_minutes',
      'pause_on',
      'calendar.time_zone',
    ]);
    const none = { high: { response_minutes: null, resolution_minutes: null } };
    expect(validatePolicy({ ...GOLD, targets: none }).map((p) => p.field)).toEqual(['targets']);
    const week = { 1: [{ start: '00:00', end: '24:00' }], 4: [{ start: '00:00', end: '24:00' }] };
    const calendar = { time_zone: 'UTC', week, holidays: [{ date: '2027-01-04', name: 'Zu' }] };
    const low = (resolution_minutes: number) => ({
      ...GOLD,
      calendar,
      targets: { low: { response_minutes: null, resolution_minutes } },
    });
    // 52 Mondays and Thursdays of 2027, but one.
    expect(validatePolicy(low(103 * 1_440))).toEqual([]);
    expect(validatePolicy(low(103 * 1_440 + 1)).map((p) => p.field)).toEqual([
      'targets.low.resolution_minutes',
    ]);
    expect(validatePolicy({ ...low(525_600), calendar: alwaysOpen() })).toEqual([]);
    expect(validatePolicy({ ...GOLD, targets: {} }).map((p) => p.field)).toEqual(['targets']);
  });
});
