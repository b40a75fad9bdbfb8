import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { example } from '@psa/appliance/inventory/example.test-helper';
import { expand } from '@psa/appliance/inventory/expand';
import { manifestOf, type SiteManifest, writeManifest } from '@psa/recovery/manifest';
import { readShelf, setProtected } from '@psa/recovery/shelf';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Cluster } from '../site/cluster.ts';
import { SiteFolder } from '../site/folder.ts';
import type { OpenSite } from '../site/site.ts';
import { dumpDatabase } from './database-dump.ts';

let dir: TempDir;
beforeAll(async () => {
  dir = await tempDir('dump');
});
afterAll(() => dir.remove());

const inventory = example();
const containers = expand(inventory);

/** Its primary sends a dump, which pg_restore lists. */
class Dumping extends Cluster {
  code = 0;
  override placed: Cluster['placed'] = async (group) =>
    containers
      .filter((one) => one.group === group)
      .map((container) => ({ container, node: container.node, state: 'running' }));
  override exec: Cluster['exec'] = async (_id, [program], { stdout, stdin } = {}) => {
    if (program === 'pg_restore') {
      let text = '';
      for await (const chunk of stdin as Readable) text += chunk;
      return { code: 0, stdout: text === 'PGDMP...' ? '1; 0 0 TABLE public a psa\n' : '', stderr: '' };
    }
    stdout!.write('PGDMP');
    stdout!.write('...');
    return { code: this.code, stdout: '', stderr: this.code === 0 ? '' : 'pg_dump: error: it broke' };
  };
}

function dumping(): Dumping {
  const members = [{ name: 'psa-postgres-1', role: 'leader', state: 'running' }];
  const stdout = `probe ${JSON.stringify({ members })}\nend\n`;
  const shell = {
    execEach: async (_: string, commands: ReadonlyMap<number, unknown>) =>
      new Map([...commands.keys()].map((id) => [id, { code: 0, stdout, stderr: '' }])),
  };
  const site = {
    ...{ inventory, containers, shell, folder: new SiteFolder(dir.path), site: inventory.sites[0] },
    path: (name: string) => name,
  };
  return new Dumping(site as unknown as OpenSite, new AbortController().signal);
}
const shelf = () => readShelf(join(dir.path, 'backups'));

it('is a backup of the site, and the newest so many stay, beside those that somebody has protected', async () => {
  const cluster = dumping();
  const first = await dumpDatabase(cluster, { keep: 2 });
  expect(first).toMatchObject({ bytes: 8, entries: 1 });
  expect(await shelf()).toMatchObject([
    {
      kind: 'deploy',
      state: 'good',
      tier: null,
      manifest: { databases: ['psa_platform'], sha256: first.sha256 },
    },
  ]);
  await setProtected(first.file, true);
  for (let time = 0; time < 3; time++) await dumpDatabase(cluster, { keep: 2 });
  const left = await shelf();
  expect(left).toHaveLength(3);
  expect(left.map(({ file }) => file)).toContain(first.file);
});

it('pushes out none of another site, and none is pushed out by what a wrong clock has dated in the future', async () => {
  const cluster = dumping();
  const [ahead, others, own] = [
    await dumpDatabase(cluster, { keep: 1_000 }),
    await dumpDatabase(cluster, { keep: 1_000 }),
    await dumpDatabase(cluster, { keep: 1_000 }),
  ];
  const describe = async (file: string, more: Partial<SiteManifest>) =>
    writeManifest(file, {
      ...(JSON.parse(await readFile(manifestOf(file), 'utf8')) as SiteManifest),
      ...more,
    });
  await describe(ahead.file, { at: new Date(Date.now() + 86_400_000).toISOString() });
  await describe(others.file, { site: 'psa/other', at: '2026-01-01T00:00:00.000Z' });
  const last = await dumpDatabase(cluster, { keep: 1 });
  const left = (await shelf()).map(({ file }) => file);
  expect(left).toEqual(expect.arrayContaining([ahead.file, others.file, last.file]));
  expect(left).not.toContain(own.file);
});

it('that fails leaves nothing, and says why', async () => {
  const cluster = dumping();
  cluster.code = 1;
  const before = await shelf();
  await expect(dumpDatabase(cluster, { keep: 2 })).rejects.toMatchObject({ why: 'pg_dump: error: it broke' });
  expect(await shelf()).toEqual(before);
});
