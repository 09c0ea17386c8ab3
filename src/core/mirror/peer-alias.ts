/** Core (layer 1): names of SVMs as other clusters report them. */

/**
 * Whether `reported` can be SVM `name` as another cluster calls it. A peer whose name is taken there gets a local
 * alias, by default the name with a number behind it (`vs1.1`).
 */
export function isSvmOrItsAlias(reported: string, name: string): boolean {
  if (reported === name) return true;
  return reported.startsWith(`${name}.`) && /^\d+$/.test(reported.slice(name.length + 1));
}
