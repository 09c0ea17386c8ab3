/**
 * Core (layer 1): the names under which a transfer works until its result is whole, and the marks that volumes bear meanwhile. They
 * follow from source and destination alone, so that whoever calls again, in whatever process, finds what was left.
 */

/** What a transfer writes to until the object is whole: beside the destination, and told by its name. */
export function partPath(path: string, sourceKey: string): string {
  const slash = path.lastIndexOf('/') + 1;
  return `${path.slice(0, slash)}.${path.slice(slash).slice(0, 200)}.${fingerprint(sourceKey)}.datamotion-part`;
}

/** The same of a volume; ONTAP's names of volumes have letters, digits and `_`, 203 at most. */
export function partVolume(name: string, sourceKey: string): string {
  return `${name.slice(0, 170)}_datamotion_${fingerprint(sourceKey)}`;
}

/** FNV-1a, 64 bits: names must differ, and nobody is to be kept from anything. */
export function fingerprint(text: string): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text))
    hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn;
  return hash.toString(16).padStart(16, '0');
}

const COPY_MARK = 'ontap-data-motion: whole copy of volume ';

/** The comment of a volume that a transfer has made. */
export function copyMark(sourceUuid: string): string {
  return `${COPY_MARK}${sourceUuid}`;
}

/** Whether a volume's comment says that it is the whole copy of that volume. */
export function isCopyOf(comment: string | undefined, sourceUuid: string): boolean {
  return comment === copyMark(sourceUuid);
}

const MOVE_MARK = 'ontap-data-motion: moving ';

/** What has to be given back to a volume that was unmounted for its move. */
export interface MoveMark {
  readonly junctionPath?: string | undefined;
  /** The comment that it had. */
  readonly comment?: string | undefined;
}

/** The comment of a volume while it is unmounted for its move. */
export function moveMark(mark: MoveMark): string {
  return `${MOVE_MARK}${JSON.stringify(mark)}`;
}

/** What such a comment says; undefined for any other comment. */
export function readMoveMark(comment: string | undefined): MoveMark | undefined {
  if (comment === undefined || !comment.startsWith(MOVE_MARK)) return undefined;
  try {
    const { junctionPath, comment: before } = JSON.parse(comment.slice(MOVE_MARK.length)) as Record<string, unknown>;
    return {
      ...(typeof junctionPath === 'string' ? { junctionPath } : {}),
      ...(typeof before === 'string' ? { comment: before } : {}),
    };
  } catch {
    return {};
  }
}
