import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureSigningKey, readSigningKey, rotateSigningKey, signingKeyFile } from './key-file.ts';
import {
  newSigningKey,
  PUBLIC_KEY,
  parseSecretKey,
  secretKeyText,
  signatureFault,
  signatureOf,
} from './minisign.ts';

let dir: TempDir;
beforeAll(async () => {
  dir = await tempDir('signing');
});
afterAll(() => dir.remove());

const NAME = 'psa-platform-1.0.0.tar.zst';
const content = Buffer.from('a release');
const key = newSigningKey();
const fault = (more: { data?: Buffer; name?: string; text?: string; keys?: string[] } = {}) =>
  signatureFault(
    more.data ?? content,
    more.name ?? NAME,
    more.text ?? signatureOf(content, NAME, key),
    more.keys ?? [key.publicKey],
  );

describe('a signature', () => {
  it('holds for that content, that name and one of the keys', () => {
    expect(key.publicKey).toMatch(new RegExp(PUBLIC_KEY));
    expect(fault()).toBeNull();
    expect(fault({ keys: [newSigningKey().publicKey, key.publicKey] })).toBeNull();
  });

  it('is refused with the reason', () => {
    expect(fault({ data: Buffer.from('a Release') })).toBe('it was changed after it was signed');
    expect(fault({ name: 'psa-platform-1.0.1.tar.zst' })).toBe(
      `its signature is that of another file (file:${NAME})`,
    );
    expect(fault({ keys: [newSigningKey().publicKey] })).toMatch(
      /^it is signed with the key [0-9A-F]{16}, which/,
    );
    expect(fault({ keys: [] })).toMatch(/which the inventory does not name$/);
    expect(fault({ text: '' })).toBe('its signature is not whole');
    const renamed = signatureOf(content, NAME, key).replace('1.0.0', '2.0.0');
    expect(fault({ text: renamed, name: 'psa-platform-2.0.0.tar.zst' })).toBe(
      'the comment of its signature was changed',
    );
    // Who has another key may name it as ours.
    const forged = { ...newSigningKey(), id: key.id };
    expect(fault({ text: signatureOf(content, NAME, forged) })).toBe('it was changed after it was signed');
  });

  it('holds for nothing that differs in a byte, wherever', () => {
    const lines = signatureOf(content, NAME, key).split('\n');
    fc.assert(
      fc.property(fc.nat(73), fc.integer({ min: 1, max: 255 }), (at, by) => {
        const data = Buffer.from(lines[1]!, 'base64');
        data[at]! ^= by;
        expect(fault({ text: lines.with(1, data.toString('base64')).join('\n') })).not.toBeNull();
      }),
    );
  });
});

describe('minisign itself', () => {
  const at = (name: string) => join(dir.path, name);
  it('checks what psactl signs, and signs with its key what psactl takes', () => {
    writeFileSync(at(NAME), content);
    writeFileSync(at(`${NAME}.minisig`), signatureOf(content, NAME, key));
    const check = ['-Vm', at(NAME), '-P', key.publicKey];
    expect(execFileSync('minisign', check, { encoding: 'utf8' })).toContain(`file:${NAME}`);
    writeFileSync(at(NAME), 'another');
    expect(spawnSync('minisign', check).status).not.toBe(0);
    writeFileSync(at(NAME), content);
    writeFileSync(at('key'), secretKeyText(key));
    execFileSync('minisign', ['-Sm', at(NAME), '-s', at('key'), '-t', `file:${NAME}`]);
    expect(fault({ text: readFileSync(at(`${NAME}.minisig`), 'utf8') })).toBeNull();
  });

  it('makes keys that psactl reads', () => {
    execFileSync('minisign', ['-GW', '-p', at('made.pub'), '-s', at('made.key')]);
    const [, publicKey] = readFileSync(at('made.pub'), 'utf8').split('\n');
    expect(parseSecretKey(readFileSync(at('made.key'), 'utf8')).publicKey).toBe(publicKey);
  });
});

describe('the file of the key', () => {
  it('is made once, also by two at once, for its owner alone', async () => {
    const file = join(dir.path, 'new/signing.key');
    const [one, two] = await Promise.all([ensureSigningKey(file), ensureSigningKey(file)]);
    expect(one.key.publicKey).toBe(two.key.publicKey);
    expect([one.isNew, two.isNew].filter(Boolean)).toHaveLength(1);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect((await ensureSigningKey(file)).isNew).toBe(false);
  });

  it('is that of who called sudo, where they have one', async () => {
    const passwd = join(dir.path, 'passwd');
    const home = join(dir.path, 'anna');
    writeFileSync(passwd, `root:x:0:0:root:/root:/bin/sh\nanna:x:1000:1000::${home}:/bin/sh\n`);
    const sudo = { HOME: '/root', SUDO_UID: '1000' };
    expect(signingKeyFile(sudo, passwd)).toBe('/root/.config/psactl/signing.key');
    const own = signingKeyFile({ HOME: home });
    await ensureSigningKey(own);
    expect(signingKeyFile(sudo, passwd)).toBe(own);
    expect(signingKeyFile({ ...sudo, PSA_SIGNING_KEY: '/k' }, passwd)).toBe('/k');
  });

  it('is exchanged, and the old one kept', async () => {
    const file = join(dir.path, 'rotated/signing.key');
    const { key: before } = await ensureSigningKey(file);
    const after = await rotateSigningKey(file);
    expect((await readSigningKey(file))!.publicKey).toBe(after.publicKey);
    expect((await readSigningKey(`${file}.old`))!.publicKey).toBe(before.publicKey);
  });

  it('is named when it holds something else', async () => {
    mkdirSync(join(dir.path, 'bad'));
    const file = join(dir.path, 'bad/signing.key');
    writeFileSync(file, 'hello');
    await expect(ensureSigningKey(file)).rejects.toThrow(
      `Unable to sign with ${file}: It is not a secret key`,
    );
    expect(await readSigningKey(join(dir.path, 'nowhere'))).toBeNull();
  });
});
