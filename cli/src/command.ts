import type { Api } from './api/client.ts';
import type { Outcome } from './errors.ts';
import type { Output } from './output.ts';
import type { Progress } from './progress.ts';

/** The world around one run: what `main.ts` takes from the process and tests make up. */
export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly stdin: NodeJS.ReadableStream & { isTTY?: boolean };
  /** Aborts on Ctrl-C and SIGTERM. */
  readonly signal: AbortSignal;
}

/** What a command gets to work with. */
export interface Context<Options> {
  readonly args: readonly string[];
  readonly options: Options;
  readonly io: Io;
  readonly signal: AbortSignal;
  readonly progress: Progress;
  /** The platform's address, without a slash at the end. */
  readonly url: string;
  /** The platform's API, signed in on first use. */
  readonly api: Api;
  /** Every command there is; told, because a command that asked the registry would be in a circle with it. */
  readonly commands: readonly Entry[];
}

/** A plan: `data` is shown (and is all of `--dry-run`), `carry` is what `apply` needs besides. */
export interface Planned<Data, Carry> {
  readonly data: Data;
  readonly carry: Carry;
}

export interface Option {
  /** As commander reads it: `--name <value>`. */
  readonly flags: string;
  readonly description: string;
  readonly default?: string | boolean | number;
  readonly choices?: readonly string[];
  readonly required?: boolean;
  /** Turns the text into a value; throws an Error whose message says what is wrong. */
  readonly parse?: (text: string) => unknown;
}

/**
 * A command as data. Options: its own options as parsed. Data: what plan shows. Carry: what plan hands on.
 * Result: what apply shows. A command without `apply` only reads, and its plan's data is the result.
 */
export interface Command<Options, Data extends object, Carry, Result extends object> {
  readonly summary: string;
  /** Longer help, after the summary. */
  readonly description?: string;
  readonly args?: readonly { name: string; description: string; required?: boolean }[];
  readonly options?: readonly Option[];
  readonly examples: readonly { readonly run: string; readonly note: string }[];
  /** How long to wait for a platform that does not answer or asks for patience, in ms; 10 s unless told. */
  readonly patienceMs?: number;
  /** Reads only: the platform is as before after it. */
  plan(context: Context<Options>): Promise<Planned<Data, Carry>>;
  /** A question to ask before `apply`; null when there is nothing to lose. */
  confirm?(plan: Planned<Data, Carry>): string | null;
  apply?(plan: Planned<Data, Carry>, context: Context<Options>): Promise<Result>;
  /** The plan for a person. Commands without `apply` need none. */
  renderPlan?(data: Data): string;
  render(result: Result): string;
  /** How a run with this result ends; `done` unless told. */
  outcome?(result: Result, options: Options): Outcome;
  /** The exit code where it is not psactl's to give out: that of a program which it ran. */
  exitCode?(result: Result): number;
  /** What to do after an interrupted run. */
  readonly resume?: string;
  /** How it is asked for the platform in one process: said where there is no inventory, or no token of its cluster. */
  readonly withoutSite?: string;
}

// biome-ignore lint/suspicious/noExplicitAny: the runner handles commands of every shape alike
export type AnyCommand = Command<any, any, any, any>;

/** A command in the list of all (registry.ts). */
export interface Entry {
  /** Noun and verb as typed. */
  readonly path: readonly string[];
  /** The command's own; it stands here, too, so that the list of all commands loads none of them. */
  readonly summary: string;
  /** What it works on: the platform by its API, the cluster of an inventory, the lab, or nothing but files. */
  readonly on: 'platform' | 'site' | 'lab' | 'files';
  /** Loaded only when it is run or its help is asked for. */
  load(): Promise<AnyCommand>;
}

/** Names the type parameters once, where a command is written. */
export const define = <Options, Data extends object, Carry, Result extends object>(
  command: Command<Options, Data, Carry, Result>,
): Command<Options, Data, Carry, Result> => command;
