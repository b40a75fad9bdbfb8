import { expect, it } from 'vitest';
import { postgresClient } from './postgres-client.ts';

/** TCP has no way to it, so `connect` fails at once, as it does when a machine has lost its network. */
const NO_WAY = 'postgres://somebody@255.255.255.255:5432/psa';

it('fails its queries while there is no way to the server, and ends no process', async () => {
  const sql = postgresClient(NO_WAY, { max: 2 });
  for (let i = 0; i < 2; i++) await expect(sql`select 1`).rejects.toMatchObject({ code: 'ENETUNREACH' });
  await expect(sql.begin((tx) => tx`select 1`)).rejects.toMatchObject({ code: 'ENETUNREACH' });
  await sql.end();
});
