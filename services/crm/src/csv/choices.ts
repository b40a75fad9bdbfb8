import { createHash } from 'node:crypto';
import {
  CSV_COLUMNS,
  type CsvKind,
  type ImportColumns,
  type UpdateImportColumnsRequest,
} from '@psa/contracts/csv';
import type { RequestContext } from '@psa/service-kit/context';
import type { Tx } from '@psa/service-kit/database';
import { invalid } from '@psa/service-kit/errors';
import { emit } from '@psa/service-kit/outbox';
import type { Static } from 'typebox';
import type { CrmDeps } from '../deps.ts';
import { type Choice, headingKey, isChoiceOf, type Meanings, placeKey, placesOf } from './headings.ts';
import { systemOf } from './systems.ts';

/** Layouts that are remembered for each kind; the one that was chosen for the longest time ago is forgotten. */
const REMEMBERED = 200;

/** Choices for files of one layout. */
interface Layout {
  readonly layout_key: string;
  readonly headings: readonly string[];
  /** By {@link placeKey}. */
  readonly choices: Readonly<Record<string, Choice>>;
}
export type Layouts = readonly Layout[];

/** One key for all files that have these headings, in whatever order. */
function layoutKey(cells: readonly string[]): string {
  const places = placesOf(cells).flatMap((place) => (place.key === '' ? [] : placeKey(place)));
  return createHash('sha256').update(JSON.stringify(places.sort())).digest('hex');
}

/** What the tenant has chosen so far, the latest first. */
export async function layoutsOf(tx: Tx, tenantId: string, kind: CsvKind): Promise<Layouts> {
  const rows = await tx.sql<Layout[]>`
    select layout_key, headings, choices from crm.import_layouts
    where tenant_id = ${tenantId} and kind = ${kind}
    order by updated_at desc, layout_key limit ${REMEMBERED}`;
  return [...rows];
}

/** What is known of a file's headings: by choice, by the system that wrote it, by what was chosen elsewhere. */
export function meaningsOf(kind: CsvKind, cells: readonly string[], layouts: Layouts): Meanings {
  const key = layoutKey(cells);
  const same = layouts.find((layout) => layout.layout_key === key);
  const proposed = new Map<string, Choice>();
  // The oldest first: a later choice is written over it.
  for (const { choices } of layouts.toReversed()) {
    for (const [place, choice] of Object.entries(choices)) proposed.set(place, choice);
  }
  return {
    chosen: new Map(Object.entries(same?.choices ?? {})),
    system: systemOf(kind, new Set(cells.map(headingKey))),
    proposed,
  };
}

/** The columns that an import knows, and the choices made. */
export async function readImportColumns(
  tx: Tx,
  tenantId: string,
  kind: CsvKind,
): Promise<Static<typeof ImportColumns>> {
  const layouts = await layoutsOf(tx, tenantId, kind);
  return {
    columns: [...CSV_COLUMNS[kind]],
    layouts: layouts.map(({ headings, choices }) => {
      const places = placesOf(headings);
      return {
        headings: [...headings],
        choices: headings.flatMap((heading, i) => {
          const column = choices[placeKey(places[i]!)];
          return column === undefined ? [] : [{ heading, occurrence: places[i]!.occurrence, column }];
        }),
      };
    }),
  };
}

/** Remembers choices for a layout, whoever of the tenant imports next; `ask` forgets one. */
export async function saveChoices(
  deps: CrmDeps,
  tx: Tx,
  ctx: RequestContext,
  kind: CsvKind,
  input: Static<typeof UpdateImportColumnsRequest>,
): Promise<Static<typeof ImportColumns>> {
  const tenantId = ctx.scope.tenant_id;
  const headings = input.headings.map((heading) => heading.trim());
  const known = new Set(placesOf(headings).map(placeKey));
  const set: Record<string, Choice> = {};
  const forget: string[] = [];
  for (const [i, { heading, occurrence = 1, column }] of input.choices.entries()) {
    const place = placeKey({ key: headingKey(heading), occurrence });
    if (!known.has(place)) {
      throw invalid({
        field: `choices[${i}].heading`,
        code: 'not_found',
        message: 'is none of the headings',
      });
    }
    if (column === 'ask') forget.push(place);
    else if (isChoiceOf(kind, column)) set[place] = column;
    else {
      const message = `is no column of ${kind}`;
      throw invalid({ field: `choices[${i}].column`, code: 'unknown_value', message });
    }
  }
  // One statement, so that two who choose at once for the same layout keep each other's choices.
  await tx.sql`
    insert into crm.import_layouts as l (tenant_id, kind, layout_key, headings, choices, updated_at)
    values (${tenantId}, ${kind}, ${layoutKey(headings)}, ${headings}, ${JSON.stringify(set)}::jsonb,
      ${deps.clock.now().toISOString()})
    on conflict (tenant_id, kind, layout_key) do update set headings = excluded.headings,
      choices = (l.choices || excluded.choices) - ${forget}::text[], updated_at = excluded.updated_at`;
  await tx.sql`
    delete from crm.import_layouts l where tenant_id = ${tenantId} and kind = ${kind} and (choices = '{}' or layout_key in (
      select layout_key from crm.import_layouts where tenant_id = ${tenantId} and kind = ${kind}
      order by updated_at desc, layout_key offset ${REMEMBERED}))`;
  await emit(deps, tx, ctx, [
    {
      type: 'audit.recorded.v1',
      aggregate: { type: 'user', id: ctx.actor.id ?? 'system' },
      public: false,
      data: { action: `${kind}.import_columns_chosen`, detail: { choices: input.choices } },
    },
  ]);
  return readImportColumns(tx, tenantId, kind);
}
