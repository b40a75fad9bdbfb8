import { chmod, cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { artefactFile } from '@psa/recovery/artefact-name';
import { type AppendOnlySftp, appendOnlySftp } from '@psa/recovery/offsite/append-only.test-helper';
import { copyName } from '@psa/recovery/offsite/copy-name';
import type { RemoteCopy } from '@psa/recovery/offsite/receipt';
import { tcpLine } from '@psa/test-kit/tcp-line';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FakeLab, fakeLab } from '../fake-lab.test-helper.ts';

let lab: FakeLab;
let sftp: AppendOnlySftp;
beforeAll(async () => {
  sftp = await appendOnlySftp();
  lab = await fakeLab({ small: true });
  const config = join(dirname(lab.dir), '.config/rclone');
  await mkdir(config, { recursive: true });
  await cp(sftp.config, join(config, 'rclone.conf'));
  await lab.edit((text) =>
    text
      .replace(/(name: grandfather,.*) storage: nas/, '$1 remote: "offsite:"')
      .replace(/^( +)interruption: .*$/m, '$&\n$1groups: [monitoring]'),
  );
  const ran = await lab.psactl('apply', '--yes');
  if (ran.code !== 0) throw new Error(ran.stderr + ran.stdout.split('\n').slice(-12).join('\n'));
}, 900_000);
afterAll(async () => {
  await lab?.close();
  await sftp?.stop();
}, 300_000);

const json = async <T>(code: number, ...argv: string[]) => (await lab.json<{ data: T }>(code, ...argv)).data;
const copies = () => json<(RemoteCopy & { remote: string })[]>(0, 'offsite', 'list');
type Sent = { remote: string; send: { id: string }[]; there: string[] }[];

describe('psactl offsite', { timeout: 900_000 }, () => {
  let ids: string[];

  it('sends the generation of its remote, archives of containers too, and nothing twice', async () => {
    await json(0, 'backup', 'run', '--tier', 'son', '--only', 'database');
    const run = await json<{ run: string; complete: boolean; parts: { id: string }[] }>(
      0,
      ...['backup', 'run', '--tier', 'grandfather'],
    );
    expect(run.complete).toBe(true);
    // What is in the repository of the database is useless without the log there.
    ids = run.parts
      .map(({ id }) => id)
      .filter((id) => !id.startsWith('pitr-'))
      .toSorted();
    const before = await json<Sent>(0, 'offsite', 'send', '--dry-run');
    expect(before[0]!.send.map(({ id }) => id).toSorted()).toEqual(ids);
    expect(await copies()).toEqual([]);

    // Killed while it sends: what has a receipt counts, and the next run goes on.
    await lab.killedWhen(
      async () => (await readdir(sftp.folder)).some((name) => name.endsWith('.receipt.json')),
      ...['offsite', 'send', '--yes'],
    );
    const half = (await copies()).filter(({ state }) => state === 'good').map(({ id }) => id);
    expect(half.length).toBeGreaterThan(0);
    const rest = await json<Sent>(0, 'offsite', 'send', '--yes');
    expect(rest[0]!.there.toSorted()).toEqual(half.toSorted());
    const good = (await copies()).filter(({ state }) => state === 'good');
    expect(good.map(({ id }) => id).toSorted()).toEqual(ids);
    expect(good.every(({ receipt }) => receipt!.site === 'psa/lab' && receipt!.tier === 'grandfather')).toBe(
      true,
    );
    expect((await json<Sent>(0, 'offsite', 'send', '--yes'))[0]!.send).toEqual([]);
  });

  it('finds the copy in which a bit is turned, and brings the others back as what they were', async () => {
    expect((await json<{ ok: boolean }[]>(0, 'offsite', 'verify')).map(({ ok }) => ok)).toEqual(
      ids.map(() => true),
    );
    const { id, attempt } = (await copies()).find((one) => one.id.startsWith('database'))!;
    const file = join(sftp.folder, copyName(id, attempt, 'content'));
    const whole = await readFile(file);
    const turned = Buffer.from(whole);
    turned[turned.length >> 1]! ^= 1;
    await chmod(file, 0o600);
    await writeFile(file, turned);
    const seen = await json<{ id: string; ok: boolean; why: string }[]>(1, 'offsite', 'verify');
    expect(seen.filter(({ ok }) => !ok)).toMatchObject([{ id, why: expect.stringContaining('receipt') }]);
    const bad = await lab.psactl('offsite', 'fetch', id, '--to', 'bad', '--yes');
    expect(bad.code).toBe(1);
    expect(bad.stderr).toMatch(/damaged|does not restore/);
    await writeFile(file, whole);

    await json(0, 'offsite', 'fetch', '--to', 'back', '--yes');
    const at = join(dirname(lab.dir), 'back');
    const store = lab.site.folder.file('backups');
    for (const one of ids.filter((name) => !name.startsWith('container')))
      expect(
        (await readFile(join(at, artefactFile(one)))).equals(await readFile(join(store, artefactFile(one)))),
      ).toBe(true);
    expect((await readdir(at)).filter((name) => name.endsWith('.json'))).toHaveLength(ids.length);
  });

  it('removes nothing with the credentials of the site', async () => {
    // A copy that the policy gives up: another one of the same backup is newer.
    const { id, attempt } = (await copies()).find((one) => one.id.startsWith('rabbitmq'))!;
    for (const part of ['content', 'manifest', 'receipt'] as const) {
      const text = await readFile(join(sftp.folder, copyName(id, attempt, part)));
      const older = part === 'receipt' ? text.toString().replaceAll(attempt, '00000000') : text;
      await writeFile(join(sftp.folder, copyName(id, '00000000', part)), older, { mode: 0o444 });
    }
    const ran = await lab.psactl('offsite', 'prune', '--yes');
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(/denied/i);
    const good = (await copies()).filter(({ state }) => state === 'good');
    expect(new Set(good.map((one) => one.id))).toEqual(new Set(ids));
    expect(good).toHaveLength(ids.length + 1);
  });

  it('cut off from the network in the middle, says so, calls nothing whole that is not, and goes on afterwards', async () => {
    await json(0, 'backup', 'run', '--tier', 'grandfather', '--only', 'database,configs,secrets');
    const before = (await copies()).filter(({ state }) => state === 'good').map(({ id }) => id);
    const config = join(lab.dir, '..', '.config/rclone/rclone.conf');
    const text = await readFile(config, 'utf8');
    const line = await tcpLine(sftp.port);
    try {
      await writeFile(config, text.replace(`port = ${sftp.port}`, `port = ${line.port}`));
      let heard = 0;
      // When something of the first copy has gone through, nothing more does.
      line.hear((chunk) => {
        heard += chunk.length;
        if (heard > 6_000) {
          line.set('closing');
          line.cut();
        }
      });
      const cut = await lab.psactl('offsite', 'send', '--yes');
      expect([1, 3], cut.stdout + cut.stderr).toContain(cut.code);
      expect(heard).toBeGreaterThan(6_000);
    } finally {
      await line.close();
      await writeFile(config, text);
    }
    const now = (await copies()).filter(({ state }) => state === 'good').map(({ id }) => id);
    for (const id of before) expect(now).toContain(id);
    const read = await json<{ id: string; ok: boolean }[]>(0, 'offsite', 'verify', ...now);
    expect(read.every(({ ok }) => ok)).toBe(true);
    await json(0, 'offsite', 'send', '--yes');
    expect((await json<Sent>(0, 'offsite', 'send', '--dry-run'))[0]!.send).toEqual([]);
    expect((await copies()).filter(({ state }) => state === 'good').length).toBeGreaterThan(before.length);
  });

  it('says which inventory has no place outside, and which backup is not there', async () => {
    const gone = await lab.psactl(
      'offsite',
      'fetch',
      'database-20200101T020000Z-3f9a2c',
      '--to',
      'x',
      '--yes',
    );
    expect(gone.stderr).toContain('psactl offsite list');
    await lab.edit((text) => text.replace('remote: "offsite:"', 'storage: nas'));
    const none = await lab.psactl('offsite', 'list');
    expect(none.code).toBe(2);
    expect(none.stderr).toContain('backup.tiers');
  });
});
