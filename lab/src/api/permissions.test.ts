import { schema9 } from '@psa/proxmox/golden.test-helper';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Access } from '../cluster/access.ts';
import { Authenticator } from './auth.ts';
import { ApiBench } from './bench.test-helper.ts';
import { labRoutes } from './routes.ts';

let bench: ApiBench;
beforeAll(async () => {
  bench = await ApiBench.open();
});
afterAll(() => bench.close());

describe('every route', () => {
  it("asks for the rights that Proxmox VE's schema names, and of the node that it names", () => {
    const routes = labRoutes(new Authenticator(new Access(bench.lab.files), bench.lab.files));
    const wrong = routes.flatMap(({ method, path, permission, noToken, isLocal }) => {
      const doc = schema9.doc[path]?.[method] as
        | { permissions?: Record<string, unknown>; allowtoken?: number; proxyto?: string }
        | undefined;
      if (!doc) return [`${method} ${path} is no route of Proxmox VE`];
      const { permissions } = doc;
      const wanted = !permissions
        ? null
        : // Where both stand, the user decides.
          permissions.user === undefined
          ? { check: permissions.check }
          : { user: permissions.user };
      const ours = { permission, noToken: noToken ?? false, isLocal: isLocal ?? !path.includes('{node}') };
      const theirs = {
        permission: wanted,
        noToken: Number(doc.allowtoken ?? 1) === 0,
        isLocal: !doc.proxyto,
      };
      return JSON.stringify(ours) === JSON.stringify(theirs)
        ? []
        : [`${method} ${path}: ${JSON.stringify(ours)} instead of ${JSON.stringify(theirs)}`];
    });
    expect(wrong).toEqual([]);
  });
});
