import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { execute, specOf } from '../runtime.contract.ts';
import { FakeRuntime } from './fake-runtime.ts';

let folder: string;
let runtime: FakeRuntime;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'psa-shell-'));
  runtime = new FakeRuntime({
    file: join(folder, 'fake.json'),
    network: { attachment: () => ({ namespace: 'pve1', link: 'vmbr0v20' }) },
    programs: {
      args({ argv, out }) {
        out(Buffer.from(`${JSON.stringify(argv.slice(1))}\n`));
        return 0;
      },
    },
  });
  await runtime.start(specOf('pve1', 101, folder));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const sh = async (script: string, ...parameters: string[]) => {
  const { code, stdout, stderr } = await execute(
    runtime,
    ['pve1', 101],
    ['sh', '-c', script, 'sh', ...parameters],
  );
  return [code, stdout, stderr];
};

it.each([
  ['args a \'b c\' "$1" $1 "$@" x$#', ['1 2', 'y'], '["a","b c","1 2","1","2","1 2","y","x2"]\n'],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the shell's
  ['x=1; y="$x$x"; echo ${y} ${z:-none} "${1##*/}" ${1%/*}', ['/a/b'], '11 none b /a\n'],
  ['false || echo no; true && echo yes; ! false && echo not', [], 'no\nyes\nnot\n'],
  ['for i in a b; do echo $i; done | tr a c', [], 'c\nb\n'],
  ['i=0; while [ $i -lt 3 ]; do i=$((i+1)); echo $i; done', [], '1\n2\n3\n'],
  ['echo "a b\nc d" | while read -r x y; do echo "$y-$x"; done', [], 'b-a\nd-c\n'],
  ['case $1 in a*) echo A ;; b | c) echo BC ;; *) echo else ;; esac', ['c'], 'BC\n'],
  ['case "$1" in "*") echo star ;; *) echo any ;; esac', ['x'], 'any\n'],
  [
    'echo one >/tmp/f; echo two >>/tmp/f; cat </tmp/f; cat /tmp/none 2>/dev/null || echo none',
    [],
    'one\ntwo\nnone\n',
  ],
  ['x=$(echo out; echo err >&2) 2>/dev/null; echo "[$x] $?"', [], '[out] 0\n'],
  ['if [ -f /tmp/f ] && [ -d /tmp ]; then echo both; elif true; then echo x; fi', [], 'both\n'],
  ['# a comment\n{ echo a; echo b; } | head -n 1 # another\n(exit 3) || echo $?', [], 'a\n3\n'],
])('%s', async (script, parameters, wanted) => {
  expect((await sh(script, ...parameters)).slice(0, 2)).toEqual([0, wanted]);
});

it('ends with its own code, at the first failure when it is told so', async () => {
  expect(await sh('set -e; echo a; false; echo b')).toEqual([1, 'a\n', '']);
  expect(await sh('set -e; if false; then :; fi; false || true; echo b; exit 4')).toEqual([4, 'b\n', '']);
  expect(await sh('nothing')).toEqual([127, '', 'exec: nothing: not found\n']);
  expect(await sh('echo (')).toEqual([2, '', expect.stringContaining('syntax error')]);
});

it('nothing leads out of the container', async () => {
  const [code, , stderr] = await sh('cat /../../../../etc/passwd');
  expect([code, stderr]).toEqual([1, 'cat: /../../../../etc/passwd: No such file or directory\n']);
});
