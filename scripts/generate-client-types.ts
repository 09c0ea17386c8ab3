/**
 * Generates the REST client's TypeScript types from an OpenAPI description: ours by default, or any cluster's own.
 * Types only; no code is generated, so the client's behaviour never depends on what was generated.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { OpenAPI3 } from 'openapi-typescript';
import { parse as parseYaml } from 'yaml';

const CLIENT = resolve(dirname(fileURLToPath(import.meta.url)), '../src/netapp-ontap-rest-client');
const OURS = resolve(CLIENT, 'openapi.yaml');
const GENERATED = resolve(CLIENT, 'generated.ts');

const HELP = `Generates TypeScript types from an OpenAPI description of ONTAP's REST API.

  npm run generate                                  from the project's openapi.yaml to generated.ts
  npm run generate -- --check                       writes nothing; exit status 1 when generated.ts is stale
  npm run generate -- --from FILE [--out FILE]      from any description: OpenAPI 3.x or Swagger 2, JSON or YAML

Options:
  --from FILE   the description to read. A cluster offers its own, usually at https://CLUSTER/docs/api/swagger.yaml;
                Swagger 2 is converted to OpenAPI 3 first.
  --out FILE    where to write; with --from and without --out the types go to standard output
  --check       compare with the output file instead of writing it
  --help        this text

The client takes such types as a parameter: new OntapRestClient<paths>({ ... }).
Exit status: 0 done, 1 stale or not convertible, 2 usage.
`;

/** Of the names that hold everything; the generator documents only what the description documents. */
const DOCUMENTATION: Readonly<Record<string, string>> = {
  paths: 'Every path below `/api`, with what each of its methods takes and answers.',
  components: 'The objects of the API, under `schemas`.',
  operations: 'Every method of every path, by the name that the description gives it.',
};

/** A failure that is the user's to mend: printed without a stack. */
class Failure extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

try {
  await main();
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = error.exitCode;
}

async function main(): Promise<void> {
  const options = readArguments();
  if (options.help) {
    process.stdout.write(HELP);
    return;
  }
  const from = options.from === undefined ? OURS : resolve(options.from);
  const out = options.out !== undefined ? resolve(options.out) : options.from === undefined ? GENERATED : undefined;
  if (options.check && out === undefined)
    throw new Failure('--check with --from needs --out, the file to compare with', 2);

  const types = await generate(from, options.from === undefined ? 'openapi.yaml' : relative(process.cwd(), from));
  if (out === undefined) {
    process.stdout.write(types);
  } else if (options.check) {
    const present = await readFile(out, 'utf8').catch(() => undefined);
    if (present === types) process.stdout.write(`${relative(process.cwd(), out)} is up to date\n`);
    else
      throw new Failure(
        `${relative(process.cwd(), out)} is ${present === undefined ? 'missing' : 'stale'}: run \`npm run generate\``,
      );
  } else {
    await writeFile(out, types).catch((error: Error) => {
      throw new Failure(`cannot write ${out}: ${error.message}`);
    });
    process.stdout.write(`${relative(process.cwd(), out)} written\n`);
  }
}

function readArguments() {
  try {
    const { values } = parseArgs({
      options: {
        from: { type: 'string' },
        out: { type: 'string' },
        check: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    return values;
  } catch (error) {
    throw new Failure(`${(error as Error).message}\n\n${HELP}`, 2);
  }
}

async function generate(file: string, name: string): Promise<string> {
  const document = await readDescription(file);
  // Loaded late: help and refusals need not wait for the compiler behind it.
  const { default: openapiTS, astToString } = await import('openapi-typescript');
  try {
    const ast = await openapiTS(document);
    return `// generated, do not edit: \`npm run generate\` makes it from ${name}\n\n${documented(astToString(ast))}`;
  } catch (error) {
    throw new Failure(`${file}: types cannot be generated: ${(error as Error).message}`);
  }
}

function documented(types: string): string {
  return types.replace(/^export (?:interface|type) (\w+)/gm, (declaration, name: string) => {
    const text = DOCUMENTATION[name];
    return text === undefined ? declaration : `/** ${text} */\n${declaration}`;
  });
}

/** Reads JSON or YAML, and converts Swagger 2. */
async function readDescription(file: string): Promise<OpenAPI3> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new Failure(error.code === 'ENOENT' ? `${file}: no such file` : `${file}: ${error.message}`);
  });
  if (/^\s*<(!doctype|html)/i.test(text)) {
    throw new Failure(
      `${file} is an HTML page, not a description. Save the file that the page loads, usually https://CLUSTER/docs/api/swagger.yaml`,
    );
  }
  const document = parse(file, text);
  if (!isRecord(document)) throw new Failure(`${file} is not an OpenAPI description: it holds no object`);
  const { swagger, openapi, paths } = document;
  if (!isRecord(paths)) throw new Failure(`${file} is not an OpenAPI description: it has no \`paths\``);
  if (String(swagger) === '2.0' || swagger === 2) {
    const { upgrade } = await import('@scalar/openapi-upgrader');
    try {
      return upgrade({ ...document, swagger: '2.0' }, '3.0') as unknown as OpenAPI3;
    } catch (error) {
      throw new Failure(`${file}: conversion from Swagger 2 failed: ${(error as Error).message}`);
    }
  }
  if (typeof openapi === 'string' && openapi.startsWith('3.')) return document as unknown as OpenAPI3;
  const found = openapi ?? swagger;
  throw new Failure(
    `${file}: ${found === undefined ? 'neither `openapi` nor `swagger` says its version' : `version ${String(found)} is not supported`}; OpenAPI 3.x and Swagger 2.0 are`,
  );
}

function parse(file: string, text: string): unknown {
  const json = file.toLowerCase().endsWith('.json') || text.trimStart().startsWith('{');
  try {
    // Vendors' descriptions are long and repeat themselves by aliases: lift the parser's guard against those.
    return json ? JSON.parse(text) : parseYaml(text, { maxAliasCount: -1 });
  } catch (error) {
    throw new Failure(`${file} is not valid ${json ? 'JSON' : 'YAML'}: ${(error as Error).message}`);
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
