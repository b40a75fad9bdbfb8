import { setTimeout as sleep } from 'node:timers/promises';
import {
  Command as Commander,
  CommanderError,
  Option as CommanderOption,
  InvalidArgumentError,
} from 'commander';
import type { AnyCommand, Context, Entry, Io } from './command.ts';
import {
  type CliError,
  EXIT,
  interrupted,
  type Outcome,
  renderError,
  toCliError,
  usage,
  withInstead,
} from './errors.ts';
import { FIRST_EXAMPLES, NOUNS } from './nouns.ts';
import { platformVersion } from './platform-version.ts';
import { progressTo } from './progress.ts';
import { COMMANDS } from './registry.ts';

/** Version of the envelope that `--json` prints. Raised when a field changes its meaning or goes. */
export const ENVELOPE = 1;
export const DEFAULT_URL = 'http://127.0.0.1:3000';

interface GlobalOptions {
  json?: boolean;
  dryRun?: boolean;
  yes?: boolean;
  url?: string;
  inventory?: string;
  site?: string;
}
const GLOBALS: readonly [flags: string, description: string][] = [
  ['--json', 'print one JSON object on stdout, progress as JSON lines on stderr'],
  ['--dry-run', 'show what would be done and stop'],
  ['--yes', 'do not ask'],
  ['--url <url>', 'address of the platform (else PSA_URL, else http://127.0.0.1:3000)'],
  ['--inventory <file>', 'the appliance (else PSA_INVENTORY, else ./appliance.yaml)'],
  ['--site <name>', 'site of the inventory (else its first one)'],
];
/** Global options that take the word after them. */
const WITH_VALUE: readonly string[] = ['--url', '--inventory', '--site'];

const ABOUT = `
Environment:
  PSA_URL                    address of the platform
  PSA_API_KEY                signs in with an API key
  PSA_EMAIL, PSA_PASSWORD    sign in with an account (else: psactl login)
  PSA_INVENTORY              inventory of the appliance
  PSA_LAB_DIR                state of the lab (else /var/lib/psa-lab)

Exit codes:
  0 done   1 failed   2 usage (plan --detailed-exitcode: something to do)   3 partial   10 not found   11 locked   12 not authorised   130 interrupted
  exec ends with that of the command which it ran`;

/** Help and `--version` end the run early, but well. */
class Ended extends Error {}

/** Runs one command line. @returns the exit code; all output has gone to `io`. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  const json = argv.includes('--json');
  let name = '';
  try {
    return await parse(argv, io, (entry, command, args, options) => {
      name = entry.path.join(' ');
      return execute(name, command, args, options, io);
    });
  } catch (thrown) {
    if (thrown instanceof Ended) return EXIT.done;
    const error = endOf(thrown, io.signal);
    report(error, name, json, io);
    if (io.env.PSA_DEBUG && thrown instanceof Error) io.stderr.write(`${thrown.stack}\n`);
    return EXIT[error.outcome];
  }
}

/** After Ctrl-C every error is its consequence. */
function endOf(thrown: unknown, signal: AbortSignal): CliError {
  const error = toCliError(thrown);
  return signal.aborted && error.outcome !== 'interrupted' ? toCliError(signal.reason) : error;
}

function report(error: CliError, command: string, json: boolean, io: Io): void {
  if (json) {
    const { message, code, why, fix, details, outcome } = error;
    envelope(io, command, outcome, EXIT[outcome], { error: { code, message, why, fix, details } });
  }
  // Beside --json too: stderr is where a person looks when the program that reads stdout gives up.
  io.stderr.write(renderError(error));
}

/** `{ psactl, command, ok, outcome, exit }` and the command's own fields beside them. */
function envelope(io: Io, command: string, outcome: Outcome, exit: number, data: object): void {
  const head = {
    psactl: ENVELOPE,
    command,
    ok: outcome === 'done' || outcome === 'changes',
    ...{ outcome, exit },
  };
  // Twice: first in order, and not to be overwritten.
  io.stdout.write(`${JSON.stringify({ ...head, ...data, ...head })}\n`);
}

// ── From words to a command ──────────────────────────────────────────────────

type Run = (
  entry: Entry,
  command: AnyCommand,
  args: readonly string[],
  options: Record<string, unknown> & GlobalOptions,
) => Promise<number>;

async function parse(argv: readonly string[], io: Io, action: Run): Promise<number> {
  const wanted = relevant(argv);
  const program = root(io);
  let code: number = EXIT.done;
  const examples = new Map<Commander, Example[]>();
  for (const entry of wanted) {
    const nouns = leafOf(program, entry);
    const leaf = nouns.pop()!;
    // The list of all commands, or a word that is none of them: no command is needed for that.
    if (wanted === COMMANDS) {
      leaf.summary(entry.summary);
      continue;
    }
    const command = await entry.load();
    describe(leaf, entry, command);
    for (const noun of nouns) examples.set(noun, [...(examples.get(noun) ?? []), command.examples[0]!]);
    leaf.action(async () => {
      const options = leaf.optsWithGlobals<Record<string, unknown> & GlobalOptions>();
      checkGiven(command, leaf.args);
      code = await action(entry, command, leaf.args, options);
    });
  }
  if (wanted === COMMANDS) addExamples(program, FIRST_EXAMPLES);
  for (const [noun, list] of examples) addExamples(noun, list);
  program.addHelpText('after', ABOUT);
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return code;
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown;
    if (thrown.exitCode === 0) throw new Ended();
    if (thrown.code === 'commander.help') throw usage('No command given.', 'The help above lists them.');
    const [wrong, hint] = thrown.message.replace(/^error: /, '').split('\n');
    const help = [...commonWords(wanted), '--help'];
    throw usage(
      `Unable to understand the command line: ${wrong}`,
      `${hint ? `${hint.replace(/^\((.*)\)$/, '$1')} ` : ''}See: psactl ${help.join(' ')}`,
    );
  }
}

/** The commands that these words can mean; all of them when the first word says nothing. */
function relevant(argv: readonly string[]): readonly Entry[] {
  const words: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    if (WITH_VALUE.includes(argv[i]!)) i++;
    else if (!argv[i]!.startsWith('-')) words.push(argv[i]!);
  }
  if (words[0] === 'help') words.shift();
  for (let depth = Math.min(3, words.length); depth > 0; depth--) {
    const found = COMMANDS.filter((entry) =>
      words.slice(0, depth).every((word, i) => entry.path[i] === word),
    );
    if (found.length > 0) return found;
  }
  return COMMANDS;
}

/** The words that all of them begin with. */
function commonWords(entries: readonly Entry[]): string[] {
  const first = entries[0]?.path ?? [];
  const differs = first.findIndex((word, i) => entries.some(({ path }) => path[i] !== word));
  return first.slice(0, differs === -1 ? first.length : differs);
}

function root(io: Io): Commander {
  const program = settle(new Commander('psactl'), io)
    .description('Builds and runs PSA-Platform.')
    .usage('<command> [options]')
    .version(platformVersion(), '--version', 'print the version');
  addGlobals(program);
  return program;
}

const settle = (command: Commander, io: Io): Commander =>
  command
    .exitOverride()
    .showHelpAfterError(false)
    .showSuggestionAfterError(true)
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => (text.startsWith('error:') ? undefined : io.stderr.write(text)),
      getOutHelpWidth: () => io.stdout.columns || 100,
      getErrHelpWidth: () => io.stderr.columns || 100,
    });

function addGlobals(command: Commander): void {
  for (const [flags, description] of GLOBALS) command.option(flags, description);
}

/** The commanders of an entry from psactl itself to the verb, made where they are not there yet. */
function leafOf(program: Commander, entry: Entry): Commander[] {
  let at = program;
  const way = [program];
  entry.path.forEach((word, i) => {
    let next = at.commands.find((command) => command.name() === word);
    if (!next) {
      next = at.command(word);
      next.copyInheritedSettings(at);
      const noun = NOUNS[entry.path.slice(0, i + 1).join(' ')];
      if (i < entry.path.length - 1) next.description(noun ?? '').usage('<command> [options]');
    }
    at = next;
    way.push(at);
  });
  return way;
}

type Example = AnyCommand['examples'][number];

function addExamples(to: Commander, examples: readonly Example[]): void {
  const lines = examples.map(({ run, note }) => `  ${run}\n      ${note}`);
  to.addHelpText('after', `\nExamples:\n${lines.join('\n')}`);
}

function describe(leaf: Commander, entry: Entry, command: AnyCommand): void {
  leaf.summary(command.summary);
  // One line a paragraph: it is broken where the terminal ends.
  const more = command.description?.trim().replace(/([^\n])\n(?!\n)/g, '$1 ');
  const summary = /[.?]$/.test(command.summary) ? command.summary : `${command.summary}.`;
  leaf.description(more ? `${summary}\n\n${more}` : summary);
  for (const arg of command.args ?? []) {
    leaf.argument(arg.required === false ? `[${arg.name}]` : `<${arg.name}>`, arg.description);
  }
  for (const option of command.options ?? []) {
    const made = new CommanderOption(option.flags, option.description);
    if (option.default !== undefined) made.default(option.default);
    if (option.choices) made.choices(option.choices);
    if (option.required) made.makeOptionMandatory();
    const { parse, choices } = option;
    if (parse || (!choices && option.flags.includes('<'))) {
      made.argParser((text) => {
        try {
          return (parse ?? given)(text);
        } catch (error) {
          throw new InvalidArgumentError((error as Error).message);
        }
      });
    }
    leaf.addOption(made);
  }
  addGlobals(leaf);
  addExamples(leaf, command.examples);
  leaf.name(entry.path.at(-1)!);
}

/** An empty value is a variable that is not set, and would be taken for another thing that nobody meant. */
function given(text: string): string {
  if (text.trim() === '') throw new Error('It is empty: give a value, or leave the option out.');
  return text;
}

/** @throws CliError when an argument that stands alone is empty */
function checkGiven(command: AnyCommand, args: readonly string[]): void {
  // What follows a program of somebody's own may be empty.
  const empty = command.args?.find(({ name }, index) => !name.endsWith('...') && args[index]?.trim() === '');
  if (empty)
    throw usage(`Unable to go on: the ${empty.name} is empty.`, 'A variable of your shell may not be set.');
}

// ── From a command to its end ────────────────────────────────────────────────

async function execute(
  name: string,
  command: AnyCommand,
  args: readonly string[],
  options: Record<string, unknown> & GlobalOptions,
  io: Io,
): Promise<number> {
  const json = options.json === true;
  const progress = progressTo(io.stderr, json);
  const url = platformUrl(options.url ?? io.env.PSA_URL);
  // Not for the help, which is to be there at once.
  const { createApi } = await import('./api/client.ts');
  const api = createApi({
    url,
    env: io.env,
    signal: io.signal,
    patienceMs: command.patienceMs ?? 10_000,
    note: (text) => progress.note(text),
    sleep: (ms) => sleep(ms, undefined, { signal: io.signal }),
  });
  const context: Context<unknown> = {
    ...{ args, options, io, signal: io.signal, progress, url, api },
    commands: COMMANDS,
  };
  const finish = (outcome: Outcome, data: object, text: string, exit: number = EXIT[outcome]) => {
    progress.end();
    json
      ? envelope(io, name, outcome, exit, data)
      : io.stdout.write(/^$|\n$/.test(text) ? text : `${text}\n`);
    return exit;
  };
  try {
    const plan = await command.plan(context);
    const { apply } = command;
    if (!apply) return finish(outcomeOf(command, plan.data, options), plan.data, command.render(plan.data));
    if (options.dryRun) {
      const text = command.renderPlan?.(plan.data) ?? JSON.stringify(plan.data, null, 2);
      return finish('done', { ...plan.data, dry_run: true }, text);
    }
    await confirm(command.confirm?.(plan) ?? null, options.yes === true, io);
    const result = await apply(plan, context);
    const outcome = outcomeOf(command, result, options);
    return finish(outcome, result, command.render(result), command.exitCode?.(result));
  } catch (error) {
    progress.end();
    throw io.signal.aborted ? interrupted(command.resume) : withInstead(error, command.withoutSite);
  } finally {
    progress.end();
    await api.close();
  }
}

const outcomeOf = (command: AnyCommand, data: object, options: object): Outcome =>
  command.outcome?.(data, options) ?? 'done';

async function confirm(question: string | null, yes: boolean, io: Io): Promise<void> {
  if (question === null || yes) return;
  if (!io.stdin.isTTY || !io.stderr.isTTY) {
    throw usage(`Unable to ask: ${question}`, 'Add --yes, or run it on a terminal.');
  }
  const { confirmOnTerminal } = await import('./prompt.ts');
  if (!(await confirmOnTerminal(question, io))) throw usage('Nothing was done.');
}

/** The address without a slash at the end. */
function platformUrl(text: string | undefined): string {
  const given = text?.trim() || DEFAULT_URL;
  const url = URL.canParse(given) ? new URL(given) : null;
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.search || url.hash) {
    throw usage(
      `Unable to use "${given}" as the address of the platform.`,
      `Give it like ${DEFAULT_URL}, in --url or PSA_URL.`,
    );
  }
  return url.href.replace(/\/+$/, '');
}
