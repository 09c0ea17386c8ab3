/** Bytes of the files endpoint: multipart there and back, with the client's retries, limits and errors. */
import { describe, expect, it } from 'vitest';
import { bytesAsPart, bytesInAnswer } from '../../src/netapp-ontap-rest-client/byte-parts.ts';
import { OntapRestClient } from '../../src/netapp-ontap-rest-client/ontap-rest-client.ts';
import { SeededRandom } from '../../src/testing/index.ts';
import { Scene } from '../testing/raw-client.ts';

const FILE = '/storage/volumes/{volume.uuid}/files/{path}';

function clientOf(scene: Scene, send = (request: Request) => scene.source.fetch(request)): OntapRestClient {
  return new OntapRestClient({
    host: 'cluster1.sim',
    auth: { user: scene.source.user, password: scene.source.password },
    transport: send,
    env: { clock: scene.clock, random: new SeededRandom(5) },
  });
}

const patterned = (length: number) => Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8)) % 256);

describe('bytes of a file', () => {
  it('are written and read as they are, whatever they look like', async () => {
    const scene = new Scene();
    const client = clientOf(scene);
    const bytes = patterned(70_000);
    const path = { 'volume.uuid': scene.volume.uuid, path: 'deep.dir.x' };
    await client.writeBytes('post', FILE, {
      path,
      query: { byte_offset: 0, overwrite: true },
      bytes,
      repeatable: true,
    });
    await client.writeBytes('patch', FILE, { path, query: { byte_offset: 70_000 }, bytes, repeatable: true });
    expect(scene.volume.read('/deep.dir.x')).toEqual(Uint8Array.from([...bytes, ...bytes]));
    expect(await client.readBytes(FILE, { path, query: { byte_offset: 69_990, length: 20 } })).toEqual(
      Uint8Array.from([...bytes.slice(-10), ...bytes.slice(0, 10)]),
    );
    expect(await client.readBytes(FILE, { path, query: { byte_offset: 200_000, length: 20 } })).toHaveLength(0);
  });

  it('are sent again when an answer was lost and the call says that it may be', async () => {
    const scene = new Scene();
    let sent = 0;
    const client = clientOf(scene, async (request) => {
      const answer = await scene.source.fetch(request);
      if (sent++ === 0) throw new TypeError('fetch failed', { cause: { code: 'ECONNRESET' } });
      return answer;
    });
    const request = { path: { 'volume.uuid': scene.volume.uuid, path: 'data/one' }, bytes: patterned(9) };
    await client.writeBytes('patch', FILE, { ...request, query: { byte_offset: 3 }, repeatable: true });
    expect(sent).toBe(2);
    expect(scene.volume.read('/data/one', 3, 9)).toEqual(patterned(9));
    sent = 0;
    await expect(client.writeBytes('patch', FILE, { ...request, query: { byte_offset: 3 } })).rejects.toMatchObject({
      code: 'ONTAP_OUTCOME_UNKNOWN',
    });
  });

  it('that are not there are refused in ONTAP’s words', async () => {
    const scene = new Scene();
    const request = { path: { 'volume.uuid': scene.volume.uuid, path: 'nothing' }, query: { length: 4 } };
    await expect(clientOf(scene).readBytes(FILE, request)).rejects.toMatchObject({
      code: 'ONTAP_NOT_FOUND',
      ontapCode: '6684674',
    });
  });

  it('are not taken from an answer that carries none', async () => {
    const scene = new Scene();
    const request = { path: { 'volume.uuid': scene.volume.uuid, path: 'data/one' }, query: { length: 4 } };
    for (const [type, body] of [
      ['application/json', '{"records":[]}'],
      ['text/html', '<p>login</p>'],
      ['multipart/form-data; boundary=b', '--b\r\nno end'],
    ] as const) {
      const client = clientOf(scene, async () => new Response(body, { headers: { 'content-type': type } }));
      await expect(client.readBytes(FILE, request), type).rejects.toMatchObject({ code: 'ONTAP_BAD_RESPONSE' });
    }
  });
});

describe('a part', () => {
  it('gives back what was put into it, of any length, also when the bytes hold what looks like its end', () => {
    const lookalike = new TextEncoder().encode('\r\n--other--\r\n\r\n--boundar\r\n--');
    for (const bytes of [new Uint8Array(), patterned(1), patterned(4096), lookalike]) {
      const { type, body } = bytesAsPart(bytes, 'boundary');
      expect(bytesInAnswer(type, body)).toEqual(bytes);
      expect(bytesInAnswer(type.replace('=boundary', '="boundary"'), body)).toEqual(bytes);
    }
    expect(bytesInAnswer('application/octet-stream', patterned(5))).toEqual(patterned(5));
  });
});
