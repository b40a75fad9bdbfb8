// Builds the portals where their sources have changed, and packs the files for the gateway to send as they are.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { extname, join, relative } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { BIN, environment, fail, NODE, ROOT } from './setup.mjs';

export const PORTALS = ['technician', 'customer'];
const STAMP = '.built-from';
const PACKED = new Set(['.css', '.html', '.js', '.json', '.svg', '.txt', '.webmanifest']);
/** Smaller files gain nothing from packing. */
const MIN_PACKED_BYTES = 1024;

function filesOf(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return /^(node_modules|dist.*)$/.test(entry.name) ? [] : filesOf(path);
      return [path];
    });
}

/** A digest of everything that goes into a portal. */
function sourcesOf(portal) {
  const hash = createHash('sha256');
  const folders = [`portals/${portal}`, 'portals/ui', 'portals/app', 'libs/contracts/src'];
  const sources = folders
    .flatMap((folder) => filesOf(join(ROOT, folder)))
    .filter((file) => !/\.test\.tsx?$/.test(file));
  const more = ['libs/domain/src/text.ts', 'package-lock.json', 'scripts/portals.mjs'];
  for (const file of [...sources, ...more.map((path) => join(ROOT, path))]) {
    hash
      .update(`${relative(ROOT, file)}\0`)
      .update(readFileSync(file))
      .update('\0');
  }
  return hash.digest('hex');
}

/** The sources that `dist` was built from; null when it is not there. */
function stampOf(dist) {
  const file = join(dist, STAMP);
  return existsSync(file) ? readFileSync(file, 'utf8') : null;
}

function pack(folder) {
  for (const file of filesOf(folder)) {
    if (!PACKED.has(extname(file))) continue;
    const content = readFileSync(file);
    if (content.length < MIN_PACKED_BYTES) continue;
    const params = { [constants.BROTLI_PARAM_SIZE_HINT]: content.length };
    writeFileSync(`${file}.br`, brotliCompressSync(content, { params }));
    writeFileSync(`${file}.gz`, gzipSync(content, { level: 9 }));
  }
}

function build(portal, stamp) {
  const folder = join(ROOT, 'portals', portal);
  const temporary = join(folder, `dist.${process.pid}`);
  return new Promise((resolve) => {
    const vite = spawn(
      NODE,
      [join(BIN, 'vite'), 'build', folder, '--outDir', temporary, '--emptyOutDir', '--logLevel', 'warn'],
      // Under a test runner NODE_ENV says otherwise, and React would be built for development.
      { cwd: folder, stdio: 'inherit', env: { ...environment(), NODE_ENV: 'production' } },
    );
    vite.on('exit', (code) => {
      if (code !== 0) {
        rmSync(temporary, { recursive: true, force: true });
        fail(`Unable to build the ${portal} portal; see above.`);
      }
      pack(temporary);
      writeFileSync(join(temporary, STAMP), stamp);
      const dist = join(folder, 'dist');
      try {
        rmSync(dist, { recursive: true, force: true });
        renameSync(temporary, dist);
      } catch (error) {
        // Another process built the same at the same time and was first.
        if (error.code !== 'ENOTEMPTY' || stampOf(dist) !== stamp) throw error;
        rmSync(temporary, { recursive: true, force: true });
      }
      resolve();
    });
  });
}

/** Builds what is out of date, side by side. A build that is cut off leaves the previous one in place. */
export async function buildPortals() {
  const stale = PORTALS.map((portal) => ({ portal, stamp: sourcesOf(portal) })).filter(
    ({ portal, stamp }) => {
      return stampOf(join(ROOT, 'portals', portal, 'dist')) !== stamp;
    },
  );
  if (stale.length === 0) return;
  console.log(`Building the portals (${stale.map(({ portal }) => portal).join(', ')}) …`);
  await Promise.all(stale.map(({ portal, stamp }) => build(portal, stamp)));
}
