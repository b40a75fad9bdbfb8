import type { EventEnvelope } from '@psa/contracts/events/envelope';
import type { DeadLetter, EventBus, Subscription } from '@psa/contracts/ports/bus';
import type { Channel, ChannelModel, ConfirmChannel } from 'amqplib';
import { type AdapterLog, silentLog } from '../log.ts';
import { Dispatcher, type Taken } from './dispatcher.ts';
import { settle, type Token } from './rabbitmq-acknowledge.ts';
import { RabbitConnection, within } from './rabbitmq-connection.ts';
import {
  deadLetterQueue,
  declareConsumer,
  declareExchange,
  EXCHANGE,
  knownConsumers,
  withMessages,
} from './rabbitmq-topology.ts';
import { topicMatcher } from './topics.ts';

export interface RabbitBusOptions {
  /** `amqp://user:password@host:port/vhost`, or several of a cluster. */
  readonly url: string | readonly string[];
  /** Names the process in the broker's list of connections; default `psa`. */
  readonly name?: string;
  /** Events of a consumer held unacknowledged at most, waiting ones included; default 1,000. */
  readonly prefetch?: number;
  /** Time for the broker to confirm what was published; default 15,000 ms. */
  readonly confirmTimeoutMs?: number;
  /** Time for the broker to declare queues and begin to deliver; default 30,000 ms. */
  readonly setupTimeoutMs?: number;
  readonly log?: AdapterLog;
}

/** The broker cannot be reached now; the caller tries again later. */
export class BusUnavailable extends Error {
  constructor(message = 'RabbitMQ is not connected.') {
    super(message);
    this.name = 'BusUnavailable';
  }
}

/** No queue's name. */
const NOBODY = 'psa.nobody';

interface Consumer {
  readonly subscription: Subscription;
  readonly dispatcher: Dispatcher<Token>;
  /** Counts of failed events, by event id: the broker knows none of them. */
  readonly failures: Map<string, { failures: number; notBefore: number }>;
  /** Handled, but the acknowledgement did not reach the broker: to be acknowledged when delivered again. */
  readonly handled: Set<string>;
  channel: Channel | null;
  /** Deliveries of the channel that are not acknowledged, in their order. */
  readonly open: Set<number>;
  /** Of the subscription at the broker; empty while there is none. */
  tag: string;
  readonly declared: PromiseWithResolvers<void>;
}

/**
 * The bus on RabbitMQ: one durable topic exchange, a quorum queue per consumer, publisher confirms, manual
 * acknowledgement.
 *
 * Order: a queue is served by one replica at a time (single active consumer). A failed event stays
 * unacknowledged while it waits for its next try, and so do the later events of its aggregate; after a crash
 * of either side the broker delivers all of them again in their order. Nothing is moved to the tail of a
 * queue, so nothing overtakes. The price: the number of tries is known to the serving process alone, and
 * starts again at 1 when another takes over; and with `prefetch` events waiting the consumer stands still
 * until one is settled.
 */
export class RabbitBus implements EventBus {
  readonly #prefetch: number;
  readonly #confirmTimeoutMs: number;
  readonly #setupTimeoutMs: number;
  readonly #log: AdapterLog;
  /** Publishing has a connection of its own: the broker throttles publishers by connection. */
  readonly #publishing: RabbitConnection;
  readonly #consuming: RabbitConnection;
  #publisher: ConfirmChannel | null = null;
  #consumerConnection: ChannelModel | null = null;
  readonly #consumers = new Map<string, Consumer>();
  readonly #connected: PromiseWithResolvers<void>[] = [Promise.withResolvers(), Promise.withResolvers()];
  /** Looking into a dead-letter queue takes its messages for a moment, so one look at a time. */
  #dlqTurn: Promise<unknown> = Promise.resolve();
  #closed = false;

  private constructor(options: RabbitBusOptions) {
    this.#prefetch = options.prefetch ?? 1_000;
    this.#confirmTimeoutMs = options.confirmTimeoutMs ?? 15_000;
    this.#log = options.log ?? silentLog;
    const urls = typeof options.url === 'string' ? [options.url] : options.url;
    const name = options.name ?? 'psa';
    const log = this.#log;
    const setupTimeoutMs = options.setupTimeoutMs ?? 30_000;
    this.#setupTimeoutMs = setupTimeoutMs;
    this.#publishing = new RabbitConnection({
      ...{ urls, log, setupTimeoutMs },
      name: `${name} publishing`,
      setup: (connection) => this.#setUpPublishing(connection),
      lost: () => {
        this.#publisher = null;
      },
    });
    this.#consuming = new RabbitConnection({
      ...{ urls, log, setupTimeoutMs },
      name: `${name} consuming`,
      setup: (connection) => this.#setUpConsuming(connection),
      lost: () => this.#lostConsuming(),
    });
  }

  /**
   * Connects, and keeps connecting whenever the connection breaks.
   * @param waitMs how long to wait for the broker; after that the bus is returned all the same and goes on trying.
   */
  static async connect(options: RabbitBusOptions, waitMs = 30_000): Promise<RabbitBus> {
    const bus = new RabbitBus(options);
    bus.#publishing.start();
    bus.#consuming.start();
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, waitMs);
    });
    await Promise.race([Promise.all(bus.#connected.map((it) => it.promise)), patience]);
    clearTimeout(timer);
    return bus;
  }

  /** @throws BusUnavailable while the broker is away, or when it did not confirm: publish all of it again. */
  async publish(events: readonly EventEnvelope[]): Promise<void> {
    await this.#send(
      events.map((event) => ({ exchange: EXCHANGE, key: event.type, event, headers: undefined })),
    );
  }

  async subscribe(subscription: Subscription): Promise<void> {
    if (this.#closed) throw new Error('The bus is closed.');
    const name = subscription.consumer;
    if (this.#consumers.has(name)) throw new Error(`Consumer ${name} is subscribed already.`);
    const failures = new Map<string, { failures: number; notBefore: number }>();
    const handled = new Set<string>();
    const dispatcher = new Dispatcher<Token>(subscription, {
      done: async (taken) => {
        for (const it of taken) failures.delete(it.event.id);
        this.#acknowledge(consumer, taken);
      },
      retrying: async (taken) => {
        failures.set(taken.event.id, { failures: taken.failures, notBefore: taken.notBefore });
        forgetOldest(failures);
      },
      park: async (taken, error) => {
        const headers = {
          'psa-error': error,
          'psa-attempts': taken.failures,
          'psa-parked-at': new Date().toISOString(),
        };
        await this.#send([{ exchange: '', key: deadLetterQueue(name), event: taken.event, headers }]);
        failures.delete(taken.event.id);
        this.#acknowledge(consumer, [taken]);
      },
    });
    const declared = Promise.withResolvers<void>();
    const consumer: Consumer = {
      subscription,
      dispatcher,
      failures,
      handled,
      channel: null,
      open: new Set(),
      tag: '',
      declared,
    };
    this.#consumers.set(name, consumer);
    // While the broker is away this waits for the next connection, which declares every consumer.
    if (this.#consumerConnection) {
      const consuming = this.#consume(this.#consumerConnection, consumer);
      within(this.#setupTimeoutMs, consuming).catch((error: Error) => {
        this.#log.warn(`RabbitMQ: unable to declare ${name}: ${error.message}`);
        this.#consuming.reset();
      });
    }
    await declared.promise;
  }

  deadLetters(consumer?: string, limit = 100, tenantId?: string): Promise<DeadLetter[]> {
    return this.#withDeadLetters(async (connection) => {
      const found: DeadLetter[] = [];
      for (const name of consumer === undefined ? await knownConsumers(connection) : [consumer]) {
        if (found.length >= limit) break;
        await withMessages(connection, deadLetterQueue(name), (messages) => {
          for (const { content, properties } of messages) {
            const event = parse(content);
            if (!event || found.length >= limit || !isOf(event, tenantId)) continue;
            const headers = properties.headers ?? {};
            found.push({
              consumer: name,
              event,
              error: String(headers['psa-error'] ?? ''),
              attempts: Number(headers['psa-attempts'] ?? 0),
              parked_at: String(headers['psa-parked-at'] ?? ''),
            });
          }
        });
      }
      return found;
    });
  }

  replayDeadLetters(consumer: string, limit = 1_000, tenantId?: string): Promise<number> {
    return this.#withDeadLetters((connection) =>
      withMessages(connection, deadLetterQueue(consumer), async (messages, channel) => {
        await channel.checkQueue(consumer);
        let count = 0;
        for (const message of messages) {
          if (count >= limit) break;
          const event = parse(message.content);
          if (!event || !isOf(event, tenantId)) continue;
          await this.#send([{ exchange: '', key: consumer, event, headers: undefined }]);
          channel.ack(message);
          count++;
        }
        return count;
      }),
    );
  }

  async ping(): Promise<void> {
    const connection = this.#consumerConnection;
    if (!connection || !this.#publisher) throw new BusUnavailable();
    this.#refuseIfBlocked();
    for (const { subscription, tag } of this.#consumers.values())
      if (tag === '') throw new BusUnavailable(`RabbitMQ does not deliver to ${subscription.consumer} yet.`);
    const channel = this.#publisher;
    // By a message to nobody, which it confirms and drops: a broker that is short of memory tells only those who
    // publish, and answers whatever else is asked on a connection that has not.
    const taken = new Promise<void>((resolve, reject) => {
      channel.publish('', NOBODY, Buffer.alloc(0), {}, (error) => (error ? reject(error) : resolve()));
    });
    await within(5_000, taken, 'RabbitMQ does not answer.');
    // It takes the first message after all, and says so with it.
    this.#refuseIfBlocked();
  }

  #refuseIfBlocked(): void {
    const { blocked } = this.#publishing;
    if (blocked) throw new BusUnavailable(`RabbitMQ takes nothing: ${blocked}.`);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const consumer of this.#consumers.values()) {
      await consumer.channel?.cancel(consumer.tag).catch(() => {});
      await consumer.dispatcher.stop();
      // Sends the acknowledgements; what was held and not begun goes back to its queue.
      await consumer.channel?.close().catch(() => {});
      consumer.declared.resolve();
    }
    await this.#consuming.close();
    this.#publisher = null;
    // Its channel goes with it: a broker that takes nothing does not answer that the channel is closed either.
    await this.#publishing.close();
  }

  async #setUpPublishing(connection: ChannelModel): Promise<void> {
    const channel = await connection.createConfirmChannel();
    channel.on('error', (error: Error) => this.#log.warn(`RabbitMQ: publishing channel: ${error.message}`));
    // A channel may be closed by the broker while the connection stays; start afresh with both.
    channel.on('close', () => {
      if (this.#publisher !== channel || this.#closed) return;
      this.#publisher = null;
      this.#publishing.reset();
    });
    await declareExchange(channel);
    this.#publisher = channel;
    this.#connected[0]!.resolve();
  }

  async #setUpConsuming(connection: ChannelModel): Promise<void> {
    for (const consumer of this.#consumers.values()) await this.#consume(connection, consumer);
    this.#consumerConnection = connection;
    // Those that subscribed while the others were being declared.
    for (const consumer of this.#consumers.values()) {
      if (!consumer.channel) await this.#consume(connection, consumer);
    }
    this.#connected[1]!.resolve();
  }

  #lostConsuming(): void {
    this.#consumerConnection = null;
    for (const consumer of this.#consumers.values()) {
      consumer.channel = null;
      consumer.tag = '';
      consumer.dispatcher.forget();
    }
  }

  async #consume(connection: ChannelModel, consumer: Consumer): Promise<void> {
    const { consumer: name, topics } = consumer.subscription;
    const matches = topicMatcher(topics);
    const channel = await connection.createChannel();
    channel.on('error', (error: Error) => this.#log.warn(`RabbitMQ: channel of ${name}: ${error.message}`));
    channel.on('close', () => {
      if (consumer.channel !== channel || this.#closed) return;
      this.#consuming.reset();
    });
    consumer.channel = channel;
    consumer.open.clear();
    // What an earlier channel delivered comes again over this one.
    consumer.dispatcher.forget();
    await declareConsumer(connection, channel, name, topics);
    await channel.prefetch(this.#prefetch);
    const { consumerTag } = await channel.consume(name, (message) => {
      if (message === null) {
        // The queue was deleted or its leader moved.
        this.#log.warn(`RabbitMQ: the broker cancelled ${name}.`);
        this.#consuming.reset();
        return;
      }
      this.#deliver(consumer, { channel, message }, matches);
    });
    consumer.tag = consumerTag;
    consumer.declared.resolve();
  }

  #deliver(consumer: Consumer, token: Token, matches: (type: string) => boolean): void {
    if (consumer.channel !== token.channel) return;
    consumer.open.add(token.message.fields.deliveryTag);
    const event = parse(token.message.content);
    if (!event) {
      this.#parkForeign(consumer, token);
      return;
    }
    // Bound under topics that the consumer has given up since, or handled before the connection broke.
    // A replayed dead letter has no exchange: it is handed over whatever its topic.
    const unwanted = token.message.fields.exchange === EXCHANGE && !matches(event.type);
    if (unwanted || consumer.handled.delete(event.id)) {
      settle(consumer, [token]);
      return;
    }
    const known = consumer.failures.get(event.id);
    consumer.dispatcher.add({
      event,
      token,
      failures: known?.failures ?? 0,
      notBefore: known?.notBefore ?? 0,
    });
  }

  #acknowledge(consumer: Consumer, taken: readonly Taken<Token>[]): void {
    const here = taken.filter(({ token }) => token.channel === consumer.channel);
    const settled = settle(
      consumer,
      here.map(({ token }) => token),
    );
    for (const { token, event } of taken) {
      if (settled && token.channel === consumer.channel) continue;
      consumer.handled.add(event.id);
      forgetOldest(consumer.handled);
    }
  }

  /** Keeps a message that is no event, written by somebody else, as it is. */
  #parkForeign(consumer: Consumer, token: Token): void {
    const name = consumer.subscription.consumer;
    this.#log.warn(
      `RabbitMQ: ${name} got a message that is no event; it is kept in ${deadLetterQueue(name)}.`,
    );
    const channel = this.#publisher;
    // Unacknowledged it comes again with the next connection.
    if (!channel) return;
    const headers = { 'psa-error': 'not an event', 'psa-parked-at': new Date().toISOString() };
    channel.publish(
      '',
      deadLetterQueue(name),
      token.message.content,
      { persistent: true, headers },
      (error) => {
        if (!error && consumer.channel === token.channel) settle(consumer, [token]);
      },
    );
  }

  async #send(
    messages: readonly {
      exchange: string;
      key: string;
      event: EventEnvelope;
      headers: Record<string, unknown> | undefined;
    }[],
  ): Promise<void> {
    const channel = this.#publisher;
    if (!channel) throw new BusUnavailable();
    this.#refuseIfBlocked();
    const confirmed: Promise<void>[] = [];
    for (const { exchange, key, event, headers } of messages) {
      const options = { persistent: true, messageId: event.id, contentType: 'application/json', headers };
      const content = Buffer.from(JSON.stringify(event));
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      confirmed.push(promise);
      // Otherwise the first failure would leave the others without anybody listening.
      promise.catch(() => {});
      channel.publish(exchange, key, content, options, (error: unknown) => {
        if (error) reject(new BusUnavailable('RabbitMQ did not confirm the events.'));
        else resolve();
      });
    }
    try {
      await within(this.#confirmTimeoutMs, Promise.all(confirmed), 'RabbitMQ did not confirm in time.');
    } catch (error) {
      // What is still under way must not arrive after its repetition; what a blocked broker has not read yet, it will.
      if (this.#publisher === channel && !this.#publishing.blocked) {
        this.#publisher = null;
        this.#publishing.reset();
      }
      throw error instanceof BusUnavailable ? error : new BusUnavailable((error as Error).message);
    }
  }

  async #withDeadLetters<R>(work: (connection: ChannelModel) => Promise<R>): Promise<R> {
    const turn = this.#dlqTurn.then(() => {
      if (!this.#consumerConnection) throw new BusUnavailable();
      return work(this.#consumerConnection);
    });
    this.#dlqTurn = turn.catch(() => {});
    return turn;
  }
}

function parse(content: Buffer): EventEnvelope | null {
  try {
    const value = JSON.parse(content.toString()) as EventEnvelope | null;
    return typeof value?.id === 'string' && typeof value.type === 'string' && value.aggregate ? value : null;
  } catch {
    return null;
  }
}

/** Keeps a memory of ids bounded; forgetting one costs a repetition, never an event. */
function forgetOldest(ids: Map<string, unknown> | Set<string>): void {
  if (ids.size <= 10_000) return;
  const oldest = ids.keys().next();
  if (!oldest.done) ids.delete(oldest.value);
}

const isOf = (event: EventEnvelope, tenantId: string | undefined) =>
  tenantId === undefined || event.tenant_id === tenantId;
