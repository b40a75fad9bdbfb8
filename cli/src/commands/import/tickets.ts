import { appendFileSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { timeZoneOf } from '@psa/contracts/time-zones';
import { type Context, define } from '../../command.ts';
import { CliError } from '../../errors.ts';
import { type Problem, ProblemList } from '../../import/problems.ts';
import type { Survey } from '../../import/read-log.ts';
import type { Names, TicketCounts } from '../../import/send.ts';
import { plural, table } from '../../text.ts';

interface Options {
  format: 'servicenow-log';
  timeZone: string;
  batch: number;
  problems?: string;
  role: string;
}

/** What the file holds. rows = taken + refused. */
interface Plan {
  file: string;
  format: string;
  time_zone: string;
  rows: number;
  taken: number;
  refused: number;
  /** Incidents with at least one good row. */
  tickets: number;
  customers: number;
  contacts: number;
  teams: number;
  technicians: number;
  /** Why rows are refused; the first 1,000 reasons. */
  problems: readonly Problem[];
  /** How many reasons there are beyond `problems`. */
  problems_unnamed: number;
}

interface Carry {
  readonly survey: Survey;
  readonly names: Names;
  readonly problems: ProblemList;
}

/** `tickets` counts all that stand in the platform now; taken = history_added + history_known. */
interface Result extends Plan {
  tickets_created: number;
  tickets_updated: number;
  tickets_unchanged: number;
  tickets_refused: number;
  history_added: number;
  history_known: number;
  customers_created: number;
  contacts_created: number;
  teams_created: number;
  technicians_created: number;
}

/** A second import on the same machine waits for the first so long, then gives up with exit code 11. */
const LOCK_PATIENCE_MS = 600_000;

export const importTickets = define<Options, Plan, Carry, Result>({
  summary: 'Imports tickets with their whole history',
  description: `
Reads FILE twice before anything is sent: rows that cannot be taken are named with line, column and reason,
the others are imported. Every row becomes one entry in the history of its ticket, at its original time.

The format servicenow-log is the incident event log of ServiceNow: one row per change of an incident, a header
with the column names, dates as dd-mm-yyyy hh:mm, "?" for unknown.
  location          → customer ("Unbekannt" when unknown)
  caller_id         → contact of that customer
  assignment_group  → team
  assigned_to, resolved_by, sys_updated_by → people with --role, who cannot sign in until they are invited
  incident_state    → New: new, or assigned when a person has it · Active: in_progress ·
                      Awaiting User Info: waiting_customer · Awaiting Problem, Vendor or Evidence: in_progress
                      with the tag awaiting-… · Resolved: resolved · Closed: closed
  priority          → 1 Critical: critical · 2 High: high · 3 Moderate: medium · 4 Low: low
  made_sla          → FALSE: the SLA was breached
  category, subcategory, u_symptom → title and description

Importing twice changes nothing, and an import that was stopped is taken up by running it again: the platform
knows every row by its content.

With --json: { rows, taken, refused, tickets, tickets_created, tickets_updated, tickets_unchanged,
tickets_refused, history_added, history_known, customers, contacts, teams, technicians, problems, … };
rows = taken + refused, taken = history_added + history_known. Exit code 3 when rows were refused.`,
  args: [{ name: 'file', description: 'the CSV file' }],
  options: [
    {
      flags: '--format <format>',
      description: 'what kind of file it is',
      choices: ['servicenow-log'],
      required: true,
    },
    {
      flags: '--time-zone <zone>',
      description: 'time zone of the dates in the file, such as Europe/Berlin',
      default: 'UTC',
      parse: timeZone,
    },
    {
      flags: '--batch <n>',
      description: 'tickets per request, 1 to 100',
      default: 50,
      parse: batchSize,
    },
    { flags: '--problems <file>', description: 'write every refused row and its reasons to this CSV file' },
    { flags: '--role <role>', description: 'role of the people that are made', default: 'technician_l1' },
  ],
  examples: [
    {
      run: 'psactl import tickets incident_event_log.csv --format servicenow-log --dry-run',
      note: 'shows what is in the file and which rows would be refused; nothing is sent',
    },
    {
      run: 'psactl import tickets incident_event_log.csv --format servicenow-log',
      note: 'imports it; run it again to take up an import that was stopped',
    },
    {
      run: 'psactl import tickets incident_event_log.csv --format servicenow-log --time-zone Europe/Berlin --problems refused.csv --json',
      note: 'for a script: the counts as JSON, the refused rows as a file',
    },
  ],
  // The platform may be restarted meanwhile, and asks for up to an hour when its rate limit is reached.
  patienceMs: 3_900_000,
  resume: 'Run the same command again: it goes on where it stopped and nothing doubles.',

  async plan(context) {
    const { survey, readLog } = await import('../../import/read-log.ts');
    const { contactKey } = await import('../../import/servicenow-log.ts');
    const { options, progress, signal } = context;
    const path = resolve(context.io.cwd, context.args[0]!);
    progress.start('Looking through the file');
    const surveyed = await survey(path, signal);
    const problems = new ProblemList(await problemFile(context));
    const names = {
      customers: new Set<string>(),
      contacts: new Map<string, { customer: string; name: string }>(),
      teams: new Set<string>(),
      technicians: new Set<string>(),
    };
    let taken = 0;
    let tickets = 0;
    progress.start('Checking rows', surveyed.rows);
    for await (const item of readLog(surveyed, options.timeZone, signal)) {
      if ('refused' in item) {
        problems.refuse(...item.refused);
        progress.advance();
        continue;
      }
      const { incident } = item;
      tickets++;
      taken += incident.lines.length;
      for (const name of incident.customers) names.customers.add(name);
      for (const name of incident.teams) names.teams.add(name);
      for (const name of incident.technicians) names.technicians.add(name);
      if (incident.contact !== null) {
        const { customer, contact: name } = incident;
        names.contacts.set(contactKey(customer, name), { customer, name });
      }
      progress.advance(incident.lines.length);
    }
    if (taken + problems.refused !== surveyed.rows) throw unbalanced(surveyed.rows, taken, problems.refused);
    const data: Plan = {
      file: context.args[0]!,
      format: options.format,
      time_zone: options.timeZone,
      rows: surveyed.rows,
      taken,
      refused: problems.refused,
      tickets,
      customers: names.customers.size,
      contacts: names.contacts.size,
      teams: names.teams.size,
      technicians: names.technicians.size,
      problems: problems.named,
      problems_unnamed: problems.unnamed,
    };
    return { data, carry: { survey: surveyed, names, problems } };
  },

  async apply({ data, carry }, context) {
    const { readLog } = await import('../../import/read-log.ts');
    const { bringNames, TicketSender } = await import('../../import/send.ts');
    const { api, options, progress, signal } = context;
    const { problems } = carry;

    return oneAtATime(context, async () => {
      const { directory, brought } = await bringNames(api, carry.names, options.role, progress);
      let { taken } = data;
      const sender = new TicketSender({
        api,
        directory,
        most: options.batch,
        refuse(incident, reasons) {
          taken -= incident.lines.length;
          for (const reason of reasons) problems.refuse(reason);
        },
      });
      progress.start('Tickets', data.tickets);
      for await (const item of readLog(carry.survey, options.timeZone, signal)) {
        if ('refused' in item) continue;
        await sender.add(item.incident);
        progress.advance();
      }
      await sender.flush();
      const { counts } = sender;
      if (taken + problems.refused !== data.rows || taken !== counts.history_added + counts.history_known) {
        throw unbalanced(data.rows, taken, problems.refused, counts);
      }
      return {
        ...data,
        taken,
        refused: problems.refused,
        tickets: counts.created + counts.updated + counts.unchanged,
        tickets_created: counts.created,
        tickets_updated: counts.updated,
        tickets_unchanged: counts.unchanged,
        tickets_refused: counts.refused,
        history_added: counts.history_added,
        history_known: counts.history_known,
        customers_created: brought.customers.created,
        contacts_created: brought.contacts.created,
        teams_created: brought.teams.created,
        technicians_created: brought.technicians.created,
        problems: problems.named,
        problems_unnamed: problems.unnamed,
      };
    });
  },

  renderPlan: (plan) =>
    `${table([
      ['rows', plan.rows],
      ['  would be taken', plan.taken],
      ['  would be refused', plan.refused],
      ['tickets', plan.tickets],
      ['customers', plan.customers],
      ['contacts', plan.contacts],
      ['teams', plan.teams],
      ['technicians', plan.technicians],
    ])}${problemText(plan)}Nothing was sent.\n`,

  render: (result) =>
    `${table([
      ['rows', result.rows, ''],
      ['  taken', result.taken, `${result.history_added} new, ${result.history_known} known from before`],
      ['  refused', result.refused, ''],
      [
        'tickets',
        result.tickets,
        `${result.tickets_created} created, ${result.tickets_updated} updated, ${result.tickets_unchanged} unchanged`,
      ],
      ['customers', result.customers, `${result.customers_created} created`],
      ['contacts', result.contacts, `${result.contacts_created} created`],
      ['teams', result.teams, `${result.teams_created} created`],
      ['technicians', result.technicians, `${result.technicians_created} created`],
    ])}${problemText(result)}`,

  outcome: (result) => (result.refused > 0 ? 'partial' : 'done'),
});

function timeZone(text: string): string {
  const zone = timeZoneOf(text);
  if (zone === null) throw new Error('There is no such time zone; give one like Europe/Berlin.');
  return zone;
}

function batchSize(text: string): number {
  const n = Number(text);
  if (!Number.isInteger(n) || n < 1 || n > 100) throw new Error('Give a whole number from 1 to 100.');
  return n;
}

/** Begins the CSV file of `--problems` and returns what appends to it. */
async function problemFile(context: Context<Options>): Promise<((problem: Problem) => void) | null> {
  const { problems } = context.options;
  if (problems === undefined) return null;
  const { stringify } = await import('csv-stringify/sync');
  const path = resolve(context.io.cwd, problems);
  try {
    writeFileSync(path, 'line,record,field,message\n');
  } catch (error) {
    throw new CliError(`Unable to write ${path}.`, { why: (error as Error).message, cause: error });
  }
  return ({ line, record, field, message }) =>
    // Values of the file stand in the messages: none may become a formula in a spreadsheet.
    appendFileSync(path, stringify([[line, record, field, message]], { escape_formulas: true }));
}

/** Two imports into one platform from one machine would only get in each other's way. */
async function oneAtATime<T>(context: Context<Options>, work: () => Promise<T>): Promise<T> {
  const { configDir } = await import('../../api/credentials.ts');
  const { withLock } = await import('../../lock.ts');
  const { createHash } = await import('node:crypto');
  const dir = configDir(context.io.env);
  try {
    await mkdir(dir, { recursive: true, mode: 0o700 });
  } catch {
    // No home to keep a lock in: the platform itself takes every row once, so two runs are merely slow.
    return work();
  }
  const name = createHash('sha256').update(context.url).digest('hex').slice(0, 12);
  return withLock(
    join(dir, `import-${name}.lock`),
    LOCK_PATIENCE_MS,
    `the import into ${context.url}`,
    work,
    {
      signal: context.signal,
      waiting: () => context.progress.note('Another psactl is importing; waiting for it to end.'),
    },
  );
}

function unbalanced(rows: number, taken: number, refused: number, counts?: TicketCounts): CliError {
  const history = counts ? `, ${counts.history_added} added and ${counts.history_known} known` : '';
  return new CliError('Unable to vouch for the import: the counts do not add up.', {
    code: 'UNBALANCED',
    why: `${rows} rows, ${taken} taken${history}, ${refused} refused.`,
    fix: 'Run it again: nothing doubles. If it stays, report it with the file.',
  });
}

const SHOWN = 20;

function problemText(data: Pick<Plan, 'refused' | 'problems' | 'problems_unnamed'>): string {
  if (data.refused === 0) return '';
  const shown = data.problems.slice(0, SHOWN).map(({ line, record, field, message }) => {
    const where = [`line ${line}`, record, field].filter((part) => part !== null).join(', ');
    return `  ${where}: ${message}`;
  });
  const more = data.problems.length + data.problems_unnamed - shown.length;
  if (more > 0) shown.push(`  … and ${plural(more, 'reason')} more; --problems FILE writes them all`);
  return `\nRefused:\n${shown.join('\n')}\n`;
}
