import { expect, it } from 'vitest';
import { partsOf } from './compounds.ts';

it('takes the last word of a compound as it is before one with an ending', () => {
  expect(partsOf('bondrucker')).toEqual(['bon', 'drucker']);
  expect(partsOf('netzwerkdrucker')).toEqual(['netz', 'netzwerk', 'werk', 'werkdrucker', 'drucker']);
  for (const word of ['sekunde', 'apparat', 'drucker']) expect(partsOf(word)).toEqual([]);
});
