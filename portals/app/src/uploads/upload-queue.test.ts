import { expect, it } from 'vitest';
import { ApiError } from '../api/error.ts';
import { canRetry, type SendFile, UploadQueue } from './upload-queue.ts';

const file = (name: string) => new File([name], name);
const [a, b, c] = [file('a.txt'), file('b.txt'), file('c.txt')];
const offline = new ApiError({ status: 0, code: 'NETWORK_ERROR', message: '' });

it('sends one after the other and tells how far it is', async () => {
  const queue = new UploadQueue();
  queue.choose([a, b]);
  const seen: string[] = [];
  queue.subscribe(() =>
    seen.push(
      queue
        .items()
        .map((i) => `${i.status}${i.share}`)
        .join(' '),
    ),
  );
  const send: SendFile = async (_, { onProgress }) => onProgress(0.5);
  expect(await queue.send(send)).toBe(true);
  expect(seen).toEqual([
    'sending0 waiting0',
    'sending0.5 waiting0',
    'done1 waiting0',
    'done1 sending0',
    'done1 sending0.5',
    'done1 done1',
  ]);
});

it('goes on after a failure and repeats only what failed, under the same key', async () => {
  const queue = new UploadQueue();
  queue.choose([a, b, c]);
  const keys: [string, string][] = [];
  const failing: SendFile = async (sent, { key }) => {
    keys.push([sent.name, key]);
    if (sent === b) throw offline;
  };
  expect(await queue.send(failing)).toBe(false);
  expect(queue.items().map((i) => i.status)).toEqual(['done', 'failed', 'done']);
  expect(
    await queue.send(async (sent, { key }) => {
      keys.push([sent.name, key]);
    }),
  ).toBe(true);
  expect(keys.map(([name]) => name)).toEqual(['a.txt', 'b.txt', 'c.txt', 'b.txt']);
  expect(keys[3]).toEqual(keys[1]);
});

it('is not started twice', async () => {
  const queue = new UploadQueue();
  queue.choose([a]);
  let sent = 0;
  const send: SendFile = async () => {
    sent += 1;
  };
  expect(await Promise.all([queue.send(send), queue.send(send)])).toEqual([true, true]);
  expect(sent).toBe(1);
});

it('leaves out what was taken away meanwhile', async () => {
  const queue = new UploadQueue();
  queue.choose([a, b]);
  const sent: string[] = [];
  const done = await queue.send(async (current) => {
    sent.push(current.name);
    queue.choose([a]);
  });
  expect([done, sent]).toEqual([true, ['a.txt']]);
});

it('knows when another attempt is pointless', () => {
  const item = { file: a, key: 'k', status: 'failed', share: 0 } as const;
  expect(canRetry({ ...item, error: offline })).toBe(true);
  expect(
    canRetry({ ...item, error: new ApiError({ status: 413, code: 'PAYLOAD_TOO_LARGE', message: '' }) }),
  ).toBe(false);
});
