/**
 * Edge (layer 8): JSON-RPC 2.0 over two streams, one document a line. Requests run side by side and are answered as they end. A call that
 * asks for it is told its progress by notifications, and one that is no longer wanted is cancelled by a notification.
 */
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { JSONRPCErrorCode, JSONRPCErrorException, JSONRPCServer } from 'json-rpc-2.0';
import { z } from 'zod';
import type { DataMotion } from '../../data-motion.ts';
import { DataMotionError } from '../../errors.ts';
import type { OperationJournal } from '../../state/operation-journal.ts';
import { asJson } from '../terminal.ts';
import { CINDER_RPC_METHODS } from './cinder-methods.ts';
import { HookQuestions } from './hook-questions.ts';
import { RPC_METHODS, type RpcCall } from './methods.ts';

/** Every method that is served, beside those about calls. */
const METHODS = { ...RPC_METHODS, ...CINDER_RPC_METHODS };

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
  /** Of every failover and failback that is called. */
  readonly journal?: OperationJournal | undefined;
}

/** Identifier of a request, as the caller chose it. */
type RequestId = string | number | null;

/** Serves until the input ends or the signal is aborted, and then until every call has been answered; calls without an end are stopped. */
export async function serveRpc({ dataMotion, input, send, signal, now, journal }: RpcServerParts): Promise<void> {
  const running = new Map<RequestId, { readonly aborted: AbortController; readonly stop: AbortController }>();
  const questions = new HookQuestions(send);
  const left = new AbortController();
  const calls = new Set<Promise<void>>();
  const server = new JSONRPCServer({ errorListener: () => {} });

  server.addMethod('describe', () => describeMethods());
  server.addMethod('cancel', (params) => {
    const call = running.get(parsed(ofCall, params).id);
    call?.aborted.abort(new Error('cancelled by the caller'));
    return { cancelled: call !== undefined };
  });
  server.addMethod('stop', (params) => {
    const call = running.get(parsed(ofCall, params).id);
    call?.stop.abort();
    return { stopping: call !== undefined };
  });
  server.addMethod('answerHook', (params) => ({ taken: questions.answer(parsed(hookAnswer, params)) }));
  for (const [name, { params: schema, call }] of Object.entries(METHODS)) {
    server.addMethodAdvanced(name, async (request) => {
      const id = request.id ?? null;
      const aborted = new AbortController();
      const controls = { aborted, stop: new AbortController() };
      // A caller who uses one identifier twice at a time cancels the later call.
      if (id !== null) running.set(id, controls);
      try {
        const params = parsed(schema, request.params) as { readonly options?: z.output<typeof waitingOptions> };
        const { timeoutMs, progress } = waitingOptions.parse(params.options ?? {});
        const tell = (at: object) => send({ jsonrpc: '2.0', method: 'progress', params: { id, ...at } });
        const told = progress === true ? { onProgress: tell, onEvent: tell, onTransfer: tell } : {};
        const options: RpcCall = {
          ...told,
          signal: AbortSignal.any([signal, aborted.signal]),
          deadline: timeoutMs === undefined ? undefined : now() + timeoutMs,
          stop: AbortSignal.any([controls.stop.signal, left.signal]),
          journal,
          ask: (hook, about, until) => questions.ask({ id, hook, ...about }, until),
        };
        const result = (await call(dataMotion, params, options)) ?? null;
        return request.id === undefined ? null : { jsonrpc: '2.0', id, result };
      } finally {
        if (running.get(id) === controls) running.delete(id);
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
    // Nobody answers or cancels any more: what is under way comes to its end, what has none stops.
    left.abort();
    questions.close();
    await Promise.all(calls);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

async function answer(server: JSONRPCServer, line: string, send: (document: unknown) => void): Promise<void> {
  const response = await server.receiveJSON(line);
  if (response !== null) send(response);
}

const ofCall = z.strictObject({ id: z.union([z.string(), z.number()]) });
const hookAnswer = z.strictObject({ question: z.int(), ok: z.boolean(), text: z.string().optional() });
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
  const methods = Object.entries(METHODS).map(([name, { params }]) => [name, z.toJSONSchema(params)]);
  return { methods: Object.fromEntries(methods) };
}
