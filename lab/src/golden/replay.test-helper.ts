import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Exchange } from '@psa/proxmox/golden.test-helper';
import { type Difference, differences, lineDifferences, normal, normalText } from './compare.test-helper.ts';
import type { Scene } from './scene.test-helper.ts';

const FOLDER = join(import.meta.dirname, '../../../../shared/pve/golden');
const ROOT_TOKEN = 'root@pam!full';
const BACKUP = /vzdump-lxc-\d+-\d{4}_\d\d_\d\d-\d\d_\d\d_\d\d\.tar(?:\.\w+)?/;
/** A task of an earlier run of the recorder, of which only the name is left. */
const EARLIER = 'UPID:pve1:0000008C:00023812:6B016986:vzcreate:101:root@pam!full:';

/** Exchanges of a recording, in order. */
export const recording = (file: string): readonly Exchange[] =>
  JSON.parse(readFileSync(join(FOLDER, `${file}.json`), 'utf8')) as Exchange[];

interface OurTask {
  readonly status: Record<string, unknown>;
  readonly log: readonly string[];
}

/** Sends recorded requests to the lab in their order, and tells what it answers otherwise. */
export class Replay {
  readonly #scene: Scene;
  /** Recorded names of tasks and backups → ours. */
  readonly #names = new Map<string, string>();

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  /** Says how something recorded is called here. */
  name(recorded: string, ours: string): void {
    this.#names.set(recorded, ours);
  }

  async exchange(file: string, index: number, recorded: Exchange): Promise<readonly Difference[]> {
    // Backups are named by the second, and lists order failed tasks by it; here all is done in one.
    const hasFailed =
      file === '02-backup-perm' && /^(?!OK|WARN)./.test(recorded.task?.final?.exitstatus ?? '');
    if (hasFailed || (recorded.path.endsWith('/vzdump') && recorded.method === 'POST')) await nextSecond();
    await this.#scene.before(file, index);
    const path = this.#ours(recorded.path);
    const params = recorded.params ? JSON.parse(this.#ours(JSON.stringify(recorded.params))) : undefined;
    const body =
      recorded.rawBody === undefined
        ? {}
        : { body: { type: recorded.requestHeaders?.['Content-Type'] ?? '', text: recorded.rawBody } };
    const options = { params, ...body };
    const answer = await this.#scene.ask(recorded.method, path, recorded.as, recorded.name, options);
    const exchange = `${file}/${recorded.name}`;
    if (recorded.error !== undefined)
      return [{ exchange, text: `answer: ${recorded.error} -> ${answer.status} ${answer.reason}` }];
    const found = [
      ...differences(
        {
          status: recorded.status,
          reason: normalText(recorded.reason ?? ''),
          contentType: recorded.contentType ?? null,
          body: normal(recorded.body ?? ''),
        },
        {
          status: answer.status,
          reason: normalText(answer.reason),
          contentType: answer.contentType,
          body: normal(answer.body),
        },
        '',
      ).map((text) => text.slice(1)),
      ...(await this.#taskDifferences(recorded, answer.body)),
    ];
    return found.map((text) => ({ exchange, text }));
  }

  async #taskDifferences(recorded: Exchange, body: unknown): Promise<readonly string[]> {
    const upid = (body as { data?: unknown }).data;
    const isTask = typeof upid === 'string' && upid.startsWith('UPID:');
    if (!recorded.task) return isTask ? ['task: none -> one'] : [];
    if (!isTask) return ['task: one -> none'];
    this.#names.set(recorded.task.first.upid, upid);
    if (!this.#names.has(EARLIER)) this.#names.set(EARLIER, upid);
    const ours = await this.#task(upid, recorded.task.final.status);
    this.#learnBackups(recorded.task.log, ours.log);
    return [
      ...differences(normal(recorded.task.final), normal(ours.status), 'task'),
      ...lineDifferences(recorded.task.log.map(normalText), ours.log.map(normalText)).map(
        (line) => `log: ${line}`,
      ),
    ];
  }

  async #task(upid: string, until: string): Promise<OurTask> {
    const node = upid.split(':')[1]!;
    const base = `/nodes/${node}/tasks/${encodeURIComponent(upid)}`;
    const read = async (path: string) =>
      ((await this.#scene.ask('GET', `${base}/${path}`, ROOT_TOKEN)).body as { data: unknown }).data;
    let status = (await read('status')) as Record<string, unknown>;
    if (until === 'running') await sleep(500);
    else
      for (let poll = 0; status.status === 'running' && poll < 600; poll++) {
        await sleep(25);
        status = (await read('status')) as Record<string, unknown>;
      }
    const lines = (await read('log?limit=0')) as { t: string }[];
    return { status, log: lines.map((line) => line.t) };
  }

  #learnBackups(recorded: readonly string[], ours: readonly string[]): void {
    const made = (log: readonly string[]) =>
      BACKUP.exec(log.find((line) => line.includes('creating vzdump archive')) ?? '')?.[0];
    const [theirs, mine] = [made(recorded), made(ours)];
    if (theirs !== undefined && mine !== undefined) this.#names.set(theirs, mine);
  }

  /** A recorded text with our names in it, also where they are escaped. */
  #ours(text: string): string {
    let result = text;
    for (const [theirs, mine] of [...this.#names].sort(([a], [b]) => b.length - a.length)) {
      result = result.replaceAll(encodeURIComponent(theirs), encodeURIComponent(mine));
      // `!` stays as it is in some recorded paths.
      const soft = (name: string) => encodeURIComponent(name).replaceAll('%21', '!');
      result = result.replaceAll(soft(theirs), soft(mine)).replaceAll(theirs, mine);
    }
    return result;
  }
}

/** Names of backups have whole seconds. */
async function nextSecond(): Promise<void> {
  await sleep(1010 - (Date.now() % 1000));
}
