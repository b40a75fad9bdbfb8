import { setTimeout } from 'node:timers/promises';
import type { VisibleTicketsRequest, VisibleTicketsResponse } from '@psa/contracts/tickets';
import type { Ids } from '@psa/service-kit/ids';
import type { Logger } from '@psa/service-kit/log';
import type { Static } from 'typebox';
import type { Upstream } from './upstream.ts';

/** Between two questions for one reader: what happens meanwhile is asked about together. */
const GATHER_MS = 500;
/** Tickets that wait for an answer at most; of more a reader learns when the page is loaded anew. */
const MOST_WAITING = 1_000;

interface Waiting {
  readonly token: string;
  readonly tell: (text: string) => void;
  /** What to tell of each ticket, if it is seen. */
  readonly texts: Map<string, string[]>;
}

/**
 * Tells readers who do not see all tickets of those that they see, by asking the tickets service in their name, at this
 * moment: a second home for who sees what would be a leak some day. One question at a time for each reader.
 */
export class SeenTickets<Reader extends object> {
  readonly #tickets: Upstream;
  readonly #ids: Ids;
  readonly #log: Logger;
  readonly #waiting = new Map<Reader, Waiting>();

  constructor(tickets: Upstream, ids: Ids, log: Logger) {
    this.#tickets = tickets;
    this.#ids = ids;
    this.#log = log;
  }

  /** Has `text` told to the reader if it sees the ticket. */
  offer(reader: Reader, token: string, tell: (text: string) => void, ticketId: string, text: string): void {
    const known = this.#waiting.get(reader);
    const waiting = known ?? { token, tell, texts: new Map() };
    const texts = waiting.texts.get(ticketId);
    if (texts) texts.push(text);
    else if (waiting.texts.size < MOST_WAITING) waiting.texts.set(ticketId, [text]);
    if (known) return;
    this.#waiting.set(reader, waiting);
    void this.#ask(reader, waiting);
  }

  /** The reader is gone. */
  forget(reader: Reader): void {
    this.#waiting.delete(reader);
  }

  async #ask(reader: Reader, { token, tell, texts }: Waiting): Promise<void> {
    while (texts.size > 0) {
      const asked = new Map(texts);
      texts.clear();
      const seen = new Set(await this.#seen(token, [...asked.keys()]));
      if (!this.#waiting.has(reader)) return;
      for (const [id, told] of asked) if (seen.has(id)) for (const text of told) tell(text);
      await setTimeout(GATHER_MS, undefined, { ref: false });
    }
    this.#waiting.delete(reader);
  }

  /** Live messages may be lost (a reload shows everything): without an answer nothing is told. */
  async #seen(token: string, ids: string[]): Promise<readonly string[]> {
    const body: Static<typeof VisibleTicketsRequest> = { ids, deleted: true };
    try {
      const response = await this.#tickets.request({
        method: 'POST',
        path: '/internal/tickets/visible',
        headers: {
          'content-type': 'application/json',
          'x-request-id': `req_${this.#ids.uuid()}`,
          authorization: `Bearer ${token}`,
        },
        body: JSON.stringify(body),
      });
      if (response.status === 200)
        return (JSON.parse(response.body) as Static<typeof VisibleTicketsResponse>).ids;
      this.#log.warn({ status: response.status }, 'stream: the tickets service does not say who sees what');
    } catch (error) {
      this.#log.warn({ err: error }, 'stream: the tickets service does not answer');
    }
    return [];
  }
}
