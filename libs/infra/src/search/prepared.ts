import { fold, lower, storable } from '@psa/domain/text';
import { partsOf } from './compounds.ts';
import { joinedForms } from './joined.ts';
import { tokens } from './words.ts';

/** Words of a text that are indexed: about 800 kB of text. */
const MOST_WORDS = 100_000;

/**
 * A text as Elasticsearch gets it to index: its words cut and put into one form here, by the rule that the queries
 * follow, and apart from them what else it is found by (parts of compounds, numbers without their signs). Of the values
 * of a field no phrase spans two.
 */
export function prepared(text: string): string[] {
  const clean = storable(text);
  const words = [...tokens(clean, MOST_WORDS)];
  const forms = words.map((token) => lower(token.text));
  const more = new Set<string>();
  for (const list of joinedForms(clean, words).values()) for (const form of list) more.add(form);
  for (const form of forms) for (const part of partsOf(fold(form))) more.add(part);
  return [forms.join(' '), [...more].join(' ')].filter(Boolean);
}
