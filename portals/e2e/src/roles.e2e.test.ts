import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectNoAxeViolations, launchBrowser, newSession, PATIENT, signIn } from './browser.ts';
import { ADMIN, type Platform, startPlatform, TECHNICIAN } from './platform.ts';

describe('roles', () => {
  let platform: Platform;
  let browser: Browser;
  beforeAll(async () => {
    platform = await startPlatform();
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await platform?.stop();
  });
  const stored = async (name: string) => {
    const { body } = await platform.api(ADMIN, 'GET', '/roles?limit=100');
    return body.data.find((role: { name: string }) => role.name === name);
  };

  it('are made, changed and deleted by who administrates, their permissions by group', async () => {
    const session = await newSession(browser, platform);
    const { page } = session;
    await signIn(page, platform, ADMIN);
    await page.goto('/settings/roles');
    await page.getByRole('rowheader', { name: 'Administration', exact: true }).waitFor();
    const titles = await page.getByRole('rowheader').allTextContents();
    expect(titles).toEqual(titles.toSorted((a, b) => a.localeCompare(b)));
    await page.getByRole('button', { name: 'Neue Rolle' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Bezeichnung, Deutsch').fill('Nachtschicht');
    await dialog.getByRole('button', { name: 'Speichern' }).click();
    // Nothing is sent while the English title is missing.
    await dialog.getByText('Bitte ausfüllen.').first().waitFor();
    await dialog.getByLabel('Bezeichnung, Englisch').fill('Night shift');
    expect(await dialog.getByLabel('Kurzname').inputValue()).toBe('night_shift');
    const group = (name: string) => dialog.getByRole('group', { name, exact: true });
    await group('Tickets').getByText('Alle Tickets sehen').click();
    await group('Arbeitszeit').getByText('Alle: Arbeitszeit').click();
    await group('Arbeitszeit').getByText('Zeiten von Kollegen ändern').click();
    await expectNoAxeViolations(page);
    await dialog.getByRole('button', { name: 'Speichern' }).click();
    await page.getByText('Nachtschicht gespeichert').waitFor();
    expect(await stored('night_shift')).toMatchObject({
      title: { de: 'Nachtschicht', en: 'Night shift' },
      audience: 'staff',
      system: false,
      permissions: ['ticket:view:all', 'time:view', 'time:create'],
    });

    const row = page.getByRole('row').filter({ hasText: 'Nachtschicht' });
    await row.getByText('3 Rechte').waitFor();
    await row.getByRole('button', { name: 'Nachtschicht bearbeiten' }).click();
    await group('Tickets').getByText('Antworten', { exact: true }).click();
    await group('Arbeitszeit').getByText('Eigene Zeiten buchen').click();
    await dialog.getByRole('button', { name: 'Speichern' }).click();
    await row.getByText('3 Rechte').waitFor();
    await dialog.waitFor({ state: 'detached' });
    const { permissions } = await stored('night_shift');
    expect(permissions.toSorted()).toEqual(['ticket:comment', 'ticket:view:all', 'time:view']);

    await row.getByRole('button', { name: 'Nachtschicht bearbeiten' }).click();
    await dialog.getByRole('button', { name: 'Löschen' }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Löschen' }).click();
    await page.getByText('Nachtschicht gelöscht').waitFor();
    await row.waitFor({ state: 'detached' });
    expect(await stored('night_shift')).toBeUndefined();

    // Those of the platform stay, and the administrators' keeps everything.
    await page.getByRole('button', { name: 'Administration bearbeiten', exact: true }).click();
    await dialog.getByText('Alles', { exact: true }).waitFor();
    expect(await dialog.getByRole('checkbox').count()).toBe(0);
    expect(await dialog.getByRole('button', { name: 'Löschen' }).count()).toBe(0);
    await session.close();
  });

  it.each([
    ['de', 'Diese Rolle ist noch vergeben. Bitte den Benutzern erst eine andere geben.'],
    ['en', 'People still hold this role. Please give them another one first.'],
  ] as const)('that somebody holds are not deleted, and it says why (%s)', async (language, why) => {
    const name = `kept_${language}`;
    const title = { de: `Gebraucht ${language}`, en: `Needed ${language}` };
    const role = { name, title, audience: 'customer', permissions: ['ticket:view:own'] };
    expect((await platform.api(ADMIN, 'POST', '/roles', role)).status).toBe(201);
    const { body: companies } = await platform.api(ADMIN, 'GET', '/customers?limit=1');
    const person = { name: 'Rolf', email: `rolf-${language}@kunde.example`, role: name, invite: true };
    const made = await platform.api(ADMIN, 'POST', '/users', {
      ...person,
      customer_id: companies.data[0].id,
    });
    expect(made.status, JSON.stringify(made.body)).toBe(201);

    const session = await newSession(browser, platform, { language });
    const { page } = session;
    session.allow(409, '/api/v1/roles/');
    await signIn(page, platform, ADMIN);
    await page.goto('/settings/roles');
    const words = { de: ['bearbeiten', 'Löschen'], en: ['Edit', 'Delete'] }[language];
    const row = page.getByRole('row').filter({ hasText: title[language] });
    await row.getByRole('button', { name: new RegExp(words[0]!) }).click();
    const dialog = page.getByRole('dialog');
    // A customer's role: what staff alone may hold is not offered.
    await dialog.getByRole('group').first().waitFor();
    expect(await dialog.getByRole('checkbox').count()).toBeLessThan(25);
    await dialog.getByRole('button', { name: words[1]! }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: words[1]! }).click();
    await page.getByText(why).waitFor();
    expect(await stored(name)).toBeDefined();
    await session.close();
  });

  it('are not to be changed by who may only see them, or not even that', async () => {
    const made = await platform.api(ADMIN, 'PATCH', `/roles/${(await stored('technician_l2')).id}`, {
      permissions: [...(await stored('technician_l2')).permissions, 'role:view'],
    });
    expect(made.status).toBe(200);
    const session = await newSession(browser, platform);
    const { page } = session;
    await signIn(page, platform, TECHNICIAN);
    await page.goto('/settings/roles');
    await page.getByRole('row').filter({ hasText: 'Disposition' }).waitFor();
    await expect.poll(() => page.getByRole('button', { name: /bearbeiten$/ }).count(), PATIENT).toBe(0);
    expect(await page.getByRole('button', { name: 'Neue Rolle' }).count()).toBe(0);
    await session.close();
  });
});
