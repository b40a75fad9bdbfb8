import type { DeadLetterInfo, ReplayDeadLettersResponse } from '@psa/contracts/event-api';
import type { Static } from 'typebox';
import { define } from '../../command.ts';
import { plural } from '../../text.ts';

interface Options {
  limit: number;
}
interface Plan {
  consumer: string;
  /** Parked now, up to 1,000. */
  parked: number;
}

export const dlqReplay = define<Options, Plan, null, Plan & { replayed: number }>({
  summary: 'Hands the parked events of a consumer to it again',
  description: 'Consumers take an event once in effect, so replaying too much does no harm.',
  args: [{ name: 'consumer', description: 'as "psactl events dlq list" names it' }],
  options: [
    {
      flags: '--limit <n>',
      description: 'at most so many',
      default: 1_000,
      parse(text) {
        const n = Number(text);
        if (!Number.isInteger(n) || n < 1 || n > 10_000)
          throw new Error('Give a whole number from 1 to 10000.');
        return n;
      },
    },
  ],
  examples: [
    { run: 'psactl events dlq replay search.index --dry-run', note: 'how many would be handed over' },
    { run: 'psactl events dlq replay search.index --yes', note: 'hands them over, without a question' },
  ],

  async plan({ api, args }) {
    const consumer = args[0]!;
    const { data } = await api.get<{ data: Static<typeof DeadLetterInfo>[] }>('/api/v1/events/dead-letters', {
      action: `look for dead letters of ${consumer}`,
      query: { consumer, limit: 1_000 },
    });
    return { data: { consumer, parked: data.length }, carry: null };
  },

  confirm: ({ data }) =>
    data.parked === 0 ? null : `Hand ${plural(data.parked, 'event')} to ${data.consumer} again?`,

  async apply({ data }, { api, options }) {
    if (data.parked === 0) return { ...data, replayed: 0 };
    const { consumer } = data;
    const answer = await api.post<{ data: Static<typeof ReplayDeadLettersResponse> }>(
      '/api/v1/events/dead-letters/replay',
      {
        action: `replay dead letters of ${consumer}`,
        body: { consumer, limit: options.limit },
        idempotent: true,
      },
    );
    return { ...data, replayed: answer.data.replayed };
  },

  renderPlan: ({ consumer, parked }) => `${plural(parked, 'event')} would be handed to ${consumer} again.\n`,
  render: ({ consumer, replayed }) =>
    replayed === 0
      ? `${consumer} has no dead letters.\n`
      : `Handed ${plural(replayed, 'event')} to ${consumer} again.\n`,
});
