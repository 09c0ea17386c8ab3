/**
 * What fields a resource has. Notation, one word a field: `name` text, `name#` integer, `name~` number, `name?` boolean,
 * `name@time`, `name@duration`, `name*` anything; `[]` after the name: a list; `{...}`: sub-fields; `=a|b`: the values
 * allowed; `-` before the name: read-only.
 */

export type FieldType = 'text' | 'integer' | 'number' | 'boolean' | 'time' | 'duration' | 'any' | 'object';

export interface Field {
  /** Dotted: `source.svm.name`. */
  readonly name: string;
  readonly type: FieldType;
  readonly list: boolean;
  readonly readOnly: boolean;
  readonly values?: readonly string[];
}

export interface Schema {
  /** Every field and every parent of fields, by dotted name. */
  readonly fields: ReadonlyMap<string, Field>;
}

export function schema(notation: string): Schema {
  const fields = new Map<string, Field>();
  const parents: string[] = [];
  for (const word of notation.match(/[^\s{}]+\{?|\}/g) ?? []) {
    if (word === '}') {
      parents.pop();
      continue;
    }
    const field = parseField(word, parents);
    fields.set(field.name, field);
    if (word.endsWith('{')) parents.push(field.name.slice(field.name.lastIndexOf('.') + 1));
  }
  return { fields };
}

const FIELD = /^(-?)([A-Za-z_0-9-]+)(\[\])?(#|~|\?|\*|@time|@duration)?(?:=([^{]+))?(\{)?$/;
const TYPES: Record<string, FieldType> = {
  '#': 'integer',
  '~': 'number',
  '?': 'boolean',
  '*': 'any',
  '@time': 'time',
  '@duration': 'duration',
};

function parseField(word: string, parents: readonly string[]): Field {
  const match = FIELD.exec(word);
  if (!match) throw new Error(`not a field of a schema: ${word}`);
  const [, readOnly, name = '', list, type = '', values, parent] = match;
  return {
    name: [...parents, name].join('.'),
    type: parent ? 'object' : (TYPES[type] ?? 'text'),
    list: list !== undefined,
    readOnly: readOnly === '-',
    ...(values === undefined ? {} : { values: values.split('|') }),
  };
}
