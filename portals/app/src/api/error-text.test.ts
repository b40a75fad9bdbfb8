import { ERROR_CODES } from '@psa/contracts/common';
import { REASONS } from '@psa/contracts/reasons';
import { createFormats } from '@psa/ui/i18n/format';
import { setLanguage } from '@psa/ui/i18n/i18n';
import { uiMessages } from '@psa/ui/i18n/ui-messages';
import { expect, it } from 'vitest';
import { ApiError, errorFromResponse } from './error.ts';
import { describeError, formatWait } from './error-text.ts';

const de = createFormats('de', 'Europe/Berlin');
/** Intl separates with several kinds of blank; people see a blank. */
const blanks = (text: string) => text.replace(/[\u00a0\u202f\u2009]/g, ' ');

it('describes errors without their English server text, and counts a wait down', async () => {
  await setLanguage('de');
  const tell = (status: number, code: string, retryAfter: number | null = null, passed = 0) => {
    const error = new ApiError({ status, code, message: 'x', retryAfter });
    const now = error.retryAt === null ? undefined : error.retryAt - ((retryAfter ?? 0) - passed) * 1000;
    return blanks(describeError(error, uiMessages.t, de, now));
  };
  expect(tell(0, 'NETWORK_ERROR')).toBe('Keine Verbindung zum Server. Bitte Netzwerk prüfen.');
  expect(tell(429, 'RATE_LIMIT_EXCEEDED', 30)).toBe(
    'Zu viele Anfragen in kurzer Zeit. In 30 Sek. geht es weiter.',
  );
  expect(tell(429, 'RATE_LIMIT_EXCEEDED', 30, 12)).toContain('In 18 Sek.');
  expect(tell(503, 'SERVICE_UNAVAILABLE', 10)).toContain('In 10 Sek. wird es noch einmal versucht.');
  expect(tell(503, 'SERVICE_UNAVAILABLE')).toContain('Bitte gleich noch einmal versuchen.');
  expect(tell(412, 'VERSION_CONFLICT')).toContain('Jemand anders hat das gerade geändert');
  expect(blanks(describeError(new Error('boom'), uiMessages.t, de))).toBe('Unerwarteter Fehler.');
});

it('does not take what exists, or is in use, for a change by somebody else', async () => {
  const tell = (code: string, ...messages: string[]) => {
    const details = messages.map((by) => ({ field: 'id', code: 'in_use', message: 'x', values: { by } }));
    return describeError(new ApiError({ status: 409, code, message: 'x', details }), uiMessages.t, de);
  };
  await setLanguage('de');
  expect(tell('RESOURCE_ALREADY_EXISTS')).toBe('Das gibt es schon.');
  expect(tell('RESOURCE_ALREADY_EXISTS', 'name')).toBe('Bitte die markierten Angaben prüfen.');
  expect(tell('RESOURCE_CONFLICT')).toBe('Das ist im jetzigen Zustand nicht möglich.');
  expect(tell('RESOURCE_CONFLICT', 'Drucker: vor Ort', '#12, #13 …')).toBe(
    'Das wird noch gebraucht. Bitte erst dort ändern: Drucker: vor Ort, #12, #13 …',
  );
});

it('says why the state does not allow something, in both languages and for every reason', async () => {
  const tell = async (reason: string) => {
    const body = { error: { code: 'RESOURCE_CONFLICT', message: 'English', details: [], reason } };
    return describeError(await errorFromResponse(Response.json(body, { status: 409 })), uiMessages.t, de);
  };
  const all = () => Promise.all(REASONS.map(tell));
  await setLanguage('en');
  const english = await all();
  expect(await tell('role_in_use')).toBe('People still hold this role. Please give them another one first.');
  await setLanguage('de');
  const german = await all();
  expect(await tell('last_administrator')).toContain('Das ist das letzte aktive Administrationskonto.');
  expect(await tell('of a newer release')).toBe('Das ist im jetzigen Zustand nicht möglich.');
  expect(new Set([...english, ...german]).size).toBe(2 * REASONS.length);
});

it('names the limit that was met, and says that the disk is full', async () => {
  for (const [language, anonymous, api, reading, full] of [
    [
      'de',
      'ohne Anmeldung, je Netzadresse',
      'Änderungen',
      'das Lesen von Seiten, je Person',
      'Speicher des Servers ist voll',
    ],
    [
      'en',
      'without signing in, per network address',
      'changes',
      'reading pages, per person',
      'storage is full',
    ],
  ] as const) {
    await setLanguage(language);
    const tell = (status: number, code: string, field?: string) => {
      const details = field ? [{ field, message: 'x' }] : [];
      const error = new ApiError({ status, code, message: 'x', retryAfter: 30, details });
      return describeError(error, uiMessages.t, createFormats(language));
    };
    expect(tell(429, 'RATE_LIMIT_EXCEEDED', 'anonymous')).toContain(`${anonymous})`);
    expect(tell(429, 'RATE_LIMIT_EXCEEDED', 'api')).toContain(api);
    expect(tell(429, 'RATE_LIMIT_EXCEEDED', 'reading')).toContain(`${reading})`);
    expect(tell(429, 'RATE_LIMIT_EXCEEDED', 'other')).not.toContain('(');
    expect(tell(507, 'STORAGE_FULL')).toContain(full);
  }
});

it('says which room for files is used up', async () => {
  for (const [language, customer, tenant] of [
    ['de', 'dieses Kunden', 'des Service-Desks'],
    ['en', 'This customer’s', 'The service desk’s'],
  ] as const) {
    await setLanguage(language);
    const tell = (field: string) =>
      describeError(
        new ApiError({
          status: 413,
          code: 'QUOTA_EXCEEDED',
          message: 'x',
          details: [{ field, message: 'x' }],
        }),
        uiMessages.t,
        de,
      );
    expect(tell('quota.customer')).toContain(customer);
    expect(tell('quota.tenant')).toContain(tenant);
  }
});

it('writes waits as people say them', () => {
  expect(blanks(formatWait(40, de))).toBe('40 Sek.');
  expect(blanks(formatWait(61, de))).toBe('2 Min.');
});

it('has a sentence for every code of the platform, with every status, in both languages', async () => {
  const statuses = [0, 400, 401, 403, 404, 405, 409, 412, 413, 415, 423, 429, 500, 502, 503, 504, 507];
  const cases = ERROR_CODES.flatMap((code) => statuses.map((status) => [status, code] as const));
  const tell = () =>
    cases.map(([status, code]) =>
      describeError(new ApiError({ status, code, message: 'English', retryAfter: 5 }), uiMessages.t, de),
    );
  await setLanguage('en');
  const english = tell();
  await setLanguage('de');
  for (const [index, german] of tell().entries()) {
    expect([...cases[index]!, german]).not.toEqual([...cases[index]!, english[index]]);
    expect(`${german} ${english[index]}`).not.toMatch(/English|undefined|\{\{/);
  }
});
