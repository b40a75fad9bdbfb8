/** Where numbers without a country's prefix are at home. */
const HOME_PREFIX = '49';

/** How a number is dialled from abroad, without signs; null where it does not say its country. */
function fromAbroad(digits: string, plus: boolean): string | null {
  if (plus) return digits;
  return digits.startsWith('00') ? digits.slice(2) : null;
}

/**
 * What a telephone number is found by besides how it was written: its digits as one dials them at home and from
 * abroad, so that `0871/96 53-210`, `+49 871 9653210` and `0049 (0)871 9653210` are the same.
 */
export function phoneForms(phone: string): string[] {
  // An extension is dialled after the number: "Dw. 12", "ext 12".
  const signs = phone.replace(/\(0\)/g, '').replace(/[^\d+]/g, '');
  const digits = signs.replace(/\+/g, '');
  if (digits.length < 5) return [];
  const abroad =
    fromAbroad(digits, signs.startsWith('+')) ??
    (digits.startsWith('0') ? `${HOME_PREFIX}${digits.slice(1)}` : null);
  if (abroad === null) return [digits];
  const home = abroad.startsWith(HOME_PREFIX) ? `0${abroad.slice(HOME_PREFIX.length)}` : null;
  return [...new Set([abroad, ...(home === null ? [] : [home])])];
}

/**
 * The digits of a number without what only tells from where it is dialled: +49, 0049 and 0. For texts, in which nobody
 * knows whether digits are a telephone number at all: one form, which a key of digits keeps too.
 */
export function significantDigits(digits: string, plus: boolean): string {
  const abroad = fromAbroad(digits, plus);
  if (abroad === null) return digits.replace(/^0(?=[1-9])/, '');
  return abroad.startsWith(HOME_PREFIX) ? abroad.slice(HOME_PREFIX.length).replace(/^0/, '') : abroad;
}
