import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { emailForms, normaliseEmail, normalisePhone, normaliseWebsite } from './contact-forms.ts';

describe('an e-mail address', () => {
  it.each([
    ['info@müller.example', 'info@müller.example'],
    ['info@xn--mller-kva.example', 'info@müller.example'],
    ['INFO@XN--MLLER-KVA.EXAMPLE', 'info@müller.example'],
    ['  Info@Kunde.Example\t', 'info@kunde.example'],
    ['\u200ba@b.example\u00a0', 'a@b.example'],
    ["o'brien+x@kunde.example", "o'brien+x@kunde.example"],
    ['info@straße.example', 'info@straße.example'],
    ['a@例え.example', 'a@例え.example'],
    ['a@kunde.example.', 'a@kunde.example'],
  ])('%j is stored as %j', (text, stored) => {
    expect(normaliseEmail(text)).toBe(stored);
  });

  it.each([
    '',
    '@kunde.example',
    'a@',
    'a@b',
    'a b@kunde.example',
    'a@kun de.example',
    'a@b@kunde.example',
    'a@kunde..example',
    'a@%41.example',
    'a@kunde.example/x',
    'a@kunde.example:25',
    'a@1.2.3.4',
    'jürgen@kunde.example',
    '.a@kunde.example',
    'a..b@kunde.example',
    `${'a'.repeat(65)}@kunde.example`,
    `a@${'b'.repeat(64)}.example`,
    `a@${'abcdefgh.'.repeat(30)}example`,
    'a@kunde.example\u0000',
  ])('%j is none', (text) => {
    expect(normaliseEmail(text)).toBeNull();
  });

  it('is the same when it is stored again, and its forms are all the same address', () => {
    fc.assert(
      fc.property(fc.oneof(fc.emailAddress(), fc.string()), (text) => {
        const stored = normaliseEmail(text);
        if (stored === null) return;
        expect(normaliseEmail(stored)).toBe(stored);
        for (const form of emailForms(stored)) expect(normaliseEmail(form)).toBe(stored);
      }),
    );
    expect(emailForms('info@müller.example')).toEqual(['info@müller.example', 'info@xn--mller-kva.example']);
    expect(emailForms('a@kunde.example')).toEqual(['a@kunde.example']);
  });
});

describe('a web address', () => {
  it.each([
    ['www.web.example', 'https://www.web.example'],
    [' Web.Example/Pfad?x=1 ', 'https://web.example/Pfad?x=1'],
    ['http://web.example', 'http://web.example'],
    ['HTTPS://WWW.Web.Example/A', 'https://www.web.example/A'],
    ['müller.example', 'https://müller.example'],
    ['https://xn--mller-kva.example/', 'https://müller.example/'],
    ['web.example:8443/x', 'https://web.example:8443/x'],
    ['//web.example', 'https://web.example'],
    ['http://intranet/start', 'http://intranet/start'],
    ['https://192.0.2.7:8006', 'https://192.0.2.7:8006'],
  ])('%j is stored as %j', (text, stored) => {
    expect(normaliseWebsite(text)).toBe(stored);
    expect(normaliseWebsite(stored)).toBe(stored);
  });

  it.each([
    '',
    'javascript:alert(1)',
    'mailto:a@kunde.example',
    'ftp://web.example',
    'web',
    'siehe Visitenkarte',
    'https://',
    'https://we b.example',
    'https://web..example',
    'data:text/html,x',
  ])('%j is none', (text) => {
    expect(normaliseWebsite(text)).toBeNull();
  });

  it('never throws', () => {
    fc.assert(fc.property(fc.string(), (text) => void normaliseWebsite(text)));
  });
});

describe('a telephone number', () => {
  it('is stored with one space where there were several', () => {
    expect(normalisePhone('  0871   9653\t210 ')).toBe('0871 9653 210');
  });
});
