import type { ImportUsersResponse } from '@psa/contracts/auth';
import type { ImportContactsResponse, ImportCustomersResponse } from '@psa/contracts/crm';
import type {
  ImportTeamsResponse,
  ImportTicketRequest,
  ImportTicketResponse,
} from '@psa/contracts/ticket-import';
import type { Static } from 'typebox';
import type { Api } from '../api/client.ts';
import { ApiError } from '../api/errors.ts';
import type { Progress } from '../progress.ts';
import type { Problem } from './problems.ts';
import { contactKey, type Incident, SOURCE } from './servicenow-log.ts';

type Ticket = ImportTicketRequest['tickets'][number];

/** Ids of the platform by the name that the file uses. */
export interface Directory {
  readonly customers: ReadonlyMap<string, string>;
  readonly contacts: ReadonlyMap<string, string>;
  readonly technicians: ReadonlyMap<string, string>;
}

/** How many there are of a kind, and how many of them are new. */
export interface Brought {
  readonly total: number;
  readonly created: number;
}

/** Everybody and everything that tickets refer to. */
export interface Names {
  readonly customers: ReadonlySet<string>;
  /** Contact key → customer and name. */
  readonly contacts: ReadonlyMap<string, { customer: string; name: string }>;
  readonly teams: ReadonlySet<string>;
  readonly technicians: ReadonlySet<string>;
}

/** As many as one request takes. */
const AT_ONCE = 500;
/** Stays below the body limit of 1 MiB with room for what JSON adds. */
const MOST_BYTES = 600 * 1024;
const MOST_HISTORY = 1_000;

type Known = readonly { external_id: string; id: string; created: boolean }[];

/** Makes customers, contacts, teams and technicians known, as far as they are not yet. */
export async function bringNames(api: Api, names: Names, role: string, progress: Progress) {
  const total = names.customers.size + names.contacts.size + names.teams.size + names.technicians.size;
  progress.start('Customers, contacts, teams and technicians', total);

  async function bring<T>(items: readonly T[], send: (part: readonly T[]) => Promise<Known>) {
    const ids = new Map<string, string>();
    let created = 0;
    for (let at = 0; at < items.length; at += AT_ONCE) {
      const part = items.slice(at, at + AT_ONCE);
      for (const known of await send(part)) {
        ids.set(known.external_id, known.id);
        if (known.created) created++;
      }
      progress.advance(part.length);
    }
    return { ids, brought: { total: items.length, created } satisfies Brought };
  }
  const post = <T>(path: string, what: string, body: object) =>
    api.post<T>(path, { action: `import ${what}`, body: { source: SOURCE, ...body }, idempotent: true });

  const customers = await bring([...names.customers], async (part) => {
    const body = { customers: part.map((name) => ({ external_id: name, name })) };
    type Answer = { data: Static<typeof ImportCustomersResponse> };
    return unwrap(await post<Answer>('/api/v1/customers/import', 'customers', body)).customers;
  });
  const contacts = await bring([...names.contacts], async (part) => {
    const body = {
      contacts: part.map(([key, { customer, name }]) => ({
        external_id: key,
        name,
        customer_id: idIn(customers.ids, customer),
      })),
    };
    type Answer = { data: Static<typeof ImportContactsResponse> };
    return unwrap(await post<Answer>('/api/v1/contacts/import', 'contacts', body)).contacts;
  });
  const technicians = await bring([...names.technicians], async (part) => {
    const body = { users: part.map((name) => ({ external_id: name, name, role })) };
    type Answer = { data: Static<typeof ImportUsersResponse> };
    return unwrap(await post<Answer>('/api/v1/users/import', 'technicians', body)).users;
  });
  const teams = await bring([...names.teams], async (part) => {
    const body = { teams: part.map((name) => ({ external_id: name, name })) };
    type Answer = { data: Static<typeof ImportTeamsResponse> };
    return unwrap(await post<Answer>('/api/v1/teams/import', 'teams', body)).teams;
  });
  return {
    directory: {
      customers: customers.ids,
      contacts: contacts.ids,
      technicians: technicians.ids,
    } as Directory,
    brought: {
      customers: customers.brought,
      contacts: contacts.brought,
      technicians: technicians.brought,
      teams: teams.brought,
    },
  };
}

/** Answers come as `{ data }`; a bare object is understood too. */
function unwrap<T extends object>(answer: { data: T } | T): T {
  return 'data' in answer ? (answer as { data: T }).data : answer;
}

function idIn(ids: ReadonlyMap<string, string>, name: string): string {
  const id = ids.get(name);
  if (id === undefined) throw new Error(`the platform did not say which id "${name}" got`);
  return id;
}

// ── Tickets ──────────────────────────────────────────────────────────────────

/** What became of the tickets of one run. */
export interface TicketCounts {
  created: number;
  updated: number;
  unchanged: number;
  refused: number;
  history_added: number;
  history_known: number;
}

/** Collects tickets and sends them in batches; `full` says when a batch is due. */
export class TicketSender {
  readonly counts: TicketCounts = {
    created: 0,
    updated: 0,
    unchanged: 0,
    refused: 0,
    history_added: 0,
    history_known: 0,
  };
  readonly #api: Api;
  readonly #directory: Directory;
  readonly #most: number;
  readonly #refuse: (incident: Incident, reasons: readonly Problem[]) => void;
  #waiting: { incident: Incident; ticket: Ticket }[] = [];
  #bytes = 0;

  constructor(options: {
    api: Api;
    directory: Directory;
    /** Tickets per request, at most 100. */
    most: number;
    /** Told about each incident that the platform does not take. */
    refuse(incident: Incident, reasons: readonly Problem[]): void;
  }) {
    this.#api = options.api;
    this.#directory = options.directory;
    this.#most = options.most;
    this.#refuse = options.refuse;
  }

  /** Takes an incident; sends when a batch is full. */
  async add(incident: Incident): Promise<void> {
    const ticket = resolve(incident, this.#directory);
    const bytes = Buffer.byteLength(JSON.stringify(ticket));
    if (this.#waiting.length >= this.#most || (this.#bytes > 0 && this.#bytes + bytes > MOST_BYTES)) {
      await this.flush();
    }
    if (bytes > MOST_BYTES || ticket.history.length > MOST_HISTORY) {
      await this.#sendInSlices(incident, ticket, bytes);
      return;
    }
    this.#waiting.push({ incident, ticket });
    this.#bytes += bytes;
  }

  /** Sends what waits. */
  async flush(): Promise<void> {
    const batch = this.#waiting.splice(0);
    this.#bytes = 0;
    if (batch.length > 0) for (const result of await this.#send(batch)) this.#count(result);
  }

  /** An incident with a very long history goes in several requests; the platform knows its rows by their id. */
  async #sendInSlices(incident: Incident, ticket: Ticket, bytes: number): Promise<void> {
    // Half of what would fit on average, as entries differ in length.
    const fitting = Math.floor((ticket.history.length * MOST_BYTES) / bytes / 2);
    const size = Math.min(MOST_HISTORY, Math.max(1, fitting));
    let sum: Result | null = null;
    for (let at = 0; at < ticket.history.length; at += size) {
      const slice = { ...ticket, history: ticket.history.slice(at, at + size) };
      const [result] = await this.#send([{ incident, ticket: slice }]);
      sum = sum === null ? result! : add(sum, result!);
    }
    this.#count(sum!);
  }

  async #send(batch: readonly { incident: Incident; ticket: Ticket }[]): Promise<Result[]> {
    try {
      const answer = await this.#api.post<{ data: Static<typeof ImportTicketResponse> }>(
        '/api/v1/tickets/import',
        {
          action: 'import tickets',
          body: { source: SOURCE, tickets: batch.map(({ ticket }) => ticket) },
          idempotent: true,
          timeoutMs: 300_000,
        },
      );
      const outcomes = new Map(unwrap(answer).tickets.map((ticket) => [ticket.external_id, ticket]));
      return batch.map(({ incident, ticket }) => {
        const found = outcomes.get(ticket.external_id);
        if (!found) throw new Error(`the platform did not say what became of ${ticket.external_id}`);
        return { incident, ...found };
      });
    } catch (error) {
      const bad = error instanceof ApiError && error.status === 400 ? ticketsNamed(error) : null;
      if (!bad || bad.size === 0) throw error;
      // Those that the platform names are refused, the others go again.
      const good = await this.#sendSome(batch.filter((_, i) => !bad.has(i)));
      return batch.map(
        ({ incident }, i) => good.get(incident) ?? refused(incident, bad.get(i) ?? 'was not taken'),
      );
    }
  }

  async #sendSome(batch: readonly { incident: Incident; ticket: Ticket }[]): Promise<Map<Incident, Result>> {
    if (batch.length === 0) return new Map();
    return new Map((await this.#send(batch)).map((result) => [result.incident, result]));
  }

  #count(result: Result): void {
    this.counts[result.outcome]++;
    if (result.outcome !== 'refused') {
      this.counts.history_added += result.history_added;
      this.counts.history_known += result.history_known;
      return;
    }
    const { incident, reason } = result;
    const message = `was refused by the platform: ${reason ?? 'no reason given'}`;
    this.#refuse(
      incident,
      incident.lines.map((line) => ({ line, record: incident.ticket.external_id, field: null, message })),
    );
  }
}

interface Result {
  readonly incident: Incident;
  readonly outcome: 'created' | 'updated' | 'unchanged' | 'refused';
  readonly history_added: number;
  readonly history_known: number;
  readonly reason: string | null;
}

const refused = (incident: Incident, reason: string): Result => ({
  incident,
  outcome: 'refused',
  history_added: 0,
  history_known: 0,
  reason,
});

/** The first slice says whether the ticket was there before; a later refusal refuses it all. */
function add(a: Result, b: Result): Result {
  if (a.outcome === 'refused') return a;
  if (b.outcome === 'refused') return b;
  return {
    ...a,
    outcome: a.outcome === 'unchanged' ? b.outcome : a.outcome,
    history_added: a.history_added + b.history_added,
    history_known: a.history_known + b.history_known,
  };
}

/** `tickets[3].title: …` of a 400, by index. */
function ticketsNamed(error: ApiError): Map<number, string> {
  const named = new Map<number, string>();
  for (const { field, message } of error.details) {
    const match = /^tickets\[(\d+)\]\.?(.*)$/.exec(field);
    if (!match) return new Map();
    const index = Number(match[1]);
    const text = match[2] ? `${match[2]} ${message}` : message;
    named.set(index, named.has(index) ? `${named.get(index)}; ${text}` : text);
  }
  return named;
}

function resolve(incident: Incident, directory: Directory): Ticket {
  const { customer, contact, assignedTo, ticket } = incident;
  return {
    ...ticket,
    customer_id: idIn(directory.customers, customer),
    contact_id: contact === null ? null : idIn(directory.contacts, contactKey(customer, contact)),
    assigned_to: assignedTo === null ? null : idIn(directory.technicians, assignedTo),
  };
}
