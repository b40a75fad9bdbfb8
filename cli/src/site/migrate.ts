import { shellQuote } from '@psa/proxmox/ssh';
import { CliError } from '../errors.ts';
import type { Cluster } from './cluster.ts';

/**
 * Secrets go in by standard input: arguments stand in the list of processes. Under sshd
 * that is a socket, which cannot be opened as a file.
 */
const SCRIPT = 'set -a; eval "$(cat)"; set +a; exec /opt/psa/node/bin/node "$1"';

/**
 * Runs the migrations of a release that is installed in a container. What they add, the release that still runs can
 * live with (expand); so nothing has to stop for them. Run again, they do what is left.
 */
export async function migrateDatabase(cluster: Cluster, container: number, release: string): Promise<void> {
  const { site } = cluster;
  const { postgres, haproxy } = site.inventory.data;
  const { postgres_superuser: superuser, postgres_roles: roles } = await site.folder.secrets();
  if (!superuser || !roles) {
    throw new CliError('Unable to migrate the database: its passwords are not known here.', {
      why: `${site.folder.file('secrets.json')} lacks postgres_superuser or postgres_roles.`,
      fix: 'Run this where "psactl apply" was run, or bring the folder along.',
    });
  }
  const url = `postgres://postgres:${encodeURIComponent(superuser)}@${haproxy.virtual_address}:${postgres.write_port}/${postgres.database}_admin`;
  const env = { DATABASE_ADMIN_URL: url, ROLE_PASSWORD: roles };
  const text = Object.entries(env)
    .map(([name, value]) => `${name}=${shellQuote(value)}\n`)
    .join('');
  const argv = ['sh', '-c', SCRIPT, 'migrate', `/opt/psa/releases/${release}/migrate/main.mjs`];
  const { code, stdout, stderr } = await cluster.exec(container, argv, {
    stdin: text,
    timeoutMs: 30 * 60_000,
  });
  if (code === 0) return;
  const said = `${stdout}\n${stderr}`.trim().replaceAll(superuser, '***').replaceAll(roles, '***');
  throw new CliError(`Unable to migrate the database to ${release}.`, {
    why: said.split('\n').slice(-6).join('\n') || `The migrations ended with ${code}.`,
    fix: 'The old release still runs. Mend the cause and deploy again.',
  });
}
