import {
  AssignmentRule,
  Calendar,
  CreateAssignmentRuleRequest,
  CreateCalendarRequest,
  CreateSavedViewRequest,
  CreateSlaPolicyRequest,
  CreateTeamRequest,
  SavedView,
  SlaPolicy,
  Team,
  UpdateAssignmentRuleRequest,
  UpdateCalendarRequest,
  UpdateSavedViewRequest,
  UpdateSlaPolicyRequest,
  UpdateTeamRequest,
} from '@psa/contracts/desk';
import { normalTags } from '@psa/contracts/tags';
import { alwaysOpen, type BusinessCalendar, validateCalendar } from '@psa/domain/calendar';
import { type SlaPolicy as DomainPolicy, unreachable, validatePolicy } from '@psa/domain/sla';
import { can } from '@psa/service-kit/app';
import type { RequestContext } from '@psa/service-kit/context';
import type { Tx } from '@psa/service-kit/database';
import { conflict, forbidden, invalid } from '@psa/service-kit/errors';
import type { TableRow } from '@psa/service-kit/table-resource';
import { UnknownReference } from '../people/lookup.ts';
import { byName, deskResource, settings } from './crud.ts';
import { NAMED, openTickets, refuseInUse, usedBy } from './in-use.ts';
import { checkedView, mustBeThere } from './named.ts';

/** Without a default, new tickets of most customers would have no deadlines. */
const ONE_DEFAULT = {
  field: 'is_default',
  code: 'not_now',
  message: 'make another policy the default first',
} as const;

export const calendars = deskResource({
  path: 'calendars',
  table: 'calendars',
  object: 'calendar',
  names: ['Calendar', 'Calendars'],
  schemas: { one: Calendar, create: CreateCalendarRequest, update: UpdateCalendarRequest },
  list: byName,
  permissions: settings,
  async prepare(tx, ctx, body, before) {
    const calendar = { holidays: [], ...before, ...body } as unknown as BusinessCalendar;
    const problems = validateCalendar(calendar);
    if (problems.length > 0) throw invalid(...problems);
    if (before) await refuseUnreachable(tx, ctx, before.id, body, calendar);
    return body;
  },
  async beforeDelete(tx, ctx, row) {
    const users = await tx.sql<{ name: string }[]>`
      select name from sla_policies
      where tenant_id = ${ctx.scope.tenant_id} and calendar_id = ${row.id} and deleted_at is null`;
    refuseInUse('calendar', [usedBy('SLA policies', users)], 'Give them another calendar first.');
  },
});

/** A calendar in use leaves room for the deadlines that are counted in it. @throws 400 naming what was changed */
async function refuseUnreachable(
  tx: Tx,
  ctx: RequestContext,
  id: string,
  body: object,
  calendar: BusinessCalendar,
): Promise<void> {
  // A policy that comes to this calendar now waits for its row, which is locked.
  const policies = await tx.sql<Pick<DomainPolicy, 'name' | 'targets'>[]>`
    select name, targets from sla_policies
    where tenant_id = ${ctx.scope.tenant_id} and calendar_id = ${id} and deleted_at is null order by name`;
  const problems = policies.flatMap(({ name, targets }) =>
    unreachable({ targets, calendar }).map(({ field, message }) => ({
      message: `leaves the SLA policy "${name}" a deadline that is not reached: ${field} ${message}`,
      values: { policy: name },
    })),
  );
  const field = 'week' in body ? 'week' : 'holidays';
  if (problems.length > 0) {
    throw invalid(...problems.map((one) => ({ field, code: 'policy_never_reached' as const, ...one })));
  }
}

export const slaPolicies = deskResource({
  path: 'sla-policies',
  table: 'sla_policies',
  object: 'sla_policy',
  names: ['SlaPolicy', 'SlaPolicies'],
  schemas: { one: SlaPolicy, create: CreateSlaPolicyRequest, update: UpdateSlaPolicyRequest },
  list: byName,
  permissions: settings,
  async prepare(tx, ctx, body, before) {
    const next = { calendar_id: null, pause_on: [], ...before, ...body } as Record<string, unknown>;
    const problems = validatePolicy({
      id: String(next.id ?? ''),
      name: String(next.name),
      targets: next.targets as never,
      calendar: await calendarOf(tx, ctx, next.calendar_id as string | null),
      pause_on: next.pause_on as never,
    });
    if (problems.length > 0) throw invalid(...problems);
    if (before?.is_default && body.is_default === false) throw invalid(ONE_DEFAULT);
    if (body.is_default === true) {
      // One default at most; the new one takes over.
      await tx.sql`
        update sla_policies set is_default = false, version = version + 1
        where tenant_id = ${ctx.scope.tenant_id} and is_default and deleted_at is null
          and id is distinct from ${before?.id ?? null}::uuid`;
    }
    return body;
  },
  async beforeDelete(tx, ctx, row) {
    if (row.is_default) {
      throw conflict('is_default', `This SLA policy is the default: ${ONE_DEFAULT.message}.`, [ONE_DEFAULT]);
    }
    const customers = await tx.sql<{ name: string }[]>`
      select name from customers
      where tenant_id = ${ctx.scope.tenant_id} and sla_policy_id = ${row.id} and deleted_at is null
      order by name limit ${NAMED + 1}`;
    const open = await openTickets(tx, ctx, tx.sql`t.sla_policy_id = ${row.id}`);
    refuseInUse(
      'SLA policy',
      [usedBy('customers', customers), usedBy('open tickets', open)],
      'Give the customers another policy, and finish or re-prioritise the tickets first.',
    );
  },
});

async function calendarOf(tx: Tx, ctx: RequestContext, id: string | null): Promise<BusinessCalendar> {
  if (id === null) return alwaysOpen();
  const [row] = await tx.sql<BusinessCalendar[]>`
    select time_zone, week, holidays from calendars
    where tenant_id = ${ctx.scope.tenant_id} and id = ${id} and deleted_at is null for share`;
  if (!row) throw invalid({ field: 'calendar_id', code: 'not_found', message: 'there is no such calendar' });
  return row;
}

export const teams = deskResource({
  path: 'teams',
  table: 'teams',
  object: 'team',
  names: ['Team', 'Teams'],
  schemas: { one: Team, create: CreateTeamRequest, update: UpdateTeamRequest },
  list: byName,
  permissions: settings,
  elsewhere: ['member_ids'],
  extraColumns: `array(select m.user_id::text from team_members m
    where m.tenant_id = r.tenant_id and m.team_id = r.id order by m.user_id) as member_ids`,
  async prepare(tx, ctx, body, before) {
    const wanted = (body.member_ids as string[] | undefined) ?? [];
    // Who was disabled cannot come in; a member that was may stay in its team.
    const known = await tx.sql<{ id: string }[]>`
      select d.id from technicians d
      where d.tenant_id = ${ctx.scope.tenant_id} and d.deleted_at is null and d.id = any(${wanted}::uuid[])
        and (not d.disabled or exists (select from team_members m where m.tenant_id = d.tenant_id
          and m.team_id = ${before?.id ?? null}::uuid and m.user_id = d.id))`;
    const ids = new Set(known.map((row) => row.id));
    const missing = wanted.filter((id) => !ids.has(id.toLowerCase()));
    if (missing.length > 0) {
      throw new UnknownReference(missing.map((id) => ({ kind: 'technician', id, field: 'member_ids' })));
    }
    return body;
  },
  async after(tx, ctx, id, body) {
    const wanted = body.member_ids as string[] | undefined;
    if (wanted === undefined) return;
    const tenantId = ctx.scope.tenant_id;
    await tx.sql`delete from team_members where tenant_id = ${tenantId} and team_id = ${id}`;
    await tx.sql`insert into team_members (tenant_id, team_id, user_id)
      select ${tenantId}, ${id}, user_id from unnest(${wanted}::uuid[]) as s(user_id)`;
  },
  async beforeDelete(tx, ctx, row) {
    const rules = await tx.sql<{ name: string }[]>`
      select name from assignment_rules
      where tenant_id = ${ctx.scope.tenant_id} and team_id = ${row.id} and deleted_at is null`;
    const members = await tx.sql<{ name: string }[]>`
      select d.name from team_members m join technicians d on d.tenant_id = m.tenant_id and d.id = m.user_id
      where m.tenant_id = ${ctx.scope.tenant_id} and m.team_id = ${row.id} and d.deleted_at is null order by d.name`;
    const open = await openTickets(tx, ctx, tx.sql`t.team_id = ${row.id}`);
    refuseInUse(
      'team',
      [usedBy('assignment rules', rules), usedBy('open tickets', open), usedBy('members', members)],
      'Give rules and tickets another team and take the members out first.',
    );
  },
});

export const assignmentRules = deskResource({
  path: 'assignment-rules',
  table: 'assignment_rules',
  object: 'assignment_rule',
  names: ['AssignmentRule', 'AssignmentRules'],
  schemas: { one: AssignmentRule, create: CreateAssignmentRuleRequest, update: UpdateAssignmentRuleRequest },
  list: {
    sortable: { ...byName.sortable, position: { sql: 'r.position', type: 'integer' } },
    defaultSort: [['position', 'asc']],
  },
  permissions: settings,
  extraColumns: `(select c.name from customers c where c.tenant_id = r.tenant_id
    and c.customer_id = r.customer_id and c.deleted_at is null) as customer_name`,
  async prepare(tx, ctx, body) {
    const category = await mustBeThere(tx, ctx, body);
    return {
      ...body,
      ...(category === null ? {} : { category }),
      ...(body.skills ? { skills: normalTags(body.skills) } : {}),
    };
  },
});

export const savedViews = deskResource({
  path: 'saved-views',
  table: 'saved_views',
  object: 'saved_view',
  names: ['SavedView', 'SavedViews'],
  schemas: { one: SavedView, create: CreateSavedViewRequest, update: UpdateSavedViewRequest },
  list: byName,
  // Everybody at the desk keeps views; whose they are is decided per row.
  permissions: { view: 'desk:view', create: 'desk:view', update: 'desk:view', remove: 'desk:view' },
  filledIn: ['owner_id'],
  shared: false,
  visible: (tx, ctx) => tx.sql`(r.shared or r.owner_id = ${ctx.actor.id})`,
  guard(ctx: RequestContext, row: TableRow) {
    if (row.owner_id !== ctx.actor.id && !can(ctx, 'desk:manage')) {
      throw forbidden('Only its owner may change this view.');
    }
  },
  prepare: async (tx, ctx, body, before) => ({
    ...body,
    ...(body.query === undefined ? {} : { query: await checkedView(tx, ctx, body.query) }),
    ...(before ? {} : { owner_id: ctx.actor.id }),
  }),
});
