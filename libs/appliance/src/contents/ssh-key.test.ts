import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir } from '@psa/test-kit/temp-dir';
import { expect, it, onTestFinished } from 'vitest';
import { sshKey } from './ssh-key.ts';

const secret = 'ab'.repeat(32);

it('OpenSSH reads the key and finds its public part', async () => {
  const dir = await tempDir('ssh-key');
  onTestFinished(() => dir.remove());
  for (const purpose of ['x', 'repository', 'a longer purpose of a key']) {
    const key = sshKey(secret, purpose);
    const file = join(dir.path, purpose.replaceAll(' ', '-'));
    writeFileSync(file, key.privateKey, { mode: 0o600 });
    const said = execFileSync('ssh-keygen', ['-y', '-f', file], { encoding: 'utf8' });
    expect(said.trim()).toBe(`${key.publicKey} ${purpose}`);
  }
});

it('follows from the secret and the purpose, and from nothing else', () => {
  expect(sshKey(secret, 'one')).toEqual(sshKey(secret, 'one'));
  const all = [sshKey(secret, 'one'), sshKey(secret, 'two'), sshKey('cd'.repeat(32), 'one')];
  expect(new Set(all.map(({ publicKey }) => publicKey)).size).toBe(3);
});
