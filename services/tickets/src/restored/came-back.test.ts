import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestDesk, testDesk } from '../desk.test-helper.ts';

let desk: TestDesk;
beforeAll(async () => {
  desk = await testDesk({ now: '2026-03-02T09:00:00Z' });
  const target = { response_minutes: 60, resolution_minutes: 240 };
  const policy = await desk.service.call('POST', '/api/v1/sla-policies', {
    body: {
      name: 'Rund um die Uhr',
      is_default: true,
      targets: { low: target, medium: target, high: target, critical: target },
    },
  });
  if (policy.status !== 201) throw new Error(policy.text);
});
afterAll(() => desk.service.close());

const comment = async (ticket: string, body: string, visibility = 'public') => {
  const answer = await desk.service.call('POST', `/api/v1/tickets/${ticket}/comments`, {
    as: desk.anna,
    body: { body, visibility },
  });
  expect(answer.status, answer.text).toBe(201);
  return answer.body.data.id as string;
};
const put = (ticket: string, told: object) =>
  desk.service.deps.db.tx({ tenant_id: desk.service.tenantId, customer_id: null }, async ({ sql }) => {
    await sql`update tickets set deleted_at = null where tenant_id = ${desk.service.tenantId} and id = ${ticket}`;
    await sql`select came_back(${ticket}, ${JSON.stringify(told)}::jsonb)`;
  });
const due = async () => {
  // The note is due by the database's clock.
  desk.service.clock.set(new Date(Date.now() + 60_000));
  return desk.service.running.runDue();
};
const told = async (ticket: string) =>
  (await desk.service.outbox()).filter(
    ({ aggregate, type }) => aggregate.id === ticket && type === 'ticket.restored.v1',
  );

describe('a ticket that came back out of a backup', () => {
  it('has its counters, tags, clocks and history again, and tells the others with all its texts', async () => {
    const { id } = await desk.open({ tags: ['vpn'], assigned_to: desk.anna.sub });
    const shown = await comment(id, 'Wir sehen nach.');
    const note = await comment(id, 'Zahlt nie pünktlich', 'internal');
    expect((await desk.service.call('DELETE', `/api/v1/tickets/${id}`)).status).toBe(204);
    await desk.service.db.admin`update tickets.tickets set comment_count = 0 where id = ${id}`;
    const before = await desk.row(id);
    await put(id, { backup: 'database-x' });
    expect(await due()).toBeGreaterThan(0);
    const row = await desk.row(id);
    expect(row).toMatchObject({ comment_count: 2, public_comment_count: 1, deleted_at: null });
    expect(row.version).toBeGreaterThan(before.version);
    const tags = await desk.service.db.admin`select tag from tickets.ticket_tags where ticket_id = ${id}`;
    expect(tags).toMatchObject([{ tag: 'vpn' }]);
    // Its hours are long over by now: the deadline that passed is written down, as for every other.
    expect(row).toMatchObject({ sla_breached: true, sla_resolution_state: 'breached' });
    expect((await desk.history(id)).filter(({ kind }) => kind === 'restored')).toMatchObject([
      { actor_kind: 'system', reason: 'database-x', public: false },
    ]);
    const events = await told(id);
    expect(events).toMatchObject([
      { public: true, data: { backup: 'database-x', texts: [{ id: shown, body: 'Wir sehen nach.' }] } },
      { public: false, data: { texts: [{ id: note, visibility: 'internal' }] } },
    ]);
    expect((events[0]!.data as { ticket: { version: number } }).ticket.version).toBeGreaterThan(
      before.version,
    );
  });

  it('comes without who has left, says so, and keeps who did it when it is done', async () => {
    const gone = randomUUID();
    const { db, tenantId, deps } = desk.service;
    await db.admin`insert into tickets.technicians (tenant_id, id, name) values (${tenantId}, ${gone}, 'Gerd Gang')`;
    const { id: open } = await desk.open({ assigned_to: gone });
    const { id: done } = await desk.open({ assigned_to: gone });
    await desk.service.call('PATCH', `/api/v1/tickets/${done}`, { body: { status: 'resolved' } });
    await db.admin`update tickets.technicians set disabled = true where id = ${gone}`;
    const lost = (ticket: string) =>
      deps.db.read({ tenant_id: tenantId, customer_id: null }, ({ sql }) =>
        sql.unsafe(`select * from lost_references('${ticket}')`),
      );
    expect(await lost(open)).toMatchObject([{ field: 'assigned_to', name: 'Gerd Gang', mended: true }]);
    for (const id of [open, done]) await put(id, {});
    await due();
    expect(await desk.row(open)).toMatchObject({ assigned_to: null, status: 'new' });
    const state = await desk.row(done);
    expect(state.assigned_to).toBe(gone);
    expect(await lost(open)).toEqual([]);
  });

  it('is ahead of all that others have seen of it when its row was gone, and tells many texts in several events', async () => {
    const { id } = await desk.open();
    const long = 'ä'.repeat(15_000);
    for (let n = 0; n < 12; n++) await comment(id, `${n} ${long}`);
    const { version } = await desk.row(id);
    await put(id, { was_gone: true });
    await due();
    expect((await desk.row(id)).version).toBeGreaterThan(version + 999);
    const events = await told(id);
    expect(events.length).toBeGreaterThan(1);
    const texts = events.flatMap(({ data }) => (data as { texts: { body: string }[] }).texts);
    expect(texts).toHaveLength(12);
  });

  it('does nothing for one that is not there, and nothing for another tenant', async () => {
    await put(randomUUID(), {});
    expect(await due()).toBeGreaterThan(0);
    const { id } = await desk.open();
    const lost = await desk.service.deps.db.read({ tenant_id: randomUUID(), customer_id: null }, ({ sql }) =>
      sql.unsafe(`select * from lost_references('${id}')`),
    );
    expect(lost).toEqual([]);
  });
});

/** Tables that name a ticket, and are not reached from it by foreign keys: what goes by those would leave them out. */
const left = async () =>
  desk.service.db.admin<{ name: string }[]>`
    with recursive owned as (
      select 'tickets.tickets'::regclass::oid as id
      union select c.conrelid from pg_constraint c join owned on c.confrelid = owned.id where c.contype = 'f')
    select a.attrelid::regclass::text as name from pg_attribute a
    join pg_class t on t.oid = a.attrelid and t.relkind in ('r', 'p') and not t.relispartition
    where t.relnamespace = 'tickets'::regnamespace and a.attname = 'ticket_id'
      and a.attrelid not in (select id from owned)`;

it('what belongs to a ticket hangs on it by a foreign key, so that "psactl restore ticket" finds it', async () => {
  expect(await left()).toEqual([]);
  await desk.service.db.admin`create table tickets.planted (tenant_id uuid, ticket_id uuid)`;
  expect(await left()).toEqual([{ name: 'tickets.planted' }]);
  await desk.service.db.admin`drop table tickets.planted`;
});
