/**
 * The schemas of our OpenAPI document, made strict and compiled into a module of functions: once for a run of the tests,
 * since each test file has a process of its own, and a compiler to load and to run would cost each of them half a second.
 */
import { Ajv2020 } from 'ajv/dist/2020.js';
import standaloneCode from 'ajv/dist/standalone/index.js';
import addFormats from 'ajv-formats';

import { isTree, type Json, jsonSchema, type Tree, tree } from './json-trees.ts';

/** An OpenAPI 3.1 document, parsed. */
export type OpenApiDocument = Tree;

/** What an answer always has, whatever was asked for (rest-facts section 1): the document requires nothing. */
const ALWAYS_ANSWERED: Readonly<Record<string, readonly string[]>> = {
  error_response: ['error'],
  'error_response.error': ['code', 'message'],
  job_link: ['uuid', '_links'],
  self_link: ['self'],
  href: ['href'],
};

/** A CommonJS module that exports a function for each JSON schema of an answer or a request, under the schema's text. */
export function compiledSchemas(document: OpenApiDocument): string {
  const ajv = new Ajv2020({ strict: false, allErrors: true, code: { source: true } });
  addFormats.default(ajv, ['date-time']);
  ajv.addSchema(strict(document), DOCUMENT);
  const texts = [...new Set(jsonSchemas(document).map((schema) => JSON.stringify(schema)))];
  const names = Object.fromEntries(texts.map((text, index) => [`check${index}`, text]));
  for (const [name, text] of Object.entries(names)) {
    const rooted = text.replaceAll('"#/components/', `"${DOCUMENT}#/components/`);
    ajv.addSchema(strict(JSON.parse(rooted)), name);
  }
  const code = standaloneCode.default(ajv, Object.fromEntries(Object.keys(names).map((name) => [name, name])));
  const byText = Object.entries(names).map(([name, text]) => `${JSON.stringify(text)}: exports.${name}`);
  return `${code}\nmodule.exports = {\n${byText.join(',\n')}\n};\n`;
}

const DOCUMENT = 'openapi';

function jsonSchemas(value: Json): Tree[] {
  if (Array.isArray(value)) return value.flatMap(jsonSchemas);
  if (!isTree(value)) return [];
  const own = 'content' in value ? jsonSchema(value) : undefined;
  return [...(own === undefined ? [] : [own]), ...Object.values(value).flatMap(jsonSchemas)];
}

/** No object may have more than its properties; what is always answered is required. */
function strict(document: Tree): Tree {
  const closed = (value: Json): Json => {
    if (Array.isArray(value)) return value.map(closed);
    if (!isTree(value)) return value;
    const all = Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, closed(inner)]));
    const isObjectSchema = isTree(value['properties'] ?? null) && value['type'] === 'object';
    if (isObjectSchema && 'allOf' in value) throw new Error('allOf beside properties: say which may be absent');
    return isObjectSchema && !('additionalProperties' in value) ? { ...all, additionalProperties: false } : all;
  };
  const result = tree(closed(document));
  if (result['components'] === undefined) return result;
  const components = tree(result['components']);
  const schemas = { ...tree(components['schemas']) };
  for (const [path, names] of Object.entries(ALWAYS_ANSWERED)) {
    const [name = '', ...below] = path.split('.');
    schemas[name] = requiring(tree(schemas[name]), below, names);
  }
  return { ...result, components: { ...components, schemas } };
}

function requiring(schema: Tree, [property, ...below]: readonly string[], names: readonly string[]): Tree {
  if (property === undefined) return { ...schema, required: names };
  const properties = tree(schema['properties']);
  return { ...schema, properties: { ...properties, [property]: requiring(tree(properties[property]), below, names) } };
}
