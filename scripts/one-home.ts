import type { Guard } from './repo-guards.ts';

/** A rule that once stood in several rooms with different values: its one room, and what betrays a second. */
interface Home {
  readonly fact: string;
  readonly room: RegExp;
  readonly sign: RegExp;
  /** A second home, as it once stood. */
  readonly planted: string;
}

const HOMES: readonly Home[] = [
  {
    fact: "quoting for a shell: libs/proxmox/src/ssh.ts, `shellQuote` (vzdump's own form is the lab's)",
    room: /^libs\/proxmox\/src\/ssh\.ts$|^lab\/src\/api\/backup\/vzdump-options\.ts$/,
    sign: /replace(?:All)?\((?:"'"|\/'\/g), *["'`]'(?:\\\\''|"'"'"|\\"'\\"')/,
    planted: `const line = \`A='\${value.replaceAll("'", \`'\\\\''\`)}'\`;`,
  },
  {
    fact: "which time zones there are: libs/contracts/src/time-zones.ts (Proxmox's are in libs/proxmox/src/schema/formats.ts)",
    room: /^libs\/contracts\/src\/time-zones(\.test)?\.ts$|^libs\/proxmox\/src\/schema\/formats\.ts$/,
    sign: /supportedValuesOf\(['"]timeZone|(?:function|const) isTimeZone\b|try \{\s*(?:return |const \w+ = )?new Intl\.DateTimeFormat\([^)]*timeZone/,
    planted: "try {\n  new Intl.DateTimeFormat('en', { timeZone: name });\n} catch {}",
  },
  {
    fact: 'the form of a tag: libs/contracts/src/tags.ts',
    room: /^libs\/contracts\/src\/tags\.ts$|^lab\//,
    sign: /(?:\b[tT]ags\.map|\.tag)\b[^;]{0,80}\.toLowerCase\(\)|normali[sz]eTags?\b/,
    planted: 'const stored = tags.map((tag) => tag.trim().toLowerCase());',
  },
  {
    fact: 'validators and their formats: libs/service-kit/src/validation.ts (the 2020 draft of appliance.schema.json apart)',
    room: /^libs\/service-kit\/src\/validation\.ts$/,
    sign: /new Ajv\(/,
    planted: 'const ajv = new Ajv({ strict: false });',
  },
  {
    fact: 'the channel of live events: libs/contracts/src/event-api.ts, `liveChannel`',
    room: /^libs\/contracts\/src\/event-api\.ts$/,
    sign: /[`'"]live:(?:\$\{|['"`] *\+)/,
    planted: `await cache.publish(\`live:\${tenant}\`, text);`,
  },
  {
    fact: 'how texts are folded: libs/domain/src/text.ts (passwords have their own, and so has what a browser filters)',
    room: /^libs\/domain\/src\/(text(\.test)?|password-policy)\.ts$|^portals\/ui\/src\/fuzzy\.ts$/,
    sign: /normalize\('NFK?D'\)/,
    planted: "const plain = name.normalize('NFKD').replace(/\\p{M}/gu, '');",
  },
  {
    fact: 'how long a password must be: libs/contracts/src/limits.ts',
    room: /^libs\/contracts\/src\/limits\.ts$/,
    sign: /const M(?:IN|AX)_PASSWORD_LENGTH\b/,
    planted: 'export const MIN_PASSWORD_LENGTH = 12;',
  },
  {
    fact: 'the form and the order of releases: libs/appliance/src/inventory/release-version.ts',
    room: /^libs\/appliance\/src\/inventory\/release-version\.ts$|^scripts\/repo-guards\.ts$/,
    sign: /\bbyVersion\b|\\d\+\\\.\\d\+\\\.\\d\+\(-|split\('\.'\)\)?\.map\((?:\([^)]*\) => )?[^)]*Number/,
    planted: "const [a, b] = [version, other].map((one) => one.split('.').map(Number));",
  },
  {
    fact: 'how a folder is put onto the disk, and a file made once: libs/infra/src/files/durable.ts',
    room: /^libs\/infra\/src\/files\/durable\.ts$/,
    sign: /function syncFolder\b|await link\(draft/,
    planted: 'async function syncFolder(path: string): Promise<void> {}',
  },
];

const second = ({ fact, room, sign }: Home, path: string, text: string) =>
  /\.(ts|tsx|mjs)$/.test(path) && path !== 'scripts/one-home.ts' && !room.test(path) && sign.test(text)
    ? [{ path, message: `is a second home of ${fact}` }]
    : [];

/** Released before there was this guard: a name that ran somewhere stays. */
const TWICE = 'services/tickets/src/db/migrations/003_sla_risk.sql';

/** Two that were written side by side run in an order that nobody chose. */
const migrations: Guard = {
  name: 'each migration of a service has a number of its own',
  check: (files) => {
    const numberOf = ({ path }: { path: string }) =>
      /^(services\/.*\/migrations\/\d{3})_.*\.sql$/.exec(path)?.[1];
    return [
      ...Map.groupBy(
        files.filter((file) => file.path !== TWICE && numberOf(file)),
        (file) => numberOf(file)!,
      ).values(),
    ].flatMap(([first, ...others]) =>
      others.map(({ path }) => ({ path, message: `has the number of ${first!.path}` })),
    );
  },
  planted: ['001_a', '001_b'].map((name) => ({
    path: `services/crm/src/db/migrations/${name}.sql`,
    text: '',
  })),
};

/** Each of them fires on what is planted for it. */
export const oneHome: readonly Guard[] = [
  ...HOMES.map((home) => ({
    name: `one home for ${home.fact}`,
    check: (files: Parameters<Guard['check']>[0]) =>
      files.flatMap(({ path, text }) => second(home, path, text)),
    planted: [{ path: 'services/crm/src/second.ts', text: home.planted }],
  })),
  migrations,
];
