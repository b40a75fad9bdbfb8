import type { AnyCommand } from './command.ts';

export interface Entry {
  /** Noun and verb as typed. */
  readonly path: readonly string[];
  /** What it works on: the platform by its API, the cluster of an inventory, the lab, or nothing but files. */
  readonly on: 'platform' | 'site' | 'lab' | 'files';
  /** Loaded only when it is run or its help is asked for. */
  load(): Promise<AnyCommand>;
}

const entry = (path: string, load: Entry['load'], on: Entry['on'] = 'platform'): Entry => ({
  ...{ path: path.split(' '), on, load },
});

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
  entry('plan', async () => (await import('./commands/plan.ts')).planCommand, 'site'),
  entry('apply', async () => (await import('./commands/apply.ts')).apply, 'site'),
  entry('destroy', async () => (await import('./commands/destroy.ts')).destroy, 'site'),
  entry('init', async () => (await import('./commands/init.ts')).init, 'files'),
  entry('doctor', async () => (await import('./commands/doctor.ts')).doctor, 'site'),
  entry('deploy', async () => (await import('./commands/deploy.ts')).deploy, 'site'),
  entry('rollback', async () => (await import('./commands/rollback.ts')).rollback, 'site'),
  entry('template build', async () => (await import('./commands/template/build.ts')).templateBuild, 'files'),
  entry('template list', async () => (await import('./commands/template/list.ts')).templateList, 'files'),
  entry(
    'template verify',
    async () => (await import('./commands/template/verify.ts')).templateVerify,
    'files',
  ),
  entry('template push', async () => (await import('./commands/template/push.ts')).templatePush, 'site'),
  entry('scale', async () => (await import('./commands/scale.ts')).scale, 'site'),
  entry('logs', async () => (await import('./commands/logs.ts')).logs, 'site'),
  entry('exec', async () => (await import('./commands/exec.ts')).exec, 'site'),
  entry('certs list', async () => (await import('./commands/certs/list.ts')).certsList, 'site'),
  entry('certs renew', async () => (await import('./commands/certs/renew.ts')).certsRenew, 'site'),
  entry('certs install', async () => (await import('./commands/certs/install.ts')).certsInstall, 'site'),
  entry('secrets list', async () => (await import('./commands/secrets/list.ts')).secretsList, 'site'),
  entry('secrets show', async () => (await import('./commands/secrets/show.ts')).secretsShow, 'site'),
  entry('secrets rotate', async () => (await import('./commands/secrets/rotate.ts')).secretsRotate, 'site'),
  entry('lab up', async () => (await import('./commands/lab/up.ts')).labUpCommand, 'lab'),
  entry('lab down', async () => (await import('./commands/lab/down.ts')).labDownCommand, 'lab'),
  entry('lab status', async () => (await import('./commands/lab/status.ts')).labStatus, 'lab'),
  entry('lab kill-node', async () => (await import('./commands/lab/faults.ts')).labKillNode, 'lab'),
  entry('lab start-node', async () => (await import('./commands/lab/faults.ts')).labStartNode, 'lab'),
  entry('lab partition', async () => (await import('./commands/lab/faults.ts')).labPartition, 'lab'),
  entry('lab demo', async () => (await import('./commands/lab/demo.ts')).labDemo, 'site'),
  entry('lab heal', async () => (await import('./commands/lab/faults.ts')).labHeal, 'lab'),
  entry('lab fill-disk', async () => (await import('./commands/lab/faults.ts')).labFillDisk, 'lab'),
  entry('completion', async () => (await import('./commands/completion.ts')).completion),
];

/** What each noun is about, for the help. */
export const NOUNS: Readonly<Record<string, string>> = {
  user: 'people who may sign in',
  import: 'bring data in from other systems',
  events: 'the event bus',
  'events dlq': 'events that no consumer could take (dead letters)',
  audit: 'the audit log',
  template: 'what containers are made from',
  certs: 'certificates of the edge',
  secrets: 'passwords and keys of an appliance',
  lab: 'a cluster of three nodes on this machine, to try everything on',
};
