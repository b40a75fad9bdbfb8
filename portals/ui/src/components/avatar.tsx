const TONES = ['info', 'ok', 'violet', 'warn', 'neutral'] as const;

/** Up to two initials of a name: "Anna Maria Beck" → AB. */
export function initials(name: string): string {
  const words = name.trim().split(/\s+/).filter(Boolean);
  const letters = words.length > 1 ? [words[0]!, words.at(-1)!] : words;
  return letters.map((word) => [...word][0]!.toUpperCase()).join('');
}

/** Initials on a colour that stays the same for a name. Decorative unless it stands alone (`labelled`). */
export function Avatar({ name, large, labelled }: { name: string; large?: boolean; labelled?: boolean }) {
  let sum = 0;
  for (const char of name) sum = (sum * 31 + char.charCodeAt(0)) % 9973;
  const tone = TONES[sum % TONES.length]!;
  const className = `avatar tone-${tone}${large ? ' avatar-large' : ''}`;
  return labelled ? (
    <span className={className} role="img" aria-label={name} title={name}>
      {initials(name)}
    </span>
  ) : (
    <span className={className} aria-hidden="true">
      {initials(name)}
    </span>
  );
}
