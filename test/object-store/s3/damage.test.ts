import { expect, it } from 'vitest';
import { blocks, Rig } from '../../run/cloud/rig.ts';
import { storeOn } from './opened.ts';
import { S3StandIn } from './stand-in.ts';

it('an object that the store itself finds damaged is a finding of verify, and verify goes on', async () => {
  const standIn = new S3StandIn();
  const rig = new Rig({ store: storeOn(standIn) });
  rig.volume.create('/a');
  rig.volume.write('/a', 0, blocks(1, 2, 3, 4, 5, 6));
  rig.snapshot('s1');
  await rig.backup();
  const damaged = ['vol1/objects/00000000001.0000', 'vol1/objects/00000000002.0000'];
  for (const key of damaged) standIn.damage(key);
  const { problems } = await rig.endpoint.verify({ readData: true });
  expect(problems.length).toBeGreaterThanOrEqual(damaged.length);
  for (const { message } of problems) expect(message).toContain('damaged, says the store');
});
