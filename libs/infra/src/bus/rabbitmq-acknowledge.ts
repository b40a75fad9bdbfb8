import type { Channel, ConsumeMessage } from 'amqplib';

/** Where a delivery can be acknowledged: its channel dies with its connection. */
export interface Token {
  readonly channel: Channel;
  readonly message: ConsumeMessage;
}

/** A channel that delivers, and what of it is not acknowledged: the deliveries' numbers in their order. */
interface Delivering {
  readonly channel: Channel | null;
  readonly open: Set<number>;
}

/**
 * Acknowledges deliveries of this channel; false when it has just closed. Those that nothing older is still open before
 * go in one word: for the broker each word is a round of its queue's replicas, and a frame to read.
 */
export function settle({ channel, open }: Delivering, tokens: readonly Token[]): boolean {
  for (const { message } of tokens) open.delete(message.fields.deliveryTag);
  const [oldest = Number.POSITIVE_INFINITY] = open;
  const inOrder = tokens.toSorted((a, b) => a.message.fields.deliveryTag - b.message.fields.deliveryTag);
  const upTo = inOrder.findLastIndex(({ message }) => message.fields.deliveryTag < oldest);
  try {
    if (upTo >= 0) channel!.ack(inOrder[upTo]!.message, true);
    for (const { message } of inOrder.slice(upTo + 1)) channel!.ack(message);
    return true;
  } catch {
    return false;
  }
}
