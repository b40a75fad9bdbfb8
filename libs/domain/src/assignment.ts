/**
 * Who gets a ticket. The customer's preferred technician comes first, if it is available and under its
 * maximum load: the relationship outweighs skills. Otherwise, of those who are available, under their
 * maximum load and have the level and all skills that the category asks for, the one with the least
 * weighted load; then the one whose last assignment is longest ago; then the smaller id.
 */

import type { Priority } from './ticket-status.ts';

/** What an open ticket weighs in a technician's load. */
export const LOAD_WEIGHTS = { low: 1, medium: 2, high: 3, critical: 4 } as const satisfies Record<
  Priority,
  number
>;

/** Support levels L1 to L3. */
export type SupportLevel = 1 | 2 | 3;

export interface AssignmentTicket {
  preferred_technician_id: string | null;
  /** What the ticket's category asks for. */
  required_skills: readonly string[];
  /** Left out: 1. */
  required_level?: SupportLevel;
}

export interface AssignmentCandidate {
  id: string;
  /** On duty and taking tickets. */
  available: boolean;
  /** Left out: 1. */
  level?: SupportLevel;
  skills: readonly string[];
  /** Number of open tickets by priority; a missing priority is none. */
  open_tickets: { readonly [priority in Priority]?: number };
  /** Weighted load at which no further ticket is taken. */
  max_load: number;
  last_assigned_at: Temporal.Instant | null;
}

export type ExclusionReason = 'unavailable' | 'at_max_load' | 'level_too_low' | 'missing_skills';

export interface ConsideredCandidate {
  id: string;
  /** Weighted load: the lower, the better. */
  score: number;
  excluded_because?: ExclusionReason;
  /** With `missing_skills`. */
  missing_skills?: string[];
}

export interface AssignmentDecision {
  /** Id of the technician, or null when nobody can take the ticket. */
  assignee: string | null;
  reason: 'preferred_technician' | 'least_loaded' | 'longest_without_assignment' | 'nobody_qualifies';
  /** Everybody: first those who could take it, best first, then the excluded by id. */
  considered: ConsideredCandidate[];
}

/** Open tickets, each by the weight of its priority. */
export function weightedLoad(open: AssignmentCandidate['open_tickets']): number {
  const { low = 0, medium = 0, high = 0, critical = 0 } = open;
  const { low: l, medium: m, high: h, critical: c } = LOAD_WEIGHTS;
  return low * l + medium * m + high * h + critical * c;
}

function cannotWork(candidate: AssignmentCandidate, load: number): ExclusionReason | undefined {
  if (!candidate.available) return 'unavailable';
  return load >= candidate.max_load ? 'at_max_load' : undefined;
}

function consider(candidate: AssignmentCandidate, ticket: AssignmentTicket): ConsideredCandidate {
  const score = weightedLoad(candidate.open_tickets);
  const base = { id: candidate.id, score };
  const excluded_because = cannotWork(candidate, score);
  if (excluded_because) return { ...base, excluded_because };
  // The preferred technician needs neither level nor skills.
  if (candidate.id === ticket.preferred_technician_id) return base;
  if ((candidate.level ?? 1) < (ticket.required_level ?? 1))
    return { ...base, excluded_because: 'level_too_low' };
  const missing = ticket.required_skills.filter((skill) => !candidate.skills.includes(skill));
  return missing.length > 0 ? { ...base, excluded_because: 'missing_skills', missing_skills: missing } : base;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Chooses the technician for a ticket, whatever the order of the candidates. */
export function chooseAssignee(
  ticket: AssignmentTicket,
  candidates: readonly AssignmentCandidate[],
): AssignmentDecision {
  // Never assigned sorts before every time.
  const lastAssigned = new Map(
    candidates.map((c) => [c.id, c.last_assigned_at?.epochMilliseconds ?? Number.NEGATIVE_INFINITY]),
  );
  const since = (c: ConsideredCandidate): number => lastAssigned.get(c.id)!;
  const isPreferred = (c: ConsideredCandidate): boolean => c.id === ticket.preferred_technician_id;
  const all = candidates.map((candidate) => consider(candidate, ticket));

  const fit = all
    .filter((c) => c.excluded_because === undefined)
    .sort(
      (a, b) =>
        Number(isPreferred(b)) - Number(isPreferred(a)) ||
        a.score - b.score ||
        (since(a) === since(b) ? compareText(a.id, b.id) : since(a) < since(b) ? -1 : 1),
    );
  const excluded = all
    .filter((c) => c.excluded_because !== undefined)
    .sort((a, b) => compareText(a.id, b.id));
  const considered = [...fit, ...excluded];

  const [best, second] = fit;
  if (!best) return { assignee: null, reason: 'nobody_qualifies', considered };
  if (isPreferred(best)) return { assignee: best.id, reason: 'preferred_technician', considered };
  const reason = second?.score === best.score ? 'longest_without_assignment' : 'least_loaded';
  return { assignee: best.id, reason, considered };
}
