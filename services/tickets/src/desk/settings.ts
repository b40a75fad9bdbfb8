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

/** A policy with its calendar ready to compute with. Deleted ones stay known: old tickets refer to them. */
export interface PolicySetting {
  readonly policy: SlaPolicy;
  readonly calendar: CompiledCalendar;
  readonly calendarId: string | null;
  readonly calendarName: string;
  readonly deleted: boolean;
}

export interface RuleSetting {
  readonly id: string;
  readonly name: string;
  readonly category: string | null;
  readonly customer_id: string | null;
  readonly priority: Priority | null;
  readonly team_id: string | null;
  readonly skills: readonly string[];
}

/** The settings of a tenant's desk at one revision. */
export interface DeskSettings {
  readonly revision: string;
  readonly policies: ReadonlyMap<string, PolicySetting>;
  /** What new tickets may get. */
  readonly offered: readonly SlaPolicy[];
  /** Active ones, first match first. */
  readonly rules: readonly RuleSetting[];
  readonly members: ReadonlyMap<string, readonly string[]>;
}

/** The desk of a tenant that has no settings. */
export const NO_SETTINGS: DeskSettings = {
  revision: '0',
  policies: new Map(),
  offered: [],
  rules: [],
  members: new Map(),
};
const TENANTS_KEPT = 500;

/** The revision of a tenant's desk; null when it has none yet. One look-up by key, meant to be pipelined. */
export async function settingsRevision(tx: Tx, tenantId: string): Promise<string | null> {
  const [row] = await tx.sql<{ revision: string }[]>`
    select revision::text as revision from desks where tenant_id = ${tenantId}`;
  return row?.revision ?? null;
}

/** Says that settings changed: every process loads them anew with its next ticket. */
export async function touchSettings(tx: Tx, tenantId: string): Promise<void> {
  await tx.sql`
    insert into desks (tenant_id) values (${tenantId})
    on conflict (tenant_id) do update set revision = desks.revision + 1`;
}

/** SettingsCache in memory, each good for one revision. */
export class SettingsCache {
  readonly #known = new Map<string, DeskSettings>();

  /** The desk at `revision` where it was read before. */
  known(ctx: RequestContext, revision: string | null): DeskSettings | undefined {
    if (revision === null) return NO_SETTINGS;
    const known = this.#known.get(ctx.scope.tenant_id);
    return known?.revision === revision ? known : undefined;
  }

  /** The desk at `revision`, as read in this transaction. */
  async at(tx: Tx, ctx: RequestContext, revision: string | null): Promise<DeskSettings> {
    const tenantId = ctx.scope.tenant_id;
    const known = this.known(ctx, revision);
    if (known || revision === null) return known ?? NO_SETTINGS;
    // Read after the revision, so it is that revision or a later one; a later one is loaded again next time.
    const settings = await load(tx, tenantId, revision);
    this.#known.delete(tenantId);
    this.#known.set(tenantId, settings);
    if (this.#known.size > TENANTS_KEPT) this.#known.delete(this.#known.keys().next().value!);
    return settings;
  }

  /** Reads the revision, then the desk. */
  async current(tx: Tx, ctx: RequestContext): Promise<DeskSettings> {
    return this.at(tx, ctx, await settingsRevision(tx, ctx.scope.tenant_id));
  }
}

interface PolicyRow {
  id: string;
  name: string;
  is_default: boolean;
  targets: SlaPolicy['targets'];
  pause_on: SlaPolicy['pause_on'];
  deleted: boolean;
  calendar_id: string | null;
  calendar_name: string | null;
  time_zone: string | null;
  week: BusinessCalendar['week'] | null;
  holidays: BusinessCalendar['holidays'] | null;
}

async function load(tx: Tx, tenantId: string, revision: string): Promise<DeskSettings> {
  const [policyRows, [routing]] = await Promise.all([
    tx.sql<PolicyRow[]>`
      select p.id, p.name, p.is_default, p.targets, p.pause_on, p.deleted_at is not null as deleted, p.calendar_id,
        c.name as calendar_name, c.time_zone, c.week, c.holidays
      from sla_policies p
      left join calendars c on c.tenant_id = p.tenant_id and c.id = p.calendar_id
      where p.tenant_id = ${tenantId}`,
    // A function, because a portal user's ticket needs them and a portal user must not see them.
    tx.sql<{ rules: RuleSetting[]; members: Record<string, string[]> }[]>`
      select rules, members from desk_routing()`,
  ]);
  const policies = new Map<string, PolicySetting>();
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
        pause_on: row.pause_on,
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
    rules: routing!.rules,
    members: new Map(Object.entries(routing!.members)),
  };
}
