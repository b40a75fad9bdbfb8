import { currentLanguage, type Language } from '@psa/ui/i18n/i18n';
import { readDuration } from '@psa/ui/i18n/typed';
import { MAX_MINUTES } from './timer.ts';

/** Minutes as people type them: "90", "1:30", "1h 30m", "1,5 h", "1 Std. 30 Min."; null when unclear or too many. */
export function parseMinutes(text: string, language: Language = currentLanguage()): number | null {
  const minutes = readDuration(text, language);
  return minutes !== null && minutes >= 1 && minutes <= MAX_MINUTES ? minutes : null;
}
