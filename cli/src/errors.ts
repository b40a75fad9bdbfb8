/** What a run of psactl ends with; the only place where exit codes are given out, but for that of `exec`'s command. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  /** Only where it was asked for: there is something to do (`plan --detailed-exitcode`, as Terraform does). */
  changes: 2,
  partial: 3,
  not_found: 10,
  locked: 11,
  not_authorised: 12,
  interrupted: 130,
} as const;
export type Outcome = keyof typeof EXIT;

export interface CliErrorOptions {
  /** How the run ends; `failed` unless told. */
  readonly outcome?: Outcome;
  /** The reason, as far as it is known. */
  readonly why?: string;
  /** What the reader can do about it. */
  readonly fix?: string;
  /** Code of the platform's error body, or of psactl's own making. */
  readonly code?: string;
  readonly details?: readonly { field: string; message: string }[];
  readonly cause?: unknown;
}

/** An error meant for the reader: what could not be done ("Unable to …"), why, and how to fix it. */
export class CliError extends Error {
  readonly outcome: Outcome;
  readonly why: string | undefined;
  readonly fix: string | undefined;
  readonly code: string;
  readonly details: readonly { field: string; message: string }[];

  constructor(what: string, options: CliErrorOptions = {}) {
    super(what, { cause: options.cause });
    this.outcome = options.outcome ?? 'failed';
    this.why = options.why;
    this.fix = options.fix;
    this.code = options.code ?? (options.outcome ?? 'failed').toUpperCase();
    this.details = options.details ?? [];
  }
}

/** There is no site to work on: its inventory, or the token of its cluster, is not there. */
const NO_SITE = ['NO_INVENTORY', 'NO_TOKEN'];

/** The same error, with what somebody may have meant who has no site. @param instead a command line */
export function withInstead(error: unknown, instead: string | undefined): unknown {
  if (instead === undefined || !(error instanceof CliError) || !NO_SITE.includes(error.code)) return error;
  const { outcome, why, code, details, cause } = error;
  const fix = `${error.fix ?? ''} For the platform in one process ("npm start"): ${instead}`.trim();
  return new CliError(error.message, { outcome, why, fix, code, details, cause });
}

export const usage = (what: string, fix?: string) => new CliError(what, { outcome: 'usage', fix });

/** The run was interrupted; `fix` says how to go on. */
export const interrupted = (fix?: string) => new CliError('Interrupted.', { outcome: 'interrupted', fix });

/** What a `ProxmoxError` says; named here, for its class would load the whole client into every start. */
interface ClusterError extends Error {
  readonly kind: string;
  readonly hint?: string;
}

const OUTCOME_OF: Readonly<Record<string, Outcome>> = {
  unauthorised: 'not_authorised',
  forbidden: 'not_authorised',
  locked: 'locked',
};

/** What the cluster said, without the advice that its error ends with: that is shown as the fix. */
export const withoutHint = ({ message, hint }: Pick<ClusterError, 'message' | 'hint'>): string =>
  hint === undefined ? message : message.replace(`\n${hint}`, '');

const ofCluster = ({ message, kind, hint, cause }: ClusterError) =>
  new CliError('Unable to finish: the cluster would not.', {
    outcome: OUTCOME_OF[kind] ?? 'failed',
    why: withoutHint({ message, hint }),
    code: `CLUSTER_${kind.toUpperCase().replaceAll('-', '_')}`,
    fix: hint ?? '"psactl doctor" examines the cluster and says how to mend what it finds.',
    cause,
  });

/** What the system says of a file or folder that somebody named, in words. */
const OF_FILES: Readonly<Partial<Record<string, string>>> = {
  ENOTDIR: 'it is no folder',
  EEXIST: 'it stands in the way',
  EISDIR: 'it is a folder',
  ENOTEMPTY: 'it is not empty',
  ENAMETOOLONG: 'its name is too long',
  EACCES: 'it may not be touched',
  EPERM: 'it may not be touched',
  EROFS: 'its disk is mounted for reading alone',
  ENOSPC: 'its disk is full',
};

/** Whatever was thrown, as an error for the reader. An unexpected one keeps its message and is a failure. */
export function toCliError(thrown: unknown): CliError {
  if (thrown instanceof CliError) return thrown;
  const error = thrown as NodeJS.ErrnoException;
  if (error?.name === 'AbortError') return interrupted();
  if (error?.name === 'ProxmoxError') return ofCluster(thrown as ClusterError);
  if (error?.name === 'SshError')
    return new CliError(error.message, {
      code: 'SSH',
      fix: '"psactl status --site <name>" shows which nodes are on; "psactl doctor" tries ssh to each and says how to mend it.',
      cause: thrown,
    });
  const way = error?.code === undefined ? undefined : OF_FILES[error.code];
  if (way !== undefined && error.path !== undefined)
    return new CliError(`Unable to use ${error.path}: ${way}.`, {
      ...{ why: error.message, code: error.code, cause: thrown },
      fix: 'Name another one, or mend that.',
    });
  return new CliError(`Unable to finish: ${error?.message ?? String(thrown)}`, {
    code: error?.code ?? 'FAILED',
    fix: 'If this happens again, run it with PSA_DEBUG=1 and report what it prints.',
    cause: thrown,
  });
}

/** An error as text: one line for what, one each for why, the fields, and the fix. */
export function renderError(error: CliError): string {
  const lines = [`psactl: ${error.message}`];
  if (error.why) lines.push(`  why: ${error.why}`);
  for (const { field, message } of error.details) lines.push(`  ${field}: ${message}`);
  if (error.fix) lines.push(`  fix: ${error.fix}`);
  return `${lines.join('\n')}\n`;
}
