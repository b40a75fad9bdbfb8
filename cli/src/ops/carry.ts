import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Container } from '@psa/appliance/inventory/expand';
import { printOpsMark } from '@psa/appliance/plan/ops-mark';
import { OPS_MARK_FILE } from '@psa/appliance/render/timers';
import { ensureRecipients } from '../backup/recipients.ts';
import { CliError } from '../errors.ts';
import { checkArchive } from '../site/archive.ts';
import type { Cluster } from '../site/cluster.ts';
import { readDeployed } from '../site/deployed.ts';
import { writeWhole } from '../site/folder.ts';
import { opsMark, SCHEDULED } from '../site/ops-mark.ts';
import { type Carried, carriedFiles, PROGRAMS, timersOf } from './carried.ts';

/**
 * In the container: unpacks beside, and gives each file its place in one step, so that what runs meanwhile has the old one or
 * the new one. What was cut off is begun anew by the next.
 */
const RECEIVE = `set -eu
umask 022
r=\${PSA_ROOT:-}
mkdir -p "$r/var/lib/psa"
exec 9>"$r/var/lib/psa/.schedule.lock"
flock -w 60 9 || exit 11
s=$r/var/lib/psa/.incoming
rm -rf "$s"
mkdir -m 700 "$s"
tar -xpf - --no-same-owner -C "$s"
cd "$s"
find . -type f | while read -r f; do
  mkdir -p "$r/\${f%/*}"
  mv -f "$f" "$r/$f"
done
cd "$r/"
rm -rf "$s"`;

/**
 * Puts psactl of the site's release, and what it needs, into a container, and starts its timers.
 * @throws CliError when the release has no psactl, or a timer does not start
 */
export async function carry(
  cluster: Cluster,
  container: Container,
  files: readonly Carried[],
): Promise<void> {
  const { site } = cluster;
  // Before anything of it is read: what changes meanwhile makes it another one.
  const mark = await opsMark(site, await readDeployed(site.folder.path));
  const folder = await mkdtemp(join(tmpdir(), 'psa-ops-'));
  try {
    const { version, content } = await checkArchive(site, mark.release);
    const all: Carried[] = [...files];
    const node = process.execPath;
    const sum = createHash('sha256');
    for await (const chunk of createReadStream(node)) sum.update(chunk);
    const there = await cluster.exec(container.id, ['sha256sum', PROGRAMS.node]);
    if (!there.stdout.startsWith(sum.digest('hex')))
      all.unshift({ from: node, to: PROGRAMS.node, mode: 0o755 });
    await unpackProgram(content, version, join(folder, PROGRAMS.psactl));
    for (const { from, to, mode } of all) {
      const place = join(folder, to);
      await mkdir(dirname(place), { recursive: true });
      if (typeof from === 'string') await copyFile(from, place);
      else await writeFile(place, from.text);
      await chmod(place, mode);
    }
    // Files alone: the folders that are there keep their owners and rights.
    const names = [PROGRAMS.psactl, ...all.map(({ to }) => to)].map((to) => `.${to}`);
    const tar = spawn('tar', ['-C', folder, '-cf', '-', '--owner=0', '--group=0', '--', ...names], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await cluster.must(container.id, ['sh', '-c', RECEIVE], { stdin: tar.stdout, timeoutMs: 10 * 60_000 });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  // Units whose program does not start would fail by night, one after the other, and nobody would see it.
  await cluster.must(container.id, [PROGRAMS.node, PROGRAMS.psactl, '--version'], { timeoutMs: 60_000 });
  const timers = timersOf(files);
  await cluster.must(container.id, ['systemctl', 'daemon-reload']);
  await cluster.must(container.id, ['systemctl', 'enable', '--now', ...timers]);
  // One whose time has changed takes it over only so.
  await cluster.must(container.id, ['systemctl', 'restart', ...timers]);
  await cluster.must(container.id, ['systemctl', 'is-active', '--quiet', ...timers]);
  // Last of all: who was cut off does it again.
  await cluster.must(container.id, ['sh', '-c', MARK, 'mark', printOpsMark(mark)]);
  await writeWhole(site.folder.file(SCHEDULED), `${container.name}\n`, 0o600);
}

const MARK = `f=\${PSA_ROOT:-}${OPS_MARK_FILE}; umask 077; echo "$1" >"$f.new" && mv -f "$f.new" "$f"`;

/**
 * Puts what has changed into a container that somebody has put psactl into before. Token and keys that are there stay those
 * of whoever did; where they are missing, because it was made anew, they are those of who runs this.
 * @throws CliError as `carry`
 */
export async function carryAgain(cluster: Cluster, container: Container): Promise<void> {
  const { site } = cluster;
  await ensureRecipients(site);
  const files = await carriedFiles(site, { env: {} }, null);
  const own = files.filter(({ isOwn }) => isOwn).map(({ to }) => to);
  const said = await cluster.must(container.id, ['sh', '-c', THERE, 'there', ...own]);
  const there = new Set(said.split('\n').map((line) => own[Number(line) - 1]));
  await carry(
    cluster,
    container,
    files.filter(({ to, isOwn }) => !isOwn || !there.has(to)),
  );
}

/** The numbers of those of its arguments that are files with something in them. */
const THERE = 'n=0; for f; do n=$((n + 1)); [ ! -s "$f" ] || echo $n; done';

/** psactl out of the archive of a release, whose sums were compared. */
async function unpackProgram(content: Buffer, version: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  const tar = spawn('tar', ['--zstd', '-xOf', '-', './psactl/main.mjs', 'psactl/main.mjs'], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  // It stops reading where it has found what it wants.
  tar.stdin.on('error', () => {});
  tar.stdin.end(content);
  const chunks: Buffer[] = [];
  for await (const chunk of tar.stdout) chunks.push(chunk as Buffer);
  if (chunks.length === 0)
    throw new CliError(`Unable to use the release ${version}: there is no psactl in it.`, {
      why: 'It was built before backups ran by the clock.',
      fix: 'Build another one ("npm run release") and name it in the inventory: releases.version',
    });
  await writeFile(to, Buffer.concat(chunks));
}
