/** The import table of docs/architecture.md as data. rules.ts checks src/ against it. */

export interface Layer {
  readonly name: string;
  // Exact paths, `folder/**`, or `folder/**/name`. The first layer with a match takes the file.
  readonly files: readonly string[];
  /** Layers whose code may be loaded. A layer that may import itself says so. */
  readonly imports: readonly string[];
  /** Layers of which types may be imported besides. */
  readonly types?: readonly string[];
  /** Packages that may be imported. */
  readonly packages?: readonly string[];
  /** Whether `node:` modules may be imported. */
  readonly node?: boolean;
  /** Values in, values out, or only through ports: Node's globals are out of bounds too. */
  readonly pure?: boolean;
}

/** The port file of each port folder; the rest of such a folder are its adapters. */
const PORTS = [
  'src/ontap/ontap-svm.ts',
  'src/ontap/ontap-storage.ts',
  'src/host-files/host-files.ts',
  'src/object-store/object-store.ts',
  'src/snapshot-source/snapshot-source.ts',
  'src/state/state.ts',
  'src/state/operation-journal.ts',
  'src/compute/compute.ts',
  'src/compute/key-provider.ts',
  'src/disk/disk.ts',
];

const RULES = ['core', 'replication'];
const BELOW_EDGES = [
  ...['base', 'wafl', ...RULES, 'ports', 'run', 'facade', 'client', 'stand-ins'],
  ...['ontap', 's3', 'object-store', 'snapshot-source', 'state', 'compute', 'disk', 'host-files'],
];

export const LAYERS: readonly Layer[] = [
  // Edges: everything below them; no layer but the command line imports one.
  {
    name: 'command line',
    files: ['src/cli/**'],
    imports: [...BELOW_EDGES, 'surface', 'command line'],
    packages: ['commander', 'cli-progress', 'cli-table3', 'json-rpc-2.0', 'yaml', 'zod'],
    node: true,
  },
  { name: 'surface', files: ['src/**/index.ts'], imports: BELOW_EDGES },

  { name: 'base', files: ['src/errors.ts', 'src/env.ts'], imports: ['base'] },

  // The volume model stands apart from the rest of core: the stand-ins run it, and must not get our rules with it.
  {
    name: 'wafl',
    files: ['src/core/wafl/**'],
    imports: ['base', 'wafl'],
    types: RULES,
    pure: true,
  },
  {
    name: 'replication',
    files: ['src/core/replication/**'],
    imports: ['base', 'wafl', ...RULES],
    packages: ['zod'],
    pure: true,
  },
  { name: 'core', files: ['src/core/**'], imports: ['base', 'wafl', ...RULES], pure: true },

  { name: 'ports', files: PORTS, imports: ['base'], types: ['ports', 'wafl', ...RULES], pure: true },
  {
    name: 'run',
    files: ['src/run/**'],
    imports: ['base', 'wafl', ...RULES, 'ports', 'run'],
    packages: ['p-limit'],
    pure: true,
  },
  {
    name: 'facade',
    files: ['src/data-motion.ts', 'src/cinder.ts'],
    imports: ['base', 'wafl', ...RULES, 'ports', 'run', 'facade'],
    pure: true,
  },
  {
    name: 'client',
    files: ['src/netapp-ontap-rest-client/**'],
    imports: ['base', 'client'],
    packages: ['undici', 'p-retry', 'p-limit', 'zod', 'openapi-fetch'],
  },

  // Adapters. A port that speaks in types of core makes its adapters do so too.
  { name: 'ontap', files: ['src/ontap/**'], imports: ['base', 'ports', 'ontap', 'client'], types: RULES, node: true },
  // The only place that knows the AWS SDK: whoever does not open a bucket does not load it.
  {
    name: 's3',
    files: ['src/object-store/s3/**'],
    imports: ['base', 'ports', 'object-store', 's3'],
    packages: ['@aws-sdk/client-s3'],
    node: true,
  },
  {
    name: 'object-store',
    files: ['src/object-store/**'],
    imports: ['base', 'ports', 'object-store', 'disk'],
    packages: ['p-retry', 'p-limit'],
    types: RULES,
    node: true,
  },
  {
    name: 'snapshot-source',
    files: ['src/snapshot-source/**'],
    imports: ['base', 'ports', 'snapshot-source', 'wafl'],
    types: RULES,
    node: true,
  },
  { name: 'state', files: ['src/state/**'], imports: ['base', 'ports', 'state', 'disk'], types: RULES, node: true },
  // Files and devices of this host, as the ends of transfers.
  { name: 'host-files', files: ['src/host-files/**'], imports: ['base', 'ports', 'host-files'], node: true },
  // Files that survive a crash, for the adapters above.
  { name: 'disk', files: ['src/disk/**'], imports: ['base', 'ports', 'disk'], node: true },
  { name: 'compute', files: ['src/compute/**'], imports: ['base', 'ports', 'compute'], types: RULES, node: true },

  // A stand-in with our rules in it would agree with our mistakes.
  {
    name: 'stand-ins',
    files: ['src/testing/**'],
    imports: ['base', 'ports', 'wafl', 'stand-ins'],
    types: RULES,
    // zod: scenarios and requests to the control plane are checked by it.
    packages: ['selfsigned', 'zod'],
    node: true,
  },
];

/** What importing a subpath must not load, however far down: layers and packages. */
export const NOT_LOADED_BY: Readonly<
  Record<string, { readonly layers: readonly string[]; readonly packages: readonly string[] }>
> = {
  'src/index.ts': {
    layers: ['stand-ins', 'command line'],
    packages: ['selfsigned', 'commander', 'cli-progress', 'cli-table3', 'yaml'],
  },
  'src/ontap/index.ts': {
    layers: ['stand-ins', 'command line', 'run', 'facade', 'core', 'replication'],
    packages: ['selfsigned', 'commander', 'cli-progress', 'cli-table3', 'yaml'],
  },
  'src/netapp-ontap-rest-client/index.ts': {
    layers: LAYERS.map(({ name }) => name).filter((name) => !['base', 'client', 'surface'].includes(name)),
    packages: ['selfsigned', 'commander', 'cli-progress', 'cli-table3', 'yaml'],
  },
  'src/cinder/index.ts': {
    layers: ['stand-ins', 'command line', 'client', 'ontap'],
    packages: ['selfsigned', 'commander', 'cli-progress', 'cli-table3', 'yaml', 'undici', 'openapi-fetch', 'p-retry'],
  },
  'src/testing/index.ts': {
    layers: ['command line', 'run', 'facade', 'core', 'replication', 'client', 'ontap'],
    packages: ['commander', 'cli-progress', 'cli-table3', 'yaml', 'undici', 'openapi-fetch', 'p-retry'],
  },
};

/** Who may touch the world itself (clock, timers, randomness, process, console), and which parts of it. */
export const AMBIENT_WORLD: Readonly<Record<string, readonly string[] | 'everything'>> = {
  'src/env.ts': ['Date', 'setTimeout', 'Math.random'],
  'src/cli/**': 'everything',
  // The virtual clock waits for the end of a turn of the event loop to see that nobody is working any more.
  'src/testing/clock.ts': ['setImmediate'],
};

/** Globals, beyond the world's, that a pure layer must not use. */
export const NODE_GLOBALS = ['Buffer', 'fetch', 'crypto', 'require', '__dirname', '__filename'];

/** Words that say nothing about what a file holds. */
export const EMPTY_NAMES = ['utils', 'util', 'helpers', 'helper', 'common', 'types', 'manager'];
