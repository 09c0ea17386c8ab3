/**
 * Keys as paths below a folder, and back. Every key has one path and every path at most one key, on file systems that
 * fold case, normalize Unicode, reserve names or limit their length:
 * - `a-z 0-9 - _ .` stand for themselves, every other byte of the UTF-8 text is `%` and two lower-case digits;
 * - a segment's last (mostly only) piece is an object's name with `.o`, or a folder's with `.d`, so that `a` and `a/b` can
 *   both be keys;
 * - a segment is cut wherever a piece has grown to CUT bytes: such a piece is a folder with `.c`, which holds all keys
 *   that start so;
 * - `.t` names a put under way; it is no object, and tells when the put began.
 */

/** The path of a key's file, as names from the store's folder down. */
export function pathOfKey(key: string): readonly string[] {
  const segments = key.split('/');
  return segments.flatMap((segment, index) => {
    const pieces = cut(segment);
    const last = index === segments.length - 1 ? '.o' : '.d';
    return pieces.map((piece, at) => encode(piece) + (at < pieces.length - 1 ? '.c' : last));
  });
}

/** One name in a folder of the store. */
export interface KeyEntry {
  readonly kind: 'object' | 'folder';
  /**
   * What it adds to the text of its folder: for an object the rest of its key, for a folder the text that all keys in it,
   * and no others, go on with. Sorted by this text, entries and what is below them are in the order of keys.
   */
  readonly text: string;
}

/** `undefined` for names that are none of the store's. */
export function entryOfName(name: string, kind: 'file' | 'folder' | 'other'): KeyEntry | undefined {
  const suffix = name.slice(-2);
  const piece = decode(name.slice(0, -2));
  if (piece === undefined || encode(piece) !== name.slice(0, -2)) return undefined;
  const pieces = cut(piece);
  if (kind === 'file') return suffix === '.o' && pieces.length === 1 ? { kind: 'object', text: piece } : undefined;
  if (kind !== 'folder') return undefined;
  if (suffix === '.d' && pieces.length === 1) return { kind: 'folder', text: `${piece}/` };
  if (suffix === '.c' && pieces.length === 2 && pieces[1] === '') return { kind: 'folder', text: piece };
  return undefined;
}

/** The name under which a put writes before its object becomes visible. */
export function temporaryName(beganAt: number, uuid: string): string {
  return `${beganAt}-${uuid}.t`;
}

/** When the put began (epoch milliseconds) that left this file behind; `undefined` if no put did. */
export function temporaryBeganAt(name: string): number | undefined {
  const began = /^(\d{1,16})-[0-9a-f-]{36}\.t$/.exec(name)?.[1];
  return began === undefined ? undefined : Number(began);
}

/** Short enough, with its overhang and suffix, for file systems that end names at 143 bytes. */
const CUT = 120;

/** All pieces but the last are CUT bytes long or a little longer, the last is shorter and may be empty. */
function cut(segment: string): string[] {
  const pieces: string[] = [];
  let piece = '';
  let length = 0;
  for (const character of segment) {
    piece += character;
    length += isPlain(character) ? 1 : 3 * UTF8.encode(character).length;
    if (length < CUT) continue;
    pieces.push(piece);
    piece = '';
    length = 0;
  }
  return [...pieces, piece];
}

function encode(piece: string): string {
  let name = '';
  for (const character of piece) {
    const plain = isPlain(character) && !(name === '' && DEVICE_NAME.test(piece));
    name += plain ? character : escaped(character);
  }
  return name;
}

function decode(name: string): string | undefined {
  try {
    return decodeURIComponent(name);
  } catch {
    return undefined;
  }
}

function escaped(character: string): string {
  return [...UTF8.encode(character)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
}

function isPlain(character: string): boolean {
  return /^[a-z0-9._-]$/.test(character);
}

/** Names that Windows keeps for devices, whatever follows the first dot. */
const DEVICE_NAME = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/;
const UTF8 = new TextEncoder();
