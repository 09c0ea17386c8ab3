/** What the volume model cannot do, as the refusal that ONTAP's file system answers with. */
import { VolumeModelError } from '../errors.ts';
import { Refusal, type RefusalName } from './refusals.ts';

const REFUSED: Readonly<Record<string, RefusalName>> = {
  WAFL_NOT_FOUND: 'fileMissing',
  WAFL_EXISTS: 'fileExists',
  WAFL_IS_DIRECTORY: 'fileIsDirectory',
  WAFL_NOT_DIRECTORY: 'fileNotDirectory',
  WAFL_NOT_EMPTY: 'directoryNotEmpty',
  WAFL_NO_SPACE: 'fileNoSpace',
  WAFL_FILE_TOO_LARGE: 'fileTooLarge',
};

/** @param path what the request was about; default: what the model names */
export function contentRefusal(error: VolumeModelError, path = error.object ?? 'volume'): Refusal {
  const named = path.replace(/^\/+/, '');
  return new Refusal(REFUSED[error.code] ?? 'fileChangeInvalid', { path: named, reason: error.message });
}

/** @throws Refusal that names the path, when the content of the volume does not allow the change */
export function changing(path: string, change: () => void): void {
  try {
    change();
  } catch (error) {
    throw error instanceof VolumeModelError ? contentRefusal(error, path) : error;
  }
}
