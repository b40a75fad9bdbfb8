import { until } from '@psa/test-kit/until';
import { expect, it } from 'vitest';
import { LoadGuard } from './load-guard.ts';

it('turns requests away while the event loop is held up, and takes them again afterwards', async () => {
  const guard = new LoadGuard({ mostDelayMs: 50 });
  expect(guard.refusal()).toBeNull();
  const busy = setInterval(() => {
    const { user } = process.threadCpuUsage();
    while (process.threadCpuUsage().user - user < 200_000);
  }, 1);
  await until(() => guard.refusal() !== null, 60_000);
  expect(guard.refusal()).toMatchObject({ status: 503, retryAfter: 1 });
  clearInterval(busy);
  await until(() => guard.refusal() === null, 60_000);
  guard.stop();
});

it('turns nobody away for what others do to the machine', async () => {
  const guard = new LoadGuard({ mostDelayMs: 50 });
  const asleep = new Int32Array(new SharedArrayBuffer(4));
  for (let i = 0; i < 4; i++) {
    Atomics.wait(asleep, 0, 0, 500);
    await new Promise((resolve) => setTimeout(resolve, 110));
    expect(guard.refusal()).toBeNull();
  }
  guard.stop();
});
