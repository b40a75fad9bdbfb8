import type { ErrorDetail } from '@psa/contracts/common';

/** The work that a ticket came from, a call say, may have begun so long before it was entered. */
const BEFORE_TICKET_MS = 24 * 3_600_000;
/** How far the clocks of a device and of the server may differ. */
const CLOCKS_DIFFER_MS = 60_000;

/**
 * What is wrong with a stretch of working time: it cannot begin after now, nor long before the ticket was there.
 * Its length (whole minutes, a day at most) is checked by the contract.
 */
export function periodProblems(startedAt: Date, ticketCreatedAt: Date, now: Date): ErrorDetail[] {
  if (startedAt.getTime() > now.getTime() + CLOCKS_DIFFER_MS) {
    return [
      { field: 'started_at', code: 'in_future', message: 'lies in the future; book work when it is done' },
    ];
  }
  const earliest = ticketCreatedAt.getTime() - BEFORE_TICKET_MS;
  if (startedAt.getTime() < earliest) {
    const message = `lies more than a day before the ticket was opened; the earliest is ${new Date(earliest).toISOString()}`;
    return [{ field: 'started_at', code: 'too_early', message }];
  }
  return [];
}
