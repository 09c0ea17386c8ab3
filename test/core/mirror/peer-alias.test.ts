import { expect, it } from 'vitest';
import { isSvmOrItsAlias } from '../../../src/core/mirror/peer-alias.ts';

it('a peer SVM is recognised by its own name and by the numbered alias ONTAP gives it', () => {
  expect(isSvmOrItsAlias('vs1', 'vs1')).toBe(true);
  expect(isSvmOrItsAlias('vs1.12', 'vs1')).toBe(true);
  expect(isSvmOrItsAlias('vs1.x', 'vs1')).toBe(false);
  expect(isSvmOrItsAlias('vs10', 'vs1')).toBe(false);
  expect(isSvmOrItsAlias('vs1.', 'vs1')).toBe(false);
});
