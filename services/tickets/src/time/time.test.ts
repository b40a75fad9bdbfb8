import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestDesk, testDesk } from '../desk.test-helper.ts';

let desk: TestDesk;
let call: TestDesk['service']['call'];
beforeAll(async () => {
  desk = await testDesk({ now: '2026-03-02T09:00:00Z' });
  call = desk.service.call;
});
afterAll(() => desk.service.close());

describe('working time', () => {
  it('has dates and lengths that can be', async () => {
    const { id } = await desk.open();
    const book = async (body: object) => {
      const { status, body: answer } = await call('POST', `/api/v1/tickets/${id}/time-entries`, { body });
      return status === 201 ? 201 : [status, answer.error.details[0].field];
    };
    expect(await book({ minutes: 30, started_at: '2099-01-01T00:00:00Z' })).toEqual([400, 'started_at']);
    expect(await book({ minutes: 30, started_at: '2026-03-02T09:05:00Z' })).toEqual([400, 'started_at']);
    expect(await book({ minutes: 30, started_at: '1970-01-01T00:00:00Z' })).toEqual([400, 'started_at']);
    expect(await book({ minutes: 30, started_at: '2026-02-28T12:00:00Z' })).toEqual([400, 'started_at']);
    for (const minutes of [-5, 0, 1.5, 1441]) expect(await book({ minutes })).toEqual([400, 'minutes']);
    // The call that the ticket came from, an hour before it was entered.
    expect(await book({ minutes: 30, started_at: '2026-03-02T08:00:00Z' })).toBe(201);
    expect(await book({ minutes: 240 })).toBe(201);
  });

  it('is corrected by its worker, and by whoever may for a colleague, with a record of it', async () => {
    const { id } = await desk.open();
    const path = `/api/v1/tickets/${id}/time-entries`;
    const booked = await call('POST', path, { as: desk.anna, body: { minutes: 30 } });
    expect(booked.headers.etag).toBe('"1"');
    expect(booked.body.data).toMatchObject({
      user: { id: desk.anna.sub },
      entered_by: { id: desk.anna.sub },
    });
    const entry = `${path}/${booked.body.data.id}`;
    const change = (as: object | undefined, body: object, version = '"1"') =>
      call('PATCH', entry, { ...(as ? { as } : {}), body, headers: { 'if-match': version } });

    expect((await change(desk.ben, { minutes: 5 })).status).toBe(403);
    const future = await change(desk.anna, { started_at: '2026-03-03T09:00:00Z' });
    expect([future.status, future.body.error.details[0].field]).toEqual([400, 'started_at']);
    const corrected = await change(desk.anna, { minutes: 45, started_at: '2026-03-02T07:00:00Z' });
    expect(corrected.body.data).toMatchObject({
      minutes: 45,
      started_at: '2026-03-02T07:00:00.000Z',
      version: 2,
    });
    expect(await desk.row(id)).toMatchObject({ minutes_spent: 45 });
    const stale = await change(desk.anna, { minutes: 50 });
    expect([stale.status, stale.body.error.details[0].message]).toEqual([412, 'the current version is "2"']);

    // Ben worked, as the service manager knows.
    const other = await change(undefined, { user_id: desk.ben.sub, note: 'war Ben' }, '"2"');
    expect(other.body.data).toMatchObject({
      user: { id: desk.ben.sub, name: desk.ben.name },
      entered_by: { id: desk.anna.sub },
      version: 3,
    });
    expect((await call('DELETE', entry, { as: desk.anna })).status).toBe(403);
    const late = await call('DELETE', entry, { headers: { 'if-match': '"2"' } });
    expect(late.status).toBe(412);
    expect((await call('DELETE', entry, { as: desk.ben, headers: { 'if-match': '"3"' } })).status).toBe(204);
    expect((await call('DELETE', entry)).status).toBe(404);
    expect(await desk.row(id)).toMatchObject({ minutes_spent: 0 });
    expect((await call('GET', path)).body.data).toEqual([]);

    const history = (await desk.history(id)).filter((row) => row.kind.startsWith('time_'));
    expect(history.map((row) => [row.kind, row.actor_name, row.public])).toEqual([
      ['time_logged', desk.anna.name, false],
      ['time_changed', desk.anna.name, false],
      ['time_changed', expect.anything(), false],
      ['time_deleted', desk.ben.name, false],
    ]);
    expect(history[1]!.changes).toContainEqual({ field: 'minutes', from: 30, to: 45 });
    expect((await desk.events(id)).filter((type) => type.includes('.time_'))).toEqual([
      'ticket.time_logged.v1',
      'ticket.time_changed.v1',
      'ticket.time_changed.v1',
      'ticket.time_deleted.v1',
    ]);
  });

  it('is booked for a colleague by whoever may, and for nobody who is not there', async () => {
    const { id } = await desk.open();
    const path = `/api/v1/tickets/${id}/time-entries`;
    const body = { minutes: 15, user_id: desk.ben.sub };
    expect((await call('POST', path, { as: desk.anna, body })).status).toBe(403);
    const manager = { role: 'service_manager', name: 'Mia Lang', sub: randomUUID() };
    const booked = await call('POST', path, { as: manager, body });
    expect(booked.body.data).toMatchObject({ user: { id: desk.ben.sub }, entered_by: { name: 'Mia Lang' } });
    expect((await call('POST', path, { as: desk.boss, body: { minutes: 5 } })).status).toBe(403);
    expect((await call('GET', path, { as: desk.boss })).status).toBe(403);
  });
});
