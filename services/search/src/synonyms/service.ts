import type { SynonymGroups } from '@psa/contracts/ports/search';
import type { Synonyms } from '@psa/contracts/search';
import type { RequestContext } from '@psa/service-kit/context';
import { type Tx, toIso } from '@psa/service-kit/database';
import { invalid } from '@psa/service-kit/errors';
import { emit } from '@psa/service-kit/outbox';
import type { ServiceDeps } from '@psa/service-kit/service';
import type { Static } from 'typebox';
import { difference, problemsOf } from './domain.ts';
import { SHIPPED_SYNONYMS } from './shipped.ts';

type View = Static<typeof Synonyms>;
type Groups = string[][];

interface Row {
  readonly groups: Groups | string | null;
  readonly version: number;
  readonly updated_at: string;
}

const shipped = (): View => ({
  groups: SHIPPED_SYNONYMS.map((group) => [...group]),
  shipped: true,
  version: 0,
  updated_at: null,
});

/** The list that holds for the asker's tenant. */
export async function currentSynonyms(tx: Tx, tenantId: string, lock = false): Promise<View> {
  const [row] = await tx.sql<Row[]>`
    select groups, version, updated_at from search.synonyms where tenant_id = ${tenantId}
    ${lock ? tx.sql`for update` : tx.sql``}`;
  if (!row) return shipped();
  const groups: Groups | null = typeof row.groups === 'string' ? JSON.parse(row.groups) : row.groups;
  const own = { version: row.version, updated_at: toIso(row.updated_at) };
  return groups === null ? { ...shipped(), ...own } : { groups, shipped: false, ...own };
}

/**
 * Sets the list, or with null the shipped one again. What was set before is told by the event.
 * @throws 400 by line and place, 412 by `check`
 */
export async function setSynonyms(
  deps: ServiceDeps,
  tx: Tx,
  ctx: RequestContext,
  groups: Groups | null,
  check: (version: number) => void,
): Promise<View> {
  const problems = problemsOf(groups ?? []);
  if (problems.length > 0) throw invalid(...problems.slice(0, 100));
  const tenantId = ctx.scope.tenant_id;
  const now = deps.clock.now();
  // A row to lock, so that of two at once the second sees what the first has set.
  await tx.sql`
    insert into search.synonyms (tenant_id, groups, version, updated_at)
    values (${tenantId}, 'null', 0, ${now.toISOString()}) on conflict do nothing`;
  const before = await currentSynonyms(tx, tenantId, true);
  check(before.version);
  const version = before.version + 1;
  await tx.sql`
    update search.synonyms set groups = ${JSON.stringify(groups)}::jsonb, version = ${version},
      updated_at = ${now.toISOString()}
    where tenant_id = ${tenantId}`;
  const data = await currentSynonyms(tx, tenantId);
  await emit(deps, tx, ctx, [
    {
      type: 'search.synonyms_changed.v1',
      aggregate: { type: 'synonyms', id: tenantId },
      data: { ...difference(before.groups, data.groups), shipped: data.shipped, version },
    },
  ]);
  return data;
}

/** How long a process may go on with a list that another has changed. */
const FRESH_MS = 5_000;
const TENANTS_KEPT = 500;

/** Lists of tenants in memory: a search waits for nothing that nearly never changes. */
export class SynonymCache {
  readonly #known = new Map<string, { readonly groups: SynonymGroups; readonly until: number }>();

  /** The list for a search. */
  async of(deps: Pick<ServiceDeps, 'db'>, ctx: RequestContext): Promise<SynonymGroups> {
    const tenantId = ctx.scope.tenant_id;
    const kept = this.#known.get(tenantId);
    if (kept && kept.until > performance.now()) return kept.groups;
    const read = await deps.db.read(ctx.scope, (tx) => currentSynonyms(tx, tenantId));
    // One shipped list for all: what the index makes of a list is kept by its identity.
    const groups = read.shipped ? SHIPPED_SYNONYMS : read.groups;
    const same = kept && JSON.stringify(kept.groups) === JSON.stringify(groups) ? kept.groups : groups;
    this.#known.delete(tenantId);
    this.#known.set(tenantId, { groups: same, until: performance.now() + FRESH_MS });
    if (this.#known.size > TENANTS_KEPT) this.#known.delete(this.#known.keys().next().value!);
    return same;
  }

  /** After a change by this process. */
  forget(tenantId: string): void {
    this.#known.delete(tenantId);
  }
}
