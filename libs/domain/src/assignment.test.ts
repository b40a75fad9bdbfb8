import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type AssignmentCandidate,
  type AssignmentTicket,
  chooseAssignee,
  type SupportLevel,
  weightedLoad,
} from './assignment.ts';

const ticket: AssignmentTicket = {
  preferred_technician_id: null,
  required_skills: ['network'],
  required_level: 2,
};

function technician(id: string, changes: Partial<AssignmentCandidate> = {}): AssignmentCandidate {
  return {
    id,
    available: true,
    level: 2,
    skills: ['network', 'mail'],
    open_tickets: {},
    max_load: 20,
    last_assigned_at: null,
    ...changes,
  };
}

const instant = (text: string): Temporal.Instant => Temporal.Instant.from(text);

describe('chooseAssignee', () => {
  it('takes the preferred technician, even without the skills and under load', () => {
    const candidates = [
      technician('anna'),
      technician('ben', { skills: [], level: 1, open_tickets: { critical: 4 } }),
    ];
    expect(chooseAssignee({ ...ticket, preferred_technician_id: 'ben' }, candidates)).toEqual({
      assignee: 'ben',
      reason: 'preferred_technician',
      considered: [
        { id: 'ben', score: 16 },
        { id: 'anna', score: 0 },
      ],
    });
  });

  it('passes over a preferred technician who is away or full', () => {
    const prefersBen = { ...ticket, preferred_technician_id: 'ben' };
    const away = technician('ben', { available: false });
    const full = technician('ben', { open_tickets: { critical: 5 } });
    expect(chooseAssignee(prefersBen, [technician('anna'), away])).toMatchObject({ assignee: 'anna' });
    expect(chooseAssignee(prefersBen, [technician('anna'), full]).considered).toContainEqual({
      id: 'ben',
      score: 20,
      excluded_because: 'at_max_load',
    });
  });

  it('weighs open tickets by priority', () => {
    const candidates = [
      technician('anna', { open_tickets: { critical: 2 } }),
      technician('ben', { open_tickets: { low: 4, medium: 1 } }),
    ];
    expect(chooseAssignee(ticket, candidates)).toMatchObject({ assignee: 'ben', reason: 'least_loaded' });
    expect(weightedLoad({ low: 1, medium: 1, high: 1, critical: 1 })).toBe(10);
  });

  it('breaks ties by the longest time since the last assignment, then by id', () => {
    const early = technician('zoe', { last_assigned_at: instant('2026-03-01T08:00:00Z') });
    const late = technician('anna', { last_assigned_at: instant('2026-03-02T08:00:00Z') });
    expect(chooseAssignee(ticket, [late, early])).toMatchObject({
      assignee: 'zoe',
      reason: 'longest_without_assignment',
    });
    expect(chooseAssignee(ticket, [late, early, technician('never')]).assignee).toBe('never');
    expect(chooseAssignee(ticket, [technician('b'), technician('a')]).assignee).toBe('a');
  });

  it('says why nobody qualifies', () => {
    const candidates = [
      technician('d', { skills: ['mail'] }),
      technician('c', { level: 1 }),
      technician('b', { max_load: 0 }),
      technician('a', { available: false }),
    ];
    expect(chooseAssignee(ticket, candidates)).toEqual({
      assignee: null,
      reason: 'nobody_qualifies',
      considered: [
        { id: 'a', score: 0, excluded_because: 'unavailable' },
        { id: 'b', score: 0, excluded_because: 'at_max_load' },
        { id: 'c', score: 0, excluded_because: 'level_too_low' },
        { id: 'd', score: 0, excluded_because: 'missing_skills', missing_skills: ['network'] },
      ],
    });
    expect(chooseAssignee(ticket, [technician('l1', { level: undefined })]).assignee).toBeNull();
    expect(chooseAssignee(ticket, [])).toEqual({
      assignee: null,
      reason: 'nobody_qualifies',
      considered: [],
    });
  });
});

const skills = fc.subarray(['network', 'mail', 'backup']);
const level = fc.constantFrom<SupportLevel>(1, 2, 3);
const candidate: fc.Arbitrary<AssignmentCandidate> = fc.record({
  id: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
  available: fc.boolean(),
  level,
  skills,
  open_tickets: fc.record({ low: fc.nat(3), critical: fc.nat(2) }, { requiredKeys: [] }),
  max_load: fc.integer({ min: 0, max: 12 }),
  last_assigned_at: fc.option(fc.nat(3).map((hour) => instant('2026-03-02T08:00:00Z').add({ hours: hour }))),
});
const team = fc.uniqueArray(candidate, { selector: (c) => c.id });
const anyTicket: fc.Arbitrary<AssignmentTicket> = fc.record({
  preferred_technician_id: fc.option(fc.constantFrom('a', 'b', 'c')),
  required_skills: skills,
  required_level: level,
});

describe('chooseAssignee, for every team', () => {
  it('does not depend on the order and accounts for everybody', () => {
    fc.assert(
      fc.property(anyTicket, team, (wanted, members) => {
        const decision = chooseAssignee(wanted, members);
        expect(chooseAssignee(wanted, [...members].reverse())).toEqual(decision);
        expect(decision.considered.map((c) => c.id).sort()).toEqual(members.map((c) => c.id).sort());
      }),
    );
  });

  it('never overloads, never picks the absent, and leaves no less loaded qualified technician aside', () => {
    fc.assert(
      fc.property(anyTicket, team, (wanted, members) => {
        const { assignee } = chooseAssignee(wanted, members);
        const canWork = members.filter((m) => m.available && weightedLoad(m.open_tickets) < m.max_load);
        const qualified = canWork.filter(
          (m) =>
            m.level! >= wanted.required_level! && wanted.required_skills.every((s) => m.skills.includes(s)),
        );
        const preferred = canWork.find((m) => m.id === wanted.preferred_technician_id);
        const least = Math.min(...qualified.map((m) => weightedLoad(m.open_tickets)));
        const best = qualified.filter((m) => weightedLoad(m.open_tickets) === least);
        if (preferred) expect(assignee).toBe(preferred.id);
        else if (best.length === 0) expect(assignee).toBeNull();
        else expect(best.map((m) => m.id)).toContain(assignee);
      }),
    );
  });
});
