/** True for a day of the calendar as `YYYY-MM-DD`, from the year 1: PostgreSQL and the Gregorian calendar have no year 0. */
export function isDate(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text) || text.startsWith('0000')) return false;
  const time = Date.parse(text);
  // Date.parse refuses the 32nd but may roll the 30th of February over.
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}
