import { CSV_COLUMNS, type ImportColumns, type UpdateImportColumnsRequest } from '@psa/contracts/crm';
import type { RequestContext } from '@psa/service-kit/context';
import type { Tx } from '@psa/service-kit/database';
import { emit } from '@psa/service-kit/outbox';
import type { Static } from 'typebox';
import type { CrmDeps } from '../deps.ts';
import { type Choice, type Choices, headingKey } from './headings.ts';

interface ChoiceRow {
  readonly heading_key: string;
  readonly heading: string;
  readonly choice: Choice;
}

const load = (tx: Tx, tenantId: string) => tx.sql<ChoiceRow[]>`
  select heading_key, heading, choice from crm.import_columns where tenant_id = ${tenantId} order by heading_key`;

/** What the tenant has chosen for headings so far. */
export async function choicesOf(tx: Tx, tenantId: string): Promise<Choices> {
  return new Map((await load(tx, tenantId)).map((row) => [row.heading_key, row.choice]));
}

/** The columns that an import knows, and the choices made. */
export async function readImportColumns(tx: Tx, tenantId: string): Promise<Static<typeof ImportColumns>> {
  const choices = await load(tx, tenantId);
  return {
    columns: [...CSV_COLUMNS],
    choices: choices.map(({ heading, choice }) => ({ heading, column: choice })),
  };
}

/** Remembers choices for headings, whoever of the tenant imports next; `ask` forgets one. */
export async function saveChoices(
  deps: CrmDeps,
  tx: Tx,
  ctx: RequestContext,
  input: Static<typeof UpdateImportColumnsRequest>,
): Promise<Static<typeof ImportColumns>> {
  const tenantId = ctx.scope.tenant_id;
  for (const { heading, column } of input.choices) {
    const key = headingKey(heading);
    if (column === 'ask') {
      await tx.sql`delete from crm.import_columns where tenant_id = ${tenantId} and heading_key = ${key}`;
    } else {
      await tx.sql`
        insert into crm.import_columns (tenant_id, heading_key, heading, choice, updated_at)
        values (${tenantId}, ${key}, ${heading.trim()}, ${column}, ${deps.clock.now().toISOString()})
        on conflict (tenant_id, heading_key) do update set heading = excluded.heading, choice = excluded.choice,
          updated_at = excluded.updated_at`;
    }
  }
  await emit(deps, tx, ctx, [
    {
      type: 'audit.recorded.v1',
      aggregate: { type: 'user', id: ctx.actor.id ?? 'system' },
      public: false,
      data: { action: 'customers.import_columns_chosen', detail: { choices: input.choices } },
    },
  ]);
  return readImportColumns(tx, tenantId);
}
