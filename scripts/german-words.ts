// Writes libs/infra/src/search/german-words.ts anew from the dictionary igerman98 as npm brings it:
//   npm pack dictionary-de@3.0.0 && tar xzf dictionary-de-3.0.0.tgz && node scripts/german-words.ts package/index.dic
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fold, lower } from '@psa/domain/text';

/** Words of offices and computers that the dictionary of 2016 does not have; they begin and end compounds. */
const OURS =
  `account admin adapter alias app backup bios bluescreen bluetooth browser bug cache chat chip client cloud code
  cookie crm dashboard datev docking domain domane domanen drucker dock download dsl erp ethernet excel exchange fax firewall
  firmware freigabe gateway hardware headset hotline hub hyperv internet ip kamera kiosk konsole laptop laser laufwerk
  lizenz login mail email malware mandant matrix modem monitor nas netzteil notebook office outlook patch phishing ping
  plotter plugin plug popup port portal postfach prozess proxy queue raid ransomware recovery registry remote report
  router scan scanner screen script server service session share sharepoint sip skript smartphone sms snapshot software
  spam ssd ssl standby storage stick stream support switch sync tablet team terminal test ticket token toner tool touch
  trojaner tunnel update upgrade upload usb user viren virus voip vpn wartung web webcam wifi windows wlan workflow
  zertifikat zugang zubehor`.split(/\s+/);
/** Prefixes of verbs and the like: "vorstellen" is no kind of "stellen". */
const NO_STARTS = new Set(
  `abs alt an auf aus bei dar durch ein end ent gegen heim her hin hinter los mit nach neben nieder ober rein sub uber um
  unter ver verb von vor weg weiter wider wieder zer zu zuruck zusammen zwischen ruck ess gen nah seh`.split(
    /\s+/,
  ),
);
/** Suffixes: "Feindschaft" has no "Schaft" in it. */
const NO_ENDS = new Set(
  `haft schaft los erlos losigkeit reich weise fest fach mal bar sam lich heit keit ung schere arm voll wert wurdig leer
  frei artig maßig massig losen loser loses lose enden`.split(/\s+/),
);
/** Of the short words these end compounds; "Direktor" has no "Tor". */
const SHORT_ENDS = new Set(
  'rad uhr box bus amt ort typ hof zug ohr set kit bit led usb app fax hub nas sms ssd vpn bau'.split(' '),
);

/** erfassen → Erfassung, steuern → Steuerung, sammeln → Sammlung. */
const ungOf = (word: string) =>
  /[bgkpßsz]eln$|ern$/.test(word)
    ? word.replace(/n$/, 'ung')
    : word
        .replace(/eln$|el$/, 'lung')
        .replace(/en$/, 'ung')
        .replace(/(?<!ung|n)$/, 'ung');

const plain = (word: string) => fold(lower(word));
const [source] = process.argv.slice(2);
if (!source) throw new Error('Say where index.dic is: node scripts/german-words.ts package/index.dic');
const starts = new Set(OURS);
const ends = new Set(OURS);
for (const line of readFileSync(source, 'utf8').split('\n')) {
  const [, word, flags] = /^(\p{L}+)\/(\S+)/u.exec(line) ?? [];
  if (!word || !flags) continue;
  // Flags i and j, k and e: forms at the beginning and in the middle, with linking letters; o and z: at the end.
  if (/ij|ke/.test(flags)) starts.add(plain(word));
  if (!/oz/.test(flags)) continue;
  ends.add(plain(word));
  // Flag J: the noun in -ung, as index.aff has it.
  if (flags.includes('J')) ends.add(plain(ungOf(word)));
}
for (const word of starts) if (word.length < 3 || NO_STARTS.has(word)) starts.delete(word);
for (const word of ends) {
  if (word.length < 3 || NO_ENDS.has(word) || (word.length < 4 && !SHORT_ENDS.has(word))) ends.delete(word);
}
/** What is made of others is found by them. */
const isMade = (word: string) =>
  Array.from({ length: Math.max(0, word.length - 6) }, (_, i) => i + 3).some(
    (at) => starts.has(word.slice(0, at)) && ends.has(word.slice(at)),
  );
const made = [...ends].filter(isMade);
for (const word of made) ends.delete(word);

const lines = (words: Iterable<string>) =>
  [...words]
    .sort()
    .join(' ')
    .replace(/(.{1000,}?) /g, '$1\n');
writeFileSync(
  join(import.meta.dirname, '../libs/infra/src/search/german-words.ts'),
  `// Written by scripts/german-words.ts from igerman98 (version 20161207, © 1999-2016 Björn Jacke, GPL-2.0 or GPL-3.0),
// through the npm package dictionary-de 3.0.0, with words of our own. Not to be edited by hand.

/** Forms that begin German compounds, linking letters included, folded: "netz", "rechnungs". */
export const STARTS = \`${lines(starts)}\`;

/** Words that end German compounds, folded; those that are compounds themselves are left out. */
export const ENDS = \`${lines(ends)}\`;
`,
);
process.stdout.write(`${starts.size} beginnings, ${ends.size} ends\n`);
