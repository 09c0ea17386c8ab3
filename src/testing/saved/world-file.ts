/**
 * A world as one file: a line of JSON that says what it is, the graph of its objects, and their bytes; the whole
 * compressed by gzip.
 */
import { constants, gunzipSync, gzipSync } from 'node:zlib';
import { ByteArea, decodeGraph, type EncodedGraph, encodeGraph, type GraphRules } from './object-graph.ts';

/** Changes with every change of what a world is made of: files of another version are refused. */
export const WORLD_FILE_VERSION = 2;
const FORMAT = 'ontap-data-motion simulated world';

/** What is known of a world's file before it is loaded. */
export interface WorldFileFacts {
  /** Where the clock of the world stood, in epoch milliseconds. */
  readonly now: number;
  /** How its clock ran: simulated milliseconds in one real one, 0 when it stood still; or `virtual`, by jumps. */
  readonly speed: number | 'virtual';
  readonly clusters: readonly string[];
}

interface Header extends WorldFileFacts {
  readonly format: typeof FORMAT;
  readonly version: number;
  readonly graphBytes: number;
}

export function encodeWorldFile(
  facts: WorldFileFacts,
  root: object,
  rules: GraphRules,
  { small }: { readonly small: boolean },
): Uint8Array {
  const area = new ByteArea();
  const graph = Buffer.from(JSON.stringify(encodeGraph(root, rules, area)));
  const { now, speed, clusters } = facts;
  const header: Header = {
    format: FORMAT,
    version: WORLD_FILE_VERSION,
    now,
    speed,
    clusters,
    graphBytes: graph.length,
  };
  const parts = [Buffer.from(`${JSON.stringify(header)}\n`), graph, ...area.pieces];
  return gzipSync(Buffer.concat(parts), { level: small ? constants.Z_BEST_SPEED : constants.Z_NO_COMPRESSION });
}

/** What a file holds. @throws Error when it is no world, or one of another version */
export function worldFileFacts(file: Uint8Array): WorldFileFacts {
  const { now, speed, clusters } = opened(file).header;
  return { now, speed, clusters };
}

/** @throws Error when the file is no world, one of another version, or damaged */
export function decodeWorldFile(file: Uint8Array, rules: GraphRules): unknown {
  const { header, content } = opened(file);
  // As a plain array: a Buffer's slice() is no copy.
  const { buffer, byteOffset, length } = content.subarray(header.graphBytes);
  const bytes = new Uint8Array(buffer, byteOffset, length);
  try {
    const graph = JSON.parse(content.subarray(0, header.graphBytes).toString('utf8')) as EncodedGraph;
    return decodeGraph(graph, rules, bytes);
  } catch (error) {
    throw new Error(`the file of the world is damaged: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
}

function opened(file: Uint8Array): { header: Header; content: Buffer } {
  let whole: Buffer;
  try {
    whole = gunzipSync(file);
  } catch (error) {
    throw new Error('this is no file of a simulated world: it is not compressed by gzip, or cut off', { cause: error });
  }
  const end = whole.indexOf('\n');
  const header = headerOf(whole.subarray(0, Math.max(0, end)).toString('utf8'));
  if (header.version !== WORLD_FILE_VERSION) {
    const versions = `version ${header.version}, and this release reads version ${WORLD_FILE_VERSION} only`;
    throw new Error(`the file of the world is of ${versions}: make it anew, from its scenario for instance`);
  }
  return { header, content: whole.subarray(end + 1) };
}

function headerOf(line: string): Header {
  let header: unknown;
  try {
    header = JSON.parse(line);
  } catch {
    header = undefined;
  }
  if (header === null || typeof header !== 'object' || !('format' in header) || header.format !== FORMAT) {
    throw new Error('this is no file of a simulated world');
  }
  return header as Header;
}
