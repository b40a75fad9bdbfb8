import type { ImportTeamsRequest } from '@psa/contracts/ticket-import';
import type { RequestContext } from '@psa/service-kit/context';
import type { Tx } from '@psa/service-kit/database';
import { emit } from '@psa/service-kit/outbox';
import type { Static } from 'typebox';
import type { TicketsDeps } from '../deps.ts';
import { touchSettings } from '../desk/settings.ts';

/** Holds off other imports of the same source until the end of the transaction. */
export const lockSource = (tx: Tx, ctx: RequestContext, source: string) =>
  tx.sql`select pg_advisory_xact_lock(hashtextextended(${`tickets.import ${ctx.scope.tenant_id} ${source}`}, 0))`;

/** Creates the teams that are not known by (source, external id) yet. A name in use gets the source added. */
export async function importTeams(
  deps: TicketsDeps,
  tx: Tx,
  ctx: RequestContext,
  body: Static<typeof ImportTeamsRequest>,
) {
  const tenantId = ctx.scope.tenant_id;
  const externalIds = body.teams.map((team) => team.external_id);
  await lockSource(tx, ctx, body.source);
  const [known, taken] = await Promise.all([
    tx.sql<{ id: string; external_id: string }[]>`
      select id, external_id from teams where tenant_id = ${tenantId} and external_source = ${body.source}
        and external_id = any(${externalIds}::text[]) and deleted_at is null`,
    tx.sql<
      { name: string }[]
    >`select lower(name) as name from teams where tenant_id = ${tenantId} and deleted_at is null`,
  ]);
  const ids = new Map(known.map((row) => [row.external_id, row.id]));
  const names = new Set(taken.map((row) => row.name));
  const rows: { id: string; name: string; external_id: string }[] = [];
  const result = body.teams.map(({ external_id, name }) => {
    const before = ids.get(external_id);
    if (before !== undefined) return { external_id, id: before, created: false };
    const id = deps.ids.uuid();
    let free = name;
    for (let n = 1; names.has(free.toLowerCase()); n++) {
      free = `${name.slice(0, 60)} (${body.source.slice(0, 20)}${n === 1 ? '' : ` ${n}`})`;
    }
    names.add(free.toLowerCase());
    ids.set(external_id, id);
    rows.push({ id, name: free, external_id });
    return { external_id, id, created: true };
  });
  if (rows.length === 0) return result;
  await tx.sql`
    insert into teams (tenant_id, id, name, external_source, external_id)
    select ${tenantId}, id, name, ${body.source}, external_id
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r (id uuid, name text, external_id text)`;
  await touchSettings(tx, tenantId);
  await emit(
    deps,
    tx,
    ctx,
    rows.map(({ id }) => ({
      type: 'desk.changed.v1' as const,
      aggregate: { type: 'team', id },
      data: { object: 'team', id, change: 'created' },
      public: false,
    })),
  );
  return result;
}
