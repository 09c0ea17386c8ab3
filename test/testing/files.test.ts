import { describe, expect, it } from 'vitest';
import { call, type Json, MIB, Scene } from './raw-client.ts';

/** The files endpoints: lists, metadata, and bytes as multipart/form-data, in process and over a socket. */
const filesOf = (volume: { readonly uuid: string }) => `/storage/volumes/${volume.uuid}/files`;
const binary = Uint8Array.from({ length: 700 }, (_, i) => (i * 7) % 256);

/** A request as any client with FormData makes it; the answer's part as bytes. */
async function exchange(scene: Scene, method: string, path: string, bytes?: Uint8Array<ArrayBuffer>) {
  const { source } = scene;
  const headers = {
    authorization: `Basic ${btoa(`${source.user}:${source.password}`)}`,
    accept: 'multipart/form-data',
  };
  const form = new FormData();
  if (bytes) form.append('file', new Blob([bytes]));
  const request = new Request(`${source.url}/api${path}`, { method, headers, ...(bytes ? { body: form } : {}) });
  return scene.source.url.startsWith('http:') ? fetch(request) : source.fetch(request);
}

async function partOf(response: Response): Promise<Uint8Array> {
  const data = (await response.formData()).get('data');
  return new Uint8Array(await (data as File).arrayBuffer());
}

describe('bytes of a file', () => {
  it.each(['in process', 'over a socket'])('are written and read, any of them, %s', async (where) => {
    const scene = new Scene();
    if (where === 'over a socket') await scene.world.listen();
    try {
      const path = `${filesOf(scene.volume)}/data%2Fbinary%2Ebin`;
      expect((await exchange(scene, 'POST', path, binary)).status).toBe(201);
      expect(scene.volume.read('/data/binary.bin')).toEqual(binary);
      const answer = await exchange(scene, 'GET', `${path}?length=300&byte_offset=250`);
      expect(answer.headers.get('content-type')).toMatch(/^multipart\/form-data; boundary=/);
      expect(await partOf(answer)).toEqual(binary.slice(250, 550));
      expect(await partOf(await exchange(scene, 'GET', `${path}?length=${MIB}&byte_offset=690`))).toEqual(
        binary.slice(690),
      );

      expect((await exchange(scene, 'PATCH', `${path}?byte_offset=2`, Uint8Array.of(255, 0))).status).toBe(200);
      expect((await exchange(scene, 'POST', path, Uint8Array.of(1))).status).toBe(409);
      expect((await exchange(scene, 'POST', `${path}?overwrite=true&byte_offset=-1`, Uint8Array.of(9))).status).toBe(
        201,
      );
      const after = scene.volume.read('/data/binary.bin');
      expect([...after.slice(0, 5), after.at(-1), after.length]).toEqual([0, 7, 255, 0, 28, 9, 701]);
    } finally {
      await scene.world.close();
    }
  });

  it('of a mirror and of a snapshot are read, not written', async () => {
    const scene = new Scene();
    scene.volume.createSnapshot('monday');
    scene.volume.write('/data/two', 0, new TextEncoder().encode('changed'));
    const inSnapshot = `${filesOf(scene.volume)}/.snapshot%2Fmonday%2Fdata%2Ftwo`;
    expect(await partOf(await exchange(scene, 'GET', `${inSnapshot}?length=99`))).toEqual(
      new TextEncoder().encode('two'),
    );
    expect((await exchange(scene, 'PATCH', inSnapshot, binary)).status).toBe(400);
    const inNone = `${filesOf(scene.volume)}/.snapshot%2Ftuesday%2Fdata`;
    expect((await call(scene.source, 'GET', inNone)).json.error.code).toBe('6684674');
    await scene.mirrored();
    const listed = await scene.ok(scene.destination, 'GET', `${filesOf(scene.mirror)}/data`);
    expect(listed.records.map(({ name }: Json) => name)).toContain('two');
  });

  it('reach a synchronous mirror', async () => {
    const scene = new Scene();
    const uuid = await scene.mirrored({ policy: 'Sync' });
    expect((await scene.relationship(uuid)).state).toBe('in_sync');
    await exchange(scene, 'POST', `${filesOf(scene.volume)}/new`, binary);
    expect(scene.mirror.read('/new')).toEqual(binary);
  });
});

describe('files and directories', () => {
  it('are listed with their kinds, filtered and paged', async () => {
    const scene = new Scene();
    const root = await scene.ok(scene.source, 'GET', filesOf(scene.volume));
    expect(root.records).toEqual(['.', '..', 'data'].map((name) => ({ name, path: '', type: 'directory' })));
    const path = `${filesOf(scene.volume)}/data`;
    const files = await scene.ok(scene.source, 'GET', `${path}?type=file|symlink&fields=size&order_by=size desc`);
    expect(files.records.map(({ name, size }: Json) => [name, size])).toEqual([
      ['one', 5000],
      ['two', 3],
    ]);
    const page = await scene.ok(scene.source, 'GET', `${path}?max_records=3`);
    const rest = await scene.ok(scene.source, 'GET', page._links.next.href.slice('/api'.length));
    expect([...page.records, ...rest.records].map(({ name }: Json) => name)).toEqual(['.', '..', 'one', 'two']);
    const hal = await call(scene.source, 'GET', path, { headers: { accept: 'application/hal+json' } });
    expect(hal.json.records[2]._links.self.href).toBe(`/api${filesOf(scene.volume)}/data%2Fone`);
  });

  it('are described one by one with return_metadata', async () => {
    const scene = new Scene();
    const path = `${filesOf(scene.volume)}/data%2Fone?return_metadata=true&fields=*`;
    const { records } = await scene.ok(scene.source, 'GET', path);
    expect(records).toHaveLength(1);
    expect(records[0]).toMatchObject({
      path: 'data/one',
      type: 'file',
      size: 5000,
      bytes_used: 8192,
      hard_links_count: 1,
    });
  });

  it('are made, renamed, shortened and removed', async () => {
    const scene = new Scene();
    const root = filesOf(scene.volume);
    await scene.ok(scene.source, 'POST', `${root}/made`, { type: 'directory', unix_permissions: 750 });
    await scene.ok(scene.source, 'POST', `${root}/link`, { target: 'data/one' });
    const [link] = (await scene.ok(scene.source, 'GET', `${root}/link?return_metadata=true&fields=target,type`))
      .records;
    expect(link).toMatchObject({ type: 'symlink', target: 'data/one' });
    const [made] = (await scene.ok(scene.source, 'GET', `${root}/made?return_metadata=true&fields=*`)).records;
    expect(made).toMatchObject({ type: 'directory', unix_permissions: 750, is_empty: true });
    await scene.ok(scene.source, 'PATCH', `${root}/data%2Fone`, { path: 'made/first' });
    await scene.ok(scene.source, 'PATCH', `${root}/made%2Ffirst`, { size: 10 });
    expect(scene.volume.read('/made/first')).toHaveLength(10);
    await scene.ok(scene.source, 'DELETE', `${root}/data%2Ftwo`);
    await scene.ok(scene.source, 'DELETE', `${root}/data`);
    expect((await call(scene.source, 'DELETE', `${root}/made`)).json.error.code).toBe('6684738');
    await scene.ok(scene.source, 'DELETE', `${root}/made?recurse=true`);
    expect(scene.volume.files()).toEqual([]);
    expect(scene.volume.content.check()).toEqual([]);
  });

  it('are only meant when dots in their path are encoded: a bare .. leaves the collection', async () => {
    const scene = new Scene();
    const handled = (path: string) =>
      scene.source.handle({
        method: 'DELETE',
        path: `/api${filesOf(scene.volume)}/${path}`,
        query: 'return_timeout=120',
        headers: { authorization: `Basic ${btoa(`${scene.source.user}:${scene.source.password}`)}` },
      });
    expect((await handled('data%2F%2E%2E%2Fdata%2Fone')).status).toBe(200);
    expect(scene.volume.files()).toEqual(['/data/two']);
    expect((await handled('..')).status).toBe(200);
    expect(() => scene.source.volume('svm1', 'vol1')).toThrow('no volume');
  });
});
