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
} from '@psa/contracts/tickets';
import { alwaysOpen, type BusinessCalendar, validateCalendar } from '@psa/domain/calendar';
import { validatePolicy } from '@psa/domain/sla';
import { can } from '@psa/service-kit/app';
import type { RequestContext } from '@psa/service-kit/context';
import type { Tx } from '@psa/service-kit/database';
import { conflict, forbidden, invalid } from '@psa/service-kit/errors';
import { UnknownReference } from '../people/lookup.ts';
import { teamExists } from '../people/repository.ts';
import { normalTags } from '../tickets/domain.ts';
import type { DeskRow, Resource } from './crud.ts';
import { PAUSE_ON } from './desk.ts';

const settings = { view: 'desk:view', manage: 'desk:manage' } as const;
const byName = { name: { sql: 'r.name', type: 'text' } } as const;
const nameSort = [['name', 'asc']] as const;

export const calendars: Resource = {
  path: 'calendars',
  table: 'calendars',
  noun: 'calendar',
  names: ['Calendar', 'Calendars'],
  entity: Calendar,
  create: CreateCalendarRequest,
  update: UpdateCalendarRequest,
  columns: { name: 'plain', time_zone: 'plain', week: 'json', holidays: 'json' },
  sortable: byName,
  defaultSort: nameSort,
  permissions: settings,
  view: ({ id, name, time_zone, week, holidays, version }) => ({
    id,
    name,
    time_zone,
    week,
    holidays,
    version,
  }),
  async prepare(_tx, _ctx, body, before) {
    const problems = validateCalendar({ holidays: [], ...before, ...body } as unknown as BusinessCalendar);
    if (problems.length > 0) throw invalid(...problems);
    return body;
  },
  async beforeDelete(tx, ctx, row) {
    const users = await tx.sql<{ name: string }[]>`
      select name from sla_policies
      where tenant_id = ${ctx.scope.tenant_id} and calendar_id = ${row.id} and deleted_at is null`;
    if (users.length > 0) {
      throw conflict(`SLA policies use this calendar: ${users.map((user) => user.name).join(', ')}.`);
    }
  },
};

export const slaPolicies: Resource = {
  path: 'sla-policies',
  table: 'sla_policies',
  noun: 'sla_policy',
  names: ['SlaPolicy', 'SlaPolicies'],
  entity: SlaPolicy,
  create: CreateSlaPolicyRequest,
  update: UpdateSlaPolicyRequest,
  columns: { name: 'plain', calendar_id: 'plain', is_default: 'plain', targets: 'json' },
  sortable: byName,
  defaultSort: nameSort,
  permissions: settings,
  view: ({ id, name, calendar_id, is_default, targets, version }) => ({
    id,
    name,
    calendar_id,
    is_default,
    targets,
    version,
  }),
  async prepare(tx, ctx, body, before) {
    const next = { calendar_id: null, ...before, ...body } as Record<string, unknown>;
    const problems = validatePolicy({
      id: String(next.id ?? ''),
      name: String(next.name),
      targets: next.targets as never,
      calendar: await calendarOf(tx, ctx, next.calendar_id as string | null),
      pause_on: PAUSE_ON,
    });
    if (problems.length > 0) throw invalid(...problems);
    if (body.is_default === true) {
      // One default at most; the new one takes over.
      await tx.sql`
        update sla_policies set is_default = false, version = version + 1
        where tenant_id = ${ctx.scope.tenant_id} and is_default and deleted_at is null
          and id is distinct from ${before?.id ?? null}::uuid`;
    }
    return body;
  },
};

async function calendarOf(tx: Tx, ctx: RequestContext, id: string | null): Promise<BusinessCalendar> {
  if (id === null) return alwaysOpen();
  const [row] = await tx.sql<BusinessCalendar[]>`
    select time_zone, week, holidays from calendars
    where tenant_id = ${ctx.scope.tenant_id} and id = ${id} and deleted_at is null`;
  if (!row) throw invalid({ field: 'calendar_id', message: 'there is no such calendar' });
  return row;
}

export const teams: Resource = {
  path: 'teams',
  table: 'teams',
  noun: 'team',
  names: ['Team', 'Teams'],
  entity: Team,
  create: CreateTeamRequest,
  update: UpdateTeamRequest,
  columns: { name: 'plain' },
  sortable: byName,
  defaultSort: nameSort,
  permissions: settings,
  extraColumns: `array(select m.user_id::text from team_members m
    where m.tenant_id = r.tenant_id and m.team_id = r.id order by m.user_id) as member_ids`,
  view: ({ id, name, member_ids, external_id, version }) => ({ id, name, member_ids, external_id, version }),
  async prepare(tx, ctx, body) {
    const wanted = (body.member_ids as string[] | undefined) ?? [];
    const known = await tx.sql<{ id: string }[]>`
      select id from technicians
      where tenant_id = ${ctx.scope.tenant_id} and deleted_at is null and id = any(${wanted}::uuid[])`;
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
    if (rules.length > 0) {
      throw conflict(`Assignment rules use this team: ${rules.map((rule) => rule.name).join(', ')}.`);
    }
  },
};

export const assignmentRules: Resource = {
  path: 'assignment-rules',
  table: 'assignment_rules',
  noun: 'assignment_rule',
  names: ['AssignmentRule', 'AssignmentRules'],
  entity: AssignmentRule,
  create: CreateAssignmentRuleRequest,
  update: UpdateAssignmentRuleRequest,
  columns: {
    name: 'plain',
    position: 'plain',
    category: 'plain',
    customer_id: 'plain',
    priority: 'plain',
    team_id: 'plain',
    skills: 'text[]',
    active: 'plain',
  },
  sortable: { ...byName, position: { sql: 'r.position', type: 'integer' } },
  defaultSort: [['position', 'asc']],
  permissions: settings,
  view: ({ id, name, position, category, customer_id, priority, team_id, skills, active, version }) => ({
    id,
    name,
    position,
    category,
    customer_id,
    priority,
    team_id,
    skills,
    active,
    version,
  }),
  async prepare(tx, ctx, body) {
    if (body.team_id && !(await teamExists(tx, ctx, body.team_id as string))) {
      throw invalid({ field: 'team_id', message: 'there is no such team' });
    }
    return body.skills ? { ...body, skills: normalTags(body.skills as string[]) } : body;
  },
};

export const savedViews: Resource = {
  path: 'saved-views',
  table: 'saved_views',
  noun: 'saved_view',
  names: ['SavedView', 'SavedViews'],
  entity: SavedView,
  create: CreateSavedViewRequest,
  update: UpdateSavedViewRequest,
  columns: { name: 'plain', query: 'plain', shared: 'plain', owner_id: 'plain' },
  sortable: byName,
  defaultSort: nameSort,
  // Everybody at the desk keeps views; whose they are is decided per row.
  permissions: { view: 'desk:view', manage: 'desk:view' },
  shared: false,
  view: ({ id, name, query, shared, owner_id, version }) => ({ id, name, query, shared, owner_id, version }),
  visible: (tx, ctx) => tx.sql`(r.shared or r.owner_id = ${ctx.actor.id})`,
  guard(ctx: RequestContext, row: DeskRow) {
    if (row.owner_id !== ctx.actor.id && !can(ctx, 'desk:manage')) {
      throw forbidden('Only its owner may change this view.');
    }
  },
  prepare: async (_tx, ctx, body, before) => (before ? body : { ...body, owner_id: ctx.actor.id }),
};
