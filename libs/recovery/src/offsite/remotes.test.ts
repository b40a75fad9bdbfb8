import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SiteManifest } from '../manifest.ts';
import { copyName } from './copy-name.ts';
import { Rclone } from './rclone.ts';
import { readRemote } from './receipt.ts';
import { fetchCopy, sendOffsite, verifyCopy } from './send.ts';
import { type Webdav, webdav } from './webdav.test-helper.ts';

/** Kinds of remotes that hold their account to nothing; offsite.test.ts has the one that does. */
let dir: TempDir;
let server: Webdav;
let identity: string;
let recipients: readonly string[];
beforeAll(async () => {
  dir = await tempDir('remotes-test');
  server = await webdav();
  identity = await generateX25519Identity();
  recipients = [await identityToRecipient(identity)];
});
afterAll(async () => {
  await server?.stop();
  await dir.remove();
});

/** Any other that rclone knows: `PSA_TEST_REMOTE=s3:bucket`, with RCLONE_CONFIG. It gets a folder of its own there. */
const OTHER = process.env.PSA_TEST_REMOTE;

const kinds: readonly (readonly [string, (folder: string) => Rclone])[] = [
  ['a path', (folder) => new Rclone(join(dir.path, folder), { env: process.env })],
  [
    'WebDAV',
    (folder) => new Rclone(`offsite:${folder}`, { env: { ...process.env, RCLONE_CONFIG: server.config } }),
  ],
  ...(OTHER === undefined
    ? []
    : [[OTHER, (folder: string) => new Rclone(`${OTHER}/${folder}`, { env: process.env })] as const]),
];

let count = 0;
function backup(bytes: number): {
  content: Buffer;
  manifest: SiteManifest;
  read(into: Writable): Promise<void>;
} {
  const id = `database-20261130T020000Z-${(count++).toString(16).padStart(6, '0')}`;
  const content = randomBytes(bytes);
  const manifest: SiteManifest = {
    ...{ manifest: 1, id, kind: 'database', at: '2026-11-30T02:00:00.000Z', bytes, recipients: [] },
    sha256: createHash('sha256').update(content).digest('hex'),
    ...{ duration_ms: 1, verified_at: '2026-11-30T02:01:00.000Z', site: 'psa/main', run: id.slice(9) },
    ...{ tier: 'grandfather', from: {}, content_bytes: null, version: '15.18', warnings: [] },
  };
  return { content, manifest, read: async (into) => void into.write(content) };
}

describe.each(kinds)('%s', { timeout: 60_000 }, (_, open) => {
  const folder = `psa-${randomBytes(4).toString('hex')}`;
  const remote = () => open(folder);
  const stateOf = async (id: string) => (await readRemote(remote())).filter((one) => one.id === id);

  it('takes a copy, reads it back, and gives it back as the backup that it was', async () => {
    expect(await readRemote(remote())).toEqual([]);
    const { manifest, content, read } = backup(12_000_000);
    const receipt = await sendOffsite(remote(), { manifest, recipients, read });
    expect(await stateOf(manifest.id)).toMatchObject([{ state: 'good', receipt }]);
    await verifyCopy(remote(), receipt);
    const back = join(dir.path, `back-${folder}`);
    await mkdir(back);
    expect(await fetchCopy(remote(), receipt, identity, back)).toEqual(manifest);
    expect((await readFile(join(back, `${manifest.id}.sql.zst`))).equals(content)).toBe(true);
  });

  it('cut off in the middle it counts for nothing, and the next attempt is whole', async () => {
    const { manifest, content, read } = backup(3_000_000);
    const failing = async (into: Writable) => {
      into.write(content.subarray(0, 1_000_000));
      throw new Error('the node went away');
    };
    await expect(sendOffsite(remote(), { manifest, recipients, read: failing })).rejects.toThrow(
      'the node went away',
    );
    expect((await stateOf(manifest.id)).map(({ state }) => state)).not.toContain('good');
    await sendOffsite(remote(), { manifest, recipients, read });
    expect((await stateOf(manifest.id)).filter(({ state }) => state === 'good')).toHaveLength(1);
  });

  it('damaged there it is found, and never comes back as good', async () => {
    const { manifest, read } = backup(100_000);
    const receipt = await sendOffsite(remote(), { manifest, recipients, read });
    const name = copyName(manifest.id, receipt.attempt, 'content');
    const chunks: Buffer[] = [];
    await remote().read(name, async (sealed) => {
      for await (const chunk of sealed) chunks.push(chunk as Buffer);
    });
    const turned = Buffer.concat(chunks);
    turned[turned.length >> 1]! ^= 1;
    await remote().remove(name);
    await remote().put(name, async (into) => void into.write(turned));
    await expect(verifyCopy(remote(), receipt)).rejects.toThrow(/its content is not/);
    const back = join(dir.path, `damaged-${folder}`);
    await mkdir(back);
    await expect(fetchCopy(remote(), receipt, identity, back)).rejects.toThrow(/damaged|does not restore/);
  });
});

it('WebDAV with another password is refused by name, and is no empty folder', async () => {
  const stranger = new Rclone('stranger:', { env: { ...process.env, RCLONE_CONFIG: server.config } });
  await expect(readRemote(stranger)).rejects.toMatchObject({
    message: expect.stringMatching(/stranger:.*(401|Unauthorized)/),
  });
  const { manifest, read } = backup(1_000);
  await expect(sendOffsite(stranger, { manifest, recipients, read })).rejects.toThrow(/401|Unauthorized/);
});
