import { stat } from 'node:fs/promises';
import { connect as connectAmqp } from 'amqplib';
import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { startRabbitMq } from './rabbitmq.ts';
import { startRedis } from './redis.ts';
import { tempDir } from './temp-dir.ts';

describe('private servers', () => {
  it('Redis keeps its data over an orderly end, and stop leaves nothing running', async () => {
    const server = await startRedis();
    const redis = new Redis(server.url);
    await redis.set('a', '1');
    const first = server.pid;
    await server.end();
    expect(server.pid).toBe(0);
    await server.start();
    expect(server.pid).not.toBe(first);
    expect(await redis.get('a')).toBe('1');
    redis.disconnect();
    await server.stop();
    expect(server.pid).toBe(0);
  });

  it('RabbitMQ keeps a durable message over kill -9', { timeout: 120_000 }, async () => {
    const server = await startRabbitMq();
    const first = await connectAmqp(server.url);
    first.on('error', () => {});
    const channel = await first.createConfirmChannel();
    channel.on('error', () => {});
    await channel.assertQueue('q', { durable: true, arguments: { 'x-queue-type': 'quorum' } });
    channel.sendToQueue('q', Buffer.from('kept'), { persistent: true });
    await channel.waitForConfirms();
    // A quorum queue is entered into the node's directory of queues half a second late (3.10).
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    await server.kill9();
    await server.start();
    const second = await connectAmqp(server.url);
    const message = await (await second.createChannel()).get('q', { noAck: true });
    expect(message ? message.content.toString() : '').toBe('kept');
    await second.close();
    await server.stop();
    expect(server.pid).toBe(0);
  });

  it('a temporary folder is there until removed', async () => {
    const dir = await tempDir('x');
    expect((await stat(dir.path)).isDirectory()).toBe(true);
    await dir.remove();
    await dir.remove();
    await expect(stat(dir.path)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
