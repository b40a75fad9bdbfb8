/** Part of a word: plain text, a parameter, the output of commands, or a sum. */
export type Part =
  | { readonly kind: 'text'; readonly text: string; readonly quoted: boolean }
  | {
      readonly kind: 'parameter';
      readonly name: string;
      /** As in `${name:-word}`, `${name##word}`; empty: the plain value. */
      readonly operator: string;
      readonly word: Word;
      readonly quoted: boolean;
    }
  | { readonly kind: 'commands'; readonly script: Node; readonly quoted: boolean }
  | { readonly kind: 'sum'; readonly text: Word; readonly quoted: boolean };

export type Word = readonly Part[];

/** `2>&1`: `fd` 2, `operator` `>&`, `target` 1. */
export interface Redirect {
  readonly fd: number;
  readonly operator: '>' | '>>' | '<' | '>&';
  readonly target: Word;
}

/** A command of the shell's language. */
export type Node =
  | {
      readonly kind: 'simple';
      readonly assign: readonly (readonly [string, Word])[];
      readonly words: readonly Word[];
    }
  | {
      readonly kind: 'list';
      readonly items: readonly { readonly node: Node; readonly after: ';' | '&&' | '||' }[];
    }
  | { readonly kind: 'pipe'; readonly nodes: readonly Node[] }
  | { readonly kind: 'not'; readonly node: Node }
  | { readonly kind: 'subshell'; readonly node: Node }
  | { readonly kind: 'if'; readonly condition: Node; readonly then: Node; readonly otherwise: Node | null }
  | { readonly kind: 'loop'; readonly condition: Node; readonly until: boolean; readonly body: Node }
  | {
      readonly kind: 'for';
      readonly name: string;
      readonly words: readonly Word[] | null;
      readonly body: Node;
    }
  | {
      readonly kind: 'case';
      readonly word: Word;
      readonly arms: readonly { readonly patterns: readonly Word[]; readonly body: Node }[];
    }
  | { readonly kind: 'redirected'; readonly node: Node; readonly redirects: readonly Redirect[] };

/** The script is beyond what this shell knows. */
export class SyntaxFailure extends Error {
  override name = 'SyntaxFailure';
}

const NOTHING: Node = { kind: 'list', items: [] };
const NAME = /^[A-Za-z_]\w*/;
const CLOSERS = new Set(['then', 'elif', 'else', 'fi', 'do', 'done', 'esac', '}']);

/** Reads a script of the part of the POSIX shell that the appliance's scripts use: no functions, no here-documents. */
export function parseScript(source: string): Node {
  return new Parser(source).script();
}

class Parser {
  readonly #source: string;
  #at = 0;

  constructor(source: string) {
    this.#source = source;
  }

  script(): Node {
    const node = this.#list();
    this.#blank(true);
    if (this.#at < this.#source.length) this.#fail();
    return node;
  }

  #fail(): never {
    const near = this.#source.slice(this.#at, this.#at + 20).split('\n')[0];
    throw new SyntaxFailure(near ? `syntax error near "${near}"` : 'syntax error: unexpected end of file');
  }

  #blank(lines: boolean): void {
    const pattern = lines ? /(?:[ \t\n;]|\\\n|#[^\n]*)*/y : /(?:[ \t]|\\\n|#[^\n]*)*/y;
    pattern.lastIndex = this.#at;
    this.#at += pattern.exec(this.#source)?.[0].length ?? 0;
  }

  #sees(text: string): boolean {
    return this.#source.startsWith(text, this.#at);
  }

  #take(text: string): boolean {
    if (!this.#sees(text)) return false;
    this.#at += text.length;
    return true;
  }

  /** The reserved word that comes next; it is not taken. */
  #reserved(): string {
    return /^(?:[a-z]+|[{}!])(?=$|[\s;()])/.exec(this.#source.slice(this.#at, this.#at + 8))?.[0] ?? '';
  }

  #expect(word: string): void {
    this.#blank(true);
    if (this.#reserved() !== word) this.#fail();
    this.#at += word.length;
  }

  #list(): Node {
    const items: { node: Node; after: ';' | '&&' | '||' }[] = [];
    for (;;) {
      this.#blank(true);
      if (this.#at >= this.#source.length || this.#sees(')') || CLOSERS.has(this.#reserved())) break;
      const node = this.#pipe();
      this.#blank(false);
      const after = this.#take('&&') ? '&&' : this.#take('||') ? '||' : ';';
      items.push({ node, after });
      if (after === ';' && this.#sees(';;')) break;
    }
    return items.length === 0 ? NOTHING : { kind: 'list', items };
  }

  #pipe(): Node {
    this.#blank(false);
    if (this.#reserved() === '!') {
      this.#at += 1;
      return { kind: 'not', node: this.#pipe() };
    }
    const nodes = [this.#command()];
    for (;;) {
      this.#blank(false);
      if (this.#sees('||') || !this.#take('|')) break;
      this.#blank(true);
      nodes.push(this.#command());
    }
    return nodes.length === 1 ? nodes[0]! : { kind: 'pipe', nodes };
  }

  #command(): Node {
    this.#blank(false);
    const node = this.#compound() ?? this.#simple();
    const redirects = 'redirects' in node ? [] : this.#redirects();
    return redirects.length === 0 ? node : { kind: 'redirected', node, redirects };
  }

  #compound(): Node | null {
    if (this.#take('(')) {
      const node = this.#list();
      if (!this.#take(')')) this.#fail();
      return { kind: 'subshell', node };
    }
    const word = this.#reserved();
    if (!['{', 'if', 'while', 'until', 'for', 'case'].includes(word)) return null;
    this.#at += word.length;
    if (word === '{') {
      const node = this.#list();
      this.#expect('}');
      return node;
    }
    if (word === 'if') return this.#if();
    if (word === 'for') return this.#for();
    if (word === 'case') return this.#case();
    const condition = this.#list();
    return { kind: 'loop', condition, until: word === 'until', body: this.#body() };
  }

  #body(): Node {
    this.#expect('do');
    const body = this.#list();
    this.#expect('done');
    return body;
  }

  #if(): Node {
    const condition = this.#list();
    this.#expect('then');
    const then = this.#list();
    this.#blank(true);
    const word = this.#reserved();
    this.#at += word.length;
    if (word === 'elif') return { kind: 'if', condition, then, otherwise: this.#if() };
    if (word === 'fi') return { kind: 'if', condition, then, otherwise: null };
    if (word !== 'else') this.#fail();
    const otherwise = this.#list();
    this.#expect('fi');
    return { kind: 'if', condition, then, otherwise };
  }

  #for(): Node {
    this.#blank(false);
    const name = NAME.exec(this.#source.slice(this.#at))?.[0] ?? this.#fail();
    this.#at += name.length;
    this.#blank(false);
    let words: Word[] | null = null;
    if (this.#reserved() === 'in') {
      this.#at += 2;
      words = this.#words();
    }
    return { kind: 'for', name, words, body: this.#body() };
  }

  #case(): Node {
    this.#blank(false);
    const word = this.#word() ?? this.#fail();
    this.#expect('in');
    const arms: { patterns: Word[]; body: Node }[] = [];
    for (;;) {
      this.#blank(true);
      if (this.#reserved() === 'esac') break;
      this.#take('(');
      const patterns: Word[] = [];
      do {
        this.#blank(false);
        patterns.push(this.#word() ?? this.#fail());
        this.#blank(false);
      } while (this.#take('|'));
      if (!this.#take(')')) this.#fail();
      arms.push({ patterns, body: this.#list() });
      this.#blank(true);
    }
    this.#expect('esac');
    return { kind: 'case', word, arms };
  }

  #words(): Word[] {
    const words: Word[] = [];
    for (;;) {
      this.#blank(false);
      const word = this.#word();
      if (word === null) return words;
      words.push(word);
    }
  }

  #simple(): Node {
    const assign: [string, Word][] = [];
    const words: Word[] = [];
    const redirects: Redirect[] = [];
    for (;;) {
      redirects.push(...this.#redirects());
      this.#blank(false);
      const name = /^([A-Za-z_]\w*)=/.exec(this.#source.slice(this.#at))?.[1];
      if (words.length === 0 && name !== undefined) {
        this.#at += name.length + 1;
        assign.push([name, this.#word() ?? []]);
        continue;
      }
      const word = this.#word();
      if (word === null) break;
      words.push(word);
    }
    if (assign.length + words.length + redirects.length === 0) this.#fail();
    const node: Node = { kind: 'simple', assign, words };
    return redirects.length === 0 ? node : { kind: 'redirected', node, redirects };
  }

  #redirects(): Redirect[] {
    const all: Redirect[] = [];
    for (;;) {
      this.#blank(false);
      const found = /^(\d?)(>>|>&|>|<(?!<))/.exec(this.#source.slice(this.#at, this.#at + 3));
      if (!found) return all;
      this.#at += found[0].length;
      this.#blank(false);
      const operator = found[2] as Redirect['operator'];
      const fd = found[1] === '' ? (operator === '<' ? 0 : 1) : Number(found[1]);
      all.push({ fd, operator, target: this.#word() ?? this.#fail() });
    }
  }

  #word(): Word | null {
    const parts: Part[] = [];
    for (;;) {
      const char = this.#source[this.#at];
      if (char === undefined || /[\s;&|()<>]/.test(char)) break;
      if (char === "'") {
        const end = this.#source.indexOf("'", this.#at + 1);
        if (end < 0) this.#fail();
        parts.push({ kind: 'text', text: this.#source.slice(this.#at + 1, end), quoted: true });
        this.#at = end + 1;
      } else if (this.#take('"')) parts.push(...this.#inside('"'));
      else if (char === '\\') {
        parts.push({ kind: 'text', text: this.#source[this.#at + 1] ?? '', quoted: true });
        this.#at += 2;
      } else if (char === '$' || char === '`') parts.push(this.#expansion(false));
      else {
        const plain = /[^\s;&|()<>'"\\$`]+/y;
        plain.lastIndex = this.#at;
        const text = plain.exec(this.#source)?.[0] ?? this.#fail();
        this.#at += text.length;
        parts.push({ kind: 'text', text, quoted: false });
      }
    }
    return parts.length === 0 ? null : parts;
  }

  /** What stands between double quotes, or in a parameter's braces. */
  #inside(end: '"' | '}' | '))'): Part[] {
    const quoted = end === '"';
    const parts: Part[] = quoted ? [{ kind: 'text', text: '', quoted }] : [];
    for (;;) {
      if (this.#at >= this.#source.length) this.#fail();
      if (this.#take(end)) return parts;
      const char = this.#source[this.#at]!;
      if (char === '$' || char === '`') parts.push(this.#expansion(quoted));
      else if (!quoted && char === '"') {
        this.#at += 1;
        parts.push(...this.#inside('"'));
      } else {
        const escaped = char === '\\' && /["\\$`}]/.test(this.#source[this.#at + 1] ?? '');
        parts.push({ kind: 'text', text: escaped ? this.#source[this.#at + 1]! : char, quoted });
        this.#at += escaped ? 2 : 1;
      }
    }
  }

  #expansion(quoted: boolean): Part {
    if (this.#take('`')) {
      const end = this.#source.indexOf('`', this.#at);
      if (end < 0) this.#fail();
      const script = parseScript(this.#source.slice(this.#at, end));
      this.#at = end + 1;
      return { kind: 'commands', script, quoted };
    }
    this.#at += 1;
    if (this.#take('((')) return { kind: 'sum', text: this.#inside('))'), quoted };
    if (this.#take('(')) {
      const script = this.#list();
      if (!this.#take(')')) this.#fail();
      return { kind: 'commands', script, quoted };
    }
    if (this.#take('{')) {
      const head =
        /^([A-Za-z_]\w*|[\d@*#?$])(:?[-+=]|##?|%%?)?/.exec(this.#source.slice(this.#at)) ?? this.#fail();
      this.#at += head[0].length;
      return { kind: 'parameter', name: head[1]!, operator: head[2] ?? '', word: this.#inside('}'), quoted };
    }
    const name = /^(?:[A-Za-z_]\w*|[\d@*#?$])/.exec(this.#source.slice(this.#at))?.[0];
    if (name === undefined) return { kind: 'text', text: '$', quoted };
    this.#at += name.length;
    return { kind: 'parameter', name, operator: '', word: [], quoted };
  }
}
