import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { look, pack, unpack } from './tar.ts';

let dir: TempDir;
beforeAll(async () => {
  dir = await tempDir('tar');
  await mkdir(join(dir.path, 'in'));
  await writeFile(join(dir.path, 'in/first'), 'what is looked for');
  await writeFile(join(dir.path, 'in/second'), 'x'.repeat(8_000_000));
});
afterAll(() => dir.remove());

describe('an archive', () => {
  it('is read to its end when what is looked for stands at its beginning', async () => {
    const stream = new PassThrough();
    const looking = look(stream, 'in/first');
    const packed = await pack(['--directory', dir.path, 'in/first', 'in/second'], stream, {
      mayChange: false,
    });
    stream.end();
    expect(packed.entries).toBe(2);
    expect(await looking).toEqual({ names: ['in/first', 'in/second'], content: 'what is looked for' });
  });

  it('that breaks off leaves no tar behind that waits for the rest', async () => {
    const tars = () => process.getActiveResourcesInfo().filter((name) => name === 'ProcessWrap').length;
    // Those of the test before this one may just be ending.
    await expect.poll(tars, { timeout: 20_000 }).toBe(0);
    const stream = new PassThrough();
    const looking = look(stream, 'in/first');
    stream.write(Buffer.alloc(512));
    stream.destroy(new Error('it is damaged'));
    await expect(looking).rejects.toThrow('it is damaged');
    await expect.poll(tars, { timeout: 20_000 }).toBe(0);
  });

  it('that follows another in the same stream is read with it', async () => {
    const stream = new PassThrough();
    const looking = look(stream, 'in/absent');
    for (const name of ['in/first', 'in/second'])
      await pack(['--directory', dir.path, name], stream, { mayChange: false });
    stream.end();
    expect(await looking).toEqual({ names: ['in/first', 'in/second'], content: null });
  });

  it('of what is not there fails, and so does one that is none', async () => {
    await expect(
      pack(['--directory', dir.path, 'in/absent'], new PassThrough().resume(), { mayChange: true }),
    ).rejects.toThrow(/in\/absent.*No such file/);
    const stream = new PassThrough();
    stream.end('hello '.repeat(10_000));
    await expect(unpack(stream, dir.path)).rejects.toThrow(/tar/);
  });

  it('holds the bytes that went in', async () => {
    const stream = new PassThrough();
    const all = buffer(stream);
    const { bytes } = await pack(['--directory', dir.path, 'in'], stream, { mayChange: false });
    stream.end();
    expect((await all).length).toBe(bytes);
  });
});
