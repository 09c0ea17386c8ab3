/** Adapter: the calls of the port as plain functions over plain data: what a thread runs, whichever it is. */
import type { decodeGroup, encodeObject, ObjectContent, ObjectHead } from '../core/cloud/format/object.ts';
import type { HashName } from '../core/cloud/format/tools.ts';
import type { ObjectDecoding, ObjectEncoding, StoredGroup } from './compute.ts';
import { nodeFormatTools, strongHash, zstdCodec } from './format-tools.ts';

/** The functions of core/cloud/format/object that are run. Whoever composes brings them: adapters know the core by its types. */
export interface ObjectFormat {
  readonly encodeObject: typeof encodeObject;
  readonly decodeGroup: typeof decodeGroup;
}

/** A head without its functions; `how` has the key if, and only if, the object is encrypted. */
export type PlainHead = Omit<ObjectHead, 'cipher'>;

export interface Operations {
  shortDigests(hash: HashName, pieces: Uint8Array, pieceBytes: number): Uint8Array;
  encodeObject(content: ObjectContent, how: ObjectEncoding): Uint8Array;
  decodeGroups(head: PlainHead, groups: readonly StoredGroup[], how: ObjectDecoding): Uint8Array[];
}

export function operationsOver(format: ObjectFormat): Operations {
  return {
    shortDigests: (hash, pieces, pieceBytes) => strongHash(hash).shortDigests(pieces, pieceBytes),

    encodeObject(content, { endpointId, hash, codec, level, lockedUntil, encryption }) {
      const compression = codec === 'zstd' ? { codec: zstdCodec(level) } : {};
      return format.encodeObject(content, endpointId, nodeFormatTools(hash, encryption), {
        ...compression,
        lockedUntil,
      });
    },

    decodeGroups(head, groups, { encryption, checkOnly }) {
      const tools = nodeFormatTools('sha-256', encryption);
      const opened = { ...head, cipher: tools.cipher };
      const decode = ({ group, stored }: StoredGroup) => format.decodeGroup(opened, group, stored, tools);
      if (!checkOnly) return groups.map(decode);
      for (const group of groups) decode(group);
      return [];
    },
  };
}

/** The arguments of `decodeGroups` as plain data. */
export function plainDecoding(head: ObjectHead, how: ObjectDecoding): [head: PlainHead, how: ObjectDecoding] {
  const { cipher, ...plain } = head;
  return [plain, cipher === undefined ? { checkOnly: how.checkOnly } : how];
}
