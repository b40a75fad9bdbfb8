import type { RequestContext } from '@psa/service-kit/context';
import type { Tx } from '@psa/service-kit/database';
import { emit } from '@psa/service-kit/outbox';
import { contactEvent, contactKeys } from '../../contacts/domain.ts';
import { newContact } from '../../contacts/service.ts';
import type { NewContactRow } from '../../db/schema.ts';
import type { CrmDeps } from '../../deps.ts';
import { CHUNK, type Importer, late, planEachCheck } from '../import.ts';
import { CSV_SOURCE } from '../match.ts';
import { noCustomerColumn } from '../of-customer.ts';
import { type ContactDecision, contactOutcome, planContacts } from './plan.ts';
import { demoteMain, insertManyContacts, matchingContacts, updateManyContacts } from './repository.ts';
import { type ContactLine, contactLine } from './rows.ts';

/** People of customers as they come in. */
export const contactImporter: Importer<ContactLine, ContactDecision, null> = {
  kind: 'contacts',
  lineOf: contactLine,
  unusable: (has, options) =>
    has('name', 'first_name', 'last_name', 'email', 'external_id')
      ? noCustomerColumn(has, options)
      : { field: 'header', code: 'no_name_column', message: 'there is no column "name"' },
  plan: async (tx, tenantId, rows, lock, options) =>
    planContacts(rows, await matchingContacts(tx, tenantId, rows, lock, options), options),
  prepare: async () => null,
  apply: applyContacts,
  outcomeOf: contactOutcome,
};

type Create = ContactDecision & { kind: 'create' };
type Update = ContactDecision & { kind: 'update' };

async function applyContacts(
  deps: CrmDeps,
  tx: Tx,
  ctx: RequestContext,
  plan: readonly ContactDecision[],
): Promise<ContactDecision[]> {
  await planEachCheck(tx);
  const tenantId = ctx.scope.tenant_id;
  const now = deps.clock.now();
  const done: ContactDecision[] = [];
  /** Who has lost the mark of the main contact to another row; what was read before does not know it. */
  const lost = new Set<string>();
  for (let at = 0; at < plan.length; at += CHUNK) {
    const inserts = new Map<string, { decision: Create; row: NewContactRow }>();
    const updates: Update[] = [];
    for (const decision of plan.slice(at, at + CHUNK)) {
      if (decision.kind === 'create') {
        const row = insertOf(deps, tenantId, decision);
        inserts.set(row.id, { decision, row });
        continue;
      }
      if (decision.kind === 'update') updates.push(decision);
      done.push(decision);
    }
    // First, because a customer has one main contact at every moment.
    const demoted = await demoteMain(
      tx,
      tenantId,
      [
        ...updates.filter(({ changes }) => changes.is_primary).map(({ customer }) => customer.id),
        ...[...inserts.values()].filter(({ row }) => row.is_primary).map(({ row }) => row.customer_id),
      ],
      now,
    );
    for (const { id } of demoted) lost.add(id);
    const updated = await updateManyContacts(
      tx,
      updates.map(({ contact, changes }) => {
        const next = { ...contact, ...(lost.has(contact.id) ? { is_primary: false } : {}), ...changes };
        return { ...next, ...contactKeys(next) };
      }),
      now,
    );
    const created = await insertManyContacts(
      tx,
      [...inserts.values()].map((insert) => insert.row),
    );
    for (const row of created) {
      done.push(inserts.get(row.id)!.decision);
      inserts.delete(row.id);
    }
    for (const { decision } of inserts.values()) done.push(late(decision.row.line));
    const changed = new Set(updated.map((row) => row.id));
    await emit(deps, tx, ctx, [
      ...[...demoted.filter((row) => !changed.has(row.id)), ...updated].map((row) =>
        contactEvent('contact.updated.v1', row),
      ),
      ...created.map((row) => contactEvent('contact.created.v1', row)),
    ]);
  }
  return done;
}

function insertOf(deps: CrmDeps, tenantId: string, { row, customer, site }: Create): NewContactRow {
  return newContact(deps, tenantId, {
    ...row.values,
    name: row.values.name!,
    customer_id: customer.id,
    site_id: site?.id ?? null,
    ...(row.external_id === null ? {} : { external_id: row.external_id, source: CSV_SOURCE }),
  });
}
