import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JournalReader, merged, renderLine } from './log-lines.ts';

const entry = (time: number, message: unknown) =>
  `${JSON.stringify({ __REALTIME_TIMESTAMP: String(time), MESSAGE: message, _SYSTEMD_UNIT: 'psa@crm.service' })}\n`;

describe('the journals of several containers', () => {
  it('become one, by time', () => {
    const [one, two] = [new JournalReader('psa-crm-1'), new JournalReader('psa-crm-2')];
    const lines = merged([
      ...one.take(entry(1_000_000, 'a') + entry(3_000_000, 'c')),
      ...two.take(entry(2_000_000, [98])),
    ]);
    expect(lines.map((line) => renderLine(line, 10))).toEqual([
      '1970-01-01T00:00:01.000Z psa-crm-1  a\n',
      '1970-01-01T00:00:02.000Z psa-crm-2  b\n',
      '1970-01-01T00:00:03.000Z psa-crm-1  c\n',
    ]);
  });

  it('are the same in whatever pieces they come', () => {
    const text = [1, 2, 3, 4].map((n) => entry(n, `message ${n}`)).join('');
    const whole = new JournalReader('x').take(text);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 20 }), (sizes) => {
        const reader = new JournalReader('x');
        const found = [];
        let at = 0;
        for (const size of [...sizes, text.length]) {
          found.push(...reader.take(text.slice(at, at + size)));
          at += size;
        }
        expect(found).toEqual(whole);
      }),
    );
  });
});
