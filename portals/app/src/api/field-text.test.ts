import { setLanguage } from '@psa/ui/i18n/i18n';
import { afterEach, expect, it } from 'vitest';
import { ApiError } from './error.ts';
import { fieldTexts } from './field-text.ts';

afterEach(() => setLanguage('de'));

const refusal = (details: { field: string; message: string }[]) =>
  new ApiError({ status: 400, code: 'VALIDATION_ERROR', message: 'x', details });

it('says why fields were refused in the language of the moment, not in that of the platform', async () => {
  const error = refusal([
    { field: 'email', message: 'must be a valid email' },
    { field: 'customer_id', message: 'is required for the role customer_user' },
    { field: 'password', message: 'Must have at least 12 characters' },
    { field: 'name', message: 'must have at most 200 characters' },
    { field: 'targets.high.resolution_minutes', message: 'must not be shorter than the response time' },
    { field: 'targets.low.resolution_minutes', message: 'must be reached within a year, in which …' },
    { field: 'week', message: 'leaves the SLA policy "Gold" a deadline that is not reached: …' },
    { field: 'assigned_to', message: 'there is no such technician, or it was disabled' },
    { field: 'team_id', message: 'there is no such team' },
    { field: 'locale', message: 'something new' },
  ]);
  await setLanguage('de');
  expect(fieldTexts(error)).toEqual({
    email: 'Das ist keine vollständige E-Mail-Adresse.',
    customer_id: 'Diese Rolle braucht einen Kunden.',
    password: 'Mindestens 12 Zeichen, bitte.',
    name: 'Höchstens 200 Zeichen, bitte.',
    'targets.high.resolution_minutes': 'Die Lösung darf nicht kürzer sein als die Reaktion.',
    'targets.low.resolution_minutes': 'Ein Jahr dieses Kalenders hat dafür nicht genug Arbeitszeit.',
    week: 'So bliebe der SLA-Regel „Gold“ nicht genug Arbeitszeit für ihre Fristen.',
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
