import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Difference } from './compare.test-helper.ts';
import { FURTHER_DIFFERENCES } from './differences.test-helper.ts';
import { before, further } from './further.test-helper.ts';
import { Replay } from './replay.test-helper.ts';
import { Scene } from './scene.test-helper.ts';

const FILE = '09-further';

describe('the lab answers as the recorded cluster, given', () => {
  let scene: Scene;
  let replay: Replay;

  beforeAll(async () => {
    scene = await Scene.open();
    replay = new Replay(scene);
  });
  afterAll(() => scene.close());

  it.each(further.map(({ given, exchanges }, index) => [given, exchanges, index] as const))(
    '%s',
    async (_, exchanges, index) => {
      await before[index]!(scene, replay);
      const found: Difference[] = [];
      for (const exchange of exchanges) found.push(...(await replay.exchange(FILE, -1, exchange)));
      const isKnown = (one: Difference) =>
        FURTHER_DIFFERENCES.some(({ where, what }) => where.test(one.exchange) && what.test(one.text));
      expect(
        found.filter((one) => !isKnown(one)).map(({ exchange, text }) => `${exchange} | ${text}`),
      ).toEqual([]);
    },
  );
});
