import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { missingSources, sourceLines } from './sources.ts';

const KEY = '/usr/share/keyrings/debian-archive-keyring.gpg';
let folder: TempDir;
beforeEach(async () => {
  folder = await tempDir('sources');
  await mkdir(join(folder.path, 'sources.list.d'));
});
afterEach(() => folder.remove());
const put = (name: string, text: string) => writeFile(join(folder.path, name), text);
const lines = (...extra: string[]) => sourceLines('bookworm', extra, folder.path);

describe('the sources of packages', () => {
  it("deb822: the suites of Debian 12, at this machine's mirror", async () => {
    await put(
      'sources.list.d/debian.sources',
      `Types: deb deb-src
# a comment
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates bookworm-backports
Components: main contrib
Signed-By: ${KEY}

Types: deb
URIs: http://mirror.example/security
Suites: bookworm-security
Components: main

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main
`,
    );
    expect(lines()).toEqual([
      `deb [signed-by=${KEY}] http://mirror.example/debian bookworm main`,
      `deb [signed-by=${KEY}] http://mirror.example/debian bookworm-updates main`,
      `deb [signed-by=${KEY}] http://mirror.example/security bookworm-security main`,
    ]);
  });

  it('one line each', async () => {
    await put(
      'sources.list',
      `# deb http://old.example/debian bookworm main
deb [arch=amd64 signed-by=${KEY}] http://a.example/debian bookworm main non-free # why
deb-src http://a.example/debian bookworm main
deb http://a.example/debian trixie main
`,
    );
    expect(lines()).toEqual([`deb [signed-by=${KEY}] http://a.example/debian bookworm main`]);
  });

  it('others have a suite of this name, too: they are not taken', async () => {
    await put('sources.list', 'deb http://a.example/debian bookworm main\n');
    await put('sources.list.d/x.list', 'deb [signed-by=/etc/x.gpg] http://x.example bookworm main\n');
    await put('sources.list.d/y.list', 'deb http://y.example bookworm stable\n');
    expect(lines()).toEqual([`deb [signed-by=${KEY}] http://a.example/debian bookworm main`]);
  });

  it('those that a template names are taken besides', async () => {
    await put('sources.list', 'deb http://a.example/debian bookworm main\n');
    await put(
      'sources.list.d/elastic-8.x.list',
      'deb [signed-by=/etc/e.gpg] http://e.example/8.x stable main\n',
    );
    expect(missingSources(['elastic', 'other'], folder.path)).toEqual(['other']);
    expect(lines('elastic')).toEqual([
      `deb [signed-by=${KEY}] http://a.example/debian bookworm main`,
      'deb [signed-by=/etc/e.gpg] http://e.example/8.x stable main',
    ]);
    expect(() => lines('other')).toThrow('this machine has no source "other"');
  });

  it('a machine without Debian 12 says so', async () => {
    await put('sources.list', 'deb http://a.example/debian trixie main\n');
    expect(() => lines()).toThrow("no source for Debian's bookworm");
  });
});
