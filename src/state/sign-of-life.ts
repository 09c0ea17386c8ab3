/**
 * How one process knows whether another still lives: the holder of a lock listens on a socket whose other end the kernel
 * closes with the process. Process ids would not do: they are used again, and differ from container to container.
 */
import { readFile, readlink, unlink } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { join, resolve as resolvePath } from 'node:path';
import { errnoOf } from '../disk/disk.ts';

export interface SignsOfLife {
  /** Gives a sign until it is ended, or the process is. */
  give(folder: string, token: string): Promise<SignOfLife>;
  /** Whether the one who gave this sign beside the folder is alive; `undefined` where nobody can tell. */
  isAlive(folder: string, sign: GivenSign): Promise<boolean | undefined>;
  /** Removes what a dead process left of its sign. */
  forget(folder: string, sign: GivenSign): Promise<void>;
}

export interface SignOfLife {
  readonly given: GivenSign;
  end(): Promise<void>;
}

/** What others are told: plain data. */
export interface GivenSign {
  /** For messages only. */
  readonly pid?: string | undefined;
  readonly host: string;
  /** New with each start of the machine. */
  readonly boot?: string | undefined;
  /** The machine's own; in containers often absent, or the image's. */
  readonly machine?: string | undefined;
  /** Path of the socket, from the folder on: others may have the folder elsewhere. Absent where there could be none. */
  readonly socket?: string | undefined;
}

export const socketSignsOfLife: SignsOfLife = {
  async give(folder, token) {
    const server = createServer((visitor) => visitor.destroy());
    const socket = await listen(server, folder, token);
    return {
      given: { ...(await thisMachine()), pid: await readlink('/proc/self').catch(() => undefined), socket },
      end: () => new Promise((resolve) => server.close(() => resolve())),
    };
  },

  async isAlive(folder, { host, boot, machine, socket }) {
    const here = await thisMachine();
    const visit = async () => (socket === undefined ? undefined : await answers(resolvePath(folder, socket)));
    if (boot !== undefined && boot === here.boot) return await visit();
    const sameMachine = host === here.host && machine === here.machine;
    // The machine was started anew since, if it is the same one at all.
    if (boot !== undefined && here.boot !== undefined) return sameMachine && machine !== undefined ? false : undefined;
    return sameMachine ? await visit() : undefined;
  },

  async forget(folder, { socket }) {
    if (socket !== undefined) await unlink(resolvePath(folder, socket)).catch(() => {});
  },
};

type Server = ReturnType<typeof createServer>;

/** Listens beside the lock, so that containers which share the folder share the socket; elsewhere if its path is too long. */
async function listen(server: Server, folder: string, token: string): Promise<string | undefined> {
  for (const name of [`alive-${token.slice(0, 8)}`, join(tmpdir(), `datamotion-${token}`)]) {
    const path = resolvePath(folder, name);
    if (Buffer.byteLength(path) > SOCKET_PATH_BYTES) continue;
    const listening = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(path, () => resolve(true));
    });
    server.removeAllListeners('error');
    if (!listening) continue;
    server.unref();
    return name;
  }
  return undefined;
}

/** What every system allows in a socket's address. */
const SOCKET_PATH_BYTES = 100;

function answers(socket: string): Promise<boolean | undefined> {
  return new Promise((resolve) => {
    const visit = connect(socket);
    visit.on('connect', () => {
      visit.destroy();
      resolve(true);
    });
    // Only a refusal is proof: the name is there, and nobody behind it.
    visit.on('error', (error) => resolve(errnoOf(error) === 'ECONNREFUSED' ? false : undefined));
  });
}

async function thisMachine(): Promise<Pick<GivenSign, 'host' | 'boot' | 'machine'>> {
  const [boot, machine] = await Promise.all(['/proc/sys/kernel/random/boot_id', '/etc/machine-id'].map(lineOf));
  return { host: hostname(), boot, machine };
}

async function lineOf(file: string): Promise<string | undefined> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text.trim() || undefined;
}
