import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { EXIT } from './errors.ts';
import { type Fields, generatedLog, logFile } from './import/log-file.test-helper.ts';
import { COMMANDS } from './registry.ts';
import { type Asked, no, type Reply, runCli, standIn } from './run-cli.test-helper.ts';

const bin = join(import.meta.dirname, '../bin/psactl');
const run = promisify(execFile);

const { path, serve } = standIn();

describe('the command line', () => {
  it('that makes no sense ends with 2 and a hint', async () => {
    const cases: [string[], RegExp][] = [
      [[], /No command given/],
      [['imprt'], /unknown command 'imprt'\n {2}fix: Did you mean import\?/],
      [['import', 'tickets', 'x.csv'], /required option '--format <format>' not specified/],
      [['import', 'tickets', 'x', '--format', 'csv'], /Allowed choices are servicenow-log/],
      [
        ['import', 'tickets', 'x', '--format', 'servicenow-log', '--batch', '0'],
        /whole number from 1 to 100/,
      ],
      [
        ['import', 'tickets', 'x', '--format', 'servicenow-log', '--time-zone', 'Mars/Base'],
        /no such time zone/,
      ],
      [['status', 'x'], /too many arguments/],
      [['status', '--frob'], /unknown option '--frob'/],
      [['status', '--url', 'ftp://x'], /Unable to use "ftp:\/\/x" as the address/],
      [['completion', 'fish'], /Give bash or zsh/],
    ];
    for (const [argv, message] of cases) {
      const { code, stderr, stdout } = await runCli(argv);
      expect({ argv, code, stdout }).toEqual({ argv, code: EXIT.usage, stdout: '' });
      expect(stderr).toMatch(message);
    }
  });

  it('asks for help and gets it, with examples', async () => {
    const all = await runCli(['--help']);
    expect(all).toMatchObject({ code: 0, stderr: '' });
    for (const { path } of COMMANDS) expect(all.stdout).toContain(`\n  ${path[0]} `);
    const one = await runCli(['import', 'tickets', '--help']);
    expect(one.stdout).toMatch(/Examples:\n {2}psactl import tickets incident_event_log\.csv/);
  });

  it('says its version', async () => {
    const { version } = JSON.parse(await readFile(join(import.meta.dirname, '../package.json'), 'utf8'));
    expect(await runCli(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  });

  it('knows every command by its help, and each has examples of itself', async () => {
    for (const { path, summary, load } of COMMANDS) {
      const command = await load();
      expect(summary).toBe(command.summary);
      expect(command.examples.length).toBeGreaterThan(0);
      for (const { run: line } of command.examples) expect(line).toContain(`psactl ${path.join(' ')}`);
      expect((await runCli([...path, '--help'])).code).toBe(0);
    }
  });

  it('has examples in every help, which are those of the commands', async () => {
    const known = new Set<string>();
    for (const { load } of COMMANDS) for (const example of (await load()).examples) known.add(example.run);
    const asked = new Set(['']);
    for (const { path } of COMMANDS) path.forEach((_, i) => void asked.add(path.slice(0, i + 1).join(' ')));
    for (const words of asked) {
      const { code, stdout } = await runCli([...words.split(' ').filter(Boolean), '--help']);
      expect(code).toBe(0);
      const examples = [...stdout.matchAll(/^ {2}((?:printf .*\| )?psactl .*)$/gm)].map((match) => match[1]!);
      expect(examples.length, words).toBeGreaterThan(0);
      for (const example of examples) {
        expect(known).toContain(example);
        expect(example).toContain(`psactl ${words}`.trim());
      }
    }
  });

  it('takes --json before and after the command, and puts one object on stdout either way', async () => {
    for (const argv of [
      ['--json', 'status', '--url', 'http://127.0.0.1:1'],
      ['status', '--json', '--url', 'http://127.0.0.1:1'],
    ]) {
      const { code, stdout } = await runCli(argv);
      expect(code).toBe(1);
      expect(JSON.parse(stdout)).toMatchObject({
        psactl: 1,
        command: 'status',
        ok: false,
        outcome: 'failed',
        exit: 1,
        error: { code: 'UNREACHABLE', fix: expect.stringContaining('npm start') },
      });
    }
  });
});

describe('how a run ends', () => {
  it.each([
    [401, 'TOKEN_INVALID', 12],
    [403, 'PERMISSION_DENIED', 12],
    [404, 'RESOURCE_NOT_FOUND', 10],
    [409, 'RESOURCE_CONFLICT', 1],
    [423, 'RESOURCE_CONFLICT', 11],
    [500, 'INTERNAL_ERROR', 1],
  ])('%i %s is exit code %i', async (status, code, exit) => {
    const { env } = await serve(() =>
      no(status, code, { details: [{ field: 'email', message: 'is taken' }] }),
    );
    const ran = await runCli(['audit', 'verify'], env);
    expect(ran).toMatchObject({ code: exit, stdout: '' });
    expect(ran.stderr).toMatch(
      new RegExp(
        `^psactl: Unable to verify the audit log: .*${code}.*\n {2}why: It says .*\n {2}email: is taken\n`,
      ),
    );
  });

  it('a broken audit log is exit code 1 with the number of the entry', async () => {
    const { env } = await serve(() => ({
      body: {
        data: { entries: 9, intact: false, first_broken_seq: 4, reason: 'hash differs', head_hash: null },
      },
    }));
    expect(await runCli(['audit', 'verify'], env)).toMatchObject({
      code: 1,
      stdout: 'The audit log is BROKEN at entry 4: hash differs\n',
    });
  });

  it('a platform that is not ready is exit code 1, with what is wrong', async () => {
    const { env } = await serve(({ path }) => {
      if (path === '/ready') {
        return {
          status: 503,
          body: {
            status: 'not_ready',
            checks: {
              auth: { status: 'ok', ms: 2 },
              tickets: { status: 'failed', ms: 2000, error: 'no answer' },
            },
          },
        };
      }
      return path === '/health'
        ? { body: { version: '0.1.0', uptime_seconds: 3700 } }
        : no(503, 'SERVICE_UNAVAILABLE');
    });
    const ran = await runCli(['status'], env);
    expect(ran.code).toBe(1);
    expect(ran.stdout).toContain('NOT READY, up 1 h 1 min');
    expect(ran.stdout).toMatch(/tickets +FAILED +2000 ms +no answer/);
    expect(ran.stdout).toContain('note: no ticket figures: It says SERVICE_UNAVAILABLE.');
    expect(JSON.parse((await runCli(['status', '--json'], env)).stdout)).toMatchObject({
      ready: false,
      exit: 1,
      tickets: null,
    });
  });
});

describe('a plan', () => {
  const parked = {
    data: [
      { consumer: 'search.index', event: {}, error: 'x', attempts: 7, parked_at: '2026-01-01T00:00:00Z' },
    ],
  };
  const dlq = ({ method }: Asked): Reply => ({
    body: method === 'GET' ? parked : { data: { consumer: 'search.index', replayed: 1 } },
  });

  it('is all of a dry run', async () => {
    const { env, asked } = await serve(dlq);
    const ran = await runCli(['events', 'dlq', 'replay', 'search.index', '--dry-run', '--json'], env);
    expect(JSON.parse(ran.stdout)).toMatchObject({
      ok: true,
      dry_run: true,
      consumer: 'search.index',
      parked: 1,
    });
    expect(asked.map(({ method }) => method)).toEqual(['GET']);
  });

  it('that needs a yes is not carried out off a terminal without one', async () => {
    const { env, asked } = await serve(dlq);
    const ran = await runCli(['events', 'dlq', 'replay', 'search.index'], env);
    expect(ran).toMatchObject({ code: 2, stdout: '' });
    expect(ran.stderr).toContain('Add --yes');
    expect((await runCli(['events', 'dlq', 'replay', 'search.index', '--yes'], env)).stdout).toBe(
      'Handed 1 event to search.index again.\n',
    );
    expect(asked.map(({ method }) => method)).toEqual(['GET', 'GET', 'POST']);
  });

  it('of an import needs no platform, counts, and writes every refused row to a file', async () => {
    const rows: Fields[] = [...generatedLog(3), { number: '?' }, { priority: 'x', opened_at: 'y' }];
    await writeFile(path('log.csv'), logFile(rows));
    const ran = await runCli(
      [
        'import',
        'tickets',
        'log.csv',
        '--format',
        'servicenow-log',
        '--dry-run',
        '--json',
        '--problems',
        'bad.csv',
      ],
      {},
      { cwd: path() },
    );
    expect(ran.code).toBe(0);
    const result = JSON.parse(ran.stdout);
    expect(result).toMatchObject({ rows: rows.length, taken: rows.length - 2, refused: 2, tickets: 3 });
    expect(result.problems.map(({ field }: { field: string }) => field)).toEqual([
      'number',
      'priority',
      'opened_at',
    ]);
    expect((await readFile(path('bad.csv'), 'utf8')).trim().split('\n')).toHaveLength(4);
    for (const line of ran.stderr.trim().split('\n')) expect(JSON.parse(line)).toHaveProperty('progress');
  });
});

describe('the program itself', () => {
  it('starts on the pinned Node from a bare shell, also through a link', async () => {
    const { stdout } = await run(bin, ['completion', 'bash'], {
      env: { PATH: '/usr/bin:/bin', HOME: path() },
    });
    expect(stdout).toContain('complete -o default -F _psactl psactl');
    await symlink(bin, path('linked'));
    const { stdout: help } = await run(path('linked'), ['status', '--help'], {
      env: { PATH: '/usr/bin:/bin' },
    });
    expect(help).toContain('Usage: psactl status');
  });

  it('starts on the pinned Node also where the shell has an older one', async () => {
    const old = path('old-node');
    await mkdir(old);
    await writeFile(join(old, 'node'), '#!/bin/sh\necho v20.20.2\nexit 99\n', { mode: 0o755 });
    const { stdout } = await run(bin, ['--help'], { env: { PATH: `${old}:/usr/bin:/bin`, HOME: path() } });
    expect(stdout).toContain('Usage: psactl');

    // Not installed yet: it says so instead of failing on the syntax.
    const bare = path('bare/cli/bin');
    await mkdir(bare, { recursive: true });
    await copyFile(bin, join(bare, 'psactl'));
    await expect(
      run(join(bare, 'psactl'), ['--help'], { env: { PATH: `${old}:/usr/bin:/bin` } }),
    ).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/Node 26 or newer is not installed here\.\n {2}fix: run "npm ci" in /),
    });
  });

  it('completes words in bash', async () => {
    const script =
      'source <("$0" completion bash); complete_for() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _psactl; printf "%s " "$' +
      '{COMPREPLY[@]}"; }; ';
    const complete = async (...words: string[]) =>
      (
        await run('bash', ['-c', `${script}complete_for ${words.map((word) => `'${word}'`).join(' ')}`, bin])
      ).stdout.trim();
    expect(await complete('psactl', 'ev')).toBe('events');
    expect(await complete('psactl', 'events', 'dlq', '')).toBe('list replay');
    expect(await complete('psactl', 'import', 'tickets', 'x.csv', '--for')).toBe('--format');
  });

  it('ends with 130 on Ctrl-C, while it waits for the platform', async () => {
    const { env } = await serve(() => no(429, 'RATE_LIMIT_EXCEEDED', { headers: { 'retry-after': '5' } }));
    const child = spawn(bin, ['user', 'list'], {
      env: { ...env, PATH: '/usr/bin:/bin' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stderr = '';
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
      if (stderr.includes('asks for patience')) child.kill('SIGINT');
    });
    const [code] = await once(child, 'close');
    expect(code).toBe(130);
    expect(stderr).toContain('psactl: Interrupted.');
  });
});
