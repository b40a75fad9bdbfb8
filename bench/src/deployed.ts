import { ADMIN, type ServiceProcesses, serviceProcesses } from '@psa/embedded/service-processes.test-helper';
import { type PlatformDatabase, type SignedIn, signIn, UNLIMITED } from './platform.ts';

/** The platform as a cluster has it: a process per service, PostgreSQL, RabbitMQ and Redis as servers of their own. */
export interface DeployedPlatform extends PlatformDatabase {
  readonly processes: ServiceProcesses;
  /** Of the gateway. */
  readonly url: string;
  signIn(): Promise<SignedIn>;
  stop(): Promise<void>;
}

/** Starts it with one tenant, and limits out of reach by its settings. */
export async function startDeployed(): Promise<DeployedPlatform> {
  const processes = await serviceProcesses({ env: UNLIMITED });
  try {
    await processes.start('auth', 'crm', 'events', 'search', 'tickets', 'gateway');
    await processes.makeFirstTenant();
  } catch (error) {
    await processes.stop();
    throw error;
  }
  const url = processes.urlOf('gateway');
  return {
    processes,
    url,
    admin: processes.sql,
    adminUrl: processes.adminUrl,
    rolePassword: processes.rolePassword,
    roleUrl(service, database) {
      const role = new URL(processes.databaseUrl(service));
      if (database) role.pathname = `/${database}`;
      return role.href;
    },
    signIn: () => signIn(url, ADMIN.email, ADMIN.password),
    stop: () => processes.stop(),
  };
}
