import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { tempDir } from '@psa/test-kit/temp-dir';
import { describe } from 'vitest';
import { RuntimeFailure } from '../../ports.ts';
import { runtimeContract } from '../runtime.contract.ts';
import { FakeRuntime } from './fake-runtime.ts';

describe('FakeRuntime', () => {
  runtimeContract(async () => {
    const folder = await tempDir('fake');
    return {
      runtime: () =>
        new FakeRuntime({
          folder: join(folder.path, 'running'),
          network: {
            attachment: (node, bridge, vlan) => {
              if (bridge !== 'vmbr0') throw new RuntimeFailure(`bridge '${bridge}' does not exist`);
              return { namespace: node, link: `vmbr0v${vlan}` };
            },
          },
        }),
      rootfs: async (id) => {
        const path = join(folder.path, String(id));
        await mkdir(path);
        return path;
      },
      close: () => folder.remove(),
    };
  });
});
