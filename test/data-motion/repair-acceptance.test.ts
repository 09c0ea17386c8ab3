import { expect, it } from 'vitest';
import { Stage } from '../scenarios/harness.ts';

it('defect 4: a repair asks right before it discards anything, and anything but true leaves the destination as it is', async () => {
  await using stage = await Stage.open();
  await stage.mirrored();
  await stage.dataMotion.breakSnapmirror(stage.pair);
  stage.copy.write('/precious', 0, new Uint8Array(4096).fill(3));
  const written = stage.copy.digest();
  const asked: string[] = [];
  const refused = stage.dataMotion.createSnapmirror(stage.pair, {
    repair: (loss, pair) => {
      asked.push(`${pair.destination.volume} back to ${loss.common?.name}`);
      return false;
    },
  });
  await expect(refused).rejects.toMatchObject({ code: 'MIRROR_LOSS_NOT_ACCEPTED', state: 'broken_off' });
  expect(asked).toEqual([expect.stringMatching(/^vol1 back to snapmirror\./)]);
  expect(stage.copy.digest()).toBe(written);

  const repaired = await stage.dataMotion.createSnapmirror(stage.pair, {
    repair: async () => true,
    waitForBaseline: true,
  });
  expect(repaired.loss?.common).toBeDefined();
  expect(stage.copy.digest()).toBe(stage.source.digest());
});
