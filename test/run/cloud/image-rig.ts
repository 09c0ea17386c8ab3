/** An image in memory, backed up by the engine: what a test of images through all layers needs. */
import type { Compute, EncryptionKey } from '../../../src/compute/compute.ts';
import { nodeFormatTools } from '../../../src/compute/format-tools.ts';
import { systemEnv } from '../../../src/env.ts';
import { MemoryObjectStore } from '../../../src/object-store/memory.ts';
import type { ObjectStore } from '../../../src/object-store/object-store.ts';
import type { BackupRequest, BackupResult } from '../../../src/run/cloud/backup.ts';
import { CloudEndpoint, type CloudEndpointOptions } from '../../../src/run/cloud/cloud-endpoint.ts';
import { FileRestoreTarget } from '../../../src/run/cloud/file-restore-target.ts';
import type { RebuildResult } from '../../../src/run/cloud/rebuild.ts';
import type { RestoreRequest } from '../../../src/run/cloud/restore.ts';
import { ImageCatalogueRebuilder } from '../../../src/snapshot-source/image-rebuild.ts';
import { ImageSnapshotSource } from '../../../src/snapshot-source/image-snapshot-source.ts';
import { MemoryStateStore } from '../../../src/state/memory.ts';
import type { StateStore } from '../../../src/state/state.ts';
import { SeededRandom } from '../../../src/testing/random.ts';
import { VolatileDisk } from '../../../src/testing/volatile-disk.ts';
import { everywhere, inlineCompute, MemoryImage, TINY_LIMITS } from '../../snapshot-source/image-endpoint.ts';
import { NAME, SMALL } from './rig.ts';

export interface ImageRigOptions extends Partial<CloudEndpointOptions> {
  readonly image?: MemoryImage;
  readonly state?: StateStore;
  readonly key?: EncryptionKey | undefined;
  readonly seed?: number;
}

let seeds = 1_000_000;

export class ImageRig {
  readonly image: MemoryImage;
  readonly store: ObjectStore;
  readonly endpoint: CloudEndpoint;
  readonly compute: Compute = inlineCompute;
  state: StateStore;
  source: ImageSnapshotSource;
  readonly #env;
  #backups = 0;

  constructor(options: ImageRigOptions = {}) {
    const { image = new MemoryImage(new Uint8Array()), state = new MemoryStateStore(), key, seed, ...rest } = options;
    this.image = image;
    this.state = state;
    this.store = rest.store ?? new MemoryObjectStore();
    this.#env = rest.env ?? systemEnv({ random: new SeededRandom(seed ?? ++seeds) });
    const tools = nodeFormatTools('sha-256', key);
    const sealed = key === undefined ? {} : { encryption: key };
    const given = { name: NAME, tools, compute: inlineCompute, ...SMALL, ...sealed, ...rest };
    this.endpoint = new CloudEndpoint({ ...given, env: this.#env, store: this.store });
    this.source = this.#open();
  }

  async backup(request: Partial<BackupRequest> = {}, name = `b${++this.#backups}`): Promise<BackupResult> {
    const { source } = this;
    const { uuid } = source.take({ name });
    return await this.endpoint.backup({ source, state: source.state, writer: 'host-a', snapshot: uuid, ...request });
  }

  /** The state is gone; another one is made from the store. */
  async rebuild(state: StateStore = new MemoryStateStore()): Promise<RebuildResult> {
    const catalogues = [new ImageCatalogueRebuilder({ compute: inlineCompute, limits: TINY_LIMITS })];
    const result = await this.endpoint.rebuildVmap({ state, writer: 'host-a', catalogues });
    this.state = state;
    this.source = this.#open();
    return result;
  }

  async restored(request: Omit<RestoreRequest, 'target'> = {}): Promise<Uint8Array> {
    const disk = new VolatileDisk().attach();
    await disk.makeFolder('/to');
    const target = new FileRestoreTarget({ disk, path: '/to/image', folder: '/to', into: 'new-file' });
    await this.endpoint.restore({ ...request, target });
    const file = await disk.open('/to/image', 'read');
    const bytes = new Uint8Array((await file.stat()).sizeBytes);
    await file.read(bytes, 0);
    await file.close();
    return bytes;
  }

  #open(): ImageSnapshotSource {
    return new ImageSnapshotSource({
      path: '/images/vm.raw',
      state: this.state,
      compute: inlineCompute,
      env: this.#env,
      pointersPerBlock: 4,
      limits: TINY_LIMITS,
      openImage: async () => this.image,
      findDataRanges: everywhere,
    });
  }
}
