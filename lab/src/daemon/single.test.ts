import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { labDown } from '../control.ts';
import { pretendedDaemon } from './pretended-daemon.test-helper.ts';
import { takeLab } from './single.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'psa-single-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe('a lab', () => {
  it('is taken by one daemon, whose place the next takes when it is dead', async () => {
    expect(takeLab(dir)).toBe(true);
    const file = join(dir, 'run', 'labd.pid');
    expect(readFileSync(file, 'utf8')).toBe(`${process.pid}\n`);
    const other = await pretendedDaemon(dir);
    writeFileSync(file, `${other.pid}\n`);
    expect(takeLab(dir)).toBe(false);
    const ended = new Promise((resolve) => other.once('exit', resolve));
    other.kill('SIGKILL');
    await ended;
    expect(takeLab(dir)).toBe(true);
  });

  it('is not held by a process that only has the number of its daemon', () => {
    takeLab(dir);
    writeFileSync(join(dir, 'run', 'labd.pid'), '1\n');
    expect(takeLab(dir)).toBe(true);
  });

  it('is all that is removed: a folder of something else stays', async () => {
    writeFileSync(join(dir, 'letter.txt'), 'dear all');
    await expect(labDown(dir)).rejects.toThrow(/it is no lab's folder/);
    expect(readFileSync(join(dir, 'letter.txt'), 'utf8')).toBe('dear all');
  });
});
