import { afterAll, beforeAll, describe } from 'vitest';
import { backup } from './backup.drill.ts';
import { clock } from './clock.drill.ts';
import { conformance } from './conformance.drill.ts';
import { dr } from './dr.drill.ts';
import { drWarm } from './dr-warm.drill.ts';
import { drift } from './drift.drill.ts';
import { flows } from './flows.drill.ts';
import { idle } from './idle.drill.ts';
import { killPsactl } from './kill-psactl.drill.ts';
import { nodeDestroyed } from './node-destroyed.drill.ts';
import { nodeLoss } from './node-loss.drill.ts';
import { partition } from './partition.drill.ts';
import { pitr } from './pitr.drill.ts';
import { powerLoss } from './power-loss.drill.ts';
import { recoveryDrill } from './recovery-drill.drill.ts';
import { renew } from './renew.drill.ts';
import { type Rig, raise } from './rig.test-helper.ts';
import { rollout } from './rollout.drill.ts';

let rig: Rig;
beforeAll(async () => {
  rig = await raise();
}, 1_200_000);
afterAll(() => rig?.down());

// One appliance for all, because making it takes minutes; each leaves it healthy. Each may take as long as the machine needs:
// what is promised has bounds of its own.
describe('an appliance on the lab', { timeout: 3_000_000, retry: 0 }, () => {
  const it = () => rig;
  drift(it);
  flows(it);
  rollout(it);
  killPsactl(it);
  nodeLoss(it);
  idle(it);
  partition(it);
  powerLoss(it);
  renew(it);
  backup(it);
  pitr(it);
  clock(it);
  recoveryDrill(it);
  nodeDestroyed(it);
  dr(it);
  drWarm(it);
  conformance(it);
});
