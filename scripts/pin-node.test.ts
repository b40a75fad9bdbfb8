import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const BIN = fileURLToPath(new URL('../node_modules/.bin/', import.meta.url));

describe('commands of node_modules/.bin', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'psa-other-node-'));
    writeFileSync(join(folder, 'node'), '#!/bin/sh\necho "another Node" >&2\nexit 9\n', { mode: 0o755 });
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each(['vitest', 'vite', 'knip', 'biome', 'psactl', 'playwright-core'])(
    '%s runs on the pinned Node, whichever the shell has',
    (name) => {
      const env = { ...process.env, PATH: `${folder}:/usr/bin:/bin` };
      const { status, stderr } = spawnSync(join(BIN, name), ['--version'], { env, encoding: 'utf8' });
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    },
  );

  it('stay as they came where the pinned Node is not installed', () => {
    const bin = join(folder, 'clone', 'node_modules', '.bin');
    mkdirSync(bin, { recursive: true });
    mkdirSync(join(folder, 'clone', 'scripts'));
    const script = join(folder, 'clone', 'scripts', 'pin-node.mjs');
    copyFileSync(new URL('./pin-node.mjs', import.meta.url), script);
    const command = '#!/usr/bin/env node\nconsole.log(1);\n';
    writeFileSync(join(bin, 'some'), command);
    expect(spawnSync(process.execPath, [script]).status).toBe(0);
    expect(readFileSync(join(bin, 'some'), 'utf8')).toBe(command);
  });
});
