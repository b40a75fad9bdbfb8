import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { RenderedFile } from './rendered-file.ts';

/** Files in a folder of their own, until the test ends. */
export function written(files: readonly RenderedFile[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'psa-render-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const file of files) {
    const path = join(folder, file.path);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, file.text);
  }
  return folder;
}

/** Runs a program to its end. @throws when it is not installed, with the Debian package that has it */
export function run(
  program: string,
  args: readonly string[],
  options: { debian: string; cwd?: string; env?: Readonly<Record<string, string>> },
): { code: number | null; output: string } {
  const PATH = `${process.env.PATH ?? ''}:/usr/sbin:/sbin`;
  const done = spawnSync(program, args, {
    cwd: options.cwd,
    encoding: 'utf8',
    env: { ...process.env, PATH, ...options.env },
  });
  if (done.error)
    throw new Error(`Unable to run ${program} (Debian package ${options.debian}): ${done.error.message}`);
  return { code: done.status, output: `${done.stdout}${done.stderr}` };
}
