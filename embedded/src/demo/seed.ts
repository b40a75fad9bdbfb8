import { randomBytes } from 'node:crypto';
import { passwordHasher } from '@psa/auth/passwords/hasher';
import { setPassword } from '@psa/auth/passwords/repository';
import { findUserByEmail } from '@psa/auth/sessions/repository';
import { createTenant } from '@psa/auth/tenants/service';
import { tellUser } from '@psa/auth/users/events';
import { byId } from '@psa/auth/users/repository';
import { systemContext } from '@psa/service-kit/context';
import type { State } from '../state.ts';
import { signIn } from './caller.ts';
import type { DemoTarget } from './demo-target.ts';
import { beginningOf, fillDesk } from './desk.ts';
import { ADMIN, DEMO_TENANT, STAFF } from './people.ts';

/** No letters and digits that look alike: people type this password from the terminal. */
const ALPHABET = 'abcdefghijkmnpqrstuvwxyz23456789';
const randomPassword = () =>
  [...randomBytes(16)]
    .map((byte, i) => (i > 0 && i % 4 === 0 ? '-' : '') + ALPHABET[byte % ALPHABET.length])
    .join('');

const EMAILS = [
  ADMIN.email,
  ...STAFF.map(({ email }) => email),
  'customer@demo.example',
  'other@demo.example',
];

/**
 * Makes the demo tenant with its people, customers and tickets, once; and sees to it that the demo accounts
 * have the wanted password (the given one, else the one they had, else a random one), which it returns.
 * May be cut off at any point: the next start goes on, and nothing is there twice.
 */
export async function seedDemo(options: {
  platform: DemoTarget;
  state: State;
  /** PSA_DEMO_PASSWORD; taken as it is, weak or not: it is for demo data. */
  wanted: string | undefined;
  save: (state: State) => Promise<void>;
  say: (line: string) => void;
}): Promise<string> {
  const { platform, save, say } = options;
  const password = options.wanted || (options.state.demo_password ?? randomPassword());
  const isNew = password !== options.state.demo_password;
  let state = options.state;
  if (state.demo_complete && !isNew) return password;
  const resumed = state.demo_began !== undefined;
  const began = new Date(state.demo_began ?? Date.now());
  if (!state.demo_complete) {
    await save((state = { ...state, demo_began: began.toISOString() }));
    // From here on, so that the desk's calendar has the holidays of the time told of.
    for (const clock of Object.values(platform.clocks)) clock.hold(beginningOf(began));
  }

  const auth = platform.deps.auth;
  const find = (email: string) => auth.db.system((tx) => findUserByEmail(tx, email));
  if (!state.demo_complete && !(await find(ADMIN.email))) {
    const admin = { ...ADMIN, password: randomBytes(24).toString('base64url') };
    await createTenant(auth, { name: DEMO_TENANT, admin });
  }
  await setPasswords(platform, EMAILS, password);
  state = { ...state, demo_password: password };
  await save(state);
  if (!state.demo_complete) {
    say('Making the demo data (once) …');
    const accounts = {
      password,
      setPasswords: (emails: readonly string[]) => setPasswords(platform, emails, password),
    };
    try {
      await fillDesk(platform, await signIn(platform, ADMIN.email, password), accounts, {
        now: began,
        resumed,
      });
    } finally {
      for (const clock of Object.values(platform.clocks)) clock.release();
    }
    await save({ ...state, demo_complete: true });
  }
  return password;
}

/**
 * Keeps the desk of half-made demo data in their past until `seedDemo` goes on with them: deadlines of theirs
 * must not pass before the steps that meet them are made. Call it before the background work begins.
 */
export function holdHalfMade(platform: DemoTarget, state: State): void {
  if (!state.demo_complete && state.demo_began !== undefined)
    platform.clocks.tickets.hold(beginningOf(new Date(state.demo_began)));
}

/** Sets the password of those accounts that exist. An invited one becomes active by it, which others have to know. */
async function setPasswords(
  platform: DemoTarget,
  emails: readonly string[],
  password: string,
): Promise<void> {
  const { db, clock, ids } = platform.deps.auth;
  const hash = await passwordHasher.hash(password);
  for (const email of emails) {
    const found = await db.system((tx) => findUserByEmail(tx, email));
    if (!found) continue;
    const ctx = systemContext(found.tenant_id, ids.uuid());
    await db.tx(ctx.scope, async (tx) => {
      await setPassword(tx, { tenant_id: found.tenant_id, id: found.user_id }, hash, clock.now());
      const user = await byId(tx, found.tenant_id, found.user_id);
      if (user) await tellUser(platform.deps.auth, tx, ctx, 'user.updated.v1', user);
    });
  }
}
