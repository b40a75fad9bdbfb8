import { execFile, execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { CHILD_ENV } from '@psa/test-kit/child-env';
import {
  copyPlatformData,
  DEMO_PASSWORD,
  type PlatformProcess,
  startPlatformIn,
} from '@psa/test-kit/platform';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WriteLoad } from './write-load.test-helper.ts';

const MAIN = fileURLToPath(new URL('../../cli/src/main.ts', import.meta.url));

let dir: TempDir;
let platform: PlatformProcess;
beforeAll(async () => {
  dir = await tempDir('backup');
  await copyPlatformData('demo', join(dir.path, 'data'));
  platform = await startPlatformIn('demo', dir.path);
});
afterAll(async () => {
  await platform?.stop();
  await dir?.remove();
});

interface Said {
  readonly stdout: string;
  readonly code?: number;
}

/** psactl as somebody types it. */
async function psactl(...argv: string[]) {
  const env = {
    ...{ ...CHILD_ENV, HOME: dir.path, PSA_DATA_DIR: join(dir.path, 'data') },
    ...{ PSA_EMAIL: 'admin@demo.example', PSA_PASSWORD: DEMO_PASSWORD },
  };
  const run = promisify(execFile)(process.execPath, [MAIN, ...argv, '--json'], { env, cwd: dir.path });
  const { stdout, code = 0 } = await (run as Promise<Said>).catch((error: Said) => error);
  return { code, ...JSON.parse(stdout) };
}

/** Does something while nothing can be written into a folder: root may write whatever its rights are. */
async function readOnly<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const isRoot = process.getuid?.() === 0;
  if (isRoot) execFileSync('mount', ['-o', 'bind,ro', folder, folder]);
  else await chmod(folder, 0o555);
  try {
    return await work();
  } finally {
    if (isRoot) execFileSync('umount', ['-l', folder]);
    else await chmod(folder, 0o755);
  }
}

async function signIn(): Promise<string> {
  const response = await fetch(`${platform.url}/api/v1/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: 'admin@demo.example', password: DEMO_PASSWORD }),
  });
  return (await dataOf<{ access_token: string }>(response)).access_token;
}

const api = (token: string, method: string, path: string, init: RequestInit = {}) =>
  fetch(`${platform.url}/api/v1${path}`, {
    ...init,
    method,
    headers: { authorization: `Bearer ${token}`, ...init.headers },
  });

async function dataOf<T>(response: Response): Promise<T> {
  expect(response.ok, `${response.url} ${response.status}`).toBe(true);
  return ((await response.json()) as { data: T }).data;
}

describe('the platform in one process', () => {
  it('is backed up while tickets are written; without its data folder it comes back from that', async () => {
    const token = await signIn();
    const [customer] = await dataOf<{ id: string }[]>(await api(token, 'GET', '/customers?limit=1'));
    const load = new WriteLoad({
      ...{ base: platform.url, token, customerId: customer!.id, writers: 3 },
    });
    await load.more(30);
    const written = load.tickets.map((ticket) => ({ ...ticket, comments: [...ticket.comments] }));
    const form = new FormData();
    const bytes = new Uint8Array(randomBytes(200_000));
    form.append('file', new Blob([bytes], { type: 'application/octet-stream' }), 'dump.bin');
    const attached = await api(token, 'POST', `/tickets/${written[0]!.id}/attachments`, { body: form });
    const attachment = await dataOf<{ id: string }>(attached);

    const backup = await psactl('backup', 'run', '--target', 'embedded', '--out', join(dir.path, 'backups'));
    expect(backup).toMatchObject({ code: 0, data: { sha256: expect.stringMatching(/^[0-9a-f]{64}$/) } });
    const { id, file } = backup.data;
    // Nobody was kept from working.
    await load.more(10);
    await load.stop();
    expect(load).toMatchObject({ wrong: [], cut: 0, refused: 0 });
    await platform.stop();
    expect(await psactl('backup', 'verify', file)).toMatchObject({ code: 0, data: { id } });

    // Into data that are there nothing is restored.
    const refused = await psactl('restore', 'embedded', file, '--yes');
    expect(refused).toMatchObject({
      code: 1,
      error: { message: expect.stringContaining('it is not empty') },
    });
    await cp(join(dir.path, 'data'), join(dir.path, 'old'), { recursive: true });
    await rm(join(dir.path, 'data'), { recursive: true });
    expect(await psactl('restore', 'embedded', file, '--yes')).toMatchObject({ code: 0, data: { id } });
    platform = await startPlatformIn('demo', dir.path);

    const again = await signIn();
    for (const { id: ticket, title, comments } of written) {
      const found = await dataOf<{ title: string }>(await api(again, 'GET', `/tickets/${ticket}`));
      expect(found.title, ticket).toBe(title);
      const thread = await api(again, 'GET', `/tickets/${ticket}/comments?limit=100`);
      const ids = (await dataOf<{ id: string }[]>(thread)).map((one) => one.id);
      expect(ids).toEqual(expect.arrayContaining(comments));
    }
    const got = await api(again, 'GET', `/tickets/${written[0]!.id}/attachments/${attachment.id}/content`);
    expect(new Uint8Array(await got.arrayBuffer())).toEqual(bytes);
    // It goes on where it was: the chain of the audit log is whole, and new tickets are found.
    const audit = await psactl('audit', 'verify', '--url', platform.url);
    expect(audit.code, JSON.stringify(audit)).toBe(0);
    const body = { title: 'Nach der Rettung', description: 'x', customer_id: customer!.id };
    const headers = { 'content-type': 'application/json' };
    const made = await api(again, 'POST', '/tickets', { body: JSON.stringify(body), headers });
    expect(made.status).toBe(201);
  });

  it('is proven by restoring, and needs the key that it was closed with', async () => {
    const there = await psactl('backup', 'run', '--target', 'embedded', '--out', join(dir.path, 'more'));
    expect(there).toMatchObject({ code: 0, data: { new_key: false } });
    const from = join(dir.path, 'more');
    expect((await psactl('backup', 'list', '--from', from)).data).toMatchObject([
      { state: 'good', proof: null },
    ]);
    const deep = await psactl('backup', 'verify', there.data.file, '--deep');
    expect(deep).toMatchObject({ code: 0, data: { proof: { id: there.data.id } } });
    const rows = deep.data.proof.compared.find(({ what }: { what: string }) => what === 'rows');
    expect(rows.found).toBeGreaterThan(1_000);
    expect((await psactl('backup', 'list', '--from', from)).data).toMatchObject([{ proof: deep.data.proof }]);
    // In a folder that is there for reading alone it is proven, too, and said that nobody else will know.
    const again = await readOnly(from, () => psactl('backup', 'verify', there.data.file, '--deep'));
    expect(again).toMatchObject({
      ...{ code: 0, data: { proof: { result: 'passed' }, unwritten: expect.stringMatching(/EROFS|EACCES/) } },
    });
    expect(deep.data.unwritten).toBeNull();
    const key = join(dir.path, '.config/psactl/backup.key');
    expect(existsSync(key)).toBe(true);
    await rm(key);
    const { code, error } = await psactl('backup', 'verify', there.data.file);
    expect(code).toBe(1);
    expect(error).toMatchObject({ code: 'NO_KEY', why: expect.stringContaining(key) });
  });
});
