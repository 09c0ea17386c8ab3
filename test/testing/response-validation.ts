/**
 * Answers and requests against our OpenAPI document: operation, status, content type, and every field. Stricter than the
 * document itself in two ways: nothing may be in an answer that the document does not name, and what ONTAP always
 * answers has to be there.
 */
import type { ValidateFunction } from 'ajv/dist/2020.js';
import type { ObservedAnswer } from '../../src/testing/index.ts';
import type { OpenApiDocument } from './document-schemas.ts';
import { isTree, type Json, jsonSchema, list, type Tree, tree } from './json-trees.ts';

/** One operation of the document, found for a request. */
interface Operation {
  readonly template: string;
  readonly description: Tree;
  readonly parameters: ReadonlyMap<string, Tree>;
}

/** The check of each schema of the document, under the schema's text. */
export type CompiledSchemas = Readonly<Record<string, ValidateFunction>>;

/** Finds what is wrong with requests and answers. */
export class ResponseValidation {
  readonly #document: OpenApiDocument;
  readonly #compiled: CompiledSchemas;
  readonly #paths: readonly { readonly template: string; readonly pattern: RegExp; readonly item: Tree }[];
  readonly #operations = new Map<string, Operation | undefined>();

  constructor(document: OpenApiDocument, compiled: CompiledSchemas) {
    this.#document = document;
    this.#compiled = compiled;
    this.#paths = Object.entries(tree(this.#document['paths'])).map(([template, item]) => ({
      template,
      pattern: new RegExp(
        `^${template
          .split(/\{[^}]+\}/)
          .map(escaped)
          .join('[^/]+')}$`,
      ),
      item: tree(item),
    }));
  }

  /** What is wrong with an answer, one sentence a fault; what a scripted fault distorted is let through. */
  faultsOfAnswer({ request, response, distortedBy }: ObservedAnswer): string[] {
    if (distortedBy !== undefined || request.method === 'OPTIONS') return [];
    const faults = contentTypeFaults(request, response);
    if (request.method === 'HEAD') return response.body === '' ? faults : [...faults, 'HEAD is answered with a body'];
    const operation = this.#operation(request.method, belowApi(request.path));
    if (operation === undefined && response.status < 400) return [...faults, 'the document has no such operation'];
    const responses = tree(operation?.description['responses'] ?? { default: FAILED });
    const declared = responses[String(response.status)] ?? (response.status >= 400 ? responses['default'] : undefined);
    if (declared === undefined) return [...faults, `the document has no status ${response.status} here`];
    return [...faults, ...this.#bodyFaults(response, tree(declared))];
  }

  /** What is wrong with a request as our client sends it. */
  faultsOfRequest({ method, path, query, body }: ObservedAnswer['request']): string[] {
    const operation = this.#operation(method, belowApi(path));
    if (operation === undefined) return ['the document has no such operation'];
    return [
      ...queryFaults(operation, query, (ref) => this.#resolved(ref)),
      ...this.#requestBodyFaults(operation, body),
    ];
  }

  #bodyFaults({ status, headers, body }: ObservedAnswer['response'], declared: Tree): string[] {
    if (isMultipart(headers)) {
      const named = tree(this.#resolved(declared)['content'] ?? {})[MULTIPART] !== undefined;
      return named ? [] : [`the document has no ${MULTIPART} here`];
    }
    const schema = jsonSchema(this.#resolved(declared));
    if (schema === undefined) return body === '' || body === '{}' ? [] : ['the document has no body here'];
    const json = parsed(body);
    if (json === undefined) return ['the body is not JSON'];
    const faults = this.#check(schema, json);
    if (status >= 400 || !isTree(json)) return faults;
    return [...faults, ...missing(json, this.#resolved(schema), status, (ref) => this.#resolved(ref))];
  }

  #requestBodyFaults({ description }: Operation, body: string | undefined): string[] {
    const declared = description['requestBody'] === undefined ? undefined : tree(description['requestBody']);
    if (body === undefined || body === '') return declared?.['required'] === true ? ['the body is missing'] : [];
    const schema = declared && jsonSchema(declared);
    if (schema === undefined) return ['the document has no body here'];
    if (declared && body.startsWith('--') && tree(declared['content'] ?? {})[MULTIPART] !== undefined) return [];
    const json = parsed(body);
    return json === undefined ? ['the body is not JSON'] : this.#check(schema, json);
  }

  #check(schema: Tree, json: Json): string[] {
    const validate = this.#compiled[JSON.stringify(schema)];
    if (validate === undefined) throw new Error(`not compiled: ${JSON.stringify(schema)}`);
    if (validate(json)) return [];
    return (validate.errors ?? []).map(({ instancePath, message, params }) => {
      const about = params['additionalProperty'] ?? params['allowedValues'];
      return `${instancePath || '/'} ${message}${about === undefined ? '' : ` (${about})`}`;
    });
  }

  #operation(method: string, path: string): Operation | undefined {
    const item = this.#item(path);
    const key = `${method} ${item?.template}`;
    if (item === undefined || this.#operations.has(key)) return this.#operations.get(key);
    const description = item.item[method.toLowerCase()];
    const operation =
      description === undefined
        ? undefined
        : {
            template: `${method} ${item.template}`,
            description: tree(description),
            parameters: new Map(
              [...list(item.item['parameters']), ...list(tree(description)['parameters'])]
                .map((parameter) => this.#resolved(tree(parameter)))
                .filter((parameter) => parameter['in'] === 'query')
                .map((parameter) => [String(parameter['name']), parameter]),
            ),
          };
    this.#operations.set(key, operation);
    return operation;
  }

  /** The path with the fewest placeholders wins: /cluster/jobs is no {name} of /cluster. */
  #item(path: string): { readonly template: string; readonly item: Tree } | undefined {
    const fitting = this.#paths.filter(({ pattern }) => pattern.test(path));
    return fitting.sort((a, b) => a.template.split('{').length - b.template.split('{').length)[0];
  }

  #resolved(schema: Tree): Tree {
    const ref = schema['$ref'];
    if (typeof ref !== 'string') return schema;
    const keys = ref.slice(2).split('/');
    return this.#resolved(keys.reduce<Tree>((at, key) => tree(at[key]), this.#document));
  }
}

/** The files endpoints carry bytes in it. */
const MULTIPART = 'multipart/form-data';

function isMultipart(headers: ObservedAnswer['response']['headers']): boolean {
  return headers['content-type']?.startsWith(`${MULTIPART};`) ?? false;
}

const FAILED: Tree = { $ref: '#/components/responses/failed' };

/** A page counts its records, each record has its uuid, an accepted change names its jobs. */
function missing(json: Tree, schema: Tree, status: number, resolved: (ref: Tree) => Tree): string[] {
  const properties = tree(schema['properties'] ?? {});
  const faults: string[] = [];
  if (status === 202 && json['job'] === undefined && json['jobs'] === undefined) faults.push('/ has no job');
  if (status !== 200 || !('records' in properties) || 'job' in properties) return faults;
  if (json['num_records'] === undefined) faults.push('/ has no num_records');
  const item = tree(properties['records'])['items'];
  const named = item === undefined ? {} : tree(resolved(tree(item))['properties'] ?? {});
  if (!('uuid' in named)) return faults;
  list(json['records']).forEach((record, index) => {
    if (!isTree(record) || record['uuid'] === undefined) faults.push(`/records/${index} has no uuid`);
  });
  return faults;
}

function contentTypeFaults(request: ObservedAnswer['request'], { headers }: ObservedAnswer['response']): string[] {
  const asked = request.headers['accept']?.split(/[,;]/)[0]?.trim();
  if (asked === MULTIPART && isMultipart(headers)) return [];
  const expected = asked === 'application/json' ? asked : 'application/hal+json';
  const given = headers['content-type'];
  return given === expected ? [] : [`the content type is ${given}, not ${expected}`];
}

/** Names are those of the operation; a link to a next page is ONTAP's own, and opaque. */
function queryFaults({ parameters }: Operation, query: string, resolved: (ref: Tree) => Tree): string[] {
  const given = [...new URLSearchParams(query)];
  if (given.some(([name]) => name.startsWith('start.'))) return [];
  return given.flatMap(([name, value]) => {
    const parameter = parameters.get(name);
    if (parameter === undefined) return [`the document has no query parameter ${name} here`];
    const { type, enum: values } = resolved(tree(parameter['schema'] ?? {}));
    if (/^!?null$|[*|<>]|\.\./.test(value)) return [];
    const plain = value.replace(/^!/, '');
    const fits =
      type === 'boolean'
        ? plain === 'true' || plain === 'false'
        : type === 'integer'
          ? /^-?\d+$/.test(plain)
          : !Array.isArray(values) || values.includes(plain);
    return fits ? [] : [`query parameter ${name} may not be ${value}`];
  });
}

/** As ONTAP tidies paths: repeated slashes are one, one at the end does not count. */
function belowApi(path: string): string {
  return path
    .replace(/\/{2,}/g, '/')
    .replace(/(.)\/$/, '$1')
    .replace(/^\/api/, '');
}

function parsed(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
