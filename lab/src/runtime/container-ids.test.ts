import { describe, expect, it } from 'vitest';
import { CONTAINER_IDS, grantsContainerIds } from '../../../scripts/setup.mjs';
import { ID_COUNT, ID_SHIFT } from './lxc-config.ts';

describe('ids of unprivileged containers', () => {
  it('are those that the lab maps to', () => {
    expect(CONTAINER_IDS).toEqual([ID_SHIFT, ID_COUNT]);
  });

  it.each([
    ['', false],
    ['root:100000:65536\n', true],
    ['0:100000:65536', true],
    ['someone:100000:65536\n', false],
    ['someone:100000:65536\nroot:100000:65536\n', true],
    ['root:50000:200000\n', true],
    ['root:165536:65536\n', false],
    ['root:100000:1000\n', false],
    ['# root:100000:65536\n', false],
    ['root:100000\n', false],
  ])('granted by %j: %s', (text, granted) => {
    expect(grantsContainerIds(text)).toBe(granted);
  });
});
