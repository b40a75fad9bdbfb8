import { readdir, readFile, readlink, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { run } from './run.ts';

const FOLDER = '/run/netns';

/** The file that stands for a namespace; what `nsenter --net=` takes. */
export const namespaceFile = (namespace: string) => `${FOLDER}/${namespace}`;

/** Namespaces of the machine whose name begins so. */
export async function listNamespaces(prefix: string): Promise<readonly string[]> {
  const all = await readdir(FOLDER).catch(() => []);
  return all.filter((name) => name.startsWith(prefix)).sort();
}

/** The type of a file that a namespace is mounted on (NSFS_MAGIC, linux/magic.h). */
const MOUNTED = 0x6e73_6673;

/** Those that are whole: of one whose making was killed the empty file may be there. */
export async function wholeNamespaces(prefix: string): Promise<readonly string[]> {
  const names = await listNamespaces(prefix);
  const types = await Promise.all(names.map((name) => statfs(namespaceFile(name)).catch(() => null)));
  return names.filter((_, at) => types[at]?.type === MOUNTED);
}

/** One process for all of them. What is left of some whose making was killed is taken away first. */
export async function addNamespaces(names: readonly string[]): Promise<void> {
  await Promise.all(names.map((name) => rm(namespaceFile(name), { force: true })));
  if (names.length > 0)
    await run(
      'make network namespaces',
      'ip',
      ['-batch', '-'],
      names.map((one) => `netns add ${one}\n`).join(''),
    );
}

/** Ends what still runs in them, then takes them away with every link in them. */
export async function removeNamespaces(names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  await endProcesses(names);
  const commands = names.map((one) => `netns delete ${one}\n`).join('');
  await run('remove network namespaces', 'ip', ['-batch', '-'], commands);
}

/** The processes whose network is one of these namespaces. */
async function processesIn(names: readonly string[]): Promise<readonly number[]> {
  const wanted = new Set<string>();
  for (const name of names) {
    const file = await stat(namespaceFile(name)).catch(() => null);
    if (file) wanted.add(`net:[${file.ino}]`);
  }
  const found: number[] = [];
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry) || Number(entry) === process.pid) continue;
    const at = await readlink(`/proc/${entry}/ns/net`).catch(() => '');
    if (wanted.has(at)) found.push(Number(entry));
  }
  return found;
}

/** A namespace lives on, unnamed, while a process is in it, and its cables with it. */
async function endProcesses(names: readonly string[]): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGTERM', 'SIGKILL', 'SIGKILL'] as const) {
    const pids = await processesIn(names);
    if (pids.length === 0) return;
    for (const pid of pids) {
      try {
        process.kill(pid, signal);
      } catch {
        // It ended meanwhile.
      }
    }
    for (let waited = 0; waited < 1_000 && (await processesIn(names)).length > 0; waited += 50)
      await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Names of the links of a namespace. */
export async function linksOf(namespace: string): Promise<ReadonlySet<string>> {
  const text = await run(`list the links of ${namespace}`, 'ip', ['-n', namespace, '-j', 'link', 'show']);
  return new Set((JSON.parse(text || '[]') as { ifname: string }[]).map((link) => link.ifname));
}

/** Lines of `ip` in a namespace, in one process. The first that fails ends it. */
export async function ipBatch(namespace: string, commands: readonly string[]): Promise<void> {
  if (commands.length > 0)
    await run(`wire ${namespace}`, 'ip', ['-n', namespace, '-batch', '-'], `${commands.join('\n')}\n`);
}

/** A program in a namespace's network and the machine's own files. */
export function runIn(what: string, namespace: string, argv: readonly string[], input = ''): Promise<string> {
  return run(what, 'nsenter', [`--net=${namespaceFile(namespace)}`, '--', ...argv], input);
}

/** Sets kernel settings of a namespace; those that this kernel lacks are passed over. */
export async function setKernel(
  namespace: string,
  settings: Readonly<Record<string, string>>,
): Promise<void> {
  const script = Object.entries(settings)
    .map(([key, value]) => {
      const file = `/proc/sys/${key.replaceAll('.', '/')}`;
      return `[ ! -e ${file} ] || echo "${value}" > ${file}`;
    })
    .join('\n');
  await runIn(`set up ${namespace}`, namespace, ['sh', '-e'], `${script}\n`);
}

/** True when the process runs in the namespace. */
export async function isIn(namespace: string, pid: number): Promise<boolean> {
  const file = await stat(namespaceFile(namespace)).catch(() => null);
  const at = await readlink(`/proc/${pid}/ns/net`).catch(() => '');
  return file !== null && at === `net:[${file.ino}]`;
}

/** The process id that a file names; null when there is none. */
export async function readPid(file: string): Promise<number | null> {
  const pid = Number((await readFile(file, 'utf8').catch(() => '')).trim());
  return Number.isInteger(pid) && pid > 1 ? pid : null;
}

/** Writes a file when its text differs. @returns whether it did */
export async function writeChanged(file: string, text: string): Promise<boolean> {
  if ((await readFile(file, 'utf8').catch(() => null)) === text) return false;
  await writeFile(file, text);
  return true;
}
