/**
 * Answers and requests against our OpenAPI document: operation, status, content type, and every field. Stricter than the
 * document itself in two ways: nothing may be in an answer that the document does not name, and what ONTAP always
 * answers has to be there.
 */
import type { ValidateFunction } from 'ajv/dist/2020.js';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { ObservedAnswer } from '../../src/testing/index.ts';

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
type Tree = { readonly [key: string]: Json };

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

/** One operation of the document, found for a request. */
interface Operation {
  readonly template: string;
  readonly description: Tree;
  readonly parameters: ReadonlyMap<string, Tree>;
}

/** Finds what is wrong with requests and answers. Schemas are compiled when they are first met. */
export class ResponseValidation {
  readonly #document: Tree;
  readonly #ajv: Ajv2020;
  readonly #paths: readonly { readonly template: string; readonly pattern: RegExp; readonly item: Tree }[];
  readonly #compiled = new Map<string, ValidateFunction>();
  readonly #operations = new Map<string, Operation | undefined>();

  constructor(document: OpenApiDocument) {
    this.#document = strict(document);
    this.#ajv = new Ajv2020({ strict: false, allErrors: true });
    addFormats.default(this.#ajv, ['date-time']);
    this.#ajv.addSchema(this.#document, DOCUMENT);
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
    return [...faults, ...this.#bodyFaults(operation, response, tree(declared))];
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

  #bodyFaults(
    operation: Operation | undefined,
    { status, body }: ObservedAnswer['response'],
    declared: Tree,
  ): string[] {
    const schema = jsonSchema(this.#resolved(declared));
    if (schema === undefined) return body === '' || body === '{}' ? [] : ['the document has no body here'];
    const json = parsed(body);
    if (json === undefined) return ['the body is not JSON'];
    const key = `${operation?.template} ${operation?.description['operationId']} ${status < 400 ? status : 'default'}`;
    const faults = this.#check(key, schema, json);
    if (status >= 400 || !isTree(json)) return faults;
    return [...faults, ...missing(json, this.#resolved(schema), status, (ref) => this.#resolved(ref))];
  }

  #requestBodyFaults({ template, description }: Operation, body: string | undefined): string[] {
    const declared = description['requestBody'] === undefined ? undefined : tree(description['requestBody']);
    if (body === undefined || body === '') return declared?.['required'] === true ? ['the body is missing'] : [];
    const schema = declared && jsonSchema(declared);
    if (schema === undefined) return ['the document has no body here'];
    const json = parsed(body);
    return json === undefined ? ['the body is not JSON'] : this.#check(`${template} request`, schema, json);
  }

  #check(key: string, schema: Tree, json: Json): string[] {
    let validate = this.#compiled.get(key);
    if (validate === undefined) {
      validate = this.#ajv.compile(rooted(schema));
      this.#compiled.set(key, validate);
    }
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

const DOCUMENT = 'openapi';
const FAILED: Tree = { $ref: '#/components/responses/failed' };

/** References as seen from outside of the document. */
function rooted(schema: Tree): Tree {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/components/', `"${DOCUMENT}#/components/`)) as Tree;
}

/** No object may have more than its properties; what is always answered is required. */
function strict(document: OpenApiDocument): Tree {
  const closed = (value: Json): Json => {
    if (Array.isArray(value)) return value.map(closed);
    if (!isTree(value)) return value;
    const all = Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, closed(inner)]));
    const isObjectSchema = isTree(value['properties'] ?? null) && value['type'] === 'object';
    if (isObjectSchema && 'allOf' in value) throw new Error('allOf beside properties: say which may be absent');
    return isObjectSchema && !('additionalProperties' in value) ? { ...all, additionalProperties: false } : all;
  };
  const result = tree(closed(document));
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

function jsonSchema(described: Tree): Tree | undefined {
  if (described['content'] === undefined) return undefined;
  return tree(tree(tree(described['content'])['application/json'] ?? {})['schema'] ?? {});
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

function isTree(value: Json): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function tree(value: Json | undefined): Tree {
  if (value === undefined || !isTree(value)) throw new Error(`not an object of the document: ${JSON.stringify(value)}`);
  return value;
}

function list(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
