import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { run, written } from './run.test-helper.ts';
import { all, at, element, formatXml, parseXml, type XmlElement } from './xml.ts';

const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/);
const text = fc.string({ unit: fc.constantFrom('a', '<', '>', '&', '"', "'", ']', 'ü', ' ', '\n') });
const { tree } = fc.letrec<{ tree: XmlElement }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 3 },
    fc.tuple(name, text).map(([one, inner]) => element(one, inner.trim())),
    fc
      .tuple(name, fc.array(tie('tree'), { minLength: 1, maxLength: 3 }))
      .map(([one, children]) => element(one, children)),
  ),
}));

describe('XML', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(tree, (one) => {
        expect(parseXml(formatXml(one))).toEqual(one);
      }),
    );
  });

  it('knows declarations, comments, CDATA, entities, attributes and empty elements', () => {
    const root = parseXml(
      '\uFEFF<?xml version="1.0"?>\n<!-- a <b> -->\n<pf a="1" b=\'x>y\'><x/><x a="2">1 &lt; &#50; &#x33;</x><d><![CDATA[<&]]></d></pf>\n',
    );
    expect(all(root, 'x').map((one) => one.text)).toEqual(['', '1 < 2 3']);
    expect(at(root, 'd')?.text).toBe('<&');
    expect(at(root, 'd', 'none')).toBeUndefined();
  });

  const broken = {
    'a tag not closed': '<a><b></a>',
    'a document cut off': '<a>\n<b>',
    'two documents': '<a/><b/>',
    'no document': 'hello',
    nothing: '',
    'an entity of its own': '<a>&secret;</a>',
    'an ampersand alone': '<a>a & b</a>',
    'a document type, which could read files':
      '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
    'an attribute without quotes': '<a b=c/>',
    'a closing tag only': '</a>',
    'CDATA that does not end': '<a><![CDATA[x</a>',
  };
  for (const [what, text] of Object.entries(broken))
    it(`refuses ${what}`, () => {
      expect(() => parseXml(text)).toThrow(/^line \d+: /);
    });

  it('refuses and reads what another parser refuses and reads', () => {
    const good = '<a><b c="1">x &amp; y</b><!-- z --><d/></a>';
    const folder = written([
      { path: 'good.xml', text: good },
      ...Object.values(broken)
        .filter((text) => !text.includes('DOCTYPE'))
        .map((text, index) => ({ path: `broken-${index}.xml`, text })),
    ]);
    const script =
      "import glob\nfrom xml.etree import ElementTree as E\nfor f in sorted(glob.glob('*.xml')):\n  try: E.parse(f); print(f, 'read')\n  except E.ParseError: print(f, 'refused')";
    const lines = run('python3', ['-c', script], { debian: 'python3', cwd: folder })
      .output.trim()
      .split('\n');
    expect(lines.filter((line) => line.endsWith('read'))).toEqual(['good.xml read']);
    expect(lines).toHaveLength(Object.keys(broken).length);
    expect(at(parseXml(good), 'b')?.text).toBe('x & y');
  });
});
