/** Why a text is no moment. Its message is for people, without a name of the field. */
export class MomentError extends Error {
  override readonly name = 'MomentError';
}

const OFFSET = /(Z|[+-]\d{2}(:?\d{2})?)$/i;
const FORM = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2})(:\d{2}(?:\.\d{1,9})?)?$/;

/**
 * A moment as people write it: `2026-11-30 14:30`, `2026-11-30T14:30:05.250`, with an offset (`+01:00`, `Z`) or in the
 * zone. An hour that a clock shows twice, or never, needs its offset: nobody could say which one was meant.
 * @throws MomentError that says what to write instead
 */
export function parseMoment(text: string, zone: string): Date {
  const written = text.trim();
  const offset = OFFSET.exec(written.slice(11))?.[0] ?? null;
  const local = (offset === null ? written : written.slice(0, -offset.length)).trim();
  const [, day, minute, second = ''] = FORM.exec(local) ?? [];
  if (day === undefined || minute === undefined)
    throw new MomentError(
      `"${text}" is no moment. Write one such as "2026-11-30 14:30:05", in the zone ${zone}, or with an offset: "2026-11-30T14:30:05+01:00".`,
    );
  try {
    if (offset !== null)
      return new Date(
        Temporal.Instant.from(`${day}T${minute}${second}${/^z$/i.test(offset) ? 'Z' : offset}`)
          .epochMilliseconds,
      );
    const plain = Temporal.PlainDateTime.from(`${day}T${minute}${second}`, { overflow: 'reject' });
    return new Date(plain.toZonedDateTime(zone, { disambiguation: 'reject' }).epochMilliseconds);
  } catch (cause) {
    const meant = offset === null ? offsetsOf(`${day}T${minute}${second}`, zone) : [];
    throw new MomentError(
      meant.length > 0
        ? `"${text}" is shown twice or never by a clock in ${zone}, which is set that day. Add an offset: ${meant.map((one) => `"${day}T${minute}${second}${one}"`).join(' or ')}.`
        : `"${text}" is no moment: there is no such day or time.`,
      { cause },
    );
  }
}

/** What may have been meant by a time that a clock shows twice or never: by the time before it was set, and after. */
function offsetsOf(text: string, zone: string): readonly string[] {
  try {
    const plain = Temporal.PlainDateTime.from(text, { overflow: 'reject' });
    return (['earlier', 'later'] as const).map(
      (disambiguation) => plain.toZonedDateTime(zone, { disambiguation }).offset,
    );
  } catch {
    return [];
  }
}
