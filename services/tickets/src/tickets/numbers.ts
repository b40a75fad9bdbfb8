import type { Tx } from '@psa/service-kit/database';

/**
 * Draws ticket numbers of the transaction's tenant, ascending. Nobody waits for anybody: they come from a sequence, whose
 * place in the log lies before that of the ticket's commit, so a ticket on disk has its number on disk. One that fails
 * afterwards leaves a gap; none is given twice (and a unique index holds that).
 */
export async function drawNumbers(tx: Tx, count: number): Promise<number[]> {
  const rows = await tx.sql<{ n: number }[]>`select n from draw_ticket_numbers(${count}) n`;
  return rows.map((row) => row.n);
}
