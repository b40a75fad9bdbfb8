/** An instant as a field of date and time takes it, by the clock of the device and to the minute: 2026-11-29T17:05. */
export function toLocalMinute(at: string | number): string {
  const date = new Date(at);
  const two = (value: number) => String(value).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day}T${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** The instant of such a field, RFC 3339 in UTC; null while it is empty or unfinished. */
export function fromLocalMinute(text: string): string | null {
  const at = new Date(text);
  return text.trim() === '' || Number.isNaN(at.getTime()) ? null : at.toISOString();
}

const DAY = 86_400_000;

/**
 * What is wrong with a beginning of work (ms since epoch `now`), as the server judges it: in the future, or more than a
 * day before the ticket was opened. A minute is between the clocks of device and server.
 */
export function startProblem(
  startedAt: string,
  openedAt: string,
  now: number,
): 'in_future' | 'too_early' | null {
  const start = Date.parse(startedAt);
  if (start > now + 60_000) return 'in_future';
  return start < Date.parse(openedAt) - DAY ? 'too_early' : null;
}
