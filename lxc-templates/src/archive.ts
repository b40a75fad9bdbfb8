import { run } from './run.ts';

// Level 3 packs the base in 2 s, level 10 in 16 s for a tenth less (measured). The count of threads
// is fixed: with one worker or more zstd gives the same bytes for any number, without workers it gives others.
const COMPRESS = 'zstd -q -3 -T2';

/** Packs a tree so that the same files give the same bytes. */
export async function pack(
  tree: string,
  archive: string,
  epoch: number,
  signal?: AbortSignal,
): Promise<void> {
  await run(
    'tar',
    [
      '--create',
      `--file=${archive}`,
      `--use-compress-program=${COMPRESS}`,
      `--directory=${tree}`,
      '--sort=name',
      '--numeric-owner',
      '--format=posix',
      // Neither times of reading nor the process's number.
      '--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime',
      '--xattrs',
      '--xattrs-include=security.capability',
      `--mtime=@${epoch}`,
      '--clamp-mtime',
      '.',
    ],
    { signal, env: { LC_ALL: 'C' } },
  );
}

/** What is in an archive. */
export interface Entry {
  /** From the root, without a slash before it; `''` is the root itself. */
  readonly path: string;
  readonly kind: 'folder' | 'file' | 'link';
  readonly mode: string;
  readonly owner: string;
  readonly size: number;
  /** Seconds since 1970. */
  readonly mtime: number;
}

/** Lists an archive. @throws TemplateError when it is not whole */
export async function list(archive: string, signal?: AbortSignal): Promise<Entry[]> {
  const text = await run(
    'tar',
    ['--zstd', '--list', '--verbose', '--numeric-owner', '--utc', '--full-time', `--file=${archive}`],
    { signal, env: { LC_ALL: 'C', TZ: 'UTC' } },
  );
  return text.split('\n').flatMap((line): Entry[] => {
    const found = /^(\S)(\S+)\s+(\d+\/\d+)\s+(\d+|\d+,\d+) (\S+) (\S+) \.\/?(.*)$/.exec(line);
    if (!found) return line === '' ? [] : [unreadable(line)];
    const [, type, mode, owner, size, day, time, rest] = found as unknown as [string, ...string[]];
    const path = rest!.replace(/ (->|link to) .*$/, '').replace(/\/$/, '');
    return [
      {
        path,
        kind: type === 'd' ? 'folder' : type === 'l' ? 'link' : 'file',
        mode: mode!,
        owner: owner!,
        // Devices have numbers in place of a size.
        size: /^\d+$/.test(size!) ? Number(size) : -1,
        mtime: Date.parse(`${day}T${time}Z`) / 1000,
      },
    ];
  });
}

const unreadable = (line: string): Entry => ({
  path: line,
  kind: 'file',
  mode: '',
  owner: '',
  size: -1,
  mtime: 0,
});
