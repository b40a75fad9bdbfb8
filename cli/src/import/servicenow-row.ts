import { createHash } from 'node:crypto';
import type { Priority, TicketStatus } from '@psa/contracts/tickets';

/** Columns without which the log cannot be understood. The order in the file does not matter, others may be there. */
export const REQUIRED_COLUMNS = [
  'number',
  'incident_state',
  'sys_mod_count',
  'sys_updated_at',
  'opened_at',
  'priority',
  'caller_id',
  'location',
  'category',
  'assignment_group',
  'assigned_to',
] as const;

/** What `?` stands for in the file: nobody wrote it down. */
const UNKNOWN = '?';

const STATES = {
  New: 'new',
  Active: 'in_progress',
  'Awaiting User Info': 'waiting_customer',
  'Awaiting Problem': 'in_progress',
  'Awaiting Vendor': 'in_progress',
  'Awaiting Evidence': 'in_progress',
  Resolved: 'resolved',
  Closed: 'closed',
} as const satisfies Record<string, TicketStatus>;
export type LogState = keyof typeof STATES;

const PRIORITY: Readonly<Record<string, Priority>> = {
  '1 - Critical': 'critical',
  '2 - High': 'high',
  '3 - Moderate': 'medium',
  '4 - Low': 'low',
};

/** Longest values that the platform takes. */
const LONGEST = { number: 180, name: 200, group: 100, text: 500 };

/** One row of the log, read and checked. Times are RFC 3339 instants; null is unknown. */
export interface LogRow {
  readonly line: number;
  /** The same for the same row in every run, whatever stands around it. */
  readonly rowId: string;
  readonly number: string;
  readonly state: LogState;
  readonly status: TicketStatus;
  readonly priority: Priority;
  readonly modCount: number;
  readonly reopenCount: number;
  readonly madeSla: boolean;
  readonly updatedAt: string;
  readonly openedAt: string;
  readonly resolvedAt: string | null;
  readonly closedAt: string | null;
  readonly caller: string | null;
  readonly location: string | null;
  readonly group: string | null;
  readonly assignedTo: string | null;
  readonly updatedBy: string | null;
  readonly resolvedBy: string | null;
  /** Other columns by name, `?` left out. */
  readonly facts: Readonly<Record<string, string>>;
}

export type ReadRow =
  | { readonly row: LogRow }
  | {
      readonly number: string | null;
      readonly reasons: readonly { field: string | null; message: string }[];
    };

/** Columns kept as they are, for the description and the history. */
const FACTS = [
  'category',
  'subcategory',
  'u_symptom',
  'cmdb_ci',
  'impact',
  'urgency',
  'contact_type',
  'opened_by',
  'knowledge',
  'u_priority_confirmation',
  'problem_id',
  'rfc',
  'vendor',
  'caused_by',
  'closed_code',
] as const;

/**
 * Reads one row. `fields` by column name, `width` as many values as the row had, `timeZone` an IANA name for
 * the file's local times. Every reason against the row is named, not only the first.
 */
export function readRow(
  columns: readonly string[],
  values: readonly string[],
  line: number,
  timeZone: string,
): ReadRow {
  if (values.length !== columns.length) {
    const message = `has ${values.length} values where the header has ${columns.length} columns`;
    return { number: tidy(values[columns.indexOf('number')]), reasons: [{ field: null, message }] };
  }
  const raw = new Map(columns.map((column, i) => [column, values[i]!]));
  const reasons: { field: string; message: string }[] = [];
  const refuse = (field: string, message: string): null => {
    reasons.push({ field, message });
    return null;
  };

  for (const [column, value] of raw) {
    if (value.includes('\ufffd')) refuse(column, 'has bytes that are not UTF-8');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
    else if (/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/.test(value))
      refuse(column, 'has control characters');
  }
  const known = (column: string, longest: number): string | null => {
    const value = tidy(raw.get(column));
    if (value !== null && value.length > longest)
      return refuse(column, `is longer than ${longest} characters`);
    return value;
  };
  const needed = <T>(column: string, read: (value: string) => T | null, wrong: string): T | null => {
    const value = tidy(raw.get(column));
    if (value === null) return refuse(column, 'is missing');
    return read(value) ?? refuse(column, `${wrong}: "${value.slice(0, 60)}"`);
  };
  const optional = <T>(column: string, other: T, read: (value: string) => T | null, wrong: string): T => {
    const value = tidy(raw.get(column));
    if (value === null) return other;
    return read(value) ?? (refuse(column, `${wrong}: "${value.slice(0, 60)}"`) as null) ?? other;
  };
  const time = (value: string) => remembered(value, timeZone);
  const notTime = 'is not a date and time as dd-mm-yyyy hh:mm';

  const number =
    tidy(raw.get('number')) === null ? refuse('number', 'is missing') : known('number', LONGEST.number);
  const state = needed('incident_state', stateOf, `is none of ${Object.keys(STATES).join(', ')}`);
  const priority = needed(
    'priority',
    (value) => PRIORITY[value] ?? null,
    `is none of ${Object.keys(PRIORITY).join(', ')}`,
  );
  const modCount = needed('sys_mod_count', countOf, 'is not a whole number');
  const updatedAt = needed('sys_updated_at', time, notTime);
  const openedAt = needed('opened_at', time, notTime);
  const rest = {
    reopenCount: optional('reopen_count', 0, countOf, 'is not a whole number'),
    madeSla: optional('made_sla', true, booleanOf, 'is neither TRUE nor FALSE'),
    resolvedAt: optional<string | null>('resolved_at', null, time, notTime),
    closedAt: optional<string | null>('closed_at', null, time, notTime),
    caller: known('caller_id', LONGEST.name - 20),
    location: known('location', LONGEST.name - 20),
    group: known('assignment_group', LONGEST.group),
    assignedTo: known('assigned_to', LONGEST.name),
    updatedBy: known('sys_updated_by', LONGEST.name),
    resolvedBy: known('resolved_by', LONGEST.name),
    facts: Object.fromEntries(
      FACTS.flatMap((column) => {
        const value = known(column, LONGEST.text);
        return value === null ? [] : [[column, value]];
      }),
    ),
  };
  if (
    reasons.length > 0 ||
    number === null ||
    state === null ||
    priority === null ||
    modCount === null ||
    updatedAt === null ||
    openedAt === null
  ) {
    return { number, reasons };
  }
  const rowId = `${number}/${modCount}/${rowHash(raw)}`;
  const status = STATES[state];
  return { row: { line, rowId, number, state, status, priority, modCount, updatedAt, openedAt, ...rest } };
}

/** The value without space around and doubled space within; null when empty or `?`. */
export function tidy(value: string | undefined): string | null {
  const text = value?.replace(/\s+/g, ' ').trim() ?? '';
  return text === '' || text === UNKNOWN ? null : text;
}

const stateOf = (value: string): LogState | null =>
  Object.hasOwn(STATES, value) ? (value as LogState) : null;
const countOf = (value: string): number | null => (/^\d{1,5}$/.test(value) ? Number(value) : null);
const booleanOf = (value: string): boolean | null => {
  const text = value.toLowerCase();
  return text === 'true' ? true : text === 'false' ? false : null;
};

/** Most times of a row stand in the row before too, and a calculation in a time zone takes 10 µs. */
const times = new Map<string, string | null>();

function remembered(text: string, timeZone: string): string | null {
  const key = `${timeZone} ${text}`;
  let time = times.get(key);
  if (time === undefined) {
    if (times.size >= 20_000) times.clear();
    times.set(key, (time = parseLogTime(text, timeZone)));
  }
  return time;
}

const LOG_TIME = /^(\d{2})-(\d{2})-(\d{4}) (\d{2}):(\d{2})$/;

/**
 * `dd-mm-yyyy hh:mm` as an instant. A time that the clocks skipped in spring counts as the time after the
 * gap, one that they showed twice in autumn as the first. Null when there is no such date.
 */
export function parseLogTime(text: string, timeZone: string): string | null {
  const parts = LOG_TIME.exec(text)?.slice(1).map(Number);
  if (!parts) return null;
  const [day, month, year, hour, minute] = parts as [number, number, number, number, number];
  if (year < 1970) return null;
  try {
    return Temporal.PlainDateTime.from({ year, month, day, hour, minute }, { overflow: 'reject' })
      .toZonedDateTime(timeZone)
      .toInstant()
      .toString();
  } catch {
    return null;
  }
}

/**
 * What a row said when it was written. Left out are columns that are filled in afterwards on every row of an
 * incident (resolved_at, resolved_by, closed_at, closed_code), so that a later export has the same rows.
 */
const IDENTITY = [
  'number',
  'incident_state',
  'sys_mod_count',
  'sys_updated_at',
  'sys_updated_by',
  'opened_at',
  'reassignment_count',
  'reopen_count',
  'made_sla',
  'priority',
  'caller_id',
  'location',
  'assignment_group',
  'assigned_to',
  ...FACTS.filter((column) => column !== 'closed_code'),
];

function rowHash(raw: ReadonlyMap<string, string>): string {
  const values = IDENTITY.map((column) => tidy(raw.get(column)) ?? '');
  return createHash('sha256').update(values.join('\n')).digest('hex').slice(0, 16);
}
