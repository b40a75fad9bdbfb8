import Type, { type Static } from 'typebox';
import { PUBLIC_KEY } from '../signing/minisign.ts';
import { Closed, Name, Schedule, SecretFile } from './parts-schema.ts';
import { RELEASE_VERSION } from './release-version.ts';

/** Where releases come from and how many stay. */
export const Releases = Closed({
  version: Type.String({
    pattern: RELEASE_VERSION,
    description:
      'The release that services begin with. "psactl deploy" brings others, service by service, and psactl remembers them.',
  }),
  directory: Type.String({ pattern: '^\\S+$', description: 'Where the built releases stand.' }),
  keep: Type.Integer({
    minimum: 2,
    description: 'Releases kept in each container; at least one to go back to.',
  }),
  public_keys: Type.Optional(
    Type.Array(Type.String({ pattern: PUBLIC_KEY }), {
      minItems: 1,
      description:
        'Who builds: releases and templates that none of these keys has signed are refused. "psactl secrets signing-key" prints the one of this machine.',
    }),
  ),
});

/** TLS at the edge. */
export const Tls = Closed({
  certificate_file: SecretFile('On HAProxy: certificate, chain and key in one PEM file.'),
  minimum: Type.Enum(['1.2', '1.3'], { description: 'Oldest TLS version accepted.' }),
  hsts_days: Type.Integer({
    minimum: 0,
    description: 'How long browsers remember to use HTTPS; 0 turns it off.',
  }),
});

/** What is watched and who is told. */
export const Monitoring = Closed({
  scrape_seconds: Type.Integer({ minimum: 5, maximum: 300, description: 'How often metrics are read.' }),
  retention_days: Type.Integer({ minimum: 1, description: 'How long metrics are kept.' }),
  metrics_token_file: SecretFile("On the monitoring container: the gateway's metrics token."),
  mail: Closed({
    to: Type.Array(Type.String({ pattern: '^[^@\\s]+@[^@\\s]+$' }), {
      minItems: 1,
      description: 'Who is told.',
    }),
    from: Type.String({ pattern: '^[^@\\s]+@[^@\\s]+$', description: 'The sender.' }),
    smarthost: Type.String({ pattern: '^[^\\s:]+:\\d+$', description: 'Mail server with its port.' }),
    username: Type.Optional(Type.String({ minLength: 1, description: 'Login at the mail server.' })),
    password_file: Type.Optional(SecretFile('On the monitoring container: the password of that login.')),
  }),
  chat_webhook_file: Type.Optional(
    SecretFile(
      'On the monitoring container: a file with the incoming webhook (Slack, Mattermost, Rocket.Chat) for critical alerts.',
    ),
  ),
});

/** One generation of backups. */
export const BackupTier = Closed({
  name: Name('Name of the generation.'),
  schedule: Schedule,
  keep: Type.Integer({ minimum: 1, description: 'How many are kept.' }),
  storage: Type.Optional(Name('A storage of the site whose content includes backup.')),
  remote: Type.Optional(
    Type.String({
      pattern: '^[A-Za-z0-9_-]+:\\S*$',
      description: 'An rclone remote with its path, outside the site.',
    }),
  ),
  synced: Type.Optional(
    Name(
      'With a storage of type pbs: another one, of a server outside that takes what is there by its own sync job. psactl looks whether it does.',
    ),
  ),
  folder: Type.Optional(
    SecretFile(
      'Where what is no container goes (dumps, configurations, secrets), and the manifests of all: a folder of the machine that runs psactl, such as a mounted share. Absent: .psactl/<site>/backups beside the inventory.',
    ),
  ),
  mounted: Type.Optional(
    Type.Boolean({
      description:
        'true: the folder is on a share, and nothing is written there while that is not mounted. Without it, what was mounted there once must be.',
    }),
  ),
});
export type BackupTier = Static<typeof BackupTier>;

const Target = (what: string) =>
  Closed(
    {
      rto_minutes: Type.Integer({ minimum: 1, description: 'Time to be back.' }),
      rpo_minutes: Type.Integer({ minimum: 1, description: 'Data that may be lost.' }),
    },
    what,
  );

/** What a backup of a site consists of. */
export const BACKUP_ITEMS = [
  'containers',
  'database',
  'pitr',
  'redis',
  'rabbitmq',
  'configs',
  'releases',
  'secrets',
] as const;
export type BackupItem = (typeof BACKUP_ITEMS)[number];

const Count = (what: string) => Type.Optional(Type.Integer({ minimum: 0, description: what }));

/** The options of Proxmox's own prune, for all generations alike. */
export const BackupKeep = Closed(
  {
    'keep-last': Count('The newest so many.'),
    'keep-hourly': Count('The newest of so many hours.'),
    'keep-daily': Count('The newest of so many days.'),
    'keep-weekly': Count('The newest of so many weeks (ISO 8601).'),
    'keep-monthly': Count('The newest of so many months.'),
    'keep-yearly': Count('The newest of so many years.'),
  },
  'Says what stays in place of the generations, in the words of Proxmox.',
);

/** What is kept, where, how long, and how it is proven. */
export const Backup = Closed({
  tiers: Type.Array(BackupTier, { minItems: 1, description: 'Son, father, grandfather.' }),
  keep: Type.Optional(BackupKeep),
  zone: Type.Optional(
    Type.String({
      pattern: '^[A-Za-z_]+(/[A-Za-z0-9_+-]+)*$',
      description: 'IANA name of the zone whose days count; the timezone of the inventory when absent.',
    }),
  ),
  items: Type.Optional(
    Type.Array(Type.Enum([...BACKUP_ITEMS]), {
      minItems: 1,
      description: 'What is backed up; all when absent.',
    }),
  ),
  groups: Type.Optional(
    Type.Array(Name('A container group.'), {
      minItems: 1,
      description: 'Whose containers are backed up; all when absent.',
    }),
  ),
  interruption: Type.Optional(
    Type.Enum(['none', 'suspend', 'stop'], {
      description:
        'What may happen to a container whose disk can have no snapshot. none (when absent): it is left out, and the run says so. suspend: it stands still while what changed is copied. stop: it is shut down and started again.',
    }),
  ),
  limits: Type.Optional(
    Closed({
      parallel: Type.Optional(
        Type.Integer({
          minimum: 1,
          maximum: 16,
          description: 'Backups at the same time; a node makes one container at a time. 2 when absent.',
        }),
      ),
      priority: Type.Optional(
        Type.Enum(['low', 'normal'], {
          description:
            'low (when absent): a backup takes the processor and the disk only when nobody else wants them, so that people notice little of it. normal: it takes its share of them, and is ready sooner on a busy machine.',
        }),
      ),
      bandwidth_mib: Type.Optional(
        Type.Integer({ minimum: 1, description: 'MiB per second of each; as fast as it goes when absent.' }),
      ),
    }),
  ),
  hooks: Type.Optional(
    Closed({
      before: Type.Optional(
        Type.String({
          minLength: 1,
          description: 'Shell line before a run; when it fails nothing is taken.',
        }),
      ),
      after: Type.Optional(
        Type.String({ minLength: 1, description: 'Shell line after a run, however that ended.' }),
      ),
    }),
  ),
  recipients: Type.Optional(
    Type.Array(Type.String({ pattern: '^age1[02-9ac-hj-np-z]{58}$' }), {
      minItems: 1,
      description:
        'Public age keys that are encrypted to. With them the machine that runs psactl needs no private key for a backup; absent: the public part of encryption_key_file.',
    }),
  ),
  pfsense_config_file: Type.Optional(
    SecretFile('A config.xml of the firewall that somebody puts there; it is part of the configurations.'),
  ),
  encryption_key_file: SecretFile('Key that artefacts are encrypted with before they leave the site.'),
  wal_archive_minutes: Type.Integer({
    minimum: 1,
    description: 'PostgreSQL hands over its log at least this often.',
  }),
  pitr_days: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 400,
      description: 'How many days back the database can be had as of any second; 14 when absent.',
    }),
  ),
  redis_minutes: Type.Integer({ minimum: 1, description: 'How often Redis is saved.' }),
  drill: Closed({
    schedule: Schedule,
    ids: Type.String({ pattern: '^\\d{3,9}-\\d{3,9}$', description: 'Container ids kept for drills.' }),
    vlan: Name('The VLAN of restored containers; they must not meet the live ones.'),
  }),
  targets: Closed({
    cluster: Target('Loss of the whole cluster.'),
    database: Target('Loss of the database.'),
    redis: Target('Loss of Redis.'),
  }),
});
