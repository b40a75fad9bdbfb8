import type { Channel, ChannelModel } from 'amqplib';

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
  const names = new Set<string>();
  await peek(connection, REGISTRY, Number.POSITIVE_INFINITY, (content) => names.add(content.toString()));
  const existing: string[] = [];
  for (const name of [...names].sort()) {
    if (await queueExists(connection, deadLetterQueue(name))) existing.push(name);
  }
  return existing;
}

/** Shows up to `limit` messages of a queue and leaves them there, in their order. */
export async function peek(
  connection: ChannelModel,
  queue: string,
  limit: number,
  see: (content: Buffer, headers: Readonly<Record<string, unknown>>) => void,
): Promise<void> {
  const channel = await connection.createChannel();
  channel.on('error', () => {});
  const { messageCount } = await channel.checkQueue(queue);
  for (let seen = 0; seen < Math.min(limit, messageCount); seen++) {
    const message = await channel.get(queue, { noAck: false });
    if (!message) break;
    see(message.content, message.properties.headers ?? {});
  }
  // Closing gives all of them back at once.
  await channel.close();
}
