/** Packages that data motion needs, or that are commonly asked for. */
export const LICENSES = [
  'base',
  'cifs',
  'fcp',
  'flexclone',
  'iscsi',
  'nfs',
  'snapmirror',
  'snapmirror_sync',
  'snaprestore',
] as const;
export type LicenseName = (typeof LICENSES)[number];
