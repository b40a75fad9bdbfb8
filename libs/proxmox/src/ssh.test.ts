import { createHash } from 'node:crypto';
import { open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { Readable, Writable } from 'node:stream';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { PctShell, SshError, type SshOptions, shellQuote } from './ssh.ts';
import { PrivateSshd } from './sshd.test-helper.ts';

let sshd: PrivateSshd;
let shared: PctShell;
const shells: PctShell[] = [];

beforeAll(async () => {
  sshd = await PrivateSshd.start();
  shared = shellOf();
  shells.length = 0;
});
afterEach(async () => {
  await Promise.all(shells.splice(0).map((shell) => shell.close()));
});
afterAll(async () => {
  await shared.close();
  await sshd.stop();
});

function shellOf(options: Partial<SshOptions> = {}): PctShell {
  const shell = new PctShell({
    nodes: {
      pve1: { host: '127.0.0.1', port: sshd.port, user: userInfo().username, hostKeyAlias: 'pve1' },
    },
    knownHosts: sshd.path('known_hosts'),
    identity: sshd.path('user'),
    ...options,
  });
  shells.push(shell);
  return shell;
}
const failure = async (promise: Promise<unknown>): Promise<SshError> => {
  const error = await promise.then(
    () => null,
    (caught: unknown) => caught,
  );
  expect(error).toBeInstanceOf(SshError);
  return error as SshError;
};
/** Ends the sshd that serves this very session, from inside it. */
const CUT =
  'p=$PPID; until [ "$(cat /proc/$p/comm)" = sshd ]; do p=$(cut -d" " -f4 /proc/$p/stat); done; kill -9 $p; sleep 5';

describe('on the node itself', () => {
  it('runs a shell script, with what it reads and how it ends', async () => {
    const script = 'read -r one; echo "got $one"; exit 5';
    expect(await shared.onNode('pve1', 'try', script, { stdin: 'this\n' })).toMatchObject({
      ...{ code: 5, stdout: 'got this\n' },
    });
    await expect(shared.onNode('pve9', 'try', 'true')).rejects.toThrow('no ssh address for node "pve9"');
  });

  it('hands its output on as fast as it is taken, all of it', async () => {
    let [bytes, most] = [0, 0];
    const slow = new Writable({
      highWaterMark: 1_000,
      write(chunk: Buffer, _, done) {
        bytes += chunk.length;
        most = Math.max(most, this.writableLength);
        setImmediate(done);
      },
    });
    const { code, stdout } = await shared.onNode('pve1', 'send', 'head -c 3000000 /dev/zero', {
      stdout: slow,
    });
    expect([code, stdout, bytes, slow.writableEnded]).toEqual([0, '', 3_000_000, false]);
    expect(most).toBeLessThan(500_000);
  });

  it('ends a command whose output nobody takes any more', async () => {
    const broken = new Writable({
      write(_chunk, _, done) {
        done(new Error('the disk is full'));
      },
    });
    const failed = new Promise<Error>((resolve) => broken.once('error', resolve));
    await failure(shared.onNode('pve1', 'send', 'cat /dev/zero', { stdout: broken }));
    expect((await failed).message).toBe('the disk is full');
  });
});

describe('pct exec', () => {
  it('runs the command in the container, with its output and its exit code', async () => {
    expect(await shared.exec('pve1', 101, ['sh', '-c', 'echo out; echo err >&2; exit 7'])).toEqual({
      code: 7,
      stdout: 'out\n',
      stderr: 'err\n',
    });
    const [verb, id, end, ...rest] = (await sshd.calls()).at(-1)!;
    expect([verb, id, end]).toEqual(['exec', '101', '--']);
    expect(rest.slice(-3)).toEqual(['sh', '-c', 'echo out; echo err >&2; exit 7']);
  });

  it('gives it an environment of its own, which finds what stands in /usr/local/sbin', async () => {
    const { stdout } = await shared.exec('pve1', 101, ['env']);
    expect(stdout.trim().split('\n').sort()).toEqual([
      'HOME=/root',
      'LANG=C.UTF-8',
      'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    ]);
    await expect(shared.exec('pve1', 101, ['A=b', 'true'])).rejects.toThrow('"A=b" is no program');
  });

  it('passes every exit code on, those of ssh itself too', async () => {
    for (const code of [0, 1, 127, 255])
      expect((await shared.exec('pve1', 101, ['sh', '-c', `exit ${code}`])).code).toBe(code);
  });

  it('arguments arrive as they are', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0')),
          { maxLength: 6 },
        ),
        async (args) => {
          const { stdout } = await shared.exec('pve1', 101, ['printf', '%s\\0', '-', ...args]);
          expect(stdout.split('\0').slice(1, -1)).toEqual(args);
        },
      ),
      { numRuns: 5, examples: [[["it's", '$HOME `id` "x"', 'a\nb', '', '~', '*', '--', '!!', '\\']]] },
    );
    expect(() => shellQuote('a\0b')).toThrow(TypeError);
  });

  it('streams its input, however long, and its output', async () => {
    const piece = Buffer.alloc(64 * 1024, 'psa');
    const input = Readable.from(Array.from({ length: 100 }, () => piece));
    const hash = createHash('sha256');
    for (let count = 0; count < 100; count++) hash.update(piece);
    const chunks: Uint8Array[] = [];
    const warned: Uint8Array[] = [];
    const result = await shared.exec('pve1', 101, ['sh', '-c', 'tee /dev/stderr'], {
      stdin: input,
      onStdout: (chunk) => chunks.push(chunk),
      onStderr: (chunk) => warned.push(chunk),
    });
    const sum = (all: Uint8Array[]) => createHash('sha256').update(Buffer.concat(all)).digest('hex');
    const wanted = hash.digest('hex');
    expect([result.code, sum(chunks), sum(warned)]).toEqual([0, wanted, wanted]);
  });

  it('has a command write into a file by itself', async () => {
    const path = sshd.path('said');
    const file = await open(path, 'wx');
    const script = 'head -c 3000000 /dev/zero; echo said >&2; exit 3';
    const ran = await shared.exec('pve1', 101, ['sh', '-c', script], { stdoutFile: file });
    expect(ran).toEqual({ code: 3, stdout: '', stderr: 'said\n' });
    expect((await file.stat()).size).toBe(3_000_000);
    await file.close();
  });

  it('a command that does not read its input ends all the same', async () => {
    const { code } = await shared.exec('pve1', 101, ['true'], { stdin: 'x'.repeat(4_000_000) });
    expect(code).toBe(0);
    expect((await shared.exec('pve1', 101, ['cat'])).stdout).toBe('');
  });

  it('one connection serves many commands, more at a time than sshd takes', async () => {
    const logins = async () => (await sshd.log()).match(/Accepted publickey/g)?.length ?? 0;
    const shell = shellOf();
    await shell.exec('pve1', 101, ['true']);
    const before = await logins();
    const all = await Promise.all(
      Array.from({ length: 12 }, (_, index) =>
        shell.exec('pve1', 101, ['sh', '-c', `sleep 0.1; echo ${index}`]),
      ),
    );
    expect(all.map((one) => one.stdout.trim())).toEqual(
      Array.from({ length: 12 }, (_, index) => String(index)),
    );
    expect(all.every((one) => one.stderr === '')).toBe(true);
    expect(await logins()).toBe(before);
  });
});

describe('a command in several containers', () => {
  it('runs side by side in one session, each with its own output and end', async () => {
    const commands = new Map<number, readonly string[]>([
      [101, ['sh', '-c', 'sleep 0.4; printf out']],
      [102, ['sh', '-c', 'echo a; echo; echo b >&2; exit 9']],
      [103, ['sleep', '20']],
      [104, ['true']],
    ]);
    const before = (await sshd.calls()).length;
    const start = performance.now();
    const all = await shared.execEach('pve1', commands, { timeoutMs: 1_000 });
    expect([...all]).toEqual([
      [101, { code: 0, stdout: 'out', stderr: '' }],
      [102, { code: 9, stdout: 'a\n\n', stderr: 'b\n' }],
      [103, { code: 124, stdout: '', stderr: '' }],
      [104, { code: 0, stdout: '', stderr: '' }],
    ]);
    expect(performance.now() - start).toBeLessThan(10_000);
    // A `pct` for each would cost more than all the rest.
    expect((await sshd.calls()).length).toBe(before);
  });

  it('has time for each of forty containers of a node, also behind some that hang', async () => {
    const hung = [101, 117, 133];
    const commands = new Map(
      Array.from({ length: 40 }, (_, index) => 101 + index).map((id): [number, string[]] => [
        id,
        hung.includes(id) ? ['sleep', '60'] : ['sh', '-c', `echo CT ${id}`],
      ]),
    );
    const all = await shared.execEach('pve1', commands, { timeoutMs: 2_000, graceMs: 3_900 });
    expect([...all.keys()]).toEqual([...commands.keys()]);
    for (const [id, result] of all)
      expect(result).toEqual(
        hung.includes(id)
          ? { code: 124, stdout: '', stderr: '' }
          : { code: 0, stdout: `CT ${id}\n`, stderr: '' },
      );
  });
});

describe('when it fails', () => {
  it('a host key that is not the known one is refused, and nothing run', async () => {
    const before = (await sshd.calls()).length;
    const error = await failure(
      shellOf({ knownHosts: sshd.path('wrong_hosts') }).exec('pve1', 101, ['true']),
    );
    expect(error.message).toMatch(
      /Unable to run true in CT 101 on pve1: [\s\S]*Host key verification failed/,
    );
    expect([error.outcomeUnknown, error.code]).toEqual([false, null]);
    expect((await sshd.calls()).length).toBe(before);
  });

  it('a key that is not let in asks for no password', async () => {
    const error = await failure(shellOf({ identity: sshd.path('other') }).exec('pve1', 101, ['true']));
    expect(error.message).toContain('Permission denied');
  });

  it('a connection that breaks while the command runs: nobody knows how far it came', async () => {
    const error = await failure(shellOf().exec('pve1', 101, ['sh', '-c', CUT]));
    expect(error.outcomeUnknown).toBe(true);
    expect(error.message).toContain('it may have happened all the same');
  });

  it('no end in time, and an abort', async () => {
    const late = await failure(shellOf().exec('pve1', 101, ['sleep', '20'], { timeoutMs: 1_500 }));
    expect([late.message, late.outcomeUnknown]).toEqual([
      'Unable to run sleep in CT 101 on pve1: no end after 1500 ms - it may have happened all the same',
      true,
    ]);
    const gone = await failure(shellOf().exec('pve1', 101, ['sleep', '20'], { signal: AbortSignal.abort() }));
    expect(gone.message).toContain('it was aborted');
  });

  it('a node that is away was asked for nothing', async () => {
    await sshd.stopListening();
    try {
      const error = await failure(shellOf().exec('pve1', 101, ['true']));
      expect([error.outcomeUnknown, error.stderr]).toEqual([
        false,
        expect.stringContaining('Connection refused'),
      ]);
    } finally {
      await sshd.listen();
    }
  });

  it('an unknown node, an odd id', async () => {
    await expect(shellOf().exec('pve9', 101, ['true'])).rejects.toThrow('no ssh address for node "pve9"');
    await expect(shellOf().unlock('pve1', Number.NaN)).rejects.toThrow(TypeError);
  });
});

it("shows the last lines of a container's console, and how its init ended", async () => {
  const lxc = `#!/bin/sh
echo "$@" >"$(dirname "$0")/lxc-arguments"
for one; do case $one in lxc.console.logfile=*) printf 'booting\\r\\ninit: no such file\\r\\n' >"\${one#*=}" ;; esac; done
echo 'lxc-start 7 INFO start - ../src/lxc/start.c:42 - Child <9224> ended on error (3)' >&2
exit 1
`;
  await writeFile(sshd.path('bin/lxc-start'), lxc, { mode: 0o755 });
  const text = await shared.console('pve1', 7_920);
  expect(text).toBe('booting\ninit: no such file\nChild <9224> ended on error (3)\n');
  expect(await readFile(sshd.path('bin/lxc-arguments'), 'utf8')).toMatch(
    /^-F -n 7920 .* -s lxc\.console\.logfile=/,
  );
});

it('leaves no container that it started for its console, though that stays this time', async () => {
  // As LXC does: signals go to the init, and systemd takes a TERM for another wish than to end.
  const lxc = `#!/bin/sh
trap '' TERM
echo $$ >"$(dirname "$0")/lxc-pid"
for one; do case $one in lxc.console.logfile=*) echo 'login:' >"\${one#*=}" ;; esac; done
while :; do sleep 0.2; done
`;
  const stop = `#!/bin/sh
echo "$@" >"$(dirname "$0")/lxc-stopped"
kill -9 "$(cat "$(dirname "$0")/lxc-pid")"
`;
  await writeFile(sshd.path('bin/lxc-start'), lxc, { mode: 0o755 });
  await writeFile(sshd.path('bin/lxc-stop'), stop, { mode: 0o755 });
  // Its seconds pass at once.
  await writeFile(sshd.path('bin/seq'), '#!/bin/sh\necho 1 2 3\n', { mode: 0o755 });
  try {
    expect(await shared.console('pve1', 7_920)).toBe('login:\n');
    expect(await readFile(sshd.path('bin/lxc-stopped'), 'utf8')).toBe('-k -n 7920\n');
  } finally {
    await rm(sshd.path('bin/seq'));
  }
});

describe('pct push and unlock', () => {
  it('puts a content and a file into the container, whole, and leaves nothing on the node', async () => {
    await shared.push('pve1', 101, { content: "it's\n" }, '/etc/psa/my conf', { perms: '0640', user: 1000 });
    expect(await readFile(sshd.path('bin/101/etc/psa/my conf'), 'utf8')).toBe("it's\n");
    const [verb, vmid, temporary, ...rest] = (await sshd.calls()).at(-1)!;
    expect([verb, vmid, ...rest]).toEqual([
      'push',
      '101',
      '/etc/psa/my conf',
      '--perms',
      '0640',
      '--user',
      '1000',
    ]);
    await expect(stat(temporary!)).rejects.toThrow('ENOENT');

    const big = Buffer.from(Array.from({ length: 2_000_000 }, (_, index) => index % 256));
    await writeFile(sshd.path('big'), big);
    await shared.push('pve1', 101, { file: sshd.path('big') }, '/opt/big');
    expect((await readFile(sshd.path('bin/101/opt/big'))).equals(big)).toBe(true);
  });

  it('a file that arrives as another than it left is not pushed', async () => {
    const before = (await sshd.calls()).length;
    // Every read of it gives another text, as a file does that is written meanwhile.
    const error = await failure(
      shared.push('pve1', 101, { file: '/proc/sys/kernel/random/uuid' }, '/opt/uuid'),
    );
    expect([error.code, error.outcomeUnknown]).toEqual([65, false]);
    expect(error.message).toContain('the file did not arrive whole');
    expect((await sshd.calls()).length).toBe(before);
  });

  it('removes a lock, and says why not, without secrets', async () => {
    await shared.unlock('pve1', 101);
    expect((await sshd.calls()).at(-1)).toEqual(['unlock', '101']);
    const error = await failure(
      shellOf({ hide: (text) => text.replaceAll('404.conf', '***') }).unlock('pve1', 404),
    );
    expect(error.message).toBe(
      "Unable to unlock CT 404 on pve1: Configuration file 'nodes/pve1/lxc/***' does not exist (exit code 2)",
    );
    expect([error.code, error.outcomeUnknown]).toEqual([2, false]);
  });
});
