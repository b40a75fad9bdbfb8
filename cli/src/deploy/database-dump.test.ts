import { mkdir, symlink } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { example } from '@psa/appliance/inventory/example.test-helper';
import { expand } from '@psa/appliance/inventory/expand';
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

/** Its primary sends a dump, which takes a while. */
class Dumping extends Cluster {
  override placed: Cluster['placed'] = async (group) =>
    containers
      .filter((one) => one.group === group)
      .map((container) => ({ container, node: container.node, state: 'running' }));
  override exec: Cluster['exec'] = async (_id, _argv, { onStdout } = {}) => {
    onStdout?.(Buffer.from('PGDMP'));
    await sleep(100);
    onStdout?.(Buffer.from('...'));
    return { code: 0, stdout: '', stderr: '' };
  };
}

it('a dump that cannot be written is an error, and does not end the process', async () => {
  const members = [{ name: 'psa-postgres-1', role: 'leader', state: 'running' }];
  const stdout = `probe ${JSON.stringify({ members })}\nend\n`;
  const shell = {
    execEach: async (_: string, commands: ReadonlyMap<number, unknown>) =>
      new Map([...commands.keys()].map((id) => [id, { code: 0, stdout, stderr: '' }])),
  };
  const site = { inventory, containers, shell, folder: new SiteFolder(dir.path) };
  const cluster = new Dumping(site as unknown as OpenSite, new AbortController().signal);
  await mkdir(`${dir.path}/backups`);
  await symlink('/dev/full', `${dir.path}/backups/1.dump.part`);
  await expect(dumpDatabase(cluster, { id: '1', keep: 3 })).rejects.toMatchObject({ code: 'ENOSPC' });
});
