/**
 * Prints the one-time link that makes the first tenant and its administrator. Settings: `DATABASE_URL` (the role
 * of auth), `PUBLIC_URL`.
 */
import { systemClock } from '@psa/contracts/ports/clock';
import { Database } from '@psa/service-kit/database';
import { ensureSetupToken } from '../tenants/service.ts';

const { DATABASE_URL: url, PUBLIC_URL: address = 'http://127.0.0.1:3000' } = process.env;
if (!url) {
  console.error('DATABASE_URL is required.');
  process.exit(2);
}
const db = new Database({ url, max: 1, applicationName: 'psa-setup-link' });
const token = await ensureSetupToken({ db, clock: systemClock });
console.log(
  token === null ? 'The platform is set up already.' : `${address}/setup?token=${encodeURIComponent(token)}`,
);
await db.close();
