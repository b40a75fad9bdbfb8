import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Call, Program } from './program.ts';

/** The few programs of the base system that scripts and people use. */
export const BASIC_PROGRAMS: Readonly<Record<string, Program>> = {
  true: () => 0,
  false: () => 1,
  echo: ({ argv, out }) => say(out, `${argv.slice(1).join(' ')}\n`),
  printf: ({ argv: [, format = '', ...values], out }) =>
    say(
      out,
      escapes(format).replaceAll(/%[sd]/g, () => values.shift() ?? ''),
    ),
  hostname: ({ box, argv, out }) => {
    const hosts =
      argv[1] === '-f'
        ? /^\S+ (\S+\.\S+) /m.exec(textOf(box.read('/etc/hosts')).split('PVE')[1] ?? '')
        : null;
    return say(out, `${hosts?.[1] ?? box.hostname}\n`);
  },
  cat: (call) => {
    const files = operands(call);
    if (files.length === 0) call.out(call.input.rest());
    return each(call, files, (path) => call.out(path === '-' ? call.input.rest() : call.box.read(path)));
  },
  ls: (call) =>
    each(call, operands(call), (path) => {
      const real = call.box.resolve(path);
      const names = statSync(real).isDirectory() ? readdirSync(real).sort() : [path];
      for (const name of names) say(call.out, `${name}\n`);
    }),
  mkdir: (call) =>
    each(call, operands(call), (path) => void mkdirSync(call.box.resolve(path), { recursive: true })),
  rm: (call) => each(call, operands(call), (path) => call.box.remove(path)),
  touch: (call) => each(call, operands(call), (path) => call.box.append(path, Buffer.alloc(0))),
  tee: (call) => {
    const content = call.input.rest();
    call.out(content);
    return each(call, operands(call), (path) => call.box.write(path, content));
  },
  head: ({ argv, input, out }) => {
    const bytes = option(argv, '-c');
    const content = input.rest();
    if (bytes !== null) return say(out, content.subarray(0, Number(bytes)));
    const lines = textOf(content)
      .split('\n')
      .slice(0, Number(option(argv, '-n') ?? 10));
    return say(out, lines.map((line) => `${line}\n`).join(''));
  },
  tr: ({ argv, input, out }) => {
    const [, first = '', second = ''] = argv;
    const text = textOf(input.rest());
    if (first === '-d') return say(out, [...text].filter((char) => !escapes(second).includes(char)).join(''));
    return say(out, text.replaceAll(escapes(first), escapes(second)));
  },
  cut: ({ argv, input, out }) => {
    const [delimiter, field] = [option(argv, '-d') ?? '\t', Number(option(argv, '-f') ?? 1)];
    const lines = textOf(input.rest()).split('\n').slice(0, -1);
    return say(out, lines.map((line) => `${line.split(delimiter)[field - 1] ?? ''}\n`).join(''));
  },
  sed: ({ argv, input, out }) => {
    const [, pattern, text = ''] = /^s\/(.*)\/(.*)\/g?$/.exec(argv.at(-1) ?? '') ?? [];
    const lines = textOf(input.rest()).split('\n').slice(0, -1);
    return say(
      out,
      lines.map((line) => `${pattern ? line.replace(new RegExp(pattern), text) : line}\n`).join(''),
    );
  },
  mv: ({ box, argv }) => {
    const [from = '', to = ''] = argv.slice(-2);
    box.write(to, box.read(from));
    box.remove(from);
    return 0;
  },
  // What scripts ask of it is the fourth field of the second line.
  awk: ({ argv, input, out }) => {
    const [, line, field] =
      /^(?:NR\s*==\s*(\d+))?\s*\{\s*print \$(\d+);?\s*\}$/.exec((argv[1] ?? '').trim()) ?? [];
    const lines = textOf(input.rest()).trimEnd().split('\n');
    const chosen = line === undefined ? lines : [lines[Number(line) - 1] ?? ''];
    return say(out, chosen.map((one) => `${one.trim().split(/\s+/)[Number(field) - 1] ?? ''}\n`).join(''));
  },
  df: ({ out }) =>
    say(
      out,
      'Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/lab 8388608 524288 7864320 7% /\n',
    ),
  sha256sum: ({ input, out }) => say(out, `${createHash('sha256').update(input.rest()).digest('hex')}  -\n`),
  sleep: async ({ argv, signal }) => {
    await sleep(Number(argv[1] ?? 0) * 1000, undefined, { signal });
    return 0;
  },
  test: (call) => test(call, call.argv.slice(1)),
  '[': (call) => test(call, call.argv.slice(1, -1)),
  journalctl: () => 0,
  sync: () => 0,
  ip: ({ box, out }) =>
    say(
      out,
      [
        '1: lo    inet 127.0.0.1/8 scope host lo',
        ...(box.address === null ? [] : [`2: eth0    inet ${box.address}/24 scope global eth0`]),
        '',
      ].join('\n'),
    ),
};

function say(out: (chunk: Buffer) => void, text: string | Buffer): number {
  out(Buffer.from(text));
  return 0;
}

const textOf = (content: Buffer) => content.toString();
const operands = ({ argv }: Call) => argv.slice(1).filter((one) => one === '-' || !one.startsWith('-'));

/** Value of an option that is given as `-c 3` or `-c3`. */
function option(argv: readonly string[], name: string): string | null {
  const index = argv.findIndex((one) => one.startsWith(name));
  if (index < 0) return null;
  return argv[index] === name ? (argv[index + 1] ?? '') : argv[index]!.slice(name.length);
}

function each({ argv, err }: Call, paths: readonly string[], act: (path: string) => void): number {
  let code = 0;
  for (const path of paths)
    try {
      act(path);
    } catch (error) {
      const why =
        (error as NodeJS.ErrnoException).code === 'ENOENT'
          ? 'No such file or directory'
          : (error as Error).message;
      err(`${argv[0]}: ${path}: ${why}\n`);
      code = 1;
    }
  return code;
}

const escapes = (text: string) =>
  text.replaceAll('\\n', '\n').replaceAll('\\t', '\t').replaceAll('\\r', '\r');

function test({ box }: Call, words: readonly string[]): number {
  if (words[0] === '!') return test({ box } as Call, words.slice(1)) === 0 ? 1 : 0;
  const [first = '', operator, second = ''] = words;
  if (words.length === 1) return first === '' ? 1 : 0;
  if (words.length === 2) return unary(first, operator ?? '') ? 0 : 1;
  const [a, b] = [Number(first), Number(second)];
  const results: Record<string, boolean> = {
    '=': first === second,
    '==': first === second,
    '!=': first !== second,
    '-eq': a === b,
    '-ne': a !== b,
    '-lt': a < b,
    '-le': a <= b,
    '-gt': a > b,
    '-ge': a >= b,
  };
  return results[operator ?? ''] ? 0 : 1;

  function unary(flag: string, value: string): boolean {
    if (flag === '-n') return value !== '';
    if (flag === '-z') return value === '';
    if (!box.exists(value)) return false;
    const found = lstatSync(box.resolve(value));
    if (flag === '-d') return found.isDirectory();
    if (flag === '-f') return found.isFile();
    if (flag === '-L') return found.isSymbolicLink();
    if (flag === '-s') return found.size > 0;
    return true;
  }
}
