import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ACTOR_KINDS,
  allowedTransitions,
  applyEffects,
  decideTransition,
  isDone,
  statusAfterCustomerReply,
  TICKET_STATUSES,
  type TicketClockFacts,
  type TicketStatus,
} from './ticket-status.ts';

const status = fc.constantFrom(...TICKET_STATUSES);
const actorKind = fc.constantFrom(...ACTOR_KINDS);

describe('decideTransition', () => {
  it('lets a technician start, wait, and resolve', () => {
    expect(decideTransition('assigned', 'in_progress', { actorKind: 'staff' })).toEqual({
      ok: true,
      effects: {
        changed: true,
        resolved_at: 'keep',
        closed_at: 'keep',
        assignee: 'keep',
        reopened: false,
      },
    });
    expect(decideTransition('in_progress', 'resolved', { actorKind: 'staff' })).toMatchObject({
      effects: { resolved_at: 'set', closed_at: 'keep' },
    });
  });

  it('names what is allowed when it refuses', () => {
    expect(decideTransition('closed', 'waiting_customer', { actorKind: 'staff' })).toEqual({
      ok: false,
      reason: 'not_from_this_status',
      allowed: ['new', 'in_progress'],
      message: 'A ticket cannot go from closed to waiting_customer; allowed: new, in_progress',
    });
    expect(decideTransition('in_progress', 'resolved', { actorKind: 'customer' })).toMatchObject({
      ok: false,
      reason: 'not_for_this_actor',
      allowed: ['closed'],
    });
    expect(decideTransition('new', 'in_progress', { actorKind: 'staff', hasAssignee: false })).toMatchObject({
      ok: false,
      reason: 'needs_assignee',
      allowed: ['waiting_customer', 'resolved', 'closed'],
    });
  });

  it('lets customers close, reopen and answer, and nothing else', () => {
    const customer = { actorKind: 'customer', hasAssignee: true } as const;
    const table = Object.fromEntries(
      TICKET_STATUSES.map((from) => [from, allowedTransitions(from, customer)]),
    );
    expect(table).toEqual({
      new: ['closed'],
      assigned: ['closed'],
      in_progress: ['closed'],
      waiting_customer: ['new', 'in_progress', 'closed'],
      resolved: ['new', 'in_progress', 'closed'],
      closed: ['new', 'in_progress'],
    });
  });

  it('reopens: clears the end, counts', () => {
    expect(decideTransition('closed', 'in_progress', { actorKind: 'customer', hasAssignee: true })).toEqual({
      ok: true,
      effects: {
        changed: true,
        resolved_at: 'clear',
        closed_at: 'clear',
        assignee: 'keep',
        reopened: true,
      },
    });
  });

  it('accepts a decision exactly when it stands among the allowed, and repeating one changes nothing', () => {
    fc.assert(
      fc.property(status, status, actorKind, fc.boolean(), (from, to, kind, hasAssignee) => {
        const context = { actorKind: kind, hasAssignee };
        const decision = decideTransition(from, to, context);
        expect(decision.ok).toBe(from === to || allowedTransitions(from, context).includes(to));
        expect(decideTransition(to, to, context)).toMatchObject({ ok: true, effects: { changed: false } });
      }),
    );
  });

  it('leaves no actor without a way on', () => {
    for (const from of TICKET_STATUSES) {
      for (const kind of ACTOR_KINDS) {
        for (const hasAssignee of [true, false]) {
          expect(allowedTransitions(from, { actorKind: kind, hasAssignee }), `${from} ${kind}`).not.toEqual(
            [],
          );
        }
      }
    }
  });
});

describe('statusAfterCustomerReply', () => {
  it('moves only what waits or is done', () => {
    expect(TICKET_STATUSES.map((from) => statusAfterCustomerReply(from, true))).toEqual([
      null,
      null,
      null,
      'in_progress',
      'in_progress',
      'in_progress',
    ]);
    expect(statusAfterCustomerReply('waiting_customer', false)).toBe('new');
  });

  it('proposes only what the table allows a customer', () => {
    fc.assert(
      fc.property(status, fc.boolean(), (from, hasAssignee) => {
        const to = statusAfterCustomerReply(from, hasAssignee);
        if (to === null) return;
        expect(decideTransition(from, to, { actorKind: 'customer', hasAssignee })).toMatchObject({
          ok: true,
        });
      }),
    );
  });
});

describe('applyEffects', () => {
  it('keeps the facts true to the status on every walk', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(status, actorKind), { maxLength: 40 }), (walk) => {
        let at: TicketStatus = 'new';
        let facts: TicketClockFacts<number> = { resolved_at: null, closed_at: null, reopen_count: 0 };
        let reopened = 0;
        for (const [index, [to, kind]] of walk.entries()) {
          const decision = decideTransition(at, to, { actorKind: kind });
          if (!decision.ok) continue;
          if (isDone(at) && !isDone(to)) reopened += 1;
          facts = applyEffects(facts, decision.effects, index);
          at = to;
          expect(facts.resolved_at !== null).toBe(isDone(at));
          expect(facts.closed_at !== null).toBe(at === 'closed');
          expect(facts.reopen_count).toBe(reopened);
        }
      }),
    );
  });
});
