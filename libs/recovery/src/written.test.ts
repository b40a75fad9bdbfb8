import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { written } from './written.ts';

describe('what is written at the reader’s speed', () => {
  it('waits for a reader that is slower, and leaves no listener behind', async () => {
    const into = new PassThrough({ highWaterMark: 1 });
    const seen: string[] = [];
    const reading = (async () => {
      for await (const chunk of into) seen.push(String(chunk));
    })();
    for (let n = 0; n < 30; n++) expect(await written(into, `${n}`)).toBe(true);
    const listeners = into.listenerCount('drain');
    into.end();
    await reading;
    expect(seen.join(' ')).toBe(Array.from({ length: 30 }, (_, n) => n).join(' '));
    expect(listeners).toBe(0);
  });

  it('says that who read it has gone, before and in the middle', async () => {
    const into = new PassThrough({ highWaterMark: 1 });
    const waiting = written(into, 'aa');
    into.destroy();
    expect(await waiting).toBe(false);
    expect(await written(into, 'b')).toBe(false);
  });
});
