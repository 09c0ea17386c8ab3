/** A process that opens a state, says so, and holds it until it is killed. Arguments: folder, endpoint. */
import { DirectoryStateStore } from '../../src/state/directory.ts';

const [folder = '', endpoint = ''] = process.argv.slice(2);
try {
  const state = await new DirectoryStateStore(folder).open(endpoint);
  const staged = await state.begin();
  await staged.write('vmap', 1, new Uint8Array([7]));
  await staged.checkpoint(new Uint8Array(0));
  process.stdout.write('held\n');
  setInterval(() => {}, 1000);
} catch (error) {
  process.stdout.write(`${(error as { code?: string }).code}\n`);
}
