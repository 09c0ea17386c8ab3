/** What the architecture rules look at in a source file: its imports, and its uses of the world and of Node's globals. */
import { posix } from 'node:path';
import ts from 'typescript';

export interface SourceFacts {
  readonly path: string;
  readonly imports: readonly ImportFact[];
  readonly ambient: readonly AmbientFact[];
  /** Lines with `export * from`. */
  readonly wildcards: readonly number[];
}

export interface ImportFact {
  readonly line: number;
  /** As written; undefined for an `import()` of something that is not a literal. */
  readonly specifier: string | undefined;
  /** `relative` names a file of the repository, `package` an npm package (without its subpath), `node` a `node:` module. */
  readonly target: { readonly kind: 'relative' | 'package' | 'node'; readonly name: string };
  /** Leaves no trace at run time. `import { type X }` does leave one: the module is still loaded. */
  readonly typeOnly: boolean;
  /** Loaded only when the code that says so runs. */
  readonly dynamic: boolean;
}

/** A use of something that is in scope without being declared or imported: `Date`, `Math.random`, `process`, `Buffer`. */
export interface AmbientFact {
  readonly line: number;
  readonly name: string;
}

/** The facts of some TypeScript sources, given as path (from the repository's root) -> text. */
export function factsOf(sources: ReadonlyMap<string, string>): SourceFacts[] {
  const options: ts.CompilerOptions = { noLib: true, noResolve: true, types: [], target: ts.ScriptTarget.ESNext };
  const parsed = new Map<string, ts.SourceFile>();
  for (const [path, text] of sources) {
    parsed.set(path, ts.createSourceFile(path, text, ts.ScriptTarget.ESNext, true, ts.ScriptKind.TS));
  }
  const program = ts.createProgram({
    rootNames: [...sources.keys()],
    options,
    host: {
      getSourceFile: (path) => parsed.get(path),
      getDefaultLibFileName: () => 'no-lib.d.ts',
      writeFile: () => {},
      getCurrentDirectory: () => '',
      getCanonicalFileName: (path) => path,
      useCaseSensitiveFileNames: () => true,
      getNewLine: () => '\n',
      fileExists: (path) => parsed.has(path),
      readFile: (path) => sources.get(path),
    },
  });
  // Without a library nothing ambient is declared, so a name that resolves is the source's own.
  const checker = program.getTypeChecker();
  return [...parsed].map(([path, file]) => factsOfFile(path, file, checker));
}

function factsOfFile(path: string, file: ts.SourceFile, checker: ts.TypeChecker): SourceFacts {
  const imports: ImportFact[] = [];
  const ambient: AmbientFact[] = [];
  const wildcards: number[] = [];
  const lineOf = (node: ts.Node) => file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1;

  const addImport = (node: ts.Node, source: ts.Node | undefined, kind: { typeOnly?: boolean; dynamic?: boolean }) => {
    const specifier = source && ts.isStringLiteralLike(source) ? source.text : undefined;
    const { typeOnly = false, dynamic = false } = kind;
    imports.push({ line: lineOf(node), specifier, target: targetOf(path, specifier ?? ''), typeOnly, dynamic });
  };

  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) {
      addImport(node, node.moduleSpecifier, { typeOnly: node.importClause?.isTypeOnly ?? false });
    } else if (ts.isExportDeclaration(node) && node.moduleSpecifier) {
      addImport(node, node.moduleSpecifier, { typeOnly: node.isTypeOnly });
      if (!node.exportClause) wildcards.push(lineOf(node));
    } else if (ts.isImportTypeNode(node)) {
      addImport(node, ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined, { typeOnly: true });
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      addImport(node, node.arguments[0], { dynamic: true });
    } else if (ts.isIdentifier(node)) {
      const name = ambientUse(node, checker);
      if (name !== undefined) ambient.push({ line: lineOf(node), name });
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return { path, imports, ambient, wildcards };
}

function targetOf(importer: string, specifier: string): ImportFact['target'] {
  if (specifier.startsWith('.')) return { kind: 'relative', name: posix.join(posix.dirname(importer), specifier) };
  if (specifier.startsWith('node:')) return { kind: 'node', name: specifier };
  const parts = specifier.split('/');
  return { kind: 'package', name: parts.slice(0, specifier.startsWith('@') ? 2 : 1).join('/') };
}

/**
 * The ambient thing that an identifier stands for: `setTimeout`, or with its member `Math.random`. Undefined for names
 * of the source's own, for names in type positions, and for `Date` where it only reads or writes a given instant.
 */
function ambientUse(node: ts.Identifier, checker: ts.TypeChecker): string | undefined {
  if (!isValueReference(node) || isDeclared(node, checker)) return undefined;
  const through = node.text === 'globalThis' ? memberOf(node) : undefined;
  const subject = through ? through.access : node;
  const name = through ? through.name : node.text;
  if (name === 'Date' && isGivenInstant(subject)) return undefined;
  const member = memberOf(subject);
  return member && name !== 'Date' ? `${name}.${member.name}` : name;
}

function isDeclared(node: ts.Identifier, checker: ts.TypeChecker): boolean {
  const symbol = ts.isShorthandPropertyAssignment(node.parent)
    ? checker.getShorthandAssignmentValueSymbol(node.parent)
    : checker.getSymbolAtLocation(node);
  return (symbol?.declarations ?? []).length > 0;
}

function isValueReference(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isShorthandPropertyAssignment(parent)) return true;
  if (ts.isTypeNode(parent) && !ts.isExpressionWithTypeArguments(parent)) return false;
  if (ts.isImportSpecifier(parent) || ts.isExportSpecifier(parent) || ts.isQualifiedName(parent)) return false;
  if (ts.isLabeledStatement(parent) || ts.isBreakOrContinueStatement(parent)) return false;
  const isNameOfParent = 'name' in parent && parent.name === node;
  const isPropertyOfBinding = ts.isBindingElement(parent) && parent.propertyName === node;
  return !isNameOfParent && !isPropertyOfBinding;
}

function memberOf(node: ts.Node): { readonly access: ts.Node; readonly name: string } | undefined {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent) && parent.expression === node) {
    return { access: parent, name: parent.name.text };
  }
  if (ts.isElementAccessExpression(parent) && parent.expression === node) {
    const { argumentExpression: key } = parent;
    return ts.isStringLiteralLike(key) ? { access: parent, name: key.text } : undefined;
  }
  return undefined;
}

/** `new Date(x)`, `Date.parse(x)`, `Date.UTC(...)`, `x instanceof Date`: no clock is read. */
function isGivenInstant(date: ts.Node): boolean {
  const { parent } = date;
  if (ts.isNewExpression(parent) && parent.expression === date) return (parent.arguments ?? []).length > 0;
  if (ts.isBinaryExpression(parent)) return parent.operatorToken.kind === ts.SyntaxKind.InstanceOfKeyword;
  return ['parse', 'UTC'].includes(memberOf(date)?.name ?? '');
}
