import Value from 'typebox/value';
import { expect, it } from 'vitest';
import { Tag } from './common.ts';
import { normalTags, readTags, tagOf } from './tags.ts';

it('reads tags as they are stored', () => {
  expect(readTags(' VIP, büro-2;vip\n.net,,  Drucker 3. OG ')).toEqual(['vip', 'büro-2', 'drucker 3. og']);
  expect(readTags('a,b,c', 2)).toEqual(['a', 'b']);
  expect(tagOf('x'.repeat(51))).toBeNull();
});

it('gives only what the API takes', () => {
  for (const tag of readTags('a b,ß,İ,٣,-,_x,a/b,\u0000'))
    expect([tag, Value.Check(Tag, tag)]).toEqual([tag, true]);
});

it('stores a tag in one form, however it is typed', () => {
  expect(normalTags(['Bu\u0308ro', ' büro ', 'VIP', 'BÜRO', 'vip'])).toEqual(['büro', 'vip']);
  expect(tagOf('Bu\u0308ro')).toBe('büro');
});

it('stores nothing that it would refuse when it is sent back', () => {
  expect(normalTags(['İstanbul', 'istanbul'])).toEqual(['istanbul']);
  for (let code = 0; code <= 0x10ffff; code++) {
    if (code >= 0xd800 && code <= 0xdfff) continue;
    const tag = tagOf(String.fromCodePoint(code).repeat(25));
    if (tag !== null && (tagOf(tag) !== tag || !Value.Check(Tag, tag)))
      expect(tag, code.toString(16)).toBeNull();
  }
  expect(Value.Check(Tag, 'İ'.repeat(50)) && tagOf('İ'.repeat(50))).toBe('i'.repeat(50));
});
