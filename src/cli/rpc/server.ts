/**
 * Edge (layer 8): JSON-RPC 2.0 over two streams, one document a line. Requests run side by side and are answered as they end. A call that
 * asks for it is told its progress by notifications, and one that is no longer wanted is cancelled by a notification.
 */
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { JSONRPCErrorCode, JSONRPCErrorException, JSONRPCServer } from 'json-rpc-2.0';
import { z } from 'zod';
import type { BackendVerbOptions, DataMotion } from '../../data-motion.ts';
import { DataMotionError } from '../../errors.ts';
import { asJson } from '../terminal.ts';
import { RPC_METHODS } from './methods.ts';

/** Code of an error that a verb threw; its `data` is the error as `--json` prints it. */
export const VERB_FAILED = -32_000;

/** What the server works with. */
export interface RpcServerParts {
  readonly dataMotion: DataMotion;
  readonly input: Readable;
  /** Takes one document. */
  readonly send: (document: unknown) => void;
  /** Ends every call. */
  readonly signal: AbortSignal;
  /** Epoch milliseconds, for deadlines. */
  readonly now: () => number;
}

/** Identifier of a request, as the caller chose it. */
type RequestId = string | number | null;

/** Serves until the input ends or the signal is aborted, and then until every call has been answered. */
export async function serveRpc({ dataMotion, input, send, signal, now }: RpcServerParts): Promise<void> {
  const running = new Map<RequestId, AbortController>();
  const calls = new Set<Promise<void>>();
  const server = new JSONRPCServer({ errorListener: () => {} });

  server.addMethod('describe', () => describeMethods());
  server.addMethod('cancel', (params) => {
    const { id } = parsed(z.strictObject({ id: z.union([z.string(), z.number()]) }), params);
    const call = running.get(id);
    call?.abort(new Error('cancelled by the caller'));
    return { cancelled: call !== undefined };
  });
  for (const [name, { params: schema, call }] of Object.entries(RPC_METHODS)) {
    server.addMethodAdvanced(name, async (request) => {
      const id = request.id ?? null;
      const aborted = new AbortController();
      // A caller who uses one identifier twice at a time cancels the later call.
      if (id !== null) running.set(id, aborted);
      try {
        const params = parsed(schema, request.params) as { readonly options?: z.output<typeof waitingOptions> };
        const { timeoutMs, progress } = waitingOptions.parse(params.options ?? {});
        const options: BackendVerbOptions = {
          signal: AbortSignal.any([signal, aborted.signal]),
          deadline: timeoutMs === undefined ? undefined : now() + timeoutMs,
          onProgress:
            progress === true ? (at) => send({ jsonrpc: '2.0', method: 'progress', params: { id, ...at } }) : undefined,
        };
        const result = (await call(dataMotion, params, options)) ?? null;
        return request.id === undefined ? null : { jsonrpc: '2.0', id, result };
      } finally {
        if (running.get(id) === aborted) running.delete(id);
      }
    });
  }
  server.mapErrorToJSONRPCErrorResponse = (id, error) => ({ jsonrpc: '2.0', id, error: rpcError(error) });

  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  const stop = () => lines.close();
  signal.addEventListener('abort', stop, { once: true });
  try {
    for await (const line of lines) {
      if (line.trim() === '') continue;
      const call = answer(server, line, send).finally(() => calls.delete(call));
      calls.add(call);
    }
    await Promise.all(calls);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

async function answer(server: JSONRPCServer, line: string, send: (document: unknown) => void): Promise<void> {
  const response = await server.receiveJSON(line);
  if (response !== null) send(response);
}

const waitingOptions = z.object({ timeoutMs: z.number().optional(), progress: z.boolean().optional() });

/** @throws JSONRPCErrorException "invalid params" that names each problem */
function parsed<S extends z.ZodType>(schema: S, params: unknown): z.output<S> {
  const result = schema.safeParse(params ?? {});
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path, message }) => ({ path: path.join('.'), message }));
  const text = problems.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; ');
  throw new JSONRPCErrorException(text, JSONRPCErrorCode.InvalidParams, { code: 'USAGE', problems });
}

function rpcError(error: unknown): { code: number; message: string; data?: unknown } {
  if (error instanceof JSONRPCErrorException) return error.toObject();
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof DataMotionError ? VERB_FAILED : JSONRPCErrorCode.InternalError;
  return { code, message, data: asJson(error) };
}

/** Every method with the JSON Schema of its parameters. */
function describeMethods(): Readonly<Record<string, unknown>> {
  const methods = Object.entries(RPC_METHODS).map(([name, { params }]) => [name, z.toJSONSchema(params)]);
  return { methods: Object.fromEntries(methods) };
}
