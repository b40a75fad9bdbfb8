import { type Call, type Container, type Input, inputOf, type Program } from './program.ts';
import { type Node, parseScript, type Redirect, SyntaxFailure, type Word } from './shell-syntax.ts';

/** What a script runs with. */
interface Scope {
  readonly box: Container;
  readonly programs: Programs;
  readonly variables: Map<string, string>;
  readonly parameters: readonly string[];
  readonly input: Input;
  readonly out: (chunk: Buffer) => void;
  readonly err: (chunk: Buffer) => void;
  readonly signal: AbortSignal;
  readonly options: { abort: boolean };
  readonly last: { code: number };
}

/** Programs of a container by name; null: there is none of that name. */
export type Programs = (name: string) => Program | null;

class Exit extends Error {
  readonly code: number;

  constructor(code: number) {
    super(`exit ${code}`);
    this.code = code;
  }
}

const IGNORE = () => {};

/** Runs a program, or `sh -c`, as a container's own. Answers with the exit code. */
export async function runArgv(call: Call, programs: Programs): Promise<number> {
  const [name = '', ...rest] = call.argv;
  const base = name.slice(name.lastIndexOf('/') + 1);
  if (base === 'sh' || base === 'bash' || base === 'dash') return runShell(call, rest, programs);
  if (base === 'env' || base === 'timeout' || base === 'nice')
    return runArgv({ ...call, argv: base === 'timeout' ? rest.slice(1) : withoutOptions(rest) }, programs);
  if (base === 'su' || base === 'runuser')
    return runShell(call, ['-c', rest[rest.indexOf('-c') + 1] ?? ''], programs);
  const program = programs(base);
  if (!program) {
    call.err(`exec: ${name}: not found\n`);
    return 127;
  }
  return program(call);
}

const withoutOptions = (argv: readonly string[]) =>
  argv.slice(argv.findIndex((one) => !one.startsWith('-') && !/^\w+=/.test(one)));

async function runShell(call: Call, argv: readonly string[], programs: Programs): Promise<number> {
  const flags = argv.filter(
    (one, index) => one.startsWith('-') && index < argv.length && /^-[a-z]+$/.test(one),
  );
  const command = argv.findIndex((one) => /^-[a-z]*c$/.test(one));
  const script = command >= 0 ? (argv[command + 1] ?? '') : call.input.rest().toString();
  const parameters =
    command >= 0 ? argv.slice(command + 2) : ['sh', ...argv.filter((one) => !one.startsWith('-'))];
  const scope: Scope = {
    ...{ box: call.box, programs, parameters, input: call.input, signal: call.signal },
    ...{ out: call.out, err: (chunk) => call.err(chunk.toString()) },
    variables: new Map(),
    options: { abort: flags.some((flag) => flag.includes('e')) },
    last: { code: 0 },
  };
  try {
    return await run(parseScript(script), scope);
  } catch (error) {
    if (error instanceof Exit) return error.code;
    if (!(error instanceof SyntaxFailure)) throw error;
    call.err(`sh: ${error.message}\n`);
    return 2;
  }
}

async function run(node: Node, scope: Scope, tested = false): Promise<number> {
  scope.signal.throwIfAborted();
  const code = await evaluate(node, scope, tested);
  scope.last.code = code;
  if (code !== 0 && scope.options.abort && !tested && node.kind === 'simple') throw new Exit(code);
  return code;
}

async function evaluate(node: Node, scope: Scope, tested: boolean): Promise<number> {
  switch (node.kind) {
    case 'simple':
      return simple(node, scope);
    case 'list':
      return list(node, scope, tested);
    case 'pipe':
      return pipe(node.nodes, scope);
    case 'subshell':
      return subshell(node.node, scope);
    case 'not':
      return (await run(node.node, scope, true)) === 0 ? 1 : 0;
    case 'if':
      if ((await run(node.condition, scope, true)) === 0) return run(node.then, scope, tested);
      return node.otherwise ? run(node.otherwise, scope, tested) : 0;
    case 'loop': {
      let code = 0;
      while (((await run(node.condition, scope, true)) === 0) !== node.until)
        code = await run(node.body, scope);
      return code;
    }
    case 'for': {
      let code = 0;
      const values = node.words === null ? scope.parameters.slice(1) : await fields(node.words, scope);
      for (const value of values) {
        scope.variables.set(node.name, value);
        code = await run(node.body, scope);
      }
      return code;
    }
    case 'case': {
      const value = await text(node.word, scope);
      for (const { patterns, body } of node.arms)
        for (const pattern of patterns)
          if (matches(value, await globOf(pattern, scope))) return run(body, scope, tested);
      return 0;
    }
    case 'redirected':
      return redirected(node.node, node.redirects, scope, tested);
  }
}

async function list(node: Extract<Node, { kind: 'list' }>, scope: Scope, tested: boolean): Promise<number> {
  let code = 0;
  let before: ';' | '&&' | '||' = ';';
  for (const { node: item, after } of node.items) {
    if (before === ';' || (code === 0) === (before === '&&'))
      code = await run(item, scope, tested || after !== ';');
    before = after;
  }
  return code;
}

/** One after the other: what is written in between is small. */
async function pipe(nodes: readonly Node[], scope: Scope): Promise<number> {
  let { input } = scope;
  let code = 0;
  for (const [index, node] of nodes.entries()) {
    const chunks: Buffer[] = [];
    const isLast = index === nodes.length - 1;
    const out = isLast ? scope.out : (chunk: Buffer) => void chunks.push(chunk);
    code = await subshell(node, { ...scope, input, out });
    input = inputOf(Buffer.concat(chunks));
  }
  return code;
}

async function subshell(node: Node, scope: Scope): Promise<number> {
  try {
    return await run(node, { ...scope, variables: new Map(scope.variables), last: { ...scope.last } }, true);
  } catch (error) {
    if (error instanceof Exit) return error.code;
    throw error;
  }
}

async function redirected(
  node: Node,
  redirects: readonly Redirect[],
  scope: Scope,
  tested: boolean,
): Promise<number> {
  let { input, out, err } = scope;
  for (const { fd, operator, target } of redirects) {
    const name = await text(target, scope);
    if (operator === '>&') {
      if (fd === 1) out = err;
      else err = out;
    } else if (name === '/dev/null') {
      if (operator === '<') input = inputOf(Buffer.alloc(0));
      else if (fd === 1) out = IGNORE;
      else err = IGNORE;
    } else
      try {
        if (operator === '<') input = inputOf(scope.box.read(name));
        else {
          if (operator === '>') scope.box.write(name, Buffer.alloc(0));
          const write = (chunk: Buffer) => scope.box.append(name, chunk);
          write(Buffer.alloc(0));
          if (fd === 1) out = write;
          else err = write;
        }
      } catch (error) {
        scope.err(
          Buffer.from(
            `sh: cannot ${operator === '<' ? 'open' : 'create'} ${name}: ${(error as Error).message}\n`,
          ),
        );
        return operator === '<' ? 2 : 1;
      }
  }
  return run(node, { ...scope, input, out, err }, tested);
}

async function simple(node: Extract<Node, { kind: 'simple' }>, scope: Scope): Promise<number> {
  for (const [name, word] of node.assign) scope.variables.set(name, await text(word, scope));
  const argv = await fields(node.words, scope);
  const [name] = argv;
  // An assignment ends as the last command in it did.
  if (name === undefined)
    return node.assign.some(([, word]) => word.some(({ kind }) => kind === 'commands')) ? scope.last.code : 0;
  const builtin = Object.hasOwn(BUILTINS, name) ? BUILTINS[name] : undefined;
  if (builtin) return builtin(argv.slice(1), scope);
  return runArgv(callOf(argv, scope), scope.programs);
}

function callOf(argv: readonly string[], scope: Scope): Call {
  return {
    ...{ argv, box: scope.box, input: scope.input, out: scope.out, signal: scope.signal },
    err: (message) => scope.err(Buffer.from(message)),
  };
}

type Builtin = (argv: readonly string[], scope: Scope) => number | Promise<number>;

const BUILTINS: Readonly<Record<string, Builtin>> = {
  ':': () => 0,
  exit([code], scope) {
    throw new Exit(code === undefined ? scope.last.code : Number(code) % 256);
  },
  export: (argv, scope) => {
    for (const one of argv) {
      const [, name, value] = /^(\w+)=([\s\S]*)$/.exec(one) ?? [];
      if (name !== undefined) scope.variables.set(name, value!);
    }
    return 0;
  },
  set: (argv, scope) => {
    if (argv.some((one) => /^-[a-z]*e/.test(one))) scope.options.abort = true;
    return 0;
  },
  eval: (argv, scope) => run(parseScript(argv.join(' ')), scope),
  async exec(argv, scope) {
    throw new Exit(await runArgv(callOf(argv, scope), scope.programs));
  },
  command: ([flag, name = ''], scope) => {
    const known = flag === '-v' && (Object.hasOwn(BUILTINS, name) || scope.programs(name) !== null);
    if (known) scope.out(Buffer.from(`${name}\n`));
    return known ? 0 : 127;
  },
  umask: () => 0,
  trap: () => 0,
  cd: () => 0,
  read: (argv, scope) => {
    const line = scope.input.line();
    if (line === null) return 1;
    const names = argv.filter((one) => !one.startsWith('-'));
    const words = line.trim().split(/[ \t]+/);
    for (const [index, name] of names.entries())
      scope.variables.set(
        name,
        index === names.length - 1 ? words.slice(index).join(' ') : (words[index] ?? ''),
      );
    return 0;
  },
};

/** Words after expansion: what is not quoted falls apart at blanks, and patterns become the files that fit. */
async function fields(words: readonly Word[], scope: Scope): Promise<string[]> {
  const all: string[] = [];
  for (const word of words) {
    let field: string | null = null;
    let pattern = false;
    for (const part of word) {
      if (part.kind === 'parameter' && part.name === '@' && part.operator === '') {
        const values = scope.parameters.slice(1);
        if (values.length > 0) {
          all.push(
            ...[(field ?? '') + values[0]!, ...values.slice(1, -1)].slice(0, Math.max(1, values.length - 1)),
          );
          field = values.length > 1 ? values.at(-1)! : (all.pop() ?? '');
        }
        continue;
      }
      const value = await text([part], scope);
      if (part.quoted || part.kind === 'text') {
        pattern ||= !part.quoted && /[*?]/.test(value);
        field = (field ?? '') + value;
        continue;
      }
      const pieces = value.split(/[ \t\n]+/);
      if (value === '') continue;
      field = (field ?? '') + pieces[0]!;
      for (const piece of pieces.slice(1)) {
        if (field !== '') all.push(field);
        field = piece;
      }
      if (field === '') field = null;
    }
    if (field === null) continue;
    const found = pattern ? scope.box.glob(field) : [];
    all.push(...(found.length > 0 ? found : [field]));
  }
  return all;
}

async function text(word: Word, scope: Scope): Promise<string> {
  let result = '';
  for (const part of word) {
    if (part.kind === 'text') result += part.text;
    else if (part.kind === 'parameter') result += await parameter(part, scope);
    else if (part.kind === 'sum') result += String(sum(await text(part.text, scope), scope));
    else {
      const chunks: Buffer[] = [];
      scope.last.code = await subshell(part.script, { ...scope, out: (chunk) => void chunks.push(chunk) });
      result += Buffer.concat(chunks).toString().replace(/\n+$/, '');
    }
  }
  return result;
}

async function parameter(part: Extract<Word[number], { kind: 'parameter' }>, scope: Scope): Promise<string> {
  const { name, operator } = part;
  const value = currentValue(name, scope);
  if (operator === '') return value ?? '';
  const word = await text(part.word, scope);
  if (operator.endsWith('-'))
    return value === undefined || (operator === ':-' && value === '') ? word : value;
  if (operator.endsWith('+')) return value === undefined || (operator === ':+' && value === '') ? '' : word;
  if (operator.endsWith('=')) {
    if (value === undefined || value === '') scope.variables.set(name, word);
    return value || word;
  }
  return trimmed(value ?? '', word, operator);
}

function currentValue(name: string, scope: Scope): string | undefined {
  if (name === '?') return String(scope.last.code);
  if (name === '#') return String(scope.parameters.length - 1);
  if (name === '$') return '4242';
  if (name === '@' || name === '*') return scope.parameters.slice(1).join(' ');
  if (/^\d$/.test(name)) return scope.parameters[Number(name)];
  return (
    scope.variables.get(name) ??
    { HOSTNAME: scope.box.hostname, HOME: '/root', PATH: '/usr/sbin:/usr/bin' }[name]
  );
}

/** What `#`, `##`, `%` and `%%` leave of a value. */
function trimmed(value: string, pattern: string, operator: string): string {
  const lengths = Array.from({ length: value.length + 1 }, (_, length) => length);
  if (operator.length === 2) lengths.reverse();
  const fromStart = operator.startsWith('#');
  const length = lengths.find((one) =>
    matches(fromStart ? value.slice(0, one) : value.slice(value.length - one), pattern),
  );
  if (length === undefined) return value;
  return fromStart ? value.slice(length) : value.slice(0, value.length - length);
}

function sum(expression: string, scope: Scope): number {
  const filled = expression.replaceAll(/[A-Za-z_]\w*/g, (name) => scope.variables.get(name) || '0');
  let total = 0;
  for (const [, sign, number] of filled.matchAll(/([+-]?)\s*(\d+)/g))
    total += (sign === '-' ? -1 : 1) * Number(number);
  return total;
}

async function globOf(word: Word, scope: Scope): Promise<string> {
  let pattern = '';
  for (const part of word) {
    const value = await text([part], scope);
    pattern += part.quoted ? value.replaceAll(/[*?[\]\\{}()!|+@]/g, '\\$&') : value;
  }
  return pattern;
}

/** A pattern of the shell; a slash is a character like others. */
function matches(value: string, pattern: string): boolean {
  const source = pattern.replaceAll(/\\[\s\S]|\[!|[\s\S]/g, (token) => {
    if (token === '*') return '[\\s\\S]*';
    if (token === '?') return '[\\s\\S]';
    if (token === '[!') return '[^';
    if (token === '[' || token === ']' || token === '-') return token;
    return token.at(-1)!.replaceAll(/[.+^${}()|\\/*?[\]]/g, '\\$&');
  });
  return new RegExp(`^${source}$`).test(value);
}
