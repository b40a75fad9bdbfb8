import type { Priority } from '@psa/contracts/tickets';
import {
  alwaysOpen,
  type BusinessCalendar,
  type CompiledCalendar,
  compileCalendar,
} from '@psa/domain/calendar';
import type { SlaPolicy } from '@psa/domain/sla';
import type { RequestContext } from '@psa/service-kit/context';
import type { Tx } from '@psa/service-kit/database';
import { asPlatform } from '../platform.ts';

/** A policy with its calendar ready to compute with. Deleted ones stay known: old tickets refer to them. */
export interface DeskPolicy {
  readonly policy: SlaPolicy;
  readonly calendar: CompiledCalendar;
  readonly calendarId: string | null;
  readonly calendarName: string;
  readonly deleted: boolean;
}

export interface DeskRule {
  readonly id: string;
  readonly name: string;
  readonly category: string | null;
  readonly customer_id: string | null;
  readonly priority: Priority | null;
  readonly team_id: string | null;
  readonly skills: readonly string[];
}

/** The settings of a tenant's desk at one revision. */
export interface Desk {
  readonly revision: string;
  readonly policies: ReadonlyMap<string, DeskPolicy>;
  /** What new tickets may get. */
  readonly offered: readonly SlaPolicy[];
  /** Active ones, first match first. */
  readonly rules: readonly DeskRule[];
  readonly members: ReadonlyMap<string, readonly string[]>;
}

/** Both deadlines stand still while the customer has to answer. */
export const PAUSE_ON = ['waiting_customer'] as const;

/** The desk of a tenant that has no settings. */
export const NO_DESK: Desk = {
  revision: '0',
  policies: new Map(),
  offered: [],
  rules: [],
  members: new Map(),
};
const TENANTS_KEPT = 500;

/** The revision of a tenant's desk; null when it has none yet. One look-up by key, meant to be pipelined. */
export async function deskRevision(tx: Tx, tenantId: string): Promise<string | null> {
  const [row] = await tx.sql<{ revision: string }[]>`
    select revision::text as revision from desks where tenant_id = ${tenantId}`;
  return row?.revision ?? null;
}

/** Says that settings changed: every process loads them anew with its next ticket. */
export async function touchDesk(tx: Tx, tenantId: string): Promise<void> {
  await tx.sql`
    insert into desks (tenant_id) values (${tenantId})
    on conflict (tenant_id) do update set revision = desks.revision + 1`;
}

/** Desks in memory, each good for one revision. */
export class Desks {
  readonly #known = new Map<string, Desk>();

  /** The desk at `revision`, as read in this transaction. Not to be called beside other queries of `tx`. */
  async at(tx: Tx, ctx: RequestContext, revision: string | null): Promise<Desk> {
    if (revision === null) return NO_DESK;
    const tenantId = ctx.scope.tenant_id;
    const known = this.#known.get(tenantId);
    if (known?.revision === revision) return known;
    // Read after the revision, so it is that revision or a later one; a later one is loaded again next time.
    const desk = await asPlatform(tx, ctx, () => load(tx, tenantId, revision));
    this.#known.delete(tenantId);
    this.#known.set(tenantId, desk);
    if (this.#known.size > TENANTS_KEPT) this.#known.delete(this.#known.keys().next().value!);
    return desk;
  }

  /** Reads the revision, then the desk. */
  async current(tx: Tx, ctx: RequestContext): Promise<Desk> {
    return this.at(tx, ctx, await deskRevision(tx, ctx.scope.tenant_id));
  }
}

interface PolicyRow {
  id: string;
  name: string;
  is_default: boolean;
  targets: SlaPolicy['targets'];
  deleted: boolean;
  calendar_id: string | null;
  calendar_name: string | null;
  time_zone: string | null;
  week: BusinessCalendar['week'] | null;
  holidays: BusinessCalendar['holidays'] | null;
}

async function load(tx: Tx, tenantId: string, revision: string): Promise<Desk> {
  const [policyRows, rules, memberRows] = await Promise.all([
    tx.sql<PolicyRow[]>`
      select p.id, p.name, p.is_default, p.targets, p.deleted_at is not null as deleted, p.calendar_id,
        c.name as calendar_name, c.time_zone, c.week, c.holidays
      from sla_policies p
      left join calendars c on c.tenant_id = p.tenant_id and c.id = p.calendar_id
      where p.tenant_id = ${tenantId}`,
    tx.sql<DeskRule[]>`
      select id, name, category, customer_id, priority, team_id, skills from assignment_rules
      where tenant_id = ${tenantId} and active and deleted_at is null order by position, created_at, id`,
    tx.sql<{ team_id: string; user_id: string }[]>`
      select m.team_id, m.user_id from team_members m
      join teams t on t.tenant_id = m.tenant_id and t.id = m.team_id
      where m.tenant_id = ${tenantId} and t.deleted_at is null`,
  ]);
  const policies = new Map<string, DeskPolicy>();
  for (const row of policyRows) {
    const calendar: BusinessCalendar =
      row.week === null
        ? alwaysOpen()
        : { time_zone: row.time_zone!, week: row.week, holidays: row.holidays ?? [] };
    policies.set(row.id, {
      policy: {
        id: row.id,
        name: row.name,
        is_default: row.is_default,
        targets: row.targets,
        calendar,
        pause_on: PAUSE_ON,
      },
      calendar: compileCalendar(calendar),
      calendarId: row.calendar_id,
      calendarName: row.calendar_name ?? '24/7',
      deleted: row.deleted,
    });
  }
  return {
    revision,
    policies,
    offered: [...policies.values()].filter((one) => !one.deleted).map((one) => one.policy),
    rules: [...rules],
    members: new Map(
      [...Map.groupBy(memberRows, (row) => row.team_id)].map(([team, rows]) => [
        team,
        rows.map((row) => row.user_id),
      ]),
    ),
  };
}
