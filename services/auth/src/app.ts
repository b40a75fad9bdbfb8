import cookie from '@fastify/cookie';
import type { ServiceDefinition, ServiceDeps } from '@psa/service-kit/service';
import { Counter } from 'prom-client';
import { apiKeyRoutes } from './api-keys/routes.ts';
import { auditRoutes } from './audit/routes.ts';
import { auditConsumer } from './audit/service.ts';
import { background } from './background.ts';
import type { AuthDeps } from './deps.ts';
import { keyRing, keyRotation } from './keys/key-ring.ts';
import { keyRoutes } from './keys/routes.ts';
import { passwordHasher } from './passwords/hasher.ts';
import { mailWorker } from './passwords/mail.ts';
import { passwordRoutes } from './passwords/routes.ts';
import { roleRoutes } from './roles/routes.ts';
import { sessionRoutes } from './sessions/routes.ts';
import { tenantRoutes } from './tenants/routes.ts';
import { userRoutes } from './users/routes.ts';

const shared = new WeakMap<ServiceDeps, AuthDeps>();

/** What the features share, made once per built service. */
export function authDeps(deps: ServiceDeps): AuthDeps {
  let all = shared.get(deps);
  if (!all) {
    all = { ...deps, keys: keyRing(deps), hasher: passwordHasher, background: background(deps.log) };
    shared.set(deps, all);
  }
  return all;
}

/** Users, roles, sessions, API keys, signing keys and the audit log. */
export const authService: ServiceDefinition = {
  name: 'auth',
  title: 'Identity',
  migrations: new URL('./db/migrations/', import.meta.url),
  // Not the mailer: mails wait for the mail server, and whoever signs in need not.
  uses: ['bus', 'cache'],
  async routes(app, deps, metrics) {
    const all = authDeps(deps);
    await app.register(cookie);
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
    sessionRoutes(app, all);
    passwordRoutes(app, all);
    keyRoutes(app, all);
    tenantRoutes(app, all);
    userRoutes(app, all);
    roleRoutes(app, all);
    apiKeyRoutes(app, all);
    auditRoutes(app, all);
  },
  workers(deps) {
    const all = authDeps(deps);
    return [auditConsumer(deps), mailWorker(deps), keyRotation(deps, all.keys), all.background];
  },
};
