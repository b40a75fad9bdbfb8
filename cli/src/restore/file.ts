import { randomBytes } from 'node:crypto';
import { createWriteStream, existsSync } from 'node:fs';
import { mkdir, rename, rm, statfs } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { nearestFolder } from '@psa/recovery/nearest-folder';
import {
  attachmentsOf,
  bytesOf,
  type SeenAttachment,
  type TakenAttachments,
  takeAttachment,
} from '@psa/recovery/rows/attachment';
import { takeTicket } from '@psa/recovery/rows/ticket';
import { countingStream } from '@psa/recovery/sealed';
import { CliError, usage } from '../errors.ts';
import type { Cluster } from '../site/cluster.ts';
import { CHOOSE_OPEN, FIND_ARCHIVE, readVolume, unreadable, withArchive } from '../site/volume.ts';
import { choose } from './choose.ts';
import type { Live, RowsSource } from './rows-world.ts';
import { IS_ID, theOne, ticketWish } from './ticket.ts';

/** What a restore of a file will do. */
export interface FilePlan {
  readonly backup: string;
  readonly at: string;
  /** A file's name, or its path in the container. */
  readonly name: string;
  /** The container that it is of; null: it is a ticket's. */
  readonly container: string | null;
  readonly bytes: number;
  /** Null: nobody wrote it down; the archive is read to its own end. */
  readonly sha256: string | null;
  /** Where it goes. */
  readonly to: string;
}

/** Gives its bytes; whether they are right is seen when they have come to their end. */
export type ReadFile = (into: NodeJS.WritableStream) => Promise<void>;

/** Where it may go. @throws CliError when there is something, or too little room */
async function checkTarget(to: string, bytes: number): Promise<void> {
  if (existsSync(to))
    throw new CliError(`Unable to restore to ${to}: there is something.`, {
      fix: 'Name another file with --out.',
    });
  const { bavail, bsize } = await statfs(nearestFolder(dirname(to)));
  if (bavail * bsize < bytes + 1024 ** 2)
    throw new CliError(`Unable to restore to ${to}: there is too little room.`, {
      why: `It takes ${bytes} bytes, and ${bavail * bsize} are free.`,
    });
}

/** Finds a file of a ticket, by its id, or by its name and the ticket. @throws CliError naming what is in the way */
export async function planAttachment(
  source: RowsSource,
  live: Live,
  wanted: { readonly name: string; readonly ticket: string | undefined; readonly tenant: string | undefined },
  toOf: (name: string) => string,
): Promise<{ plan: FilePlan; read: ReadFile }> {
  const { name, ticket, tenant } = wanted;
  const { backup, at, database, open, files } = source;
  if (ticket === undefined && !IS_ID.test(name))
    throw usage(
      `Unable to tell which file "${name}" is meant.`,
      'Give its ticket with --ticket, the file by its id, or the container that it is in with --container.',
    );
  const found: TakenAttachments = await live(async (session) => {
    if (ticket === undefined) return takeAttachment(session, open, database, name.toLowerCase());
    const wish = ticketWish(ticket, tenant);
    const taken = await takeTicket(session, open, database, wish);
    theOne(taken, wish, backup);
    return attachmentsOf(taken, name);
  });
  const [file, ...others] = found.seen;
  if (!file)
    throw new CliError(`Unable to find the file "${name}" in ${backup}.`, {
      outcome: 'not_found',
      fix: 'Take another backup with --from (psactl backup list), or a later moment with --to.',
    });
  if (others.length > 0)
    throw usage(
      `Unable to tell which file "${name}" is meant: the ticket has several of that name.`,
      `Give one by its id: ${found.seen.map(({ id, size }) => `${id} (${size} bytes)`).join(', ')}.`,
    );
  const to = toOf(file.name);
  await checkTarget(to, file.size);
  const content = (await bytesOf(found, file)) ?? (await files?.get(file.tenant_id, file.key)) ?? null;
  if (content === null)
    throw new CliError(`Unable to restore "${file.name}": ${backup} has its row, and not its bytes.`, {
      fix: 'Take another backup with --from.',
    });
  // Before the source is closed: what is on a disk goes with it.
  const held: Buffer[] = [];
  for await (const chunk of content) held.push(Buffer.from(chunk as Uint8Array));
  return { plan: { ...planOf(file), backup, at, to }, read: (into) => pipeline(Readable.from(held), into) };
}

const planOf = ({ name, size, sha256 }: SeenAttachment) => ({ name, container: null, bytes: size, sha256 });

/** As the archive of a container has it: `./etc/hosts`. */
const inside = (path: string) => `./${path.replace(/^\.?\/+/, '')}`;

/** How the script ends when the archive itself cannot be read to its end. */
const DAMAGED = 4;

/** The archive, read to its end: only there zstd says whether all of it was right. */
const opened = (tar: string) => `${FIND_ARCHIVE}
${CHOOSE_OPEN}
$open <"$f" | tar ${tar} -f - -- "$2"
ends=("\${PIPESTATUS[@]}")
[ "\${ends[0]}" = 0 ] || exit ${DAMAGED}
exit "\${ends[1]}"`;

/** Finds a file in the archive of a container. @throws CliError naming what is in the way */
export async function planContainerFile(
  cluster: Cluster,
  wanted: { readonly path: string; readonly container: string; readonly backup: string },
  toOf: (name: string) => string,
): Promise<{ plan: FilePlan; node: string; volid: string }> {
  const { path, container, backup } = wanted;
  const target = cluster.site.containers.find(
    ({ id, name }) => name === container || String(id) === container,
  );
  if (!target)
    throw new CliError(`Unable to find the container "${container}" in the inventory.`, {
      outcome: 'not_found',
      fix: `Known are: ${cluster.site.containers.map(({ name }) => name).join(', ')}.`,
    });
  const chosen = await choose(cluster, backup, ['container'], ({ from }) => from.container === target.id);
  const { volume } = chosen.backup;
  const { manifest } = chosen;
  if (!volume)
    throw new CliError(`Unable to look into ${manifest.id}: its archive is on no storage of the cluster.`, {
      fix: 'Upload the copy to a storage for backups, then run "psactl backup catalogue rebuild".',
    });
  const { node, volid } = volume;
  // A bit of the archive may be one of the file, and nothing in a tar would say so.
  const seen = manifest.sha256 === null ? null : await readVolume(cluster, node, volid);
  if (seen !== null && seen.sha256 !== manifest.sha256)
    throw new CliError(`Unable to look into ${manifest.id}: it does not restore.`, {
      why: 'It is not what its manifest names (another SHA-256).',
    });
  const name = inside(path);
  const { code, stdout, stderr } = await withArchive(cluster, node, opened('-tv --numeric-owner'), [
    volid,
    name,
  ]);
  const [line = ''] = stdout.split('\n');
  if (code !== 0 && (code === DAMAGED || !/Not found in archive/.test(stderr)))
    throw unreadable(node, volid, stderr, code);
  const [, mode, bytes] = /^(\S+) +\d+\/\d+ +(\d+) /.exec(line) ?? [];
  if (mode === undefined)
    throw new CliError(`Unable to find ${path} in ${manifest.id}.`, {
      outcome: 'not_found',
      why: `The archive has no ${name}.`,
    });
  if (!mode.startsWith('-'))
    throw new CliError(`Unable to restore ${path} out of ${manifest.id}: it is no file (${mode}).`, {
      fix: 'Name a file; all of the container comes beside with "psactl restore container … --as".',
    });
  const to = toOf(basename(name));
  await checkTarget(to, Number(bytes));
  const plan: FilePlan = {
    ...{ backup: manifest.id, at: manifest.at, name: name.slice(1), container: target.name },
    ...{ bytes: Number(bytes), sha256: null, to },
  };
  return { plan, node, volid };
}

/** Reads it out of the archive. */
export const readContainerFile =
  (cluster: Cluster, node: string, volid: string, { name }: FilePlan): ReadFile =>
  async (into) => {
    const { code, stderr } = await withArchive(cluster, node, opened('-xO'), [volid, `.${name}`], into);
    into.end();
    if (code !== 0) throw unreadable(node, volid, stderr, code);
  };

/** Writes it under another name; it has its own when all of it is there and right. */
export async function restoreFile(plan: FilePlan, read: ReadFile): Promise<FilePlan & { sha256: string }> {
  const { to, bytes } = plan;
  await mkdir(dirname(to), { recursive: true });
  // Two at once into one place never write into the same file.
  const part = join(dirname(to), `.${basename(to)}.${randomBytes(4).toString('hex')}.psa-restoring`);
  const counted = countingStream();
  try {
    const writing = pipeline(counted.stream, createWriteStream(part, { mode: 0o600, flush: true }));
    await Promise.all([read(counted.stream), writing]);
    const { bytes: seen, sha256 } = counted.sum();
    if (seen !== bytes || (plan.sha256 !== null && sha256 !== plan.sha256))
      throw new CliError(`Unable to restore "${plan.name}": it is not what was stored.`, {
        why: `It has ${seen} bytes of ${bytes}, and the SHA-256 ${sha256}.`,
        fix: 'Take another backup with --from.',
      });
    if (existsSync(to)) throw new CliError(`Unable to restore to ${to}: there is something now.`);
    await rename(part, to);
    return { ...plan, sha256 };
  } finally {
    await rm(part, { force: true });
  }
}
