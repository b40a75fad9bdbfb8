import { Value } from 'typebox/value';
import { type Document, isMap, isScalar, LineCounter, parseDocument, type Node as YamlNode } from 'yaml';
import { checkInventory } from './check.ts';
import { type FieldPath, formatPath, type InventoryError, type Problem } from './problem.ts';
import { Inventory } from './schema.ts';
import { schemaProblems } from './schema-problems.ts';

/** An inventory that may be acted on, or everything that is wrong with it. */
export type Loaded =
  | { readonly ok: true; readonly inventory: Inventory }
  | { readonly ok: false; readonly errors: readonly InventoryError[] };

/**
 * Reads an inventory from the text of a YAML file.
 * @param file the file's name as people gave it; stands in the errors
 */
export function loadInventory(text: string, file: string): Loaded {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0) {
    const errors = document.errors.map((error): InventoryError => {
      const { line, col } = lines.linePos(error.pos[0]);
      return {
        ...{ file, line, column: col, path: '' },
        message: `${error.message.trim().replace(/\.?$/, '.')}`,
        fix: 'Mend the YAML at this place; the rest of the file was not checked.',
      };
    });
    return { ok: false, errors };
  }
  const value: unknown = document.toJS();
  const problems = Value.Check(Inventory, value) ? checkInventory(value) : schemaProblems(value);
  if (problems.length === 0) return { ok: true, inventory: value as Inventory };
  const errors = problems
    .map((problem) => ({ file, ...placeOf(document, lines, problem.path), ...described(problem) }))
    .sort((a, b) => a.line - b.line || a.column - b.column);
  return { ok: false, errors };
}

const described = ({ path, message, fix }: Problem) => ({ path: formatPath(path), message, fix });

/** The field's key where the file has it, else the nearest thing around it. */
function placeOf(document: Document, lines: LineCounter, path: FieldPath): { line: number; column: number } {
  for (let length = path.length; length > 0; length--) {
    const offset = offsetOf(document, path.slice(0, length));
    if (offset !== null) {
      const { line, col } = lines.linePos(offset);
      return { line, column: col };
    }
  }
  return { line: 1, column: 1 };
}

function offsetOf(document: Document, path: FieldPath): number | null {
  const last = path.at(-1)!;
  const parent =
    path.length === 1 ? document.contents : (document.getIn(path.slice(0, -1), true) as YamlNode);
  if (isMap(parent)) {
    const pair = parent.items.find((item) => isScalar(item.key) && item.key.value === last);
    return isScalar(pair?.key) ? (pair.key.range?.[0] ?? null) : null;
  }
  const node = document.getIn(path, true) as YamlNode | undefined;
  return node?.range?.[0] ?? null;
}
