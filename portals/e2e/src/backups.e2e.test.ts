import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectNoAxeViolations, launchBrowser, newSession, screenshot, setTheme, signIn } from './browser.ts';
import { ADMIN, type Platform, startPlatform, TECHNICIAN } from './platform.ts';

describe('the backups in the technician portal', { timeout: 400_000 }, () => {
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

  it('shows an administrator how the backups are, in both languages, and no one else', async () => {
    const session = await newSession(browser, platform);
    const { page } = session;
    await signIn(page, platform, ADMIN);
    await page.goto('/settings/backups');
    await page.getByText('psactl hat noch nichts gemeldet.').waitFor();
    const ago = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString();
    const row = (series: string, good: number | null, proven: number | null, outside: number | null) => ({
      series,
      newest_good: good === null ? null : { id: `${series}-1`, at: ago(good), bytes: 48_318_382 },
      newest_proven: proven === null ? null : { id: `${series}-0`, at: ago(proven), bytes: 47_185_920 },
      last_proof_at: proven === null ? null : ago(proven - 2),
      newest_outside_at: outside === null ? null : ago(outside),
    });
    const finding = (kind: string, severity: string, series: string, figure: number | null) => ({
      ...{ kind, severity, series, figure, text: `${kind} of ${series}` },
    });
    const report = {
      ...{ site: 'psa/main', at: ago(0) },
      series: [
        row('container-300', 8, 240, 700),
        row('database', 32, 56, 700),
        row('redis', 0.2, 240, 700),
        row('secrets', 8, null, null),
      ],
      drills: [
        { what: 'database', at: ago(54), ok: true, why: null },
        { what: 'redis', at: ago(238), ok: false, why: 'another number of keys' },
      ],
      findings: [
        finding('missing', 'critical', 'database', 115_200),
        finding('offsite_behind', 'warning', 'secrets', null),
      ],
    };
    expect((await platform.api(ADMIN, 'POST', '/backups', report)).status).toBe(200);
    await page.reload();
    await page.getByRole('heading', { name: 'psa/main' }).waitFor();
    const text = (await page.getByRole('main').textContent()) ?? '';
    expect(text).toContain('Datenbank (Dump): Die neueste gute Sicherung ist 1 Tag 8 Std. alt');
    expect(text).toContain('Geheimnisse: Die externe Kopie ist nicht aktuell.');
    expect(text).toMatch(/Neueste erprobte Sicherung: Datenbank \(Dump\), vorgestern\./);
    expect(text).toMatch(/RedisNicht bestandenvor \d+ Tagen/);
    await page.getByRole('rowheader', { name: 'Container 300' }).waitFor();
    for (const theme of ['light', 'dark'] as const) {
      await setTheme(page, theme);
      await expectNoAxeViolations(page);
    }
    await setTheme(page, 'light');
    await screenshot(page, 'technician-backups');
    // All sections are in sight, and none begins to scroll sideways, down to a phone.
    const sections = page.getByRole('navigation', { name: 'Bereiche der Einstellungen' }).getByRole('link');
    const size = page.viewportSize()!;
    for (const width of [1_440, 1_024, 390]) {
      await page.setViewportSize({ width, height: 900 });
      const boxes = await sections.evaluateAll((all) => all.map((one) => one.getBoundingClientRect().right));
      expect([boxes.length, Math.max(...boxes) <= width]).toEqual([13, true]);
      await expectNoAxeViolations(page);
    }
    await page.setViewportSize(size);

    // Two hours old: what it says may be out of date, and it says that.
    const old = { ...report, site: 'psa/dr', at: ago(2), findings: [] };
    expect((await platform.api(ADMIN, 'POST', '/backups', old)).status).toBe(200);
    await page.reload();
    await page.getByText('Seit 2 Std. hat niemand mehr nach den Sicherungen gesehen.').waitFor();
    await session.close();
    const english = await newSession(browser, platform, { language: 'en' });
    await signIn(english.page, platform, ADMIN);
    await english.page.goto('/settings/backups');
    await english.page.getByText(/Database \(dump\): the newest good backup is 1 day 8/).waitFor();
    await english.close();

    expect((await platform.api(TECHNICIAN, 'GET', '/backups')).status).toBe(403);
    const other = await newSession(browser, platform);
    await signIn(other.page, platform, TECHNICIAN);
    await other.page.goto('/settings/backups');
    await other.page.waitForURL(/\/settings\/account$/);
    expect(await other.page.getByText('Datensicherung').count()).toBe(0);
    await other.close();
  });
});
