import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, open, rm, stat, writeFile } from 'node:fs/promises';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Transform, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type AddedFile, type ArchivePart, RuntimeFailure } from '../ports.ts';
import { ofTask } from '../process-group.ts';
import { ID_COUNT, ID_SHIFT } from '../runtime/lxc-config.ts';

/** As Proxmox VE calls tar, so that its archives and these can be exchanged. */
const COMMON = [
  '--numeric-owner',
  '--acls',
  '--xattrs',
  '--xattrs-include=user.*',
  '--xattrs-include=security.capability',
];
const DECOMPRESS: Readonly<Record<string, string>> = {
  '.zst': '--zstd',
  '.gz': '--gzip',
  '.lzo': '--lzop',
  '.xz': '--xz',
};
const ENTER = [
  'lxc-usernsexec',
  '-m',
  `u:0:${ID_SHIFT}:${ID_COUNT}`,
  '-m',
  `g:0:${ID_SHIFT}:${ID_COUNT}`,
  '--',
];

/** Who owns the files: the container's own root (as tar sees it from inside its ids), or whoever runs this. */
export type Ownership = 'shifted' | 'as-is' | 'mine';

/**
 * Unpacks a container's archive into a folder that exists.
 * @param part what is left out (`usr`), or what alone is taken
 * @throws RuntimeFailure with tar's last words
 */
export async function unpack(
  archive: string,
  folder: string,
  ownership: Ownership,
  { below, without = [] }: ArchivePart = {},
): Promise<void> {
  const kind = DECOMPRESS[/\.\w+$/.exec(archive)?.[0] ?? ''];
  const tar = [
    'tar',
    '-xpf',
    '-',
    ...(kind === undefined ? [] : [kind]),
    ...(ownership === 'mine' ? ['--no-same-owner', '--numeric-owner'] : COMMON),
    // LXC makes the devices; nobody else may.
    '--anchored',
    ...['dev/*', ...without].flatMap((path) => [`--exclude=./${path}`, `--exclude=${path}`]),
    ...(below === undefined
      ? []
      : [`--strip-components=${below.split('/').length + 1}`, '--no-wildcards', `./${below}`]),
  ];
  if (ownership === 'shifted') await chown(folder, ID_SHIFT, ID_SHIFT);
  const file = await open(archive).catch((error: Error) => {
    throw new RuntimeFailure(`Unable to unpack ${archive}: ${error.message}`);
  });
  try {
    await finished(start(tar, ownership, { cwd: folder, stdin: file.fd }), `unpack ${archive}`, [0]);
  } finally {
    await file.close();
  }
}

/** A folder that becomes part of an archive, and the path under which it stands there (`.`, `srv/data`). */
export interface PackedFolder {
  readonly folder: string;
  readonly path: string;
}

/**
 * Writes folders as one tar with the ids that the container itself sees.
 * @param to not ended; where it leads to another program, that one gets a single folder from tar itself, as in a pipe of a shell
 * @returns bytes written
 */
export async function pack(
  folders: readonly PackedFolder[],
  ownership: Ownership,
  add: readonly AddedFile[],
  to: Writable,
): Promise<number> {
  let bytes = 0;
  for (const [index, folder] of folders.entries())
    bytes += await packOne(folder, ownership, index === 0 ? add : [], to, {
      isFirst: index === 0,
      isLast: index === folders.length - 1,
    });
  return bytes;
}

async function packOne(
  { folder, path }: PackedFolder,
  ownership: Ownership,
  add: readonly AddedFile[],
  to: Writable,
  { isFirst, isLast }: { readonly isFirst: boolean; readonly isLast: boolean },
): Promise<number> {
  const extra = add.length === 0 ? null : await staged(add, ownership);
  const tar = [
    ...['tar', '-cpf', '-', '--totals', '--sparse', '--one-file-system', ...COMMON],
    ...['--warning=no-file-ignored', '--warning=no-file-changed', '--warning=no-xattr-write'],
    // The end of an archive is two blocks then, and no more.
    ...(isLast ? [] : ['--blocking-factor=1']),
    ...(path === '.' ? [] : [`--transform=flags=rh;s,^\\.,./${path},`]),
    ...(extra === null
      ? []
      : ['--no-recursion', `--directory=${extra}`, ...add.map((file) => `./${file.path}`), '--recursion']),
    ...[
      `--directory=${folder}`,
      '--anchored',
      '--exclude=./tmp/?*',
      '--exclude=./var/tmp/?*',
      '--exclude=./run/?*',
      './',
    ],
  ];
  const direct = isFirst && isLast && to instanceof Socket;
  const child = start(tar, ownership, { cwd: '/', ...(direct && { stdout: to }) });
  try {
    // 1: a file changed while it was read.
    const ended = finished(child, `pack ${folder}`, [0, 1]);
    ended.catch(() => {});
    if (direct) await ended;
    else if (isLast) await pipeline(child.stdout!, to, { end: false });
    else await pipeline(child.stdout!, withoutEnd(), to, { end: false });
    const [, bytes = '0'] = /Total bytes written: (\d+)/.exec(await ended) ?? [];
    return Number(bytes) - (isLast ? 0 : END);
  } finally {
    child.kill();
    if (extra !== null) await rm(extra, { recursive: true, force: true });
  }
}

const END = 1024;

/** Lets an archive through but for its end, so that another one may follow. */
function withoutEnd(): Transform {
  let held: Buffer = Buffer.alloc(0);
  return new Transform({
    transform(chunk: Buffer, _, done) {
      held = Buffer.concat([held, chunk]);
      const ready = Math.max(0, held.length - END);
      const out = held.subarray(0, ready);
      held = held.subarray(ready);
      done(null, out);
    },
  });
}

/** SHA-256 of a file's content. */
export async function checksum(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

/** Whose the files of a volume are. */
export async function ownershipOf(folder: string): Promise<Ownership> {
  return (await stat(folder)).uid >= ID_SHIFT ? 'shifted' : 'as-is';
}

/** Files in a folder of their own that tar can take them from. */
async function staged(add: readonly AddedFile[], ownership: Ownership): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'psa-pack-'));
  await chmod(folder, 0o755);
  for (const { path, text } of add) {
    const target = join(folder, path);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, text, { mode: 0o644 });
    if (ownership === 'shifted') await chown(target, ID_SHIFT, ID_SHIFT);
  }
  return folder;
}

function start(
  tar: readonly string[],
  ownership: Ownership,
  { cwd, stdin, stdout }: { cwd: string; stdin?: number; stdout?: Socket },
) {
  const [program, ...args] = ofTask([...(ownership === 'shifted' ? ENTER : []), ...tar] as [
    string,
    ...string[],
  ]);
  return spawn(program, args, { cwd, stdio: [stdin ?? 'ignore', stdout ?? 'pipe', 'pipe'] });
}

/** @returns what it said */
function finished(child: ReturnType<typeof start>, what: string, good: readonly number[]): Promise<string> {
  let said = '';
  child.stderr!.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-4096);
  });
  if (good.length === 1) child.stdout?.resume();
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      if (code !== null && good.includes(code)) return resolve(said);
      const lines = said
        .trim()
        .split('\n')
        .filter((line) => !/^tar: (Exiting with failure|Error is not recoverable)/.test(line));
      const hint = /[ug]id ?map|subuid|subgid/i.test(said)
        ? ` - /etc/subuid and /etc/subgid need the line "root:${ID_SHIFT}:${ID_COUNT}"`
        : '';
      reject(
        new RuntimeFailure(
          `Unable to ${what}: ${lines.slice(-3).join('; ') || `tar ended with ${code}`}${hint}`,
        ),
      );
    });
  });
}
