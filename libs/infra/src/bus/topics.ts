import type { EventEnvelope } from '@psa/contracts/events/envelope';

/**
 * A test for RabbitMQ topic patterns: words are parted by dots, `*` stands for one word, `#` for any number
 * of words, also none.
 * @returns whether an event type matches at least one of the patterns.
 */
export function topicMatcher(patterns: readonly string[]): (type: string) => boolean {
  const split = patterns.map((pattern) => pattern.split('.'));
  const known = new Map<string, boolean>();
  return (type) => {
    let answer = known.get(type);
    if (answer === undefined) {
      const words = type.split('.');
      answer = split.some((pattern) => matches(pattern, 0, words, 0));
      // Event types are few; a flood of unknown ones must not fill the memory.
      if (known.size < 10_000) known.set(type, answer);
    }
    return answer;
  };
}

function matches(pattern: readonly string[], p: number, words: readonly string[], w: number): boolean {
  if (p === pattern.length) return w === words.length;
  if (pattern[p] === '#') {
    for (let next = w; next <= words.length; next++) if (matches(pattern, p + 1, words, next)) return true;
    return false;
  }
  return (
    w < words.length &&
    (pattern[p] === '*' || pattern[p] === words[w]) &&
    matches(pattern, p + 1, words, w + 1)
  );
}

/** Names the object whose events keep their order. */
export function aggregateKey(event: EventEnvelope): string {
  return `${event.tenant_id}/${event.aggregate.type}/${event.aggregate.id}`;
}
