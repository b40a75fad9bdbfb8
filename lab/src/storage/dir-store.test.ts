import { describe } from 'vitest';
import { DirStore } from './dir-store.ts';
import { storeContract } from './store.contract.ts';

describe('DirStore', () => {
  storeContract((options) => new DirStore(options), 0);
});
