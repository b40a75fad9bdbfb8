import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AuthTest, authTest, PASSWORD } from '../auth.test-helper.ts';

const NEW = 'Grüne Dächer im Herbstlicht';
let t: AuthTest;
beforeAll(async () => {
  t = await authTest();
});
afterAll(() => t.close());

const me = (token: string) => t.as(token, 'GET', '/api/v1/auth/me');
const forgot = async (email: string) => {
  const answer = await t.as(null, 'POST', '/api/v1/auth/forgot-password', { email });
  await t.idle();
  return answer;
};
const reset = (token: string, password = NEW) =>
  t.as(null, 'POST', '/api/v1/auth/reset-password', { token, new_password: password });
const details = (answer: { body: { error: { details: { field: string }[] } } }) =>
  answer.body.error.details.map((d) => d.field);

it('is ready while the mail server is away', async () => {
  const { mailer } = t.deps;
  const ping = mailer.ping;
  mailer.ping = () => Promise.reject(new Error('nobody answers'));
  try {
    const answer = await t.as(null, 'GET', '/ready');
    expect([answer.status, Object.keys(answer.body.checks)]).toEqual([200, ['database', 'bus', 'cache']]);
  } finally {
    mailer.ping = ping;
  }
});

describe('changing the own password', () => {
  it('ends the other sessions and keeps this one', async () => {
    const id = await t.user({ email: 'mover@first.example' });
    const here = await t.session('mover@first.example');
    const there = await t.session('mover@first.example');
    const answer = await t.as(here.access, 'POST', '/api/v1/auth/change-password', {
      current_password: PASSWORD,
      new_password: NEW,
    });
    expect(answer.status).toBe(204);
    expect((await me(here.access)).status).toBe(200);
    expect((await me(there.access)).status).toBe(401);
    const renewed = await t.as(null, 'POST', '/api/v1/auth/refresh', { refresh_token: here.refresh });
    expect(renewed.status).toBe(200);
    expect((await t.login('mover@first.example', PASSWORD)).status).toBe(401);
    expect((await t.login('mover@first.example', NEW)).status).toBe(200);
    const events = (await t.events('user.password_changed.v1')).filter((e) => e.data.user_id === id);
    expect(events.map((e) => e.data.how)).toEqual(['change']);
  });

  it('asks for the current one, a new one, and a good one', async () => {
    await t.user({ email: 'careless@first.example', name: 'Cara Careless' });
    const { access } = await t.session('careless@first.example');
    const change = (current_password: string, new_password: string) =>
      t.as(access, 'POST', '/api/v1/auth/change-password', { current_password, new_password });
    expect(details(await change('wrong', NEW))).toEqual(['current_password']);
    for (const bad of [PASSWORD, 'short', 'passwordpassword', 'careless & carefree', 'Erste IT Erste IT!']) {
      const answer = await change(PASSWORD, bad);
      expect(answer.status, bad).toBe(400);
      expect(new Set(details(answer))).toEqual(new Set(['new_password']));
    }
    expect((await t.login('careless@first.example', PASSWORD)).status).toBe(200);
  });
});

describe('a forgotten password', () => {
  it('is set by a mailed link, once, within the hour; sessions end and a lock is lifted', async () => {
    const id = await t.user({ email: 'lost@first.example', locale: 'en' });
    const session = await t.session('lost@first.example');
    for (let i = 0; i < 5; i++) await t.login('lost@first.example', 'wrong', `192.0.2.${100 + i}`);
    expect((await forgot('LOST@first.example')).status).toBe(204);

    // Until it is sent, the mail waits encrypted.
    const waiting = JSON.stringify(await t.db.admin`select payload from auth.timers where kind = 'mail'`);
    expect(waiting).toMatch(/v1\./);
    expect(waiting).not.toContain('reset-password');
    const token = await t.mailedToken('lost@first.example');
    expect(token).toMatch(/^[\w-]{43}$/);
    const mail = t.mailer.sent.at(-1)!;
    expect(mail.subject).toBe('Reset your password');
    expect(mail.text).toContain(`http://psa.test/reset-password?token=${token}`);
    expect(await t.db.admin`select 1 from auth.timers where kind = 'mail'`).toHaveLength(0);
    const [stored] = await t.db
      .admin`select encode(hash, 'hex') as hash from auth.password_tokens where user_id = ${id}`;
    expect(stored!.hash).toMatch(/^[0-9a-f]{64}$/);

    expect(details(await reset(token, 'too short'))).toContain('new_password');
    expect((await reset(token)).status).toBe(204);
    expect((await me(session.access)).status).toBe(401);
    expect((await t.login('lost@first.example', NEW, '192.0.2.120')).status).toBe(200);
    const again = await reset(token, 'Noch ein anderer Satz hier');
    expect(again.status).toBe(400);
    expect(details(again)).toEqual(['token']);
    expect((await t.events('user.password_changed.v1')).at(-1)).toMatchObject({
      data: { user_id: id, how: 'reset' },
    });
  });

  it('yields to one of two resets at once', async () => {
    await t.user({ email: 'race@first.example' });
    await forgot('race@first.example');
    const token = await t.mailedToken('race@first.example');
    const answers = await Promise.all([reset(token), reset(token)]);
    expect(answers.map((a) => a.status).sort()).toEqual([204, 400]);
  });

  it('expires after an hour, and a newer link voids an older one', async () => {
    await t.user({ email: 'late@first.example' });
    await forgot('late@first.example');
    const first = await t.mailedToken('late@first.example');
    t.clock.advance({ minutes: 5 });
    await forgot('late@first.example');
    const second = await t.mailedToken('late@first.example');
    expect(second).not.toBe(first);
    expect((await reset(first)).status).toBe(400);
    t.clock.advance({ minutes: 60, seconds: 1 });
    expect((await reset(second)).status).toBe(400);
  });

  it('says the same and sends nothing to strangers and the disabled, and few mails to anybody', async () => {
    const gone = await t.user({ email: 'gone@first.example' });
    await t.call('PATCH', `/api/v1/users/${gone}`, { as: t.admin, body: { status: 'disabled' } });
    await t.user({ email: 'often@first.example' });
    const answers = [await forgot('nobody@first.example'), await forgot('gone@first.example')];
    for (let i = 0; i < 5; i++) answers.push(await forgot('often@first.example'));
    expect(new Set(answers.map((a) => `${a.status} ${a.text}`))).toEqual(new Set(['204 ']));
    expect(await t.mailedToken('nobody@first.example')).toBe('');
    expect(await t.mailedToken('gone@first.example')).toBe('');
    await t.mailedToken('often@first.example');
    expect(t.mailer.sent.filter((mail) => mail.to === 'often@first.example')).toHaveLength(3);
  });

  it('keeps a mail that the server does not take, and sends it later', async () => {
    await t.user({ email: 'patient@first.example' });
    await forgot('patient@first.example');
    const send = t.mailer.send.bind(t.mailer);
    t.mailer.send = () => Promise.reject(new Error('no connection'));
    expect(await t.mailedToken('patient@first.example')).toBe('');
    t.mailer.send = send;
    t.clock.advance({ minutes: 1 });
    expect(await t.mailedToken('patient@first.example')).toMatch(/^[\w-]{43}$/);
  });
});

describe('an invitation', () => {
  it('lets the person choose a password and become active', async () => {
    const id = await t.user({ email: 'new@first.example', password: undefined, invite: true, locale: 'de' });
    const invited = await t.call('GET', `/api/v1/users/${id}`, { as: t.admin });
    expect(invited.body.data.status).toBe('invited');
    expect((await t.login('new@first.example', NEW)).status).toBe(401);
    t.clock.advance({ days: 6 });
    const token = await t.mailedToken('new@first.example');
    expect(t.mailer.sent.at(-1)!.subject).toBe('Ihr Zugang bei Erste IT');
    expect((await reset(token)).status).toBe(204);
    const { access } = await t.session('new@first.example', NEW);
    expect(decodeJwt(access).sub).toBe(id);
    const updates = (await t.events('user.updated.v1')).filter((e) => e.data.user_id === id);
    expect(updates.at(-1)!.data).toMatchObject({ status: 'active' });
    expect(updates.at(-1)!.data.version).toBe(
      (await t.call('GET', `/api/v1/users/${id}`, { as: t.admin })).body.data.version,
    );
  });

  it('of an imported person needs a real address', async () => {
    const { body } = await t.call('POST', '/api/v1/users/import', {
      as: t.admin,
      body: { source: 'old', users: [{ external_id: 'R. 7', name: 'Resolver 7', role: 'technician_l1' }] },
    });
    const { id } = body.data.users[0];
    const patch = (change: object) => t.call('PATCH', `/api/v1/users/${id}`, { as: t.admin, body: change });
    expect(details(await patch({ invite: true }))).toEqual(['email']);
    expect((await patch({ status: 'active' })).status).toBe(409);
    expect((await patch({ invite: true, email: 'r7@first.example' })).body.data.status).toBe('invited');
    expect((await reset(await t.mailedToken('r7@first.example'))).status).toBe(204);
    expect((await t.login('r7@first.example', NEW)).status).toBe(200);
  });
});
