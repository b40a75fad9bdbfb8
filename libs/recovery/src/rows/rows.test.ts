import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { PostgresFileStore } from '@psa/infra/files/postgres-file-store';
import { type TestDatabase, testDatabase } from '@psa/test-kit/database';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attachmentsOf, bytesOf, takeAttachment } from './attachment.ts';
import { serverText } from './server-text.ts';
import { withPostgresSession } from './session.ts';
import type { ReadDump } from './take.ts';
import { putTicket, standingTicket, takeTicket } from './ticket.ts';

let db: TestDatabase;
let files: PostgresFileStore;
beforeAll(async () => {
  db = await testDatabase();
  files = new PostgresFileStore({ url: db.adminUrl, schema: 'files' });
  await files.prepare();
  // As provisionFiles makes it; its password is of the whole server, and another test may be using it.
  await db.admin.begin(async (sql) => {
    await sql`select pg_advisory_xact_lock(hashtext('psa.provision'))`;
    await sql.unsafe(`do $$ begin
      if not exists (select from pg_roles where rolname = 'psa_files') then create role psa_files login; end if; end $$;
      grant usage on schema files to psa_files;
      grant select, insert, update, delete on all tables in schema files to psa_files`);
  });
});
afterAll(async () => {
  await files?.close();
  await db?.drop();
});

const AT = '2026-03-02T09:00:00Z';
/** Texts that a dump has to write in its own way. */
const ODD = 'a\tb\nc\\d\\.\n\\.\nüß';

interface Made {
  readonly tenant: string;
  readonly id: string;
  readonly number: number;
  readonly key: string;
}
let numbers = 4_000;

async function makeTicket(tenant: string = randomUUID(), number = ++numbers): Promise<Made> {
  const { admin } = db;
  const [id, customer, key] = [randomUUID(), randomUUID(), randomUUID()];
  await admin`insert into tickets.tickets (tenant_id, id, ticket_number, title, description, status, priority, source,
    customer_id, tags, created_at, updated_at, comment_count)
    values (${tenant}, ${id}, ${number}, ${`Titel ${number}`}, ${ODD}, 'new', 'low', 'phone', ${customer}, '{vpn,"a b"}', ${AT}, ${AT}, 2)`;
  await admin`insert into tickets.ticket_tags (tenant_id, tag, ticket_id, customer_id) values (${tenant}, 'vpn', ${id}, ${customer})`;
  for (const body of ['erster', ODD])
    await admin`insert into tickets.comments (tenant_id, id, ticket_id, customer_id, visibility, body, author_name,
      author_kind, created_at, updated_at)
      values (${tenant}, ${randomUUID()}, ${id}, ${customer}, 'public', ${body}, 'Anna', 'staff', ${AT}, ${AT})`;
  await admin`insert into tickets.time_entries (tenant_id, id, ticket_id, user_id, user_name, minutes, started_at, created_at, updated_at)
    values (${tenant}, ${randomUUID()}, ${id}, ${randomUUID()}, 'Anna', 30, ${AT}, ${AT}, ${AT})`;
  await admin`insert into tickets.history (tenant_id, id, ticket_id, customer_id, occurred_at, actor_kind, kind, public)
    values (${tenant}, ${randomUUID()}, ${id}, ${customer}, ${AT}, 'staff', 'created', true)`;
  await admin`insert into tickets.watchers (tenant_id, ticket_id, user_id, customer_id, name, created_at)
    values (${tenant}, ${id}, ${randomUUID()}, ${customer}, 'Ben', ${AT})`;
  await files.put(tenant, key, Readable.from([Buffer.alloc(600_000, 7)]), 1e6);
  await admin`insert into tickets.attachments (tenant_id, id, ticket_id, customer_id, visibility, file_name, content_type,
    size, sha256, file_key, uploaded_by_name, created_at, updated_at)
    values (${tenant}, ${randomUUID()}, ${id}, ${customer}, 'public', 'plan.pdf', 'application/pdf', 600000, 'x', ${key}, 'Anna', ${AT}, ${AT})`;
  return { tenant, id, number, key };
}

const CHILDREN = ['ticket_tags', 'comments', 'time_entries', 'history', 'watchers', 'attachments'];

/** All of a ticket, to be compared. */
async function whole({ id, key, tenant }: Made) {
  const { admin } = db;
  const rows: Record<string, unknown> = {};
  for (const table of CHILDREN)
    rows[table] = (
      await admin.unsafe(
        `select to_jsonb(t) - 'version' as row from tickets.${table} t where ticket_id = '${id}' order by 1`,
      )
    ).map(({ row }) => row);
  rows.ticket = (
    await admin`select to_jsonb(t) - 'version' as row from tickets.tickets t where id = ${id}`
  )[0]?.row;
  const content = await files.get(tenant, key);
  let bytes = 0;
  if (content) for await (const chunk of content) bytes += (chunk as Buffer).length;
  rows.bytes = bytes;
  return rows;
}

/** Takes what there is now as a dump would, to be read any number of times. */
async function dump(): Promise<ReadDump> {
  const chunks: Buffer[] = [];
  await serverText(
    db.admin,
    db.name,
  )(async (text) => {
    for await (const chunk of text) chunks.push(chunk as Buffer);
  });
  return (read) => read(Readable.from(chunks, { objectMode: false }));
}

async function destroy({ id, key, tenant }: Made): Promise<void> {
  for (const table of ['attachments', ...CHILDREN.filter((one) => one !== 'attachments')])
    await db.admin.unsafe(`delete from tickets.${table} where ticket_id = '${id}'`);
  await db.admin`delete from tickets.tickets where id = ${id}`;
  await files.delete(tenant, key);
}

const restore = (open: ReadDump, one: Made, { keep = true, overwrite = false } = {}) =>
  withPostgresSession(db.admin, async (session) => {
    const taken = await takeTicket(session, open, db.name, {
      number: one.number,
      id: null,
      tenant: one.tenant,
    });
    const [ticket] = taken.seen;
    const standing = await standingTicket(session, ticket!);
    const options = { overwrite, keep, backup: 'database-x', wasGone: standing.state === 'gone' };
    return { standing, ...(await putTicket(session, taken, ticket!, options)) };
  });
const of = (done: Awaited<ReturnType<typeof restore>>, table: string) =>
  done.tables.find((one) => one.table === table)!;

describe('a ticket out of a dump', () => {
  it('comes back whole when all of it is gone, and leaves its service a note', async () => {
    const one = await makeTicket();
    const other = await makeTicket(one.tenant);
    const before = await whole(one);
    const open = await dump();
    await destroy(one);
    // What is only tried changes nothing.
    const tried = await restore(open, one, { keep: false });
    expect(tried.standing).toMatchObject({ state: 'gone', is_known: true });
    expect((await whole(one)).ticket).toBeUndefined();
    const done = await restore(open, one);
    expect(done.tables).toEqual(tried.tables);
    expect(done.tables.map(({ table }) => table).sort()).toEqual(
      [...CHILDREN, 'tickets']
        .map((name) => `tickets.${name}`)
        .concat('files.files', 'files.files_chunks')
        .sort(),
    );
    expect(await whole(one)).toEqual(before);
    expect(before).toMatchObject({ bytes: 600_000, comments: [{}, {}] });
    const notes = await db.admin`select kind, payload from tickets.timers where key = ${one.id}`;
    expect(notes).toEqual([{ kind: 'came_back', payload: { backup: 'database-x', was_gone: true } }]);
    // And a second time there is nothing to do; the other one was never touched.
    const again = await restore(open, one);
    expect(again.tables.every(({ same, in_backup }) => same === in_backup)).toBe(true);
    expect(await whole(other)).toMatchObject({ bytes: 600_000 });
  });

  it('puts missing and deleted rows back, and leaves what is newer', async () => {
    const one = await makeTicket();
    const open = await dump();
    const { admin } = db;
    await admin`delete from tickets.comments where ticket_id = ${one.id} and body = 'erster'`;
    await admin`update tickets.comments set deleted_at = now() where ticket_id = ${one.id}`;
    await admin`update tickets.tickets set title = 'Neuer Titel', version = 5 where id = ${one.id}`;
    await admin`insert into tickets.comments (tenant_id, id, ticket_id, customer_id, visibility, body, author_name,
      author_kind, created_at, updated_at)
      select tenant_id, gen_random_uuid(), id, customer_id, 'public', 'später', 'Anna', 'staff', now(), now()
      from tickets.tickets where id = ${one.id}`;
    const done = await restore(open, one);
    expect(of(done, 'tickets.comments')).toMatchObject({
      ...{ in_backup: 2, missing: 1, removed: 1, only_here: 1, put_back: 1, revived: 1 },
    });
    expect(of(done, 'tickets.tickets')).toMatchObject({ differs: 1, kept: 1, overwritten: 0 });
    const bodies =
      await admin`select body from tickets.comments where ticket_id = ${one.id} and deleted_at is null`;
    expect(bodies.map(({ body }) => body).sort()).toEqual([ODD, 'erster', 'später'].sort());
    expect(await whole(one)).toMatchObject({ ticket: { title: 'Neuer Titel' } });
    const over = await restore(open, one, { overwrite: true });
    expect(of(over, 'tickets.tickets')).toMatchObject({ overwritten: 1, kept: 0 });
    const [row] = await admin`select title, version from tickets.tickets where id = ${one.id}`;
    expect(row).toEqual({ title: `Titel ${one.number}`, version: 6 });
  });

  it('comes without a team that is gone for good, and not at all without what it must have', async () => {
    const one = await makeTicket();
    const { admin } = db;
    const team = randomUUID();
    await admin`insert into tickets.teams (tenant_id, id, name) values (${one.tenant}, ${team}, 'Netz')`;
    await admin`update tickets.tickets set team_id = ${team} where id = ${one.id}`;
    const open = await dump();
    await destroy(one);
    await admin`delete from tickets.teams where id = ${team}`;
    const done = await restore(open, one);
    expect(done.lost).toEqual([
      {
        table: 'tickets.tickets',
        columns: ['tenant_id', 'team_id'],
        parent: 'tickets.teams',
        rows: 1,
        done: 'without',
      },
    ]);
    expect(await whole(one)).toMatchObject({ ticket: { team_id: null } });
  });

  it('tells two tenants with the same number apart, and puts nothing into another one', async () => {
    const one = await makeTicket();
    const two = await makeTicket(randomUUID(), one.number);
    const open = await dump();
    const both = await withPostgresSession(db.admin, (session) =>
      takeTicket(session, open, db.name, { number: one.number, id: null, tenant: null }),
    );
    expect(both.seen.map(({ tenant_id }) => tenant_id).sort()).toEqual([one.tenant, two.tenant].sort());
    await destroy(one);
    const forged = { ...both, seen: both.seen };
    const mine = both.seen.find(({ tenant_id }) => tenant_id === one.tenant)!;
    // Rows of two tenants in one restore: row security of the service refuses the other's.
    await destroy(two);
    const options = { overwrite: false, keep: true, backup: 'x', wasGone: true };
    await expect(
      withPostgresSession(db.admin, (session) => putTicket(session, forged, mine, options)),
    ).rejects.toThrow('row-level security');
  });

  it('says who has its number now, and does not know a ticket that is not in the backup', async () => {
    const one = await makeTicket();
    const open = await dump();
    await destroy(one);
    const thief = await makeTicket(one.tenant, one.number);
    const standing = await withPostgresSession(db.admin, async (session) => {
      const taken = await takeTicket(session, open, db.name, { number: null, id: one.id, tenant: null });
      return standingTicket(session, taken.seen[0]!);
    });
    expect(standing).toMatchObject({ state: 'gone', number_taken_by: thief.id });
    const none = await withPostgresSession(db.admin, (session) =>
      takeTicket(session, open, db.name, { number: 999_999, id: null, tenant: null }),
    );
    expect(none.seen).toEqual([]);
    await expect(
      withPostgresSession(db.admin, (session) =>
        takeTicket(session, open, 'other', { number: 1, id: null, tenant: null }),
      ),
    ).rejects.toThrow('"other" is not in it');
  });
});

describe('a file of a ticket out of a dump', () => {
  it('has its bytes, found by its id alone or by the ticket and its name', async () => {
    const one = await makeTicket();
    const open = await dump();
    const [row] = await db.admin`select id from tickets.attachments where ticket_id = ${one.id}`;
    await destroy(one);
    await withPostgresSession(db.admin, async (session) => {
      const byId = await takeAttachment(session, open, db.name, row!.id);
      const ticket = await takeTicket(session, open, db.name, { number: null, id: one.id, tenant: null });
      for (const found of [
        byId,
        await attachmentsOf(ticket, 'plan.pdf'),
        await attachmentsOf(ticket, row!.id),
      ]) {
        expect(found.seen).toMatchObject([{ id: row!.id, name: 'plan.pdf', size: 600_000, key: one.key }]);
        const chunks: Uint8Array[] = [];
        for await (const chunk of (await bytesOf(found, found.seen[0]!))!) chunks.push(chunk);
        expect(Buffer.concat(chunks).equals(Buffer.alloc(600_000, 7))).toBe(true);
      }
      expect((await attachmentsOf(ticket, 'other.pdf')).seen).toEqual([]);
      expect((await takeAttachment(session, open, db.name, randomUUID())).seen).toEqual([]);
    });
  });
});
