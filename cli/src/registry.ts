import type { Entry } from './command.ts';

const entry = (path: string, summary: string, load: Entry['load'], on: Entry['on'] = 'platform'): Entry => ({
  ...{ path: path.split(' '), summary, on, load },
});

/** Every command of psactl. */
export const COMMANDS: readonly Entry[] = [
  entry(
    'status',
    'Shows whether the platform and each of its services is ready',
    async () => (await import('./commands/status.ts')).status,
  ),
  entry(
    'login',
    'Signs in and remembers the session for this address',
    async () => (await import('./commands/login.ts')).login,
  ),
  entry(
    'logout',
    'Ends the session that "psactl login" began for this address',
    async () => (await import('./commands/logout.ts')).logout,
  ),
  entry(
    'user create',
    'Creates a person who may sign in',
    async () => (await import('./commands/user/create.ts')).createUser,
  ),
  entry(
    'user list',
    'Lists the people who may sign in',
    async () => (await import('./commands/user/list.ts')).listUsers,
  ),
  entry(
    'import tickets',
    'Imports tickets with their whole history',
    async () => (await import('./commands/import/tickets.ts')).importTickets,
  ),
  entry(
    'events dlq list',
    'Lists events that a consumer failed at until the last retry',
    async () => (await import('./commands/events/dlq-list.ts')).dlqList,
  ),
  entry(
    'events dlq replay',
    'Hands the parked events of a consumer to it again',
    async () => (await import('./commands/events/dlq-replay.ts')).dlqReplay,
  ),
  entry(
    'audit verify',
    'Proves that the audit log is whole',
    async () => (await import('./commands/audit/verify.ts')).auditVerify,
  ),
  entry(
    'plan',
    'Shows what apply would do to bring the cluster to what the inventory says',
    async () => (await import('./commands/plan.ts')).planCommand,
    'site',
  ),
  entry(
    'apply',
    'Brings the cluster to what the inventory says',
    async () => (await import('./commands/apply.ts')).apply,
    'site',
  ),
  entry(
    'adopt',
    'Gives containers the marker back that their notes have lost',
    async () => (await import('./commands/adopt.ts')).adopt,
    'site',
  ),
  entry(
    'destroy',
    'Removes the appliance from a site: containers with their data, HA entries, pool',
    async () => (await import('./commands/destroy.ts')).destroy,
    'site',
  ),
  entry(
    'init',
    'Writes an inventory for a new appliance, by asking',
    async () => (await import('./commands/init.ts')).init,
    'files',
  ),
  entry(
    'render',
    'Writes what follows from the inventory as files: firewall, DNS, Ansible, HAProxy, monitoring',
    async () => (await import('./commands/render.ts')).render,
    'site',
  ),
  entry(
    'doctor',
    'Examines a cluster: is it fit for the appliance?',
    async () => (await import('./commands/doctor.ts')).doctor,
    'site',
  ),
  entry(
    'deploy',
    'Brings a release onto the services, one replica after the other',
    async () => (await import('./commands/deploy.ts')).deploy,
    'site',
  ),
  entry(
    'rollback',
    'Goes back to the release before, one replica after the other',
    async () => (await import('./commands/rollback.ts')).rollback,
    'site',
  ),
  entry(
    'template build',
    'Builds the templates that containers are made from',
    async () => (await import('./commands/template/build.ts')).templateBuild,
    'files',
  ),
  entry(
    'template list',
    'Lists the templates, and which of them are built',
    async () => (await import('./commands/template/list.ts')).templateList,
    'files',
  ),
  entry(
    'template verify',
    'Checks built templates: checksum, manifest, and that nothing is in them that containers may not share',
    async () => (await import('./commands/template/verify.ts')).templateVerify,
    'files',
  ),
  entry(
    'template push',
    'Sends built templates to the storages of a site',
    async () => (await import('./commands/template/push.ts')).templatePush,
    'site',
  ),
  entry(
    'scale',
    'Changes how many replicas of a service there are',
    async () => (await import('./commands/scale.ts')).scale,
    'site',
  ),
  entry(
    'logs',
    'Shows what a service or data part writes, all its containers in one, by time',
    async () => (await import('./commands/logs.ts')).logs,
    'site',
  ),
  entry(
    'exec',
    'Runs a command in a container, wherever that is now',
    async () => (await import('./commands/exec.ts')).exec,
    'site',
  ),
  entry(
    'certs list',
    "Shows the appliance's certificates and when they end",
    async () => (await import('./commands/certs/list.ts')).certsList,
    'site',
  ),
  entry(
    'certs renew',
    "Makes a new certificate for the edge, signed by the appliance's own authority",
    async () => (await import('./commands/certs/renew.ts')).certsRenew,
    'site',
  ),
  entry(
    'certs install',
    'Takes a certificate of an authority for the edge',
    async () => (await import('./commands/certs/install.ts')).certsInstall,
    'site',
  ),
  entry(
    'secrets list',
    "Lists the appliance's secrets, without their values",
    async () => (await import('./commands/secrets/list.ts')).secretsList,
    'site',
  ),
  entry(
    'secrets show',
    'Shows the value of a secret',
    async () => (await import('./commands/secrets/show.ts')).secretsShow,
    'site',
  ),
  entry(
    'secrets rotate',
    'Gives a secret a new value',
    async () => (await import('./commands/secrets/rotate.ts')).secretsRotate,
    'site',
  ),
  entry(
    'secrets signing-key',
    'Shows the key that this machine signs releases and templates with; makes it where there is none',
    async () => (await import('./commands/secrets/signing-key.ts')).secretsSigningKey,
    'files',
  ),
  entry(
    'backup run',
    'Backs the platform up, and reads the backup back',
    async () => (await import('./commands/backup/run.ts')).backupRun,
    'files',
  ),
  entry(
    'backup verify',
    'Reads every byte of a backup back, and says whether it restores',
    async () => (await import('./commands/backup/verify.ts')).backupVerify,
    'files',
  ),
  entry(
    'backup list',
    'Lists the backups of a site or of a folder, and which of them are proven by restoring',
    async () => (await import('./commands/backup/list.ts')).backupList,
    'files',
  ),
  entry(
    'backup prune',
    'Removes the backups that the policy does not keep',
    async () => (await import('./commands/backup/prune.ts')).backupPrune,
    'files',
  ),
  entry(
    'backup protect',
    'Has a backup stay whatever the policy says',
    async () => (await import('./commands/backup/protect.ts')).backupProtect,
    'files',
  ),
  entry(
    'backup show',
    'Shows all that is known of a backup of a site, or of all of a run',
    async () => (await import('./commands/backup/show.ts')).backupShow,
    'site',
  ),
  entry(
    'backup copy',
    'Copies backups of a site into another folder, with their manifests',
    async () => (await import('./commands/backup/copy.ts')).backupCopy,
    'site',
  ),
  entry(
    'backup catalogue rebuild',
    'Writes the manifests anew of archives that have none',
    async () => (await import('./commands/backup/rebuild.ts')).backupRebuild,
    'site',
  ),
  entry(
    'restore embedded',
    'Fills an empty data folder of the platform in one process from a backup',
    async () => (await import('./commands/restore/embedded.ts')).restoreEmbeddedCommand,
    'files',
  ),
  entry(
    'restore database',
    'Restores a database of a site from a dump, into its place or beside it',
    async () => (await import('./commands/restore/database.ts')).restoreDatabaseCommand,
    'site',
  ),
  entry(
    'restore container',
    'Restores a container of a site from a backup, into its place or beside it',
    async () => (await import('./commands/restore/container.ts')).restoreContainerCommand,
    'site',
  ),
  entry(
    'restore redis',
    'Replaces what is in Redis by a backup, on all of its members',
    async () => (await import('./commands/restore/redis.ts')).restoreRedisCommand,
    'site',
  ),
  entry(
    'restore config',
    'Unpacks configurations, secrets, definitions of RabbitMQ or releases of a backup into a folder',
    async () => (await import('./commands/restore/config.ts')).restoreConfigCommand,
    'site',
  ),
  entry(
    'lab up',
    'Makes a cluster of three nodes on this machine, or brings it up again',
    async () => (await import('./commands/lab/up.ts')).labUpCommand,
    'lab',
  ),
  entry(
    'lab down',
    'Ends the lab and removes all of it: containers, volumes, network',
    async () => (await import('./commands/lab/down.ts')).labDownCommand,
    'lab',
  ),
  entry(
    'lab status',
    "Shows the lab's nodes, their addresses and what is wrong with them on purpose",
    async () => (await import('./commands/lab/status.ts')).labStatus,
    'lab',
  ),
  entry(
    'lab kill-node',
    'Takes the power from a node',
    async () => (await import('./commands/lab/faults.ts')).labKillNode,
    'lab',
  ),
  entry(
    'lab start-node',
    'Switches a node on again',
    async () => (await import('./commands/lab/faults.ts')).labStartNode,
    'lab',
  ),
  entry(
    'lab partition',
    'Cuts a node off from the others and from the router',
    async () => (await import('./commands/lab/faults.ts')).labPartition,
    'lab',
  ),
  entry(
    'lab demo',
    'Puts the demo data into an appliance that has none: an MSP with customers, technicians and tickets',
    async () => (await import('./commands/lab/demo.ts')).labDemo,
    'site',
  ),
  entry(
    'lab heal',
    'Puts the cables back in',
    async () => (await import('./commands/lab/faults.ts')).labHeal,
    'lab',
  ),
  entry(
    'lab fill-disk',
    "Fills a node's storage",
    async () => (await import('./commands/lab/faults.ts')).labFillDisk,
    'lab',
  ),
  entry(
    'completion',
    'Prints the completion script for a shell',
    async () => (await import('./commands/completion.ts')).completion,
  ),
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
  backup: 'backups, and the proof that they restore',
  'backup catalogue': 'what is known of the backups of a site',
  restore: 'bring back what a backup holds',
  lab: 'a cluster of three nodes on this machine, to try everything on',
};

/** What the help of psactl itself shows; each is an example of its command. */
export const FIRST_EXAMPLES: readonly { readonly run: string; readonly note: string }[] = [
  { run: 'psactl status', note: 'one screen: services, tickets, events' },
  { run: 'psactl lab up', note: 'three nodes; the inventory for them is written, too' },
  { run: 'psactl plan', note: 'what is to be done on the first site of ./appliance.yaml' },
  { run: 'psactl apply --site lab --yes', note: 'the whole appliance on the lab' },
  { run: 'psactl deploy --release 0.1.0 --site lab', note: 'every service' },
];
