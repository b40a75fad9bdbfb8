import type { Channel, ChannelModel, GetMessage } from 'amqplib';

/** The one exchange that every event is published to, under its type. */
export const EXCHANGE = 'psa.events';
/** A durable list of consumers, one message each, so that dead letters of all can be listed. */
const REGISTRY = 'psa.consumers';

/**
 * Pause after a quorum queue was made. RabbitMQ 3.10 writes the node's directory of queues half a second
 * late: a node killed within that time comes back with the queue empty and without a leader.
 */
const SETTLE_MS = 1_000;

const QUORUM = { 'x-queue-type': 'quorum' };

/** The queue that keeps the events of a consumer which failed for good. */
export function deadLetterQueue(consumer: string): string {
  return `${consumer}.dlq`;
}

/** Declares the exchange; safe to call again. */
export async function declareExchange(channel: Channel): Promise<void> {
  await channel.assertExchange(EXCHANGE, 'topic', { durable: true });
}

/** Whether a queue exists. Asked on a channel of its own, because the answer "no" closes it. */
async function queueExists(connection: ChannelModel, queue: string): Promise<boolean> {
  const channel = await connection.createChannel();
  channel.on('error', () => {});
  try {
    await channel.checkQueue(queue);
  } catch (error) {
    if ((error as { code?: number }).code === 404) return false;
    throw error;
  }
  await channel.close();
  return true;
}

/** Declares the queues of a consumer and binds its topics; safe to call again. */
export async function declareConsumer(
  connection: ChannelModel,
  channel: Channel,
  consumer: string,
  topics: readonly string[],
): Promise<void> {
  const isNew = !(await queueExists(connection, consumer));
  await declareExchange(channel);
  await channel.assertQueue(consumer, {
    durable: true,
    // One replica at a time is served and another takes over when it goes: so the order per aggregate holds
    // with any number of replicas.
    arguments: { ...QUORUM, 'x-single-active-consumer': true },
  });
  await channel.assertQueue(deadLetterQueue(consumer), { durable: true, arguments: QUORUM });
  for (const topic of topics) await channel.bindQueue(consumer, EXCHANGE, topic);
  if (!isNew) return;
  await channel.assertQueue(REGISTRY, { durable: true, arguments: QUORUM });
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  const confirming = await connection.createConfirmChannel();
  confirming.on('error', () => {});
  confirming.sendToQueue(REGISTRY, Buffer.from(consumer), { persistent: true });
  await confirming.waitForConfirms();
  await confirming.close();
}

/** The names of all consumers that were ever declared, sorted. */
export async function knownConsumers(connection: ChannelModel): Promise<string[]> {
  if (!(await queueExists(connection, REGISTRY))) return [];
  const names = await withMessages(
    connection,
    REGISTRY,
    (messages) => new Set(messages.map((message) => message.content.toString())),
  );
  const existing: string[] = [];
  for (const name of [...names].sort()) {
    if (await queueExists(connection, deadLetterQueue(name))) existing.push(name);
  }
  return existing;
}

/** Messages looked at in one go; a queue of dead letters that is longer shows its first ones. */
const MOST = 10_000;

/**
 * Takes the messages of a queue, hands them over in the order in which they were parked, and gives back those
 * that `work` did not acknowledge. All are taken even when few are wanted: the broker puts what is given back
 * behind what was given back before, so that taking a part would turn the order round.
 */
export async function withMessages<R>(
  connection: ChannelModel,
  queue: string,
  work: (messages: readonly GetMessage[], channel: Channel) => Promise<R> | R,
): Promise<R> {
  const channel = await connection.createChannel();
  channel.on('error', () => {});
  const messages: GetMessage[] = [];
  // Not counted first: the queue's count lags behind what was just given back.
  for (let taken: GetMessage | false; messages.length < MOST; messages.push(taken)) {
    taken = await channel.get(queue, { noAck: false });
    if (!taken) break;
  }
  messages.sort((a, b) => (parkedAt(a) < parkedAt(b) ? -1 : parkedAt(a) > parkedAt(b) ? 1 : 0));
  try {
    return await work(messages, channel);
  } finally {
    await giveBack(channel, queue);
  }
}

const parkedAt = (message: GetMessage) => String(message.properties.headers?.['psa-parked-at'] ?? '');

/**
 * Gives what a channel holds back to its queue and closes the channel. Closing alone would give it back some
 * milliseconds after the broker confirmed the closing, and whoever looked next would find nothing. Said aloud,
 * it stands in the queue's log before any `get` that is sent after the answer to a later question.
 */
async function giveBack(channel: Channel, queue: string): Promise<void> {
  try {
    channel.nackAll(true);
    await channel.checkQueue(queue);
    await channel.close();
  } catch {
    // The channel has ended, and that gives everything back.
  }
}
