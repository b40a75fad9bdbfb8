import { ImportTicketRequest } from '@psa/contracts/ticket-import';
import { validatorFor } from '@psa/service-kit/validation';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { COLUMNS, type Fields, generatedLog, values } from './log-file.test-helper.ts';
import { arrange, type Incident, toIncident, UNKNOWN_CUSTOMER } from './servicenow-log.ts';
import { type LogRow, readRow } from './servicenow-row.ts';

const rowsOf = (...all: Fields[]): LogRow[] =>
  all.map((fields, i) => {
    const result = readRow(COLUMNS, values(fields), i + 2, 'UTC');
    if (!('row' in result)) throw new Error(JSON.stringify(result));
    return result.row;
  });
const incident = (...all: Fields[]): Incident => toIncident(arrange(rowsOf(...all)).rows);
const at = (time: string, state: string, more: Fields = {}): Fields => ({
  sys_updated_at: `29-02-2016 ${time}`,
  incident_state: state,
  ...more,
});

const accepts = validatorFor(ImportTicketRequest, 'body');
const id = '0190a3c4-0000-7000-8000-000000000001';
const request = ({ ticket }: Incident) => ({
  source: 'servicenow-log',
  tickets: [{ ...ticket, customer_id: id, contact_id: null, assigned_to: null }],
});

describe('an incident as a ticket', () => {
  const told = incident(
    at('01:23', 'New'),
    at('05:30', 'Active', { assigned_to: 'Resolver 31', assignment_group: 'Group 24', sys_mod_count: '1' }),
    at('08:00', 'Awaiting User Info', {
      assigned_to: 'Resolver 31',
      assignment_group: 'Group 24',
      sys_mod_count: '2',
      sys_updated_by: 'Updated by 9',
    }),
    at('11:29', 'Resolved', {
      assigned_to: 'Resolver 31',
      sys_mod_count: '3',
      resolved_by: 'Resolved by 149',
    }),
    at('12:00', 'Closed', {
      assigned_to: 'Resolver 31',
      sys_mod_count: '4',
      made_sla: 'FALSE',
      resolved_by: 'Resolved by 149',
      resolved_at: '29-02-2016 11:29',
      closed_at: '29-02-2016 12:00',
      closed_code: 'code 5',
    }),
  );

  it('has the facts of its last row and the times of the log', () => {
    expect(told.ticket).toMatchObject({
      external_id: 'INC0000001',
      title: 'Category 55 · Subcategory 170 · Symptom 72',
      status: 'closed',
      priority: 'medium',
      category: 'Category 55',
      team_external_id: 'Group 56',
      created_at: '2016-02-29T01:16:00Z',
      updated_at: '2016-02-29T12:00:00Z',
      first_response_at: '2016-02-29T05:30:00Z',
      resolved_at: '2016-02-29T11:29:00Z',
      closed_at: '2016-02-29T12:00:00Z',
      sla_breached: true,
    });
    expect(told).toMatchObject({ customer: 'Location 143', contact: 'Caller 7', assignedTo: 'Resolver 31' });
    expect(told.ticket.description).toContain('Resolved by: Resolved by 149\nClosed as: code 5');
    expect(told.teams).toEqual(['Group 56', 'Group 24']);
    expect(told.technicians).toEqual(['Updated by 21', 'Resolver 31', 'Updated by 9', 'Resolved by 149']);
  });

  it('has one entry of history per row, saying what the row changed', () => {
    expect(told.ticket.history).toHaveLength(5);
    expect(told.ticket.history[0]).toMatchObject({ kind: 'created', occurred_at: '2016-02-29T01:23:00Z' });
    expect(told.ticket.history[0]!.changes).toContainEqual({ field: 'status', from: null, to: 'new' });
    expect(told.ticket.history[1]).toMatchObject({
      kind: 'changed',
      changes: [
        { field: 'status', from: 'new', to: 'in_progress' },
        { field: 'team', from: 'Group 56', to: 'Group 24' },
        { field: 'assigned_to', from: null, to: 'Resolver 31' },
      ],
    });
    expect(told.ticket.history[2]).toMatchObject({
      actor_name: 'Updated by 9',
      changes: [{ field: 'status', from: 'in_progress', to: 'waiting_customer' }],
    });
    expect(told.ticket.history[4]!.changes).toEqual([
      { field: 'status', from: 'resolved', to: 'closed' },
      { field: 'sla_breached', from: null, to: 'true' },
    ]);
  });

  it('is assigned when it is new but somebody has it', () => {
    expect(incident(at('01:00', 'New', { assigned_to: 'Resolver 1' })).ticket.status).toBe('assigned');
    expect(incident(at('01:00', 'New')).ticket.status).toBe('new');
  });

  it('says in a tag and in the history who is waited for', () => {
    const waiting = incident(at('01:00', 'Active'), at('02:00', 'Awaiting Vendor')).ticket;
    expect(waiting).toMatchObject({ status: 'in_progress', tags: ['awaiting-vendor'] });
    expect(waiting.history[1]!.changes).toEqual([{ field: 'waiting_for', from: null, to: 'vendor' }]);
    expect(incident(at('01:00', 'Awaiting User Info')).ticket).toMatchObject({
      status: 'waiting_customer',
      tags: [],
    });
  });

  it('belongs to the placeholder customer when its place is unknown, and to the last known one otherwise', () => {
    expect(incident({ location: '?', caller_id: '?' })).toMatchObject({
      customer: UNKNOWN_CUSTOMER,
      contact: null,
    });
    expect(incident(at('01:00', 'New'), at('02:00', 'Active', { location: '?' })).customer).toBe(
      'Location 143',
    );
  });

  it('is not resolved while it is worked on, though the log knows the later end', () => {
    const end = { resolved_at: '01-03-2016 10:00', closed_at: '02-03-2016 10:00' };
    const open = incident(
      at('01:00', 'Resolved', end),
      at('02:00', 'Active', { ...end, reopen_count: '1' }),
    ).ticket;
    expect(open).toMatchObject({ resolved_at: null, closed_at: null, reopen_count: 1 });
  });

  it('takes the row that brought the state where the end is unknown', () => {
    expect(
      incident(at('01:00', 'Active'), at('02:00', 'Resolved'), at('03:00', 'Closed')).ticket,
    ).toMatchObject({
      resolved_at: '2016-02-29T02:00:00Z',
      closed_at: '2016-02-29T03:00:00Z',
    });
  });

  it('was not made after it ended', () => {
    expect(incident(at('01:00', 'New', { opened_at: '05-03-2016 10:00' })).ticket.created_at).toBe(
      '2016-02-29T01:00:00Z',
    );
  });

  it('has a title even when nothing is known about it', () => {
    expect(incident({ category: '?', subcategory: '?', u_symptom: '?' }).ticket).toMatchObject({
      title: 'Incident INC0000001',
      category: null,
    });
  });
});

describe('the rows of an incident', () => {
  it('are put into the order of time, then of the counter', () => {
    const rows = rowsOf(
      at('09:27', 'Active', { sys_mod_count: '7' }),
      at('05:00', 'New'),
      at('09:27', 'Active', { sys_mod_count: '2' }),
    );
    expect(arrange(rows).rows.map(({ line }) => line)).toEqual([3, 4, 2]);
  });

  it('count once when they repeat, the first one', () => {
    const { rows, repeated } = arrange(rowsOf({}, {}, { sys_mod_count: '1' }));
    expect(rows.map(({ line }) => line)).toEqual([2, 4]);
    expect(repeated.map(({ row, first }) => [row.line, first.line])).toEqual([[3, 2]]);
  });

  const someIncident = fc
    .array(
      fc.record({
        incident_state: fc.constantFrom(
          'New',
          'Active',
          'Awaiting User Info',
          'Awaiting Problem',
          'Resolved',
          'Closed',
        ),
        sys_mod_count: fc.integer({ min: 0, max: 5 }).map(String),
        sys_updated_at: fc.integer({ min: 0, max: 9 }).map((n) => `01-03-2016 1${n}:00`),
        assigned_to: fc.constantFrom('?', 'Resolver 1', 'Resolver 2'),
        location: fc.constantFrom('?', 'Location 1', 'Location  1', 'Location 2'),
        caller_id: fc.constantFrom('?', 'Caller 1'),
        category: fc.constantFrom('?', 'Category 1', 'c'.repeat(200)),
        made_sla: fc.constantFrom('TRUE', 'FALSE'),
      }),
      { minLength: 1, maxLength: 12 },
    )
    .map((all) => rowsOf(...all));

  it('become a ticket that the platform takes, each row an entry or a repetition', () => {
    fc.assert(
      fc.property(someIncident, (all) => {
        const { rows, repeated } = arrange(all);
        const made = toIncident(rows);
        expect(accepts(request(made)), JSON.stringify(accepts.errors)).toBe(true);
        expect(rows.length + repeated.length).toBe(all.length);
        expect(made.ticket.history).toHaveLength(rows.length);
        expect(new Set(made.ticket.history.map(({ row_id }) => row_id)).size).toBe(rows.length);
        const times = made.ticket.history.map(({ occurred_at }) => occurred_at);
        expect(times).toEqual([...times].sort());
        expect(made.customers).toContain(made.customer);
      }),
    );
  });

  it('tell, played one after the other, the state in which the ticket ends', () => {
    fc.assert(
      fc.property(someIncident, (all) => {
        const made = toIncident(arrange(all).rows);
        const state = new Map<string, string | null>();
        for (const { changes } of made.ticket.history) {
          for (const { field, from, to } of changes) {
            expect(state.get(field) ?? null).toBe(from);
            state.set(field, to);
          }
        }
        expect(state.get('status')).toBe(made.ticket.status);
        expect(state.get('priority')).toBe(made.ticket.priority);
        expect(state.get('assigned_to') ?? null).toBe(made.assignedTo);
        expect((state.get('sla_breached') ?? null) === 'true').toBe(made.ticket.sla_breached);
      }),
    );
  });

  it('give the same ticket in whatever order the file has them, as long as time and counter tell them apart', () => {
    const apart = someIncident.filter(
      (rows) =>
        new Set(rows.map(({ updatedAt, modCount }) => `${updatedAt} ${modCount}`)).size === rows.length,
    );
    const shuffled = apart.chain((rows) =>
      fc.shuffledSubarray(rows, { minLength: rows.length }).map((other) => [rows, other] as const),
    );
    fc.assert(
      fc.property(shuffled, ([rows, other]) => {
        const again = other.map((row, i) => ({ ...row, line: i + 2 }));
        expect(toIncident(arrange(again).rows).ticket).toEqual(toIncident(arrange(rows).rows).ticket);
      }),
    );
  });
});

it('every incident of a generated log is a ticket that the platform takes', () => {
  const groups = Map.groupBy(rowsOf(...generatedLog(40)), ({ number }) => number);
  expect(groups.size).toBe(40);
  for (const rows of groups.values()) {
    expect(accepts(request(toIncident(arrange(rows).rows))), JSON.stringify(accepts.errors)).toBe(true);
  }
});
