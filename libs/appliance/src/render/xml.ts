/** An element of an XML document, with what pfSense's config.xml has: no attributes that matter, no namespaces. */
export interface XmlElement {
  readonly name: string;
  readonly children: readonly XmlElement[];
  /** The text directly inside, trimmed. */
  readonly text: string;
}

/** XML that cannot be read, with the line. */
export class XmlError extends Error {}

const NAME = /[A-Za-z_][\w.-]*/y;
const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

/** The element as text, two spaces per level. */
export function formatXml(element: XmlElement, indent = ''): string {
  const { name, children, text } = element;
  if (children.length === 0) return `${indent}<${name}>${escapeText(text)}</${name}>`;
  const inner = children.map((child) => formatXml(child, `${indent}  `)).join('\n');
  return `${indent}<${name}>\n${inner}\n${indent}</${name}>`;
}

/** An element with children or with a text. */
export function element(name: string, content: string | readonly XmlElement[] = ''): XmlElement {
  return typeof content === 'string'
    ? { name, children: [], text: content }
    : { name, children: content, text: '' };
}

const escapeText = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** The children of that name. */
export function all(parent: XmlElement | undefined, name: string): readonly XmlElement[] {
  return parent?.children.filter((child) => child.name === name) ?? [];
}

/** The first child at the end of a path of names. */
export function at(parent: XmlElement | undefined, ...path: readonly string[]): XmlElement | undefined {
  return path.reduce<XmlElement | undefined>((inner, name) => all(inner, name)[0], parent);
}

/**
 * Reads a document. There is no XML parser among our packages, and config.xml needs little of one: elements,
 * text, CDATA, comments and the entities that XML itself knows. A DOCTYPE is refused: it could name files and grow.
 * @throws XmlError with the line
 */
export function parseXml(source: string): XmlElement {
  const text = source.replace(/^\uFEFF/, '');
  let place = 0;
  const fail: (message: string) => never = (message) => {
    throw new XmlError(`line ${text.slice(0, place).split('\n').length}: ${message}`);
  };
  const take = (token: string): boolean => {
    if (!text.startsWith(token, place)) return false;
    place += token.length;
    return true;
  };
  const until = (token: string, what: string): string => {
    const end = text.indexOf(token, place);
    if (end < 0) fail(`${what} does not end`);
    const inner = text.slice(place, end);
    place = end + token.length;
    return inner;
  };
  const match = (pattern: RegExp): string => {
    pattern.lastIndex = place;
    const found = pattern.exec(text)?.[0] ?? '';
    place += found.length;
    return found;
  };
  const space = () => match(/\s*/y);
  const decode = (raw: string): string =>
    raw.replace(/&([^;\s]{0,12};?)/g, (whole, inner: string) => {
      const name = inner.endsWith(';') ? inner.slice(0, -1) : '';
      const code = /^#(?:x([0-9a-f]{1,6})|(\d{1,7}))$/i.exec(name);
      const point = code ? Number.parseInt(code[1] ?? code[2]!, code[1] ? 16 : 10) : null;
      if (point !== null && point > 0 && point <= 0x10ffff) return String.fromCodePoint(point);
      return ENTITIES[name] ?? fail(`"${whole}" is no entity`);
    });

  /** What may stand between elements. */
  const misc = () => {
    for (;;) {
      space();
      if (take('<!--')) until('-->', 'The comment');
      else if (take('<?')) until('?>', 'The instruction');
      else return;
    }
  };
  const attributes = () => {
    for (;;) {
      const gap = space();
      if (text[place] === '>' || text[place] === '/' || place >= text.length) return;
      if (gap === '' || match(NAME) === '') fail('the tag is not well formed');
      space();
      if (!take('=')) fail('the attribute has no value');
      space();
      const quote = take('"') ? '"' : take("'") ? "'" : fail('the value of the attribute is not quoted');
      if (until(quote, 'The attribute').includes('<')) fail('"<" stands in an attribute');
    }
  };
  const readElement = (): XmlElement => {
    const stack: { name: string; children: XmlElement[]; text: string }[] = [];
    for (;;) {
      if (take('</')) {
        const name = match(NAME);
        space();
        const open = stack.pop();
        if (!take('>') || open?.name !== name) fail(`</${name}> closes <${open?.name ?? ''}>`);
        const closed = { ...open!, text: open!.text.trim() };
        if (stack.length === 0) return closed;
        stack.at(-1)!.children.push(closed);
      } else if (take('<!--')) until('-->', 'The comment');
      else if (take('<![CDATA[')) stack.at(-1)!.text += until(']]>', 'The CDATA');
      else if (take('<?')) until('?>', 'The instruction');
      else if (take('<')) {
        const name = match(NAME);
        if (name === '') fail('a tag without a name');
        attributes();
        if (take('/>')) {
          const empty = { name, children: [], text: '' };
          if (stack.length === 0) return empty;
          stack.at(-1)!.children.push(empty);
        } else if (take('>')) stack.push({ name, children: [], text: '' });
        else fail(`<${name}> does not end`);
      } else {
        const raw = match(/[^<]+/y);
        if (raw === '') fail(`<${stack.at(-1)?.name}> is not closed`);
        if (raw.includes(']]>')) fail('"]]>" stands in a text');
        stack.at(-1)!.text += decode(raw);
      }
    }
  };

  misc();
  if (text.startsWith('<!', place)) fail('a document type is not read');
  if (text[place] !== '<') fail('this is no XML');
  const root = readElement();
  misc();
  if (place < text.length) fail('something follows the document');
  return root;
}
