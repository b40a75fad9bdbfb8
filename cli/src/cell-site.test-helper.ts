import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { Cell } from '@psa/appliance/contents/cells.test-helper';
import type { RepositoryCells } from '@psa/appliance/contents/repository-cells.test-helper';
import type { ProxmoxClient } from '@psa/proxmox/client/client';
import type { ExecOptions, ExecResult, PctShell } from '@psa/proxmox/ssh';
import { SiteFolder } from './site/folder.ts';
import type { OpenSite } from './site/site.ts';

type Child = ReturnType<Cell['spawn']>;

/** Feeds a program, and waits for its end. */
async function ended(child: Child, { stdin, onStdout }: ExecOptions = {}): Promise<ExecResult> {
  if (stdin instanceof Readable) stdin.pipe(child.stdin!);
  else child.stdin!.end(stdin ?? '');
  child.stdin!.on('error', () => undefined);
  if (onStdout) child.stdout!.on('data', onStdout);
  const code = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [stdout, stderr] = await Promise.all([onStdout ? '' : text(child.stdout!), text(child.stderr!)]);
  return { code: (await code) ?? 255, stdout, stderr };
}

/**
 * A site whose containers are machines of a test: what psactl asks of them is run there. Of the cluster there is only the list
 * of what runs, and nodes that are this machine.
 */
export function cellSite({ inventory, site, containers, cells }: RepositoryCells): OpenSite {
  const folder = mkdtempSync(join(tmpdir(), 'psa-cell-site-'));
  const node = site.nodes[0]!.name;
  const answers: Readonly<Record<string, unknown>> = {
    '/cluster/resources': containers.map(({ id, name }) => ({
      ...{ type: 'lxc', vmid: id, name, node, status: 'running' },
    })),
    '/cluster/status': site.nodes.map(({ name }) => ({ type: 'node', name, online: 1 })),
  };
  const exec = (_node: string, id: number, argv: readonly string[], options?: ExecOptions) =>
    ended(cells[containers.findIndex((one) => one.id === id)]!.spawn(argv), options);
  const shell = {
    exec,
    execEach: async (name: string, commands: ReadonlyMap<number, readonly string[]>) =>
      new Map(
        await Promise.all([...commands].map(async ([id, argv]) => [id, await exec(name, id, argv)] as const)),
      ),
    onNode: (name: string, _what: string, line: string, options?: ExecOptions) => {
      const home = mkdtempSync(join(folder, `${name}-`));
      return ended(spawn('sh', ['-c', line], { env: { ...process.env, HOME: home } }), options);
    },
    close: async () => undefined,
  } as unknown as PctShell;
  const client = {
    request: async (_method: string, path: string) => answers[path],
    close: async () => undefined,
  } as unknown as ProxmoxClient;
  return {
    ...{ file: join(folder, 'appliance.yaml'), inventory, site, containers, client, shell },
    folder: new SiteFolder(join(folder, '.psactl', site.name)),
    path: (named) => join(folder, named),
    close: async () => rmSync(folder, { recursive: true, force: true }),
  };
}
