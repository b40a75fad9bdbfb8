import type { AnyCommand } from './command.ts';

export interface Entry {
  /** Noun and verb as typed. */
  readonly path: readonly string[];
  /** Loaded only when it is run or its help is asked for. */
  load(): Promise<AnyCommand>;
}

const entry = (path: string, load: () => Promise<AnyCommand>): Entry => ({ path: path.split(' '), load });

/** Every command of psactl. */
export const COMMANDS: readonly Entry[] = [
  entry('status', async () => (await import('./commands/status.ts')).status),
  entry('login', async () => (await import('./commands/login.ts')).login),
  entry('logout', async () => (await import('./commands/logout.ts')).logout),
  entry('user create', async () => (await import('./commands/user/create.ts')).createUser),
  entry('user list', async () => (await import('./commands/user/list.ts')).listUsers),
  entry('import tickets', async () => (await import('./commands/import/tickets.ts')).importTickets),
  entry('events dlq list', async () => (await import('./commands/events/dlq-list.ts')).dlqList),
  entry('events dlq replay', async () => (await import('./commands/events/dlq-replay.ts')).dlqReplay),
  entry('audit verify', async () => (await import('./commands/audit/verify.ts')).auditVerify),
  entry('completion', async () => (await import('./commands/completion.ts')).completion),
];

/** What each noun is about, for the help. */
export const NOUNS: Readonly<Record<string, string>> = {
  user: 'people who may sign in',
  import: 'bring data in from other systems',
  events: 'the event bus',
  'events dlq': 'events that no consumer could take (dead letters)',
  audit: 'the audit log',
};
