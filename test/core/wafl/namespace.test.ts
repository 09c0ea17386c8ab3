import { expect, it } from 'vitest';
import { Namespace } from '../../../src/core/wafl/namespace.ts';

it('two entries that exchange their names, one slot after the other, are both found afterwards', () => {
  const names = new Namespace();
  const one = names.add({ parent: 64, name: 'one', child: 65 }, 1);
  const two = names.add({ parent: 64, name: 'two', child: 66 }, 1);
  expect(names.lookup(64, 'one')).toBe(65);
  names.place(one, { parent: 64, name: 'two', child: 65 }, 1);
  names.place(two, { parent: 64, name: 'one', child: 66 }, 1);
  expect(names.list(64)).toEqual([
    { parent: 64, name: 'one', child: 66 },
    { parent: 64, name: 'two', child: 65 },
  ]);
});
