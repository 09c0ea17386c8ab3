/**
 * What users can import, by subpath: the list in public-api.json is the promise, and a change of it is a decision.
 * `UPDATE_PUBLIC_API=1 npm test -- test/public-api.test.ts` writes the list anew.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const LIST = new URL('public-api.json', import.meta.url);

/** Sorted names: `value` exists at run time (a class does, and is a type too), `type` does not. */
type Surface = Readonly<Record<string, 'value' | 'type'>>;

const entries = entriesOfPackage();
const exported = exportsOf([...entries.values()]);

describe('the public API', () => {
  const found: Record<string, Surface> = {};
  for (const [subpath, file] of entries) found[subpath] = surfaceOf(exported.get(file) ?? []);
  if (process.env['UPDATE_PUBLIC_API']) writeFileSync(LIST, `${JSON.stringify(found, null, 2)}\n`);
  const promised = JSON.parse(readFileSync(LIST, 'utf8')) as Record<string, Surface>;

  it('has the subpaths that public-api.json lists', () => {
    expect([...entries.keys()].sort()).toEqual(Object.keys(promised).sort());
  });

  for (const [subpath, file] of entries) {
    it(`of ${subpath} is what public-api.json lists`, () => {
      expect(difference(promised[subpath] ?? {}, found[subpath] ?? {})).toEqual([]);
    });

    it(`of ${subpath} has the same names at run time`, async () => {
      const loaded = (await import(pathToFileURL(file).href)) as object;
      const values = Object.entries(found[subpath] ?? {}).filter(([, kind]) => kind === 'value');
      expect(Object.keys(loaded).sort()).toEqual(values.map(([name]) => name));
    });

    it(`of ${subpath} is documented`, () => {
      const undocumented = (exported.get(file) ?? []).filter(({ documentation }) => documentation === '');
      expect(undocumented.map(({ name, declaredAt }) => `${name} (${declaredAt})`)).toEqual([]);
    });
  }
});

describe('the comparison of surfaces', () => {
  it('names what was added, what was removed, and what is a type now', () => {
    const before: Surface = { gone: 'value', kept: 'value', turned: 'value' };
    const after: Surface = { kept: 'value', new: 'type', turned: 'type' };
    expect(difference(before, after)).toEqual([
      'removed value gone',
      'removed value turned',
      'added type new',
      'added type turned',
    ]);
  });
});

function difference(before: Surface, after: Surface): string[] {
  const onlyIn = (some: Surface, others: Surface) =>
    Object.entries(some)
      .filter(([name, kind]) => others[name] !== kind)
      .map(([name, kind]) => `${kind} ${name}`);
  return [
    ...onlyIn(before, after).map((what) => `removed ${what}`),
    ...onlyIn(after, before).map((what) => `added ${what}`),
  ];
}

interface ExportedName {
  readonly name: string;
  readonly isValue: boolean;
  readonly documentation: string;
  /** `file:line`. */
  readonly declaredAt: string;
}

function surfaceOf(names: readonly ExportedName[]): Surface {
  const kinds = names.map(({ name, isValue }) => [name, isValue ? 'value' : 'type'] as const);
  return Object.fromEntries(kinds.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Subpath -> source file, from package.json: `./dist/ontap/index.js` is built from `src/ontap/index.ts`. */
function entriesOfPackage(): Map<string, string> {
  const { exports } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    exports: Record<string, string | { import: { default: string } }>;
  };
  const found = new Map<string, string>();
  for (const [subpath, target] of Object.entries(exports)) {
    if (typeof target === 'string') continue; // ./package.json
    found.set(subpath, resolve(target.import.default.replace(/^\.\/dist\/(.+)\.js$/, 'src/$1.ts')));
  }
  return found;
}

function exportsOf(files: readonly string[]): Map<string, ExportedName[]> {
  const { config } = ts.readConfigFile('tsconfig.json', ts.sys.readFile) as { config: object };
  const { options } = ts.parseJsonConfigFileContent({ ...config, files, include: [] }, ts.sys, '.');
  const program = ts.createProgram(files, options);
  const checker = program.getTypeChecker();
  return new Map(
    files.map((file) => {
      const source = program.getSourceFile(file);
      const symbol = source && checker.getSymbolAtLocation(source);
      return [file, symbol ? checker.getExportsOfModule(symbol).map((name) => describeExport(name, checker)) : []];
    }),
  );
}

function describeExport(symbol: ts.Symbol, checker: ts.TypeChecker): ExportedName {
  const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  const typeOnly = symbol.declarations?.some(
    (at) => ts.isExportSpecifier(at) && ts.isTypeOnlyImportOrExportDeclaration(at),
  );
  const declaration = target.declarations?.[0];
  const file = declaration?.getSourceFile();
  const line = declaration && file ? file.getLineAndCharacterOfPosition(declaration.getStart()).line + 1 : 0;
  // A docstring stands at the declaration or, for what is not ours to document (generated types), at the export.
  const documentation = [...target.getDocumentationComment(checker), ...symbol.getDocumentationComment(checker)];
  return {
    name: symbol.name,
    isValue: !typeOnly && (target.flags & ts.SymbolFlags.Value) !== 0,
    documentation: ts.displayPartsToString(documentation),
    declaredAt: `${file?.fileName.replace(`${process.cwd()}/`, '') ?? '?'}:${line}`,
  };
}
