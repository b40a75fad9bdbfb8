import { apiPath } from '@psa/proxmox/client/encode';
import { shellQuote } from '@psa/proxmox/ssh';
import { CliError } from '../errors.ts';
import type { Cluster } from './cluster.ts';

/** A backup on a storage, as the storage lists it. */
export interface Volume {
  /** `nas:backup/vzdump-lxc-300-2026_11_30-02_00_00.tar.zst` */
  readonly volid: string;
  readonly vmid?: number;
  readonly size: number;
  readonly ctime: number;
  /** First line of its notes. */
  readonly notes?: string;
  readonly protected?: number;
  /** What a Proxmox Backup Server found when it last looked. */
  readonly verification?: { readonly state: string };
}

/** The backups on a storage, as a node sees it. */
export const listVolumes = (
  cluster: Cluster,
  node: string,
  storage: string,
  vmid?: number,
): Promise<readonly Volume[]> =>
  cluster.get<readonly Volume[]>(apiPath`/nodes/${node}/storage/${storage}/content`, {
    content: 'backup',
    ...(vmid === undefined ? {} : { vmid }),
  });

const pathOf = (node: string, volid: string) =>
  apiPath`/nodes/${node}/storage/${volid.split(':')[0]!}/content/${volid}`;

/** Removes a backup from a storage, with all that Proxmox keeps beside it. */
export async function removeVolume(cluster: Cluster, node: string, volid: string): Promise<void> {
  await cluster.site.client.run('DELETE', pathOf(node, volid), {}, { signal: cluster.signal });
}

/** Has Proxmox refuse to remove a backup, or no longer. */
export async function protectVolume(
  cluster: Cluster,
  node: string,
  volid: string,
  on: boolean,
): Promise<void> {
  await cluster.write('PUT', pathOf(node, volid), { protected: on });
}

/** Shell: what opens the archive in the file `$f`, as `$open`. */
export const CHOOSE_OPEN = `case $f in
  *.zst) open='zstd -dcq' ;;
  *.gz) open='gzip -dc' ;;
  *) open=cat ;;
esac`;

/** How a script over an archive ends that is not there, and one whose storage does not say where it is. */
const GONE = 66;
const NOT_GIVEN = 67;

/** Shell: the file of the archive `$1`, as `$f`. */
export const FIND_ARCHIVE = `f=$(pvesm path "$1") || exit ${NOT_GIVEN}
[ -f "$f" ] || exit ${GONE}`;

/** The whole archive in one reading: its length, its sum, that zstd and tar come to its end. */
const READ = `set -o pipefail
${FIND_ARCHIVE}
t=$(mktemp -d) || exit 1
trap 'rm -rf "$t"' EXIT
mkfifo "$t/sum" || exit 1
sha256sum <"$t/sum" >"$t/said" &
${CHOOSE_OPEN}
n=$(tee "$t/sum" <"$f" | $open | tar -tf - | wc -l) || { wait; echo "it is damaged or cut off" >&2; exit 3; }
wait
echo "$(stat -c %s "$f") $(cut -d ' ' -f 1 "$t/said") $n"`;

/** What was seen of an archive that was read to its last byte. */
export interface SeenVolume {
  readonly bytes: number;
  readonly sha256: string;
  /** Files and folders in it. */
  readonly entries: number;
}

/**
 * Reads an archive of a container to its last byte, on a node that has it: the API gives none out.
 * @throws CliError when it is not there, damaged or cut off
 */
export async function readVolume(cluster: Cluster, node: string, volid: string): Promise<SeenVolume> {
  const { code, stdout, stderr } = await withArchive(cluster, node, READ, [volid]);
  const [bytes, sha256, entries] = stdout.trim().split(' ');
  if (code === 0 && sha256 && Number(entries) > 0)
    return { bytes: Number(bytes), sha256, entries: Number(entries) };
  throw unreadable(node, volid, stderr, code);
}

/** The sum of an archive alone: of bytes that are still those of its manifest it is known that they unpack. */
const SUM = `${FIND_ARCHIVE}
sha256sum <"$f"`;

/** SHA-256 of an archive of a container, read on a node that has it. @throws CliError when it is not there */
export async function sumVolume(cluster: Cluster, node: string, volid: string): Promise<string> {
  const { code, stdout, stderr } = await withArchive(cluster, node, SUM, [volid]);
  const sha256 = /^[0-9a-f]{64}/.exec(stdout)?.[0];
  if (code === 0 && sha256) return sha256;
  throw unreadable(node, volid, stderr, code);
}

/** A reading of an archive that did not come to its end: it is damaged, or it is not there, which are two things. */
export function unreadable(node: string, volid: string, stderr: string, code: number | null): CliError {
  if (code === GONE)
    return new CliError(`Unable to read ${volid} on ${node}: its file is gone.`, {
      why: 'The storage knows it, and it was removed from its disk, or the share is not mounted there.',
      fix: 'Mount the share on that node, or take another one: psactl backup list',
      code: 'NO_FILE',
    });
  const why = stderr.trim().split('\n').slice(-3).join(' ') || `Reading it ended with ${code}.`;
  if (code === NOT_GIVEN)
    return new CliError(`Unable to read ${volid} on ${node}: its storage does not answer there.`, {
      why,
      fix: 'Bring the storage back, or take another one: psactl backup list',
      code: 'NO_STORAGE',
    });
  return new CliError(`Unable to read ${volid} on ${node}: it does not restore.`, {
    why,
    code: 'BACKUPERROR',
  });
}

/** As long as the largest archive takes. */
const READ_MS = 12 * 3_600_000;

/**
 * Runs a script of bash over an archive on a node that has it, after everything else there.
 * @param args `$1` and on: the archive's volid, and what else the script asks for
 */
export function withArchive(
  cluster: Cluster,
  node: string,
  script: string,
  args: readonly [volid: string, ...more: string[]],
  into?: NodeJS.WritableStream,
) {
  const line = `nice -n 19 bash -c ${[script, 'read', ...args].map(shellQuote).join(' ')}`;
  return cluster.site.shell.onNode(node, `read ${args[0]}`, line, {
    ...{ signal: cluster.signal, timeoutMs: READ_MS, ...(into && { stdout: into as never }) },
  });
}

/** Streams an archive out of a node. */
export async function sendVolume(
  cluster: Cluster,
  node: string,
  volid: string,
  into: NodeJS.WritableStream,
): Promise<void> {
  const { code, stderr } = await cluster.site.shell.onNode(
    node,
    `send ${volid}`,
    `f=$(pvesm path ${shellQuote(volid)}) && exec cat "$f"`,
    { stdout: into as never, signal: cluster.signal, timeoutMs: READ_MS },
  );
  if (code !== 0) throw new CliError(`Unable to send ${volid} from ${node}.`, { why: stderr.trim() });
}
