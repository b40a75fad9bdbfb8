import { describe, expect, it } from 'vitest';
import { ARGON2_PARAMETERS, PasswordHasher } from './hasher.ts';

describe('PasswordHasher', () => {
  it('makes Argon2id PHC strings with the advised parameters and a salt of their own', async () => {
    const hasher = new PasswordHasher();
    const [one, two] = [await hasher.hash('correct horse'), await hasher.hash('correct horse')];
    expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    expect(one).not.toBe(two);
    expect(await hasher.verify(one, 'correct horse')).toEqual({ correct: true, stale: false });
    expect(await hasher.verify(one, 'correct Horse')).toEqual({ correct: false, stale: false });
  });

  it('knows a hash of older parameters, and takes the same text in another Unicode form', async () => {
    const old = await new PasswordHasher({ parameters: { ...ARGON2_PARAMETERS, memory: 1024 } }).hash(
      'fa\u0308cher',
    );
    const now = await new PasswordHasher().verify(old, 'f\u00e4cher');
    expect(now).toEqual({ correct: true, stale: true });
  });

  it('refuses what is no hash of ours without computing anything', async () => {
    const hasher = new PasswordHasher();
    for (const text of ['', 'plain', '$2b$10$abcdefghijklmnopqrstuv', '$argon2id$v=19$m=1,t=1,p=1$x$y']) {
      expect(await hasher.verify(text, 'plain')).toEqual({ correct: false, stale: false });
    }
    expect(hasher.runs).toBe(0);
  });

  it('computes a few at a time, however many ask, and refuses past the queue', async () => {
    const hasher = new PasswordHasher({
      parameters: { memory: 64, passes: 1, parallelism: 1 },
      limit: 2,
      maxWaiting: 10,
    });
    let peak = 0;
    const watch = setInterval(() => (peak = Math.max(peak, hasher.active)), 0);
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, (_, i) => hasher.hash(`password ${i}`)),
    );
    clearInterval(watch);
    peak = Math.max(peak, hasher.active);
    expect(peak).toBeLessThanOrEqual(2);
    expect(results.filter((r) => r.status === 'fulfilled')).toHaveLength(12);
    expect(results.filter((r) => r.status === 'rejected').map((r) => r.reason.status)).toEqual(
      Array(8).fill(503),
    );
    expect(hasher.active).toBe(0);
  });

  it('spends one computation when it pretends', async () => {
    const hasher = new PasswordHasher({ parameters: { memory: 64, passes: 1, parallelism: 1 } });
    await hasher.pretend('whatever');
    expect(hasher.runs).toBe(1);
  });
});
