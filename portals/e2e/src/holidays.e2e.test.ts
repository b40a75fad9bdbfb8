import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectNoAxeViolations, launchBrowser, newSession, setTheme, signIn } from './browser.ts';
import { ADMIN, type Platform, startPlatform } from './platform.ts';

const event = (...lines: string[]) => ['BEGIN:VEVENT', ...lines, 'END:VEVENT'].join('\r\n');

describe('business hours and deadlines as people type them', () => {
  let platform: Platform;
  let browser: Browser;
  const name = `Werkstatt ${Date.now().toString(36)}`;
  beforeAll(async () => {
    platform = await startPlatform();
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await platform?.stop();
  });
  const calendarOf = async () =>
    (await platform.api(ADMIN, 'GET', '/calendars?limit=100')).body.data.find(
      (one: { name: string }) => one.name === name,
    );

  it('take holidays by region and out of a calendar file, looked at before', async () => {
    const session = await newSession(browser, platform);
    const { page } = session;
    await signIn(page, platform, ADMIN);
    await page.goto('/settings/calendars');
    await page.getByRole('button', { name: 'Neue Geschäftszeiten' }).click();
    const dialog = page.getByRole('dialog');
    const field = dialog.getByRole('textbox', { name: 'Feiertage' });
    await dialog.getByLabel('Name').fill(name);
    await dialog.getByLabel('Dienstag').fill('8-12 und 13h-17:30');
    const year = new Date().getFullYear();
    await field.fill(`24.12.${year} Heiligabend 8–12\n25.12.${year} Weihnachten`);

    await dialog.getByLabel('Feiertage nach Land …').selectOption('DE-BY');
    const found = dialog.getByRole('list', { name: 'Gefundene Feiertage' });
    await found
      .getByRole('checkbox', { name: /Allerheiligen/ })
      .first()
      .waitFor();
    // What stands in the field is counted only; what is a holiday in a part of the state is left to be chosen.
    await dialog.getByText('1 Tag steht schon da.').waitFor();
    expect(await found.getByRole('checkbox', { name: /1\. Weihnachtstag/ }).count()).toBe(2);
    const augsburg = found.getByRole('checkbox', { name: /nur in Augsburg/ }).first();
    expect(await augsburg.isChecked()).toBe(false);
    await expectNoAxeViolations(page);
    await found
      .getByRole('checkbox', { name: /Allerheiligen/ })
      .first()
      .uncheck({ force: true });
    await page.setViewportSize({ width: 390, height: 844 });
    await setTheme(page, 'dark');
    await expectNoAxeViolations(page);
    await page.setViewportSize({ width: 1440, height: 900 });
    await setTheme(page, 'light');
    await dialog.getByRole('button', { name: /^\d+ Tage eintragen$/ }).click();
    await found.waitFor({ state: 'detached' });
    expect(await field.inputValue()).toContain(`06.01.${year} Heilige Drei Könige`);

    const file = [
      'BEGIN:VCALENDAR',
      event(`DTSTART;VALUE=DATE:${year}1227`, `DTEND;VALUE=DATE:${year}1231`, 'SUMMARY:Inventur'),
      event(`DTSTART:${year}1215T140000`, `DTEND:${year}1215T160000`, 'SUMMARY:Weihnachtsfeier'),
      'END:VCALENDAR',
    ].join('\r\n');
    const choose = (name: string, buffer: Buffer) =>
      dialog.locator('input[type=file]').setInputFiles({ name, mimeType: 'text/calendar', buffer });
    session.allow(400, '/read-ics');
    await choose('liste.ics', Buffer.from('Kein Kalender'));
    await dialog.getByRole('alert').filter({ hasText: /\S/ }).first().waitFor();
    await choose('betrieb.ics', Buffer.from(file));
    await found.getByRole('checkbox', { name: `27.12.${year}–30.12.${year} Inventur (4 Tage)` }).waitFor();
    await dialog.getByText('1 Eintrag bleibt weg').click();
    await dialog.getByText('Weihnachtsfeier: hat Uhrzeiten').waitFor();
    await dialog.getByRole('button', { name: '4 Tage eintragen' }).click();
    await dialog.getByRole('button', { name: 'Speichern' }).click();
    await page.getByRole('heading', { name }).waitFor();
    const saved = await calendarOf();
    expect(saved.week['2']).toEqual([
      { start: '08:00', end: '12:00' },
      { start: '13:00', end: '17:30' },
    ]);
    const dates = saved.holidays.map((one: { date: string }) => one.date);
    expect(dates).toEqual(expect.arrayContaining([`${year}-12-27`, `${year}-12-30`, `${year + 2}-10-03`]));
    expect(dates).not.toContain(`${year}-11-01`);
    expect(dates).toContain(`${year + 1}-11-01`);
    expect(saved.holidays).toContainEqual({
      date: `${year}-12-24`,
      name: 'Heiligabend',
      hours: [{ start: '08:00', end: '12:00' }],
    });
    await session.close();
  });

  it('say of a duration what was understood, and name the field that was not', async () => {
    const session = await newSession(browser, platform);
    const { page } = session;
    await signIn(page, platform, ADMIN);
    await page.goto('/settings/sla');
    await page.getByRole('button', { name: 'Neue SLA-Regel' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name').fill(name);
    await dialog.getByLabel('Geschäftszeiten').selectOption(name);
    const typed = async (label: string, text: string) => {
      await dialog.getByLabel(label).fill(text);
      await dialog.getByLabel(label).blur();
      return (await dialog.getByLabel(label).inputValue()).replaceAll('\u00a0', ' ');
    };
    expect(await typed('Hoch: Reaktion', '90')).toBe('1 Std. 30 Min.');
    // Two days of nine hours, the longest of the week.
    expect(await typed('Hoch: Lösung', '2 Tage')).toBe('18 Std.');
    expect(await typed('Mittel: Lösung', 'bald')).toBe('bald');
    await dialog.getByText('Mittel: Lösung: Bitte eine Dauer').waitFor();
    expect(await dialog.locator('[aria-invalid="true"]').count()).toBe(1);
    expect(await typed('Mittel: Lösung', '')).toBe('');
    await expectNoAxeViolations(page);
    await dialog.getByRole('button', { name: 'Speichern' }).click();
    await page.getByRole('row', { name }).waitFor();
    const policies = (await platform.api(ADMIN, 'GET', '/sla-policies?limit=100')).body.data;
    const saved = policies.find((one: { name: string }) => one.name === name);
    expect(saved.targets.high).toEqual({ response_minutes: 90, resolution_minutes: 1080 });
    // What is shown is read again: saved without a change it is the same.
    await page.getByRole('button', { name: `${name} bearbeiten` }).click();
    await dialog.getByRole('button', { name: 'Speichern' }).click();
    await dialog.waitFor({ state: 'detached' });
    const again = (await platform.api(ADMIN, 'GET', `/sla-policies/${saved.id}`)).body.data;
    expect(again.targets).toEqual(saved.targets);
    await session.close();
  });
});
