import { expect, it } from 'vitest';
import { isTimeZone, timeZoneOf } from './time-zones.ts';

it('knows zones by name, whatever their case', () => {
  expect(['Europe/Berlin', 'UTC', 'europe/berlin'].map(timeZoneOf)).toEqual([
    'Europe/Berlin',
    'UTC',
    'Europe/Berlin',
  ]);
  // Temporal takes every name that Intl takes.
  for (const name of Intl.supportedValuesOf('timeZone')) {
    expect([name, isTimeZone(name)]).toEqual([name, true]);
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(name);
  }
});

it('takes neither offsets nor names that nobody has', () => {
  for (const name of ['Europe/Bielefeld', '+02:00', '-0200', '', ' UTC', 'Europe/Berlin\0'])
    expect([name, isTimeZone(name)]).toEqual([name, false]);
});
