import cookie from '@fastify/cookie';
import type { ServiceDefinition } from '@psa/service-kit/service';
import { timerWorker } from '@psa/service-kit/timers';
import { Counter } from 'prom-client';
import { apiKeyRoutes } from './api-keys/routes.ts';
import { auditRoutes } from './audit/routes.ts';
import { auditConsumer } from './audit/service.ts';
import { background } from './background.ts';
import { backupRoutes } from './backups/routes.ts';
import { customerCheckHandlers } from './customers/check.ts';
import { customerConsumer } from './customers/consumer.ts';
import type { AuthDeps } from './deps.ts';
import { keyRing, keyRotation } from './keys/key-ring.ts';
import { keyRoutes } from './keys/routes.ts';
import { passwordHasher } from './passwords/hasher.ts';
import { mailWorker } from './passwords/mail.ts';
import { passwordRoutes } from './passwords/routes.ts';
import { roleRoutes } from './roles/routes.ts';
import { sessionRoutes } from './sessions/routes.ts';
import { tenantRoutes } from './tenants/routes.ts';
import { contactConsumer } from './users/contacts.ts';
import { userRoutes } from './users/routes.ts';
import { searchTextHandlers } from './users/search-text.ts';
import { unlinkedContactHandlers } from './users/unlinked-contacts.ts';

/** Users, roles, sessions, API keys, signing keys and the audit log. */
export const authService: ServiceDefinition = {
  name: 'auth',
  title: 'Identity',
  migrations: new URL('./db/migrations/', import.meta.url),
  // Not the mailer: mails wait for the mail server, and whoever signs in need not.
  uses: ['bus', 'cache'],
  build(ports, metrics) {
    const deps: AuthDeps = {
      ...ports,
      keys: keyRing(ports),
      hasher: passwordHasher,
      background: background(ports.log),
    };
    let counted = passwordHasher.runs;
    new Counter({
      name: 'password_hashes_total',
      help: 'Password hashes computed, for real and unknown accounts alike',
      registers: [metrics.registry],
      collect() {
        this.inc(passwordHasher.runs - counted);
        counted = passwordHasher.runs;
      },
    });
    return {
      async routes(app) {
        await app.register(cookie);
        sessionRoutes(app, deps);
        passwordRoutes(app, deps);
        keyRoutes(app, deps);
        tenantRoutes(app, deps);
        userRoutes(app, deps);
        roleRoutes(app, deps);
        apiKeyRoutes(app, deps);
        auditRoutes(app, deps);
        backupRoutes(app, deps);
      },
      workers: [
        auditConsumer(deps),
        customerConsumer(deps),
        contactConsumer(deps),
        timerWorker({
          ...deps,
          // What earlier releases left to be settled once.
          handlers: {
            ...customerCheckHandlers(deps),
            ...searchTextHandlers(deps),
            ...unlinkedContactHandlers(deps),
          },
        }),
        mailWorker(deps),
        keyRotation(deps, deps.keys),
        deps.background,
      ],
    };
  },
};
