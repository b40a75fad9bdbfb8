import { mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import { until } from '@psa/test-kit/until';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openLogFile } from './log-file.ts';

let dir: TempDir;
beforeEach(async () => {
  dir = await tempDir('log');
});
afterEach(() => dir.remove());
const path = () => `${dir.path}/logs/psa.log`;
const line = (text: string) => `{"msg":"${text}"}\n`;

it('a full disk ends nothing, and what was lost is counted once there is room again', async () => {
  mkdirSync(`${dir.path}/logs`);
  // Every write to it is ENOSPC.
  symlinkSync('/dev/full', path());
  const first = openLogFile(dir.path);
  for (let i = 0; i < 2_000; i++) first.stream.write(line(`lost ${i} ${'x'.repeat(1_000)}`));
  first.close();

  const log = openLogFile(dir.path);
  log.stream.write(line('y'.repeat(5_000)));
  rmSync(path());
  // The file is open still, and full for ever: a file that can be written to takes its place at the next start.
  log.close();
  const after = openLogFile(dir.path);
  after.stream.write(line('back'));
  after.close();
  expect(readFileSync(path(), 'utf8')).toBe(line('back'));
});

it('a folder that cannot be written to ends nothing, and lines come as soon as it can', async () => {
  // A file where the folder should be: as root nothing else is refused.
  symlinkSync('/dev/null', `${dir.path}/logs`);
  const log = openLogFile(dir.path);
  log.stream.write(line('z'.repeat(5_000)));
  rmSync(`${dir.path}/logs`);
  log.stream.write(line('w'.repeat(5_000)));
  await until(() => {
    try {
      return readFileSync(path(), 'utf8').endsWith(line('w'.repeat(5_000)));
    } catch {
      return false;
    }
  });
  const [note] = readFileSync(path(), 'utf8').split('\n');
  expect(JSON.parse(note!)).toMatchObject({ lost: 1, msg: expect.stringContaining('lines are missing') });
  log.close();
});
