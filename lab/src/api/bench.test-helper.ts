import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { schema9 } from '@psa/proxmox/golden.test-helper';
import type { Params } from '@psa/proxmox/schema/api-schema';
import { type AssembledLab, createLab } from '../create-lab.ts';
import { grantToken } from '../daemon/token-rights.ts';
import { FolderStore, RememberedGuests } from '../golden/stand-ins.test-helper.ts';
import type { Lab } from '../lab.ts';
import { example } from '../network/example.test-helper.ts';
import { NullNetwork } from '../network/null-network.ts';
import type { AnswerBody, ApiAnswer } from './dispatcher.ts';

const NODES = ['pve1', 'pve2', 'pve3'];
const TOKEN = { userid: 'psactl@pve', name: 'psactl', secret: 'the-token-of-psactl' };
export const PSACTL = `PVEAPIToken=${TOKEN.userid}!${TOKEN.name}=${TOKEN.secret}`;
export const ROOT = 'PVEAPIToken=root@pam!full=the-token-of-root';

/** A lab without a machine under it: wires and guests in memory, volumes as folders, its API asked without a server. */
export class ApiBench {
  readonly dir: string;
  readonly runtime = new RememberedGuests();
  readonly network = new NullNetwork();
  #assembled: AssembledLab | null = null;

  private constructor(dir: string) {
    this.dir = dir;
  }

  static async open(): Promise<ApiBench> {
    const bench = new ApiBench(mkdtempSync(join(tmpdir(), 'psa-api-')));
    const inventory = example();
    await bench.network.up(inventory, inventory.sites[0]!);
    await bench.assemble();
    const { access } = bench.lab;
    grantToken(access, TOKEN, 'psa', ['local', 'local-lvm', 'shared']);
    access.addToken('root@pam', 'full', { privsep: false, secret: 'the-token-of-root' });
    const cache = await bench.lab.volumes.folder('pve1', 'shared', 'vztmpl');
    const tree = join(bench.dir, 'tree');
    mkdirSync(join(tree, 'usr/lib'), { recursive: true });
    writeFileSync(join(tree, 'usr/lib/os-release'), 'NAME="Debian"\nID=debian\n');
    execFileSync('tar', ['-cf', join(cache, 'base-1.0.0.tar'), '-C', tree, '.']);
    return bench;
  }

  /** Puts the lab together anew, as a daemon does that was killed. */
  async assemble(): Promise<void> {
    const disk = { sizeBytes: 1e9 };
    const storages = [
      { name: 'local', type: 'dir' as const, shared: false, content: ['vztmpl', 'backup'] },
      { name: 'local-lvm', type: 'lvmthin' as const, shared: false, content: ['rootdir'] },
      { name: 'shared', type: 'nfs' as const, shared: true, content: ['rootdir', 'vztmpl'] },
    ];
    this.#assembled = await createLab({
      ...{ name: 'psalab', dir: this.dir, timeFactor: 0.001, storages, schema: schema9 },
      ...{ runtime: this.runtime, network: this.network },
      nodes: NODES.map((name, index) => ({
        ...{ name, id: index + 1, address: `10.0.10.1${index + 1}`, cores: 2, memoryMb: 4096 },
      })),
      volumes: new FolderStore({
        folder: this.dir,
        nodes: NODES,
        storages: storages.map(({ name, shared }) => ({ ...disk, name, shared })),
      }),
    });
  }

  get lab(): Lab {
    return this.#assembled!.lab;
  }

  /** Sends a request to a node (`pve1` unless told otherwise) as psactl (unless told otherwise). */
  async ask(
    method: string,
    path: string,
    params: Params = {},
    options: {
      readonly entry?: string;
      readonly as?: string | null;
      readonly cookie?: string;
      readonly csrf?: string;
    } = {},
  ): Promise<Omit<ApiAnswer, 'body'> & { body: AnswerBody | null }> {
    const { entry = 'pve1', as = PSACTL, cookie, csrf } = options;
    const { body, ...answer } = await this.#assembled!.dispatcher.handle({
      ...{ entry, method, path, params, address: '127.0.0.1' },
      proof: {
        ...(as === null ? {} : { authorization: as }),
        ...(cookie === undefined ? {} : { cookie }),
        ...(csrf === undefined ? {} : { csrf }),
      },
    });
    if (typeof body === 'string') throw new Error(`refused by the server: ${body}`);
    return { ...answer, body };
  }

  /** Data of an answer that is a success. */
  async data<T = unknown>(...request: Parameters<ApiBench['ask']>): Promise<T> {
    const { status, reason, body } = await this.ask(...request);
    if (status !== 200) throw new Error(`${status} ${reason}`);
    return body!.data as T;
  }

  /** Status and reason of an answer. */
  async said(...request: Parameters<ApiBench['ask']>): Promise<string> {
    const { status, reason } = await this.ask(...request);
    return `${status} ${reason}`;
  }

  /** Sends a request that starts a task, and waits for it. @returns its exit status */
  async task(...request: Parameters<ApiBench['ask']>): Promise<string> {
    return this.lab.tasks.wait(await this.data<string>(...request));
  }

  /** Makes a container on a node. */
  create(node: string, vmid: number, more: Params = {}): Promise<string> {
    return this.task('POST', `/nodes/${node}/lxc`, {
      ...{ vmid, ostemplate: 'shared:vztmpl/base-1.0.0.tar', rootfs: 'shared:1', hostname: `ct${vmid}` },
      ...{ memory: 256, swap: 0, cores: 1, unprivileged: 1, pool: 'psa', ...more },
    });
  }

  close(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}
