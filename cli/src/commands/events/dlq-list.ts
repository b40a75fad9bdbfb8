import type { DeadLetterInfo } from '@psa/contracts/event-api';
import type { Static } from 'typebox';
import { define } from '../../command.ts';
import { plural, table } from '../../text.ts';

interface Options {
  consumer?: string;
}
interface DeadLetters {
  dead_letters: Static<typeof DeadLetterInfo>[];
}
/** The most that the platform lists at once. */
const MOST = 1_000;

export const dlqList = define<Options, DeadLetters, null, DeadLetters>({
  summary: 'Lists events that a consumer failed at until the last retry',
  options: [{ flags: '--consumer <name>', description: 'only of this consumer, such as search.index' }],
  examples: [
    { run: 'psactl events dlq list', note: 'every parked event with the error that parked it' },
    {
      run: 'psactl events dlq list --consumer search.index --json',
      note: 'those of one consumer, with their content',
    },
  ],

  async plan({ api, options }) {
    const { data } = await api.get<{ data: Static<typeof DeadLetterInfo>[] }>('/api/v1/events/dead-letters', {
      action: 'list dead letters',
      query: { consumer: options.consumer, limit: MOST },
    });
    return { data: { dead_letters: data }, carry: null };
  },

  render: ({ dead_letters: letters }) =>
    `${table(
      letters.map(({ consumer, event, error, attempts, parked_at }) => [
        parked_at,
        consumer,
        event.type,
        event.id,
        plural(attempts, 'attempt'),
        error.split('\n')[0]!,
      ]),
    )}${letters.length === 0 ? 'No dead letters.' : plural(letters.length, 'dead letter')}\n`,
});
