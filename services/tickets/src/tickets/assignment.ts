import type { Priority } from '@psa/contracts/tickets';
import { chooseAssignee } from '@psa/domain/assignment';
import type { RequestContext } from '@psa/service-kit/context';
import { type Tx, toIso } from '@psa/service-kit/database';
import type { DeskSettings, RuleSetting } from '../desk/settings.ts';

/** Who gets a new ticket, and why. */
export interface Assignment {
  readonly assigned_to: string | null;
  readonly team_id: string | null;
  /** For the history, read by dispatchers. */
  readonly reason: string;
}

interface NewTicket {
  readonly customer_id: string;
  readonly category: string | null;
  readonly priority: Priority;
}

/** The first active rule that fits; a rule's empty condition fits everything. */
export function matchRule(rules: readonly RuleSetting[], ticket: NewTicket): RuleSetting | null {
  const fits = (wanted: string | null, value: string | null) =>
    wanted === null || wanted.toLowerCase() === value?.toLowerCase();
  return (
    rules.find(
      (rule) =>
        fits(rule.category, ticket.category) &&
        fits(rule.customer_id, ticket.customer_id) &&
        fits(rule.priority, ticket.priority),
    ) ?? null
  );
}

interface CandidateRow {
  id: string;
  available: boolean;
  skills: string[];
  max_open: number;
  last_assigned_at: string | null;
  load: Partial<Record<Priority, number>> | null;
}

/**
 * Decides by the first fitting rule (its team and skills) and the customer's preferred technician; null when
 * neither says anything, and the ticket waits for a dispatcher.
 */
export async function assign(
  tx: Tx,
  settings: DeskSettings,
  ticket: NewTicket,
  preferred: string | null,
): Promise<Assignment | null> {
  const rule = matchRule(settings.rules, ticket);
  if (rule === null && preferred === null) return null;
  const team = rule?.team_id ?? null;
  // A rule without a team asks all technicians; without a rule only the preferred one is asked.
  const pool = rule === null ? [] : team === null ? null : [...(settings.members.get(team) ?? [])];
  const rows = await candidates(tx, pool, preferred);
  const decision = chooseAssignee(
    { preferred_technician_id: preferred, required_skills: rule?.skills ?? [] },
    rows.map((row) => {
      const open = row.load ?? {};
      const count = Object.values(open).reduce((sum, n) => sum + n, 0);
      return {
        id: row.id,
        available: row.available,
        skills: row.skills,
        open_tickets: open,
        // The desk limits the number of open tickets; the weights only rank those below their limit.
        max_load: count >= row.max_open ? 0 : Number.MAX_SAFE_INTEGER,
        last_assigned_at:
          row.last_assigned_at === null ? null : Temporal.Instant.from(toIso(row.last_assigned_at)),
      };
    }),
  );
  const why = rule === null ? decision.reason : `rule "${rule.name}": ${decision.reason}`;
  if (decision.assignee === null && team === null) {
    return rule === null ? null : { assigned_to: null, team_id: null, reason: why };
  }
  return { assigned_to: decision.assignee, team_id: team, reason: why };
}

/**
 * Technicians at work with their open tickets by priority, over all customers whoever asks (a function with rights of
 * its own). `pool` null: all.
 */
function candidates(tx: Tx, pool: string[] | null, preferred: string | null) {
  const asked = pool === null || preferred === null ? pool : [...pool, preferred];
  return tx.sql<CandidateRow[]>`
    select id, available, skills, max_open, last_assigned_at, load from assignment_candidates(${asked}::uuid[])`;
}

/** Notes that a technician was given a ticket just now, which ranks it behind others of the same load. */
export async function noteAssigned(tx: Tx, ctx: RequestContext, technicianId: string, now: string) {
  await tx.sql`
    update technicians set last_assigned_at = ${now} where tenant_id = ${ctx.scope.tenant_id} and id = ${technicianId}`;
}
