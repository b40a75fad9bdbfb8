import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '@psa/test-kit/until';

/** What a writer was told is done. */
export interface AcknowledgedTicket {
  readonly id: string;
  readonly title: string;
  /** Ids of its comments in the order in which they were acknowledged. */
  readonly comments: string[];
}

interface Answer {
  readonly status: number;
  readonly replayed: boolean;
  readonly id: string;
  readonly text: string;
}

/**
 * People who open tickets and comment on them without a pause. Each behaves as a client should: what got no
 * answer, or a 5xx, is sent again under the same Idempotency-Key until it is acknowledged. So at the end there
 * is nothing whose fate is open.
 */
export class WriteLoad {
  readonly tickets: AcknowledgedTicket[] = [];
  /** Answers that were neither 2xx nor 503/504: there must be none. */
  readonly wrong: string[] = [];
  /** Requests whose connection ended without an answer. */
  cut = 0;
  /** Requests that were refused with 503 or 504. */
  refused = 0;
  /** Repetitions that found their first try done: written, but never acknowledged. */
  replayed = 0;
  acknowledged = 0;
  #stopped = false;
  readonly #writers: Promise<void>[];
  readonly #base: string;
  readonly #token: string;
  readonly #customerId: string;

  constructor(options: { base: string; token: string; customerId: string; writers: number }) {
    this.#base = options.base;
    this.#token = options.token;
    this.#customerId = options.customerId;
    this.#writers = Array.from({ length: options.writers }, (_, w) => this.#write(w));
  }

  /** Waits until so many writes more are acknowledged. */
  async more(count: number): Promise<void> {
    const goal = this.acknowledged + count;
    await until(
      () => this.acknowledged >= goal || this.wrong.length > 0,
      60_000,
      `${goal} acknowledged writes; there are ${this.acknowledged} (cut ${this.cut}, refused ${this.refused})`,
    );
  }

  /** Ends the load when everything that was begun is acknowledged. */
  async stop(): Promise<void> {
    this.#stopped = true;
    const patience = sleep(60_000, 'timeout', { ref: false });
    const end = await Promise.race([Promise.all(this.#writers), patience]);
    if (end === 'timeout') throw new Error('Some writes were not acknowledged within 60 s.');
  }

  async #write(writer: number): Promise<void> {
    for (let n = 0; !this.#stopped && this.wrong.length === 0; n++) {
      const title = `Ticket ${n} of writer ${writer} ${randomUUID()}`;
      const made = await this.#send('/api/v1/tickets', {
        title,
        description: 'Seit heute Morgen.',
        customer_id: this.#customerId,
      });
      if (!made) return;
      const ticket: AcknowledgedTicket = { id: made.id, title, comments: [] };
      this.tickets.push(ticket);
      for (let c = 0; c < 3 && !this.#stopped; c++) {
        const body = { body: `Antwort ${c}`, visibility: c % 2 === 0 ? 'public' : 'internal' };
        const comment = await this.#send(`/api/v1/tickets/${ticket.id}/comments`, body);
        if (!comment) return;
        ticket.comments.push(comment.id);
      }
    }
  }

  /** Sends until it is acknowledged; null when the answer was one that must not be. */
  async #send(path: string, body: object): Promise<Answer | null> {
    const key = randomUUID();
    for (;;) {
      const answer = await this.#once(path, body, key);
      if (answer && answer.status < 300) {
        this.acknowledged++;
        if (answer.replayed) this.replayed++;
        return answer;
      }
      if (!answer) this.cut++;
      else if (answer.status === 503 || answer.status === 504) this.refused++;
      else {
        this.wrong.push(`${answer.status} ${answer.text}`);
        return null;
      }
      await sleep(100);
    }
  }

  async #once(path: string, body: object, key: string): Promise<Answer | null> {
    try {
      const response = await fetch(this.#base + path, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${this.#token}`,
          'content-type': 'application/json',
          'idempotency-key': key,
        },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(20_000),
      });
      const text = await response.text();
      return {
        status: response.status,
        replayed: response.headers.get('idempotent-replay') === 'true',
        id: response.ok ? JSON.parse(text).data.id : '',
        text,
      };
    } catch {
      return null;
    }
  }
}
