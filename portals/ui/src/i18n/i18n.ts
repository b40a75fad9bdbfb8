import { useSyncExternalStore } from 'react';
import { readSetting, writeSetting } from '../settings.ts';

/** Languages of the portals; German is the source, English stands beside it. */
export const LANGUAGES = ['de', 'en'] as const;
export type Language = (typeof LANGUAGES)[number];

/** Flat `key → text`. `{{name}}` marks a value; `key_one` and `key_other` are plural forms chosen by `count`. */
export type Messages = Readonly<Record<string, string>>;

type PluralBase<K> = K extends `${infer Base}_one` | `${infer Base}_other` ? Base : never;
/** Keys one may ask for: every plain key, and the stem of every plural pair. */
export type MessageKey<M extends Messages> =
  | Exclude<keyof M & string, `${string}_one` | `${string}_other`>
  | PluralBase<keyof M & string>;

type Placeholders<S extends string> = S extends `${string}{{${infer Name}}}${infer Rest}`
  ? Name | Placeholders<Rest>
  : never;
type TextOf<M extends Messages, K extends string> = K extends keyof M
  ? M[K]
  : `${K}_other` extends keyof M
    ? M[`${K}_other`]
    : never;
type NamesOf<M extends Messages, K extends string> =
  | Placeholders<TextOf<M, K> & string>
  | (`${K}_other` extends keyof M ? 'count' : never);
type ValuesOf<M extends Messages, K extends string> = { [N in NamesOf<M, K>]: string | number };

/** Typed translator of one set: an unknown key or a forgotten value does not compile. */
export type Translate<M extends Messages> = <K extends MessageKey<M>>(
  key: K,
  ...values: [NamesOf<M, K>] extends [never] ? [] : [values: ValuesOf<M, K>]
) => string;

export interface MessageSet<M extends Messages> {
  namespace: string;
  de: M;
  en: Readonly<Record<keyof M, string>>;
  /** Translator for components; re-renders when the language is switched. */
  useT(): Translate<M>;
  /** Translator outside React (document titles, thrown texts), in the language of the moment. */
  t: Translate<M>;
}

const listeners = new Set<() => void>();
function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

type Values = Readonly<Record<string, string | number>>;
const PLURALS = { de: new Intl.PluralRules('de'), en: new Intl.PluralRules('en') };

/** `{{name}}` replaced by its value; what has no value stays as it is. */
const fillIn = (text: string, values: Values): string =>
  text.replace(/\{\{(\w+)\}\}/g, (mark, name: string) => String(values[name] ?? mark));

/**
 * The text of a key in a language: its plural form where there is a count, else German, else the key itself. React
 * escapes, so nothing is escaped here.
 */
export function translate(
  set: Pick<MessageSet<Messages>, Language>,
  language: Language,
  key: string,
  values: Values = {},
) {
  const texts: Messages = set[language];
  const form = values.count === undefined ? '' : `_${PLURALS[language].select(Number(values.count))}`;
  // A language may know more forms (few, many) than texts are written for.
  const text = texts[key + form] ?? (form && texts[`${key}_other`]) ?? texts[key] ?? set.de[key] ?? key;
  return fillIn(text || key, values);
}

/**
 * Makes a set of texts. `de` decides the keys; `en` must have exactly the same ones, which the type demands and
 * `parity.test.ts` checks together with the placeholders.
 */
export function defineMessages<const M extends Messages>(
  namespace: string,
  de: M,
  en: Readonly<Record<keyof M, string>>,
): MessageSet<M> {
  const set = { de: de as Messages, en: en as Messages };
  const inLanguage = (of: Language) =>
    ((key: string, values?: Values) => translate(set, of, key, values)) as Translate<M>;
  const translators = { de: inLanguage('de'), en: inLanguage('en') };
  return {
    namespace,
    de,
    en,
    t: ((key: string, values?: Values) => translate(set, language, key, values)) as Translate<M>,
    useT() {
      // Another function per language, so that memoised children notice the switch.
      return translators[useLanguage()[0]];
    },
  };
}

/** The stored choice, or what the browser asks for, or German. */
export function preferredLanguage(): Language {
  const stored = readSetting('language');
  if (stored === 'de' || stored === 'en') return stored;
  const wanted = typeof navigator === 'undefined' ? [] : (navigator.languages ?? [navigator.language]);
  for (const tag of wanted) {
    const primary = tag.slice(0, 2).toLowerCase();
    if (primary === 'de' || primary === 'en') return primary;
  }
  return 'de';
}

let language = preferredLanguage();
markDocument(language);

function markDocument(of: Language): void {
  if (typeof document !== 'undefined') document.documentElement.lang = of;
}

/** Language of the moment. */
export function currentLanguage(): Language {
  return language;
}

/** Switches live, remembers the choice and sets `<html lang>`. */
export function setLanguage(next: Language): void {
  language = next;
  writeSetting('language', next);
  markDocument(next);
  for (const listener of listeners) listener();
}

/** `[language, switch]`, re-rendering on a switch. */
export function useLanguage(): readonly [Language, (language: Language) => void] {
  return [useSyncExternalStore(subscribe, currentLanguage), setLanguage];
}
