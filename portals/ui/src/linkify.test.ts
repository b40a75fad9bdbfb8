import fc from 'fast-check';
import { expect, it } from 'vitest';
import { linkify } from './linkify.ts';

const links = (text: string) => linkify(text).flatMap((part) => (part.href ? [part.href] : []));

it('finds web and mail addresses and leaves the sentence its punctuation', () => {
  expect(linkify('Siehe https://example.org/a?b=1, danke.')).toEqual([
    { text: 'Siehe ' },
    { text: 'https://example.org/a?b=1', href: 'https://example.org/a?b=1' },
    { text: ', danke.' },
  ]);
  expect(links('Mail an it.hilfe@kunde.example!')).toEqual(['mailto:it.hilfe@kunde.example']);
  expect(links('(https://de.example/Wiki_(Netz))')).toEqual(['https://de.example/Wiki_(Netz)']);
});

it('makes no link of anything that runs or deceives', () => {
  for (const text of [
    'javascript:alert(1)',
    'data:text/html,<script>',
    'vbscript:x',
    'file:///etc/passwd',
    'https://bank.example@evil.example/',
    'https://',
    '//evil.example',
  ]) {
    expect(links(text).filter((href) => !href.startsWith('mailto:'))).toEqual([]);
  }
});

it('loses no character and links only http, https and mail', () => {
  const piece = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom(
      'https://a.example/(x)',
      'http://b.example.',
      'c@d.example',
      'javascript:',
      '<b>',
      ' ',
      '\n',
      ')',
    ),
  );
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      const text = pieces.join('');
      const parts = linkify(text);
      expect(parts.map((part) => part.text).join('')).toBe(text);
      for (const { href } of parts) if (href) expect(href).toMatch(/^(https?:\/\/|mailto:)/);
    }),
  );
});
