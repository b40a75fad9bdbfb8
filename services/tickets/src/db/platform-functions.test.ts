import { randomUUID } from 'node:crypto';
import type { Scope } from '@psa/service-kit/context';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestDesk, testDesk } from '../desk.test-helper.ts';

/** The functions that look past row-level security (migrations 003, 006 and 008): what they give, and to whom. */
describe('functions with the owner’s rights', () => {
  let desk: TestDesk;
  const stranger = randomUUID();
  const [theirTechnician, theirTeam] = [randomUUID(), randomUUID()];

  beforeAll(async () => {
    desk = await testDesk();
    const { db, call } = desk.service;
    // Another tenant with a technician at work and a rule of its own.
    await db.admin`insert into tickets.technicians (tenant_id, id, name) values (${stranger}, ${theirTechnician}, 'Fremd')`;
    await db.admin`insert into tickets.teams (tenant_id, id, name) values (${stranger}, ${theirTeam}, 'Fremde')`;
    await db.admin`insert into tickets.team_members (tenant_id, team_id, user_id) values (${stranger}, ${theirTeam}, ${theirTechnician})`;
    await db.admin`insert into tickets.assignment_rules (tenant_id, id, name, team_id) values (${stranger}, ${randomUUID()}, 'Fremde Regel', ${theirTeam})`;
    const team = await call('POST', '/api/v1/teams', {
      body: { name: 'Netz', member_ids: [desk.anna.sub, desk.ben.sub] },
    });
    expect(team.status, team.text).toBe(201);
    const rule = await call('POST', '/api/v1/assignment-rules', {
      body: { name: 'Alles', team_id: team.body.data.id },
    });
    expect(rule.status, rule.text).toBe(201);
    await desk.open({ assigned_to: desk.anna.sub, customer_id: desk.otherCustomer, title: 'Vertraulich' });
  });
  afterAll(() => desk.service.close());

  const asked = (scope: Scope, statement: string) =>
    desk.service.deps.db.read(scope, ({ sql }) => sql.unsafe(statement));
  const portal = (): Scope => ({ tenant_id: desk.service.tenantId, customer_id: desk.customer });

  it('a portal user’s ticket is assigned by rules and by load over all customers', async () => {
    const ticket = await desk.open({}, desk.user);
    expect(await desk.row(ticket.id)).toMatchObject({ assigned_to: desk.ben.sub });
  });

  it('give a portal user’s transaction the routing and the load of its tenant, and no ticket of others', async () => {
    const rows = await asked(portal(), 'select * from assignment_candidates(null)');
    expect(rows.map((row) => row.id).sort()).toEqual([desk.anna.sub, desk.ben.sub].sort());
    expect(Object.keys(rows[0]!)).toEqual([
      ...['id', 'available', 'skills', 'max_open', 'last_assigned_at', 'load'],
    ]);
    const [routing] = await asked(portal(), 'select rules, members from desk_routing()');
    expect(JSON.stringify(routing)).not.toContain(theirTeam);
    expect(routing!.rules).toMatchObject([{ name: 'Alles' }]);
    // Asking by id does not cross the border between tenants either.
    expect(await asked(portal(), `select * from assignment_candidates('{${theirTechnician}}')`)).toEqual([]);
  });

  it('write down what a portal user’s request set off, for tickets alone that it sees', async () => {
    const mine = await desk.open({}, desk.user);
    const others = await desk.open({ customer_id: desk.otherCustomer });
    const internal = (await desk.history(mine.id)).filter((row) => !row.public);
    expect(internal.map((row) => row.kind)).toContain('assigned');
    const add = (scope: Scope, ticket: string) => {
      const entry = {
        id: randomUUID(),
        occurred_at: '2026-03-02T09:00:00Z',
        actor_kind: 'user',
        kind: 'probe',
      };
      const rows = JSON.stringify([{ ...entry, changes: [], public: false }]);
      return desk.service.deps.db.tx(scope, async ({ sql }) => {
        await sql`select add_history(${ticket}, ${rows}::jsonb)`;
        return sql`select current_setting('psa.customer_id') as customer,
          (select count(*)::int from history where kind = 'probe') as seen`;
      });
    };
    // Written, not shown, and the transaction is the portal user's all the time.
    expect(await add(portal(), mine.id)).toEqual([{ customer: desk.customer, seen: 0 }]);
    await add(portal(), others.id);
    await add({ tenant_id: stranger, customer_id: null }, mine.id);
    const written = await desk.service.db.admin`
      select tenant_id, ticket_id, customer_id from tickets.history where kind = 'probe'`;
    expect(written).toEqual([
      { tenant_id: desk.service.tenantId, ticket_id: mine.id, customer_id: desk.customer },
    ]);
  });

  it('leave the tables forced: asked directly, a portal user sees neither rules, teams nor others’ tickets', async () => {
    for (const table of ['assignment_rules', 'team_members']) {
      expect(await asked(portal(), `select * from ${table}`), table).toEqual([]);
    }
    const titles = await asked(portal(), 'select title from tickets');
    expect(titles.map((row) => row.title)).not.toContain('Vertraulich');
  });

  it('give nothing to a transaction that says no tenant', async () => {
    const { sql, end } = client('tickets');
    expect(await sql`select * from assignment_candidates(null)`).toEqual([]);
    expect(await sql`select rules, members from desk_routing()`).toEqual([{ rules: [], members: {} }]);
    await end();
  });

  it('are for this service’s role alone', async () => {
    for (const service of ['crm', 'search', 'auth', 'events']) {
      const { sql, end } = client(service);
      await sql`select set_config('psa.tenant_id', ${desk.service.tenantId}, false)`;
      for (const call of [
        'tickets.desk_routing()',
        'tickets.assignment_candidates(null)',
        `tickets.add_history('${randomUUID()}', '[]')`,
        'tickets.draw_ticket_numbers(1)',
      ]) {
        await expect(sql.unsafe(`select * from ${call}`), `${service} ${call}`).rejects.toThrow(
          /permission denied/,
        );
      }
      await end();
    }
    const grants = await desk.service.db.admin`
      select p.proname, p.prosecdef, p.proconfig, p.proacl::text as acl from pg_proc p
      where p.pronamespace = 'tickets'::regnamespace and p.prosecdef order by 1`;
    const one = (name: string, acl: string) => [name, ['search_path=pg_catalog, pg_temp'], acl];
    const granted = '{psa_owner=X/psa_owner,psa_tickets=X/psa_owner}';
    expect(grants.map(({ proname, proconfig, acl }) => [proname, proconfig, acl])).toEqual([
      one('add_history', granted),
      one('assignment_candidates', granted),
      // A trigger's: nobody calls it.
      one('counter_follows', '{psa_owner=X/psa_owner}'),
      one('desk_routing', granted),
      one('draw_ticket_numbers', granted),
    ]);
  });

  it('read the real tables, whatever the caller’s session calls by their names', async () => {
    const { sql, end } = client('tickets');
    await sql`select set_config('psa.tenant_id', ${desk.service.tenantId}, false)`;
    await sql.unsafe(`create temp table technicians (like tickets.technicians)`);
    await sql.unsafe('set search_path = pg_temp, tickets');
    const rows = await sql`select id from tickets.assignment_candidates(null)`;
    expect(rows).toHaveLength(2);
    await end();
  });

  function client(service: string) {
    const sql = postgres(desk.service.db.urlFor(service), { max: 1, onnotice: () => {} });
    return { sql, end: () => sql.end() };
  }
});
