import { DETAIL_CODES } from '@psa/contracts/detail-codes';
import { setLanguage } from '@psa/ui/i18n/i18n';
import { afterEach, expect, it } from 'vitest';
import { ApiError } from './error.ts';
import { fieldTexts } from './field-text.ts';

afterEach(() => setLanguage('de'));

const refusal = (details: [field: string, code: string, values?: Record<string, string | number>][]) =>
  new ApiError({
    status: 400,
    code: 'VALIDATION_ERROR',
    message: 'x',
    details: details.map(([field, code, values]) => ({
      field,
      code,
      message: 'English',
      ...(values && { values }),
    })),
  });

it('says why fields were refused in the language of the moment, not in that of the platform', async () => {
  const error = refusal([
    ['email', 'wrong_form', { form: 'idn-email' }],
    ['email', 'taken'],
    ['customer_id', 'needs_customer'],
    ['password', 'too_short', { least: 12 }],
    ['name', 'too_long', { most: 200 }],
    ['notes', 'too_long'],
    ['targets.high.resolution_minutes', 'resolution_before_response'],
    ['targets.low.resolution_minutes', 'never_reached', { minutes: 5 }],
    ['week', 'policy_never_reached', { policy: 'Gold' }],
    ['assigned_to', 'not_a_technician'],
    ['team_id', 'not_found'],
    ['locale', 'of_a_newer_release'],
  ]);
  await setLanguage('de');
  expect(fieldTexts(error)).toEqual({
    email: 'Das ist keine vollständige E-Mail-Adresse.',
    customer_id: 'Diese Rolle braucht einen Kunden.',
    password: 'Mindestens 12 Zeichen, bitte.',
    name: 'Höchstens 200 Zeichen, bitte.',
    notes: 'Das ist zu viel.',
    'targets.high.resolution_minutes': 'Die Lösung darf nicht kürzer sein als die Reaktion.',
    'targets.low.resolution_minutes': 'So viel Geschäftszeit hat dieser Kalender im ganzen Jahr nicht.',
    week: 'Die Fristen der SLA-Regel „Gold“ wären damit nicht mehr erreichbar: zu wenig Geschäftszeit.',
    assigned_to: 'Diese Person gibt es im Team nicht mehr, oder ihr Konto ist gesperrt.',
    team_id: 'Das gibt es nicht oder nicht mehr.',
    locale: 'Das wird so nicht angenommen.',
  });
  await setLanguage('en');
  expect(fieldTexts(error)).toMatchObject({
    customer_id: 'This role needs a customer.',
    password: 'At least 12 characters, please.',
  });
  expect(fieldTexts(new Error('boom'))).toEqual({});
});

it('has words for every code in both languages, whatever the platform says in English', async () => {
  const codes = Object.keys(DETAIL_CODES);
  const all = (values?: Record<string, string | number>) =>
    codes.map(
      (code) => fieldTexts(refusal([['name', code, ...(values ? [values] : [])] as never])).name ?? '',
    );
  for (const values of [undefined, { least: 2, most: 9, form: 'idn-email', by: '#1', policy: 'Gold' }]) {
    await setLanguage('de');
    const german = all(values);
    await setLanguage('en');
    const english = all(values);
    for (const [index, code] of codes.entries()) {
      expect([code, german[index]]).not.toEqual([code, english[index]]);
      expect(`${german[index]} ${english[index]}`, code).not.toMatch(/^ | $|English|undefined|\{\{/);
    }
  }
});
