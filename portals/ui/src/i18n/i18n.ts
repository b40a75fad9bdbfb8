import i18next from 'i18next';
import { useMemo } from 'react';
import { initReactI18next, useTranslation } from 'react-i18next';
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

/**
 * Registers a set of texts. `de` decides the keys; `en` must have exactly the same ones, which the type
 * demands and `expectParity` in the tests checks together with the placeholders.
 */
export function defineMessages<const M extends Messages>(
  namespace: string,
  de: M,
  en: Readonly<Record<keyof M, string>>,
): MessageSet<M> {
  ensureStarted();
  i18next.addResourceBundle('de', namespace, de, false, true);
  i18next.addResourceBundle('en', namespace, en, false, true);
  const translate = (key: string, values?: Record<string, string | number>): string =>
    i18next.t(key, { ns: namespace, ...values });
  return {
    namespace,
    de,
    en,
    t: translate as Translate<M>,
    useT() {
      const { i18n } = useTranslation(namespace);
      // A new function per language, so that memoised children notice the switch.
      return useMemo(() => {
        const fixed = i18n.getFixedT(i18n.language, namespace);
        return ((key: string, values?: Record<string, string | number>) =>
          fixed(key, values ?? {})) as Translate<M>;
      }, [i18n, i18n.language, namespace]);
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

let started = false;
function ensureStarted(): void {
  if (started) return;
  started = true;
  const language = preferredLanguage();
  void i18next.use(initReactI18next).init({
    lng: language,
    fallbackLng: 'de',
    resources: {},
    keySeparator: false,
    nsSeparator: false,
    // React escapes already; escaping here would show `&amp;` to people.
    interpolation: { escapeValue: false },
    // Resources are in memory: start synchronously, the first paint has its texts.
    initAsync: false,
    showSupportNotice: false,
    react: { useSuspense: false },
  } as Parameters<typeof i18next.init>[0]);
  markDocument(language);
}

function markDocument(language: Language): void {
  if (typeof document !== 'undefined') document.documentElement.lang = language;
}

/** Language of the moment. */
export function currentLanguage(): Language {
  return i18next.language === 'en' ? 'en' : 'de';
}

/** Switches live, remembers the choice and sets `<html lang>`. */
export async function setLanguage(language: Language): Promise<void> {
  writeSetting('language', language);
  markDocument(language);
  await i18next.changeLanguage(language);
}

/** `[language, switch]`, re-rendering on a switch. */
export function useLanguage(): readonly [Language, (language: Language) => void] {
  const { i18n } = useTranslation();
  return [i18n.language === 'en' ? 'en' : 'de', (language) => void setLanguage(language)];
}
