import type { Lock } from './locks.ts';

/**
 * What went wrong:
 * `invalid` the schema refuses the request, it was not sent · `refused` the API answered no · `unauthorised` 401 ·
 * `forbidden` 403, the token lacks a privilege ·
 * `locked` another one holds the lock, nothing was done · `unreachable` the node behind the endpoint is dead (595) ·
 * `network` no endpoint answered · `timeout` no answer in time · `aborted` by the caller · `fingerprint` not the certificate we know ·
 * `task` the request was taken and its task failed · `ha` the HA manager did not bring about what was asked.
 */
export type ErrorKind =
  | 'invalid'
  | 'refused'
  | 'unauthorised'
  | 'forbidden'
  | 'locked'
  | 'unreachable'
  | 'network'
  | 'timeout'
  | 'aborted'
  | 'fingerprint'
  | 'task'
  | 'ha';

/** A task that failed, with the end of its log. */
export interface FailedTask {
  readonly upid: string;
  readonly exitStatus: string;
  readonly log: readonly string[];
}

/** What the token may not, as Proxmox names it. */
export interface Forbidden {
  /** Where the privilege is wanted: `/vms/999`. Null where Proxmox names none (what only root@pam may). */
  readonly path: string | null;
  /** Any of these would do: `['VM.Audit']`. Empty where Proxmox names none. */
  readonly privileges: readonly string[];
  /** What it says in its brackets; empty when it says nothing. */
  readonly detail: string;
}

/** What an error knows. */
export interface ErrorFacts {
  readonly kind: ErrorKind;
  readonly method: string;
  readonly path: string;
  /** The HTTP status, when there was an answer. */
  readonly status?: number;
  /** The reason phrase, which is where Proxmox puts the text. */
  readonly reason?: string;
  /** Parameter → message. */
  readonly fields?: Readonly<Record<string, string>>;
  /** The endpoint that was asked, as host:port. */
  readonly endpoint?: string;
  readonly task?: FailedTask;
  /** The lock that was not got. With another kind than `locked` it is not waited for: see `hint`. */
  readonly lock?: Lock;
  /** A write was sent and its answer lost: it may or may not have happened. Look before you repeat it. */
  readonly outcomeUnknown?: boolean;
  readonly cause?: unknown;
  readonly hint?: string;
}

/** Every failure of the cluster client. No secret stands in any of its texts. */
export class ProxmoxError extends Error {
  override readonly name = 'ProxmoxError';
  readonly kind: ErrorKind;
  readonly method: string;
  readonly path: string;
  readonly status: number | undefined;
  readonly reason: string | undefined;
  readonly fields: Readonly<Record<string, string>>;
  readonly endpoint: string | undefined;
  readonly task: FailedTask | undefined;
  readonly lock: Lock | undefined;
  readonly outcomeUnknown: boolean;
  readonly hint: string | undefined;

  constructor(facts: ErrorFacts) {
    super(messageOf(facts), facts.cause === undefined ? {} : { cause: facts.cause });
    this.kind = facts.kind;
    this.method = facts.method;
    this.path = facts.path;
    this.status = facts.status;
    this.reason = facts.reason;
    this.fields = facts.fields ?? {};
    this.endpoint = facts.endpoint;
    this.task = facts.task;
    this.lock = facts.lock;
    this.outcomeUnknown = facts.outcomeUnknown ?? false;
    this.hint = facts.hint;
  }

  /**
   * The status that is meant: some routes answer 500 with "400 Parameter verification failed." (backup jobs) or
   * "… 400 Rule 'x' is invalid." (HA rules) as the reason.
   */
  get meantStatus(): number | undefined {
    const inner = /(?:^|\s)(4\d\d) (?:Parameter|Rule|Permission|Invalid)/.exec(this.reason ?? '')?.[1];
    return inner === undefined ? this.status : Number(inner);
  }

  /**
   * The token may not do this, or may not see it: a guest that is there and one that never was get the same answer, so
   * this says nothing about what is there. Null for every other error. A task may be refused, too.
   */
  get forbidden(): Forbidden | null {
    const found = forbiddenIn(this.text);
    if (found) return found;
    return this.meantStatus === 403 ? { path: null, privileges: [], detail: '' } : null;
  }

  /** Short for `forbidden !== null`. */
  get isForbidden(): boolean {
    return this.forbidden !== null;
  }

  /**
   * The container, volume or file that was asked for is not there. Proxmox says so with 500 and a text. What may not be
   * seen is not missing, though the text of a 403 may name a thing that "does not exist".
   */
  get isMissing(): boolean {
    if (this.isForbidden) return false;
    return this.status === 404 || /does not exist|no such (?:task|job|resource|rule)/i.test(this.text);
  }

  /** The configuration changed since it was read. */
  get isStaleDigest(): boolean {
    return /detected modified configuration/.test(this.text);
  }

  /** The cluster has no quorum: reads work, writes do not. */
  get isNoQuorum(): boolean {
    return /no quorum/.test(this.text);
  }

  /** Reason, fields and the task's exit status as one text. */
  get text(): string {
    return [this.reason, ...Object.values(this.fields), this.task?.exitStatus].filter(Boolean).join('\n');
  }
}

function messageOf(facts: ErrorFacts): string {
  const fields = Object.entries(facts.fields ?? {}).map(([field, text]) => `${field}: ${text.trim()}`);
  const what = [
    facts.task?.exitStatus ?? facts.reason ?? facts.kind,
    ...(facts.status === undefined ? [] : [`(${facts.status})`]),
    ...(fields.length === 0 ? [] : [`[${fields.join('; ')}]`]),
    ...(facts.outcomeUnknown ? ['- it may have happened all the same'] : []),
  ].join(' ');
  const lines = [`Unable to ${facts.method} ${facts.path}: ${what}`];
  if (facts.hint !== undefined) lines.push(facts.hint);
  if (facts.task && facts.task.log.length > 0)
    lines.push('The last lines of the task:', ...facts.task.log.map((line) => `  ${line}`));
  return lines.join('\n');
}

/** What a text of Proxmox says about rights (PVE::Exception, raise_perm_exc): `Permission check failed (/vms/9, VM.Audit)`. */
export function forbiddenIn(text: string): Forbidden | null {
  // To the last bracket of the line: there are brackets within.
  const match = /Permission check failed(?: \((.*)\))?/.exec(text);
  if (!match) return null;
  const detail = match[1] ?? '';
  const [, path, list] = /^(\/\S*), ([A-Za-z.]+(?:\|[A-Za-z.]+)*)$/.exec(detail) ?? [];
  return { path: path ?? null, privileges: list?.split('|') ?? [], detail };
}
