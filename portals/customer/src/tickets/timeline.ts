import type { HistoryEntry, Priority, TicketStatus } from '@psa/app/api/types';

/** What happened, as it is told to a customer. */
export type StepName =
  | 'created'
  | 'taken_down'
  | 'assigned'
  | 'started'
  | 'continued'
  | 'queued'
  | 'asked'
  | 'resolved'
  | 'closed'
  | 'reopened';

interface StepFacts {
  id: string;
  at: string;
  /** Who did it; null when nobody in particular. */
  who: string | null;
}

export type TimelineStep = StepFacts & ({ name: StepName } | { name: 'priority'; to: Priority });

const isDone = (status: unknown) => status === 'resolved' || status === 'closed';

function stepTo(to: TicketStatus, from: unknown): StepName {
  switch (to) {
    case 'new':
      return isDone(from) ? 'reopened' : 'queued';
    case 'assigned':
      return isDone(from) ? 'reopened' : 'assigned';
    case 'in_progress':
      return isDone(from) ? 'reopened' : from === 'waiting_customer' ? 'continued' : 'started';
    case 'waiting_customer':
      return 'asked';
    case 'resolved':
    case 'closed':
      return to;
    default:
      return to satisfies never;
  }
}

/** The history as the steps a customer cares for, oldest first: the beginning, the status, the urgency. */
export function timelineOf(history: readonly HistoryEntry[]): TimelineStep[] {
  const steps: TimelineStep[] = [];
  for (const entry of history) {
    const who = entry.actor.kind === 'system' ? null : entry.actor.name;
    const facts = { at: entry.occurred_at, who };
    if (entry.kind === 'created' || entry.kind === 'imported') {
      const name = entry.actor.kind === 'customer' ? 'created' : 'taken_down';
      steps.push({ ...facts, id: entry.id, name });
      continue;
    }
    for (const { field, from, to } of entry.changes) {
      const id = `${entry.id}/${field}`;
      if (field === 'status') steps.push({ ...facts, id, name: stepTo(to as TicketStatus, from) });
      else if (field === 'priority') steps.push({ ...facts, id, name: 'priority', to: to as Priority });
    }
  }
  // The server's order of entries of the same instant is kept: the sort is stable.
  return steps.sort((a, b) => a.at.localeCompare(b.at));
}
