import { normalTag, normalTags } from '@psa/contracts/tags';
import { joinWords, splitWords } from '@psa/contracts/words';
import type { RequestContext } from '@psa/service-kit/context';
import type { Tx } from '@psa/service-kit/database';
import { invalid } from '@psa/service-kit/errors';
import { UnknownReference } from '../people/lookup.ts';
import { findCustomer, teamExists } from '../people/repository.ts';
import { usedCategories } from '../tickets/choices.ts';
import { readFilterQuery } from '../tickets/filter-query.ts';

/**
 * What a rule or view names. It must be there: one that names something else fits no ticket, and nobody sees why.
 */
export interface Named {
  readonly category?: string | null | undefined;
  readonly team_id?: string | null | undefined;
  readonly customer_id?: string | null | undefined;
  readonly technician_id?: string | null | undefined;
  readonly tag?: string | null | undefined;
  readonly skills?: readonly string[] | undefined;
}

/**
 * Checks all of it; `field` says which field of the request named what.
 * @returns the category as the desk writes it
 * @throws 400 naming the field; {@link UnknownReference} for what its owner may know already
 */
export async function mustBeThere(
  tx: Tx,
  ctx: RequestContext,
  named: Named,
  field: (of: keyof Named) => string = (of) => of,
): Promise<string | null> {
  const { team_id, customer_id, technician_id, tag, skills } = named;
  if (team_id && !(await teamExists(tx, ctx, team_id))) {
    throw invalid({ field: field('team_id'), code: 'not_found', message: 'there is no such team' });
  }
  if (customer_id) {
    const customer = await findCustomer(tx, ctx, customer_id);
    if (!customer) throw unknown('customer', customer_id, field('customer_id'));
    if (customer.deleted)
      throw invalid({ field: field('customer_id'), code: 'not_found', message: 'there is no such customer' });
  }
  if (technician_id && !(await isTechnician(tx, ctx, technician_id))) {
    throw unknown('technician', technician_id, field('technician_id'));
  }
  if (tag && !(await isTag(tx, ctx, normalTag(tag)))) {
    throw invalid({
      field: field('tag'),
      code: 'no_tag',
      message: `no ticket has the tag "${tag}"`,
      values: { tag },
    });
  }
  for (const skill of normalTags([...(skills ?? [])])) {
    if (await isSkill(tx, ctx, skill)) continue;
    throw invalid({
      field: field('skills'),
      code: 'no_skill',
      message: `no technician has the skill "${skill}"`,
      values: { skill },
    });
  }
  return named.category ? knownCategory(tx, ctx, named.category, field('category')) : null;
}

const unknown = (kind: 'customer' | 'technician', id: string, field: string) =>
  new UnknownReference([{ kind, id, field }]);

/** A category as the desk's list writes it, or, where it is not in there, as tickets do. @throws 400 for any other */
async function knownCategory(tx: Tx, ctx: RequestContext, text: string, field: string): Promise<string> {
  const name = text.trim();
  const [listed] = await tx.sql<{ name: string }[]>`
    select name from categories
    where tenant_id = ${ctx.scope.tenant_id} and deleted_at is null and lower(name) = lower(${name}) for share`;
  if (listed) return listed.name;
  const used = (await usedCategories(tx, ctx)).filter((one) => one.toLowerCase() === name.toLowerCase());
  if (used.length > 0) return used.includes(name) ? name : used[0]!;
  throw invalid({ field, code: 'no_category', message: `there is no category "${name}"` });
}

async function isTechnician(tx: Tx, ctx: RequestContext, id: string): Promise<boolean> {
  const rows = await tx.sql`
    select 1 from technicians where tenant_id = ${ctx.scope.tenant_id} and id = ${id} and deleted_at is null`;
  return rows.length > 0;
}

async function isTag(tx: Tx, ctx: RequestContext, tag: string): Promise<boolean> {
  const rows = await tx.sql`
    select 1 from ticket_tags where tenant_id = ${ctx.scope.tenant_id} and tag = ${tag} limit 1`;
  return rows.length > 0;
}

async function isSkill(tx: Tx, ctx: RequestContext, skill: string): Promise<boolean> {
  const rows = await tx.sql`
    select 1 from technicians
    where tenant_id = ${ctx.scope.tenant_id} and deleted_at is null and ${skill} = any(skills) limit 1`;
  return rows.length > 0;
}

/** The query string of a view: a filter of the ticket list, whose every name is there. @throws 400 naming `query` */
export async function checkedView(tx: Tx, ctx: RequestContext, query: string): Promise<string> {
  const params = new URLSearchParams(query);
  const { filter, problems } = readFilterQuery(query);
  if (problems) {
    throw invalid(
      ...problems.map((one) => ({ ...one, field: 'query', message: `${one.field} ${one.message}` })),
    );
  }
  // Each value of each filter must be there by itself.
  const each = (text: string | undefined, words: readonly string[] = []) =>
    (text?.split(',') ?? []).filter((value) => !words.includes(value));
  const check = (named: Named) => mustBeThere(tx, ctx, named, () => 'query');
  for (const customer_id of each(filter.customer_id)) await check({ customer_id });
  for (const technician_id of each(filter.assigned_to, ['me', 'none'])) await check({ technician_id });
  for (const team_id of each(filter.team_id, ['mine', 'none'])) await check({ team_id });
  for (const tag of each(filter.tag)) await check({ tag });
  if (filter.category === undefined) return query;
  const categories: string[] = [];
  for (const category of splitWords(filter.category))
    categories.push((await check({ category })) ?? category);
  const text = joinWords(categories);
  if (text === filter.category) return query;
  params.set('category', text);
  return params.toString();
}
