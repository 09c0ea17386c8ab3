import { beforeEach, describe, expect, it } from 'vitest';
import { call, type Json, MIB, Scene } from './raw-client.ts';

/** ONTAP's HTTP conventions: rest-facts section 1, addendum sections 1, 2, 5 and 7. */
let scene: Scene;
const get = async (path: string, headers?: Record<string, string>) =>
  call(scene.source, 'GET', path, headers === undefined ? {} : { headers });
const names = async (query: string): Promise<string[]> => {
  const { json } = await get(`/storage/volumes?${query}`);
  return json.records.map(({ name }: Json) => name).sort();
};

beforeEach(() => {
  scene = new Scene();
  const { source } = scene;
  source.createVolume({ svm: 'svm1', name: 'vol2', sizeBytes: 200 * MIB, junctionPath: '/vol2' });
  source.createVolume({ svm: 'svm1', name: 'archive', sizeBytes: 300 * MIB, type: 'dp' });
  source.createVolume({ svm: 'svm2', name: 'other', sizeBytes: 400 * MIB });
});

describe('paths', () => {
  it.each(['//storage///volumes', '/storage/volumes/', '//storage/volumes/'])(
    '%s is /storage/volumes',
    async (path) => {
      expect((await get(path)).json.num_records).toBe(6);
    },
  );

  it('OPTIONS names the methods, HEAD answers without a body', async () => {
    const options = await call(scene.source, 'OPTIONS', '/storage/volumes');
    expect(options.headers.get('allow')).toBe('GET, HEAD, OPTIONS, POST, PATCH, DELETE');
    const head = await call(scene.source, 'HEAD', `/storage/volumes/${scene.volume.uuid}`);
    expect(head).toMatchObject({ status: 200, json: undefined });
  });
});

describe('who asks', () => {
  it.each([{}, { authorization: 'Basic bm9ib2R5Og==' }, { authorization: 'Bearer x' }])(
    'credentials %j are refused with 401',
    async (headers) => {
      const request = new Request(`${scene.source.url}/api/cluster`, { headers });
      expect((await scene.source.fetch(request)).status).toBe(401);
    },
  );

  it('a tunnelled request sees only its SVM, by name and by uuid', async () => {
    const tunnelled = await get('/storage/volumes', { 'x-dot-svm-name': 'svm2' });
    expect(tunnelled.json.records.map(({ name }: Json) => name).sort()).toEqual(['other', 'svm2_root']);
    const { records } = (await get('/svm/svms?name=svm2')).json;
    const byUuid = await get('/storage/volumes', { 'X-Dot-SVM-UUID': records[0].uuid });
    expect(byUuid.json.num_records).toBe(2);
  });

  it('a tunnelled POST makes its object in that SVM', async () => {
    const body = { name: 'made', aggregates: [{ name: 'aggr1' }] };
    const headers = { 'x-dot-svm-name': 'svm2' };
    await call(scene.source, 'POST', '/storage/volumes?return_timeout=10', { body, headers });
    expect(scene.source.volume('svm2', 'made').type).toBe('rw');
  });

  it('a user of an SVM sees only that SVM, and jobs and aggregates accordingly', async () => {
    const clusters = [
      {
        name: 'cluster1',
        svms: ['svm1', 'svm2'],
        users: [{ name: 'vsadmin', password: 'x', svm: 'svm2', role: 'admin' }] as const,
      },
      { name: 'cluster2', svms: ['svm1_dr'] },
    ];
    scene = new Scene({ clusters });
    const user = { user: 'vsadmin', password: 'x' };
    expect((await call(scene.source, 'GET', '/storage/volumes', user)).json.num_records).toBe(1);
    expect((await call(scene.source, 'GET', `/storage/volumes/${scene.volume.uuid}`, user)).status).toBe(404);
    expect((await call(scene.source, 'GET', '/storage/aggregates', user)).json.error.code).toBe('6');
    expect((await call(scene.source, 'GET', '/cluster?fields=version', user)).json.version.generation).toBe(9);
  });
});

describe('fields', () => {
  it('a collection answers its keys, an instance everything that costs nothing', async () => {
    const { records } = (await get('/storage/volumes?name=vol1')).json;
    expect(records).toEqual([{ uuid: scene.volume.uuid, name: 'vol1' }]);
    const whole = (await get(`/storage/volumes/${scene.volume.uuid}`)).json;
    expect(whole).toMatchObject({ name: 'vol1', svm: { name: 'svm1' }, type: 'rw', space: { size: 100 * MIB } });
  });

  it.each([
    ['svm.name', { svm: { name: 'svm1' } }],
    ['svm.name,type', { svm: { name: 'svm1' }, type: 'rw' }],
    ['nas.path,state', { state: 'online' }],
    ['svm.{name}', { svm: { name: 'svm1' } }],
    ['guarantee,!guarantee.honored', { guarantee: { type: 'volume' } }],
    ['aggregates.name', { aggregates: [{ name: 'aggr1' }] }],
  ])('fields=%s', async (fields, expected) => {
    const { records } = (await get(`/storage/volumes?name=vol1&fields=${fields}`)).json;
    expect(records).toEqual([{ uuid: scene.volume.uuid, name: 'vol1', ...expected }]);
  });

  it('a bare parent and * give whole objects', async () => {
    const [withParent] = (await get('/storage/volumes?name=vol1&fields=svm')).json.records;
    expect(Object.keys(withParent.svm).sort()).toEqual(['name', 'uuid']);
    const [withStar] = (await get('/storage/volumes?name=vol1&fields=*')).json.records;
    expect(withStar).toMatchObject({ type: 'rw', style: 'flexvol', svm: { name: 'svm1' } });
  });

  it('an unknown name is refused, unless asked to ignore it', async () => {
    const refused = await get('/storage/volumes?fields=type,colour');
    expect(refused.json.error).toEqual({
      code: '262197',
      message: 'The value "colour" is invalid for field "fields" (<field,...>)',
      target: 'fields',
    });
    expect((await get('/storage/volumes?fields=type,colour&ignore_unknown_fields=true')).status).toBe(200);
  });

  it('what SnapMirror does not call a field is refused', async () => {
    for (const name of ['last_transfer_size', 'type', 'source.volume']) {
      expect((await get(`/snapmirror/relationships?fields=${name}`)).status).toBe(400);
    }
  });
});

describe('queries', () => {
  it.each([
    ['name=vol1', ['vol1']],
    ['name=vol*', ['vol1', 'vol2']],
    ['name=*ol*', ['vol1', 'vol2']],
    ['name=vol1|other', ['other', 'vol1']],
    ['name=vol1%7Cother', ['other', 'vol1']],
    ['name=vol1,other', []],
    ['name=!vol*&is_svm_root=false', ['archive', 'other']],
    ['name=vol1&svm.name=svm1', ['vol1']],
    ['name=vol1&svm.name=svm2', []],
    ['size=>200000000', ['archive', 'other', 'svm1_root', 'svm2_root', 'vol2']],
    [`size=>=${300 * MIB}&is_svm_root=false`, ['archive', 'other']],
    [`size=<${200 * MIB}`, ['vol1']],
    [`size=<=${200 * MIB}`, ['vol1', 'vol2']],
    [`size=${200 * MIB}..${300 * MIB}`, ['archive', 'vol2']],
    [`size=..${200 * MIB}`, ['vol1', 'vol2']],
    ['nas.path=null', ['archive', 'other', 'vol1']],
    ['nas.path=!null&is_svm_root=false', ['vol2']],
    ['nas.path=/vol2', ['vol2']],
    ['type=rw&style=flex*&is_svm_root=false&error_state.is_inconsistent=false&state=online', ['other', 'vol1', 'vol2']],
    ['aggregates.name=aggr1&is_svm_root=false', ['archive', 'other', 'vol1', 'vol2']],
    ['name=%22vol1%22', ['vol1']],
    ['name=%7Bvol*%7D', []],
    ['create_time=%3E2025-01-01T00:00:00Z&name=vol1', ['vol1']],
    ['create_time=%3C2025-01-01T00:00:00Z', []],
  ])('%s', async (query, expected) => {
    expect(await names(query)).toEqual(expected);
  });

  it.each([
    ['colour=red', '262179'],
    ['size=large', '262197'],
    ['is_svm_root=perhaps', '262197'],
    ['type=purple', '262197'],
    ['create_time=yesterday', '262197'],
    ['max_records=0', '262197'],
    ['max_records=many', '262197'],
    ['return_records=false?max_records=10000', '262197'],
    ['return_timeout=121', '262197'],
  ])('%s is refused with %s', async (query, code) => {
    const { status, json } = await get(`/storage/volumes?${query}`);
    expect(status).toBe(400);
    expect(json.error.code).toBe(code);
  });

  it('durations compare by length: lag_time beyond a day', async () => {
    const uuid = await scene.mirrored();
    await scene.clock.advance((26 * 3600 + 62) * 1000);
    const lagging = async (test: string) =>
      (await call(scene.destination, 'GET', `/snapmirror/relationships?lag_time=${test}`)).json.num_records;
    expect(await lagging('>P1D')).toBe(1);
    expect(await lagging('>PT26H')).toBe(1);
    expect(await lagging('<PT27H')).toBe(1);
    expect(await lagging('>P2D')).toBe(0);
    expect((await scene.relationship(uuid)).lag_time).toMatch(/^P1DT2H\d+M\d+S$/);
  });
});

describe('order and pages', () => {
  const ordered = async (by: string): Promise<string[]> =>
    (await get(`/storage/volumes?is_svm_root=false&order_by=${by}`)).json.records.map(({ name }: Json) => name);

  it('order_by sorts by fields, ascending unless told otherwise', async () => {
    expect(await ordered('name')).toEqual(['archive', 'other', 'vol1', 'vol2']);
    expect(await ordered('name%20desc')).toEqual(['vol2', 'vol1', 'other', 'archive']);
    expect(await ordered('size')).toEqual(['vol1', 'vol2', 'archive', 'other']);
    expect(await ordered('svm.name%20desc,size%20desc')).toEqual(['other', 'archive', 'vol2', 'vol1']);
    expect((await ordered('nas.path'))[0]).toBe('vol2');
  });

  it.each(['', '&order_by=name', '&order_by=size%20desc,name'])(
    'pages are complete and do not overlap%s',
    async (more) => {
      const seen: string[] = [];
      let path: string | undefined = `/storage/volumes?max_records=2&fields=name,size&is_svm_root=false${more}`;
      let pages = 0;
      while (path !== undefined) {
        const { json, headers } = await get(path);
        expect(json.num_records).toBe(json.records.length);
        seen.push(...json.records.map(({ name }: Json) => name));
        const next: string | undefined = json._links?.next.href;
        if (next !== undefined) {
          expect(next).toMatch(/^\/api\/storage\/volumes\?start\.uuid=/);
          expect(next).toContain('max_records=2');
          expect(headers.get('link')).toBe(`<${next}>; rel="next"`);
        }
        path = next?.slice('/api'.length);
        pages++;
      }
      expect(pages).toBe(2);
      expect([...seen].sort()).toEqual(['archive', 'other', 'vol1', 'vol2']);
    },
  );

  it('a page goes on behind a record that has gone meanwhile', async () => {
    const first = (await get('/storage/volumes?max_records=1&is_svm_root=false')).json;
    const all = (await get('/storage/volumes?is_svm_root=false')).json.records.map(({ uuid }: Json) => uuid);
    await scene.ok(scene.source, 'PATCH', `/storage/volumes/${first.records[0].uuid}`, { state: 'offline' });
    await scene.ok(scene.source, 'DELETE', `/storage/volumes/${first.records[0].uuid}`);
    const rest = (await get(`${first._links.next.href.slice(4)}`)).json;
    expect(rest.records[0].uuid).toBe(all[1]);
  });

  it('return_records=false counts, and a count under max_records is partial', async () => {
    expect((await get('/storage/volumes?return_records=false')).json).toEqual({ num_records: 6 });
    const partial = (await get('/storage/volumes?return_records=false&max_records=4')).json;
    expect(partial.num_records).toBe(4);
    expect(partial._links.next.href).toContain('start.uuid=');
  });

  it('max_records is understood on one object too', async () => {
    expect((await get(`/storage/volumes/${scene.volume.uuid}?max_records=10000`)).status).toBe(200);
    expect((await get('/cluster?fields=name&max_records=10000')).json.name).toBe('cluster1');
  });

  it('a collection without a match is an empty one', async () => {
    expect((await get('/storage/volumes?name=nothing')).json).toEqual({ records: [], num_records: 0 });
  });

  it('by switch, a full last page still links to a next one, which is empty', async () => {
    scene = new Scene({ switches: { emptyLastPage: 'when-full' } });
    const { json } = await get('/storage/volumes?max_records=3');
    expect(json.num_records).toBe(3);
    const next = await get(json._links.next.href.slice(4));
    expect(next.json).toEqual({ records: [], num_records: 0 });
  });
});

describe('bodies', () => {
  it('nested objects and dotted keys mean the same, numbers and booleans may be text', async () => {
    const bodies = [
      {
        name: 'b1',
        svm: { name: 'svm1' },
        aggregates: [{ name: 'aggr1' }],
        size: 50 * MIB,
        encryption: { enabled: true },
      },
      {
        name: 'b2',
        'svm.name': 'svm1',
        'aggregates.name': 'aggr1',
        size: String(50 * MIB),
        'encryption.enabled': 'true',
      },
    ];
    for (const body of bodies) await scene.ok(scene.source, 'POST', '/storage/volumes', body);
    for (const name of ['b1', 'b2']) {
      expect(scene.source.volume('svm1', name)).toMatchObject({ sizeBytes: 50 * MIB, encrypted: true });
    }
  });

  it('take the name of an object for a reference to it, and enumerations in upper case', async () => {
    const body = { name: 'b3', svm: 'svm1', type: 'DP', style: 'FlexVol', aggregates: [{ name: 'aggr1' }] };
    await scene.ok(scene.source, 'POST', '/storage/volumes', body);
    expect(scene.source.volume('svm1', 'b3')).toMatchObject({ type: 'dp', style: 'flexvol' });
  });

  it.each([
    [{ nme: 'x' }, '262179', 'nme'],
    [{ space: { colour: 1 } }, '262179', 'space.colour'],
    [{ size: 'large' }, '262197', 'size'],
    [{ encryption: { enabled: 'perhaps' } }, '262197', 'encryption.enabled'],
    [{ space: '10' }, '262197', 'space'],
    [{ svm: { name: 'a' }, 'svm.name': 'b' }, '262188', 'svm.name'],
  ])('%j is refused with %s', async (body, code, target) => {
    const { status, json } = await call(scene.source, 'POST', '/storage/volumes', { body });
    expect(status).toBe(400);
    expect(json.error).toMatchObject({ code, target });
  });
});

describe('changes', () => {
  const offline = { body: { state: 'offline' } };

  it('answer 202 with a job and a Location at once, 200 with the job within return_timeout', async () => {
    const path = `/storage/volumes/${scene.volume.uuid}`;
    const accepted = await call(scene.source, 'PATCH', path, offline);
    expect(accepted.status).toBe(202);
    expect(accepted.headers.get('location')).toBe(`/api${path}`);
    const { job } = accepted.json;
    expect(job._links.self.href).toBe(`/api/cluster/jobs/${job.uuid}`);
    expect(scene.volume.state).toBe('online');
    const waited = await call(scene.source, 'PATCH', `${path}?return_timeout=5`, { body: { state: 'online' } });
    expect(waited.status).toBe(200);
    expect(waited.json.job.uuid).toMatch(/-/);
  });

  it('return_timeout shorter than the job leaves the job running', async () => {
    scene = new Scene({ operationMs: 5000 });
    const path = `/storage/volumes/${scene.volume.uuid}`;
    const { status, json } = await call(scene.source, 'PATCH', `${path}?return_timeout=2`, offline);
    expect(status).toBe(202);
    expect((await get(`/cluster/jobs/${json.job.uuid}`)).json.state).toBe('running');
  });

  it('a job that fails within return_timeout is answered as the error', async () => {
    const path = `/storage/volumes/${scene.source.volume('svm1', 'vol2').uuid}`;
    const { status, json } = await call(scene.source, 'DELETE', `${path}?return_timeout=5`);
    expect(status).toBe(400);
    expect(json.error.code).toBe('917536');
  });

  it('POST with return_records answers 201 with the object', async () => {
    const body = { name: 'made', 'svm.name': 'svm1', aggregates: [{ name: 'aggr2' }] };
    const { status, json, headers } = await call(
      scene.source,
      'POST',
      '/storage/volumes?return_timeout=5&return_records=true',
      { body },
    );
    expect(status).toBe(201);
    expect(json.records[0]).toMatchObject({ name: 'made', aggregates: [{ name: 'aggr2' }], state: 'online' });
    expect(headers.get('location')).toBe('/api/storage/volumes?name=made');
  });

  it('PATCH of a collection changes what the query names, in series, and counts it', async () => {
    const { status, json } = await call(scene.source, 'PATCH', '/storage/volumes?name=vol1', {
      body: { 'nas.path': '/vol1' },
    });
    expect({ status, json }).toEqual({ status: 200, json: { num_records: 1 } });
    expect(scene.volume.junctionPath).toBe('/vol1');
    const none = await call(scene.source, 'PATCH', '/storage/volumes?name=nothing', offline);
    expect({ status: none.status, json: none.json }).toEqual({ status: 200, json: { num_records: 0 } });
  });

  it('a collection change stops at the first failure, unless told to go on', async () => {
    const path = '/storage/volumes?svm.name=svm1';
    const stopped = await call(scene.source, 'DELETE', `${path}&nas.path=!null`);
    expect(stopped.json).toMatchObject({ num_records: 0, error: { code: '917536' } });
    const goneOn = await call(scene.source, 'DELETE', `${path}&continue_on_failure=true`);
    expect(goneOn.json).toMatchObject({ num_records: 2, error: { code: '917536' } });
    expect(await names('svm.name=svm1')).toEqual(['svm1_root', 'vol2']);
  });

  it('validate_only says what would be refused, and changes nothing', async () => {
    const { uuid } = scene.volume;
    const mounted = scene.source.volume('svm1', 'vol2');
    const volumes = '/storage/volumes?validate_only=true';
    const made = { name: 'made', svm: { name: 'svm1' }, aggregates: [{ name: 'aggr1' }] };
    const validate = async (method: string, path: string, body?: unknown) => {
      const { status, json } = await call(scene.source, method, path, body === undefined ? {} : { body });
      return json?.error?.code ?? status;
    };
    expect(await validate('POST', volumes, made)).toBe(201);
    expect(await validate('POST', volumes, { ...made, aggregates: [{ name: 'aggr9' }] })).not.toBe(201);
    expect(await validate('PATCH', `/storage/volumes/${uuid}?validate_only=true`, offline.body)).toBe(200);
    expect(
      await validate('PATCH', `/storage/volumes/${uuid}?return_timeout=9`, { validate_only: true, size: '9GB' }),
    ).toBe('262197');
    expect(await validate('PATCH', `/storage/volumes/${uuid}`, { validate_only: true, 'nas.path': '/vol2' })).toBe(202);
    expect(await validate('DELETE', `/storage/volumes/${uuid}?validate_only=true`)).toBe(200);
    expect(await validate('DELETE', `/storage/volumes/${mounted.uuid}?validate_only=true`)).toBe(202);
    expect(await names('svm.name=svm1')).toEqual(['archive', 'svm1_root', 'vol1', 'vol2']);
    expect(scene.volume).toMatchObject({ state: 'online', junctionPath: undefined });
  });

  it('a volume that is online is taken offline and deleted', async () => {
    await scene.ok(scene.source, 'DELETE', `/storage/volumes/${scene.volume.uuid}`);
    expect(await names('svm.name=svm1')).toEqual(['archive', 'svm1_root', 'vol2']);
  });

  it('a collection change that takes too long links to its own rest', async () => {
    scene = new Scene({ operationMs: 10_000 });
    for (const name of ['a1', 'a2', 'a3']) scene.source.createVolume({ svm: 'svm1', name, sizeBytes: 20 * MIB });
    const first = await call(scene.source, 'PATCH', '/storage/volumes?name=a*&state=online', offline);
    expect(first.json._links.next.href).toBe('/api/storage/volumes?name=a*&state=online');
    expect(first.json.num_records).toBe(2);
  });
});

describe('values beyond their bounds', () => {
  const volume = { name: 'new', 'svm.name': 'svm1', aggregates: [{ name: 'aggr1' }] };
  const ends = { source: { path: 'svm1:vol1' }, destination: { path: 'svm1_dr:vol1' } };
  it.each<[string, object, string]>([
    ['/storage/volumes', { ...volume, size: 1e300 }, 'size'],
    ['/cluster/schedules', { name: 's', cron: { minutes: [99] } }, 'cron.minutes'],
    ['/cluster/schedules', { name: 's', cron: { minutes: [0], hours: [-1] } }, 'cron.hours'],
    ['/cluster/schedules', { name: 's', cron: { minutes: [0], days: [0] } }, 'cron.days'],
    ['/cluster/schedules', { name: 's', cron: { minutes: [0], months: [13] } }, 'cron.months'],
    ['/cluster/schedules', { name: 's', cron: { minutes: [0], weekdays: [7] } }, 'cron.weekdays'],
    ['/snapmirror/policies', { name: 'p', throttle: -5 }, 'throttle'],
    ['/snapmirror/policies', { name: 'p', retention: [{ label: 'l', count: 'NaN' }] }, 'retention.count'],
    ['/snapmirror/policies', { name: 'p', retention: [{ label: 'l', count: '-1' }] }, 'retention.count'],
    ['/storage/snapshot-policies', { name: 'p', copies: [{ schedule: 'daily', count: -1 }] }, 'copies.count'],
    ['/snapmirror/relationships', { ...ends, throttle: -1 }, 'throttle'],
  ])('POST %s %j', async (path, body, target) => {
    scene.destination.createVolume({ svm: 'svm1_dr', name: 'vol1', sizeBytes: 100 * MIB, type: 'dp' });
    const { status, json } = await call(scene.destination, 'POST', path, { body });
    expect({ status, ...json.error }).toMatchObject({ status: 400, code: '262197', target });
  });
});

describe('what is accepted', () => {
  it('application/json leaves links out; anything else brings them', async () => {
    expect((await get(`/storage/volumes/${scene.volume.uuid}`)).json._links).toBeUndefined();
    for (const accept of ['application/hal+json', '*/*', 'text/html']) {
      const { json, headers } = await get('/storage/volumes?name=vol1', { accept });
      expect(headers.get('content-type')).toBe('application/hal+json');
      expect(json._links.self.href).toBe('/api/storage/volumes?name=vol1');
      expect(json.records[0]._links.self.href).toBe(`/api/storage/volumes/${scene.volume.uuid}`);
    }
  });

  it('every field of the documented examples has a name here', async () => {
    for (const path of ['/cluster', '/cluster/nodes', '/cluster/jobs', '/cluster/peers', '/cluster/schedules']) {
      expect((await get(`${path}?fields=**`)).status).toBe(200);
    }
    for (const path of ['/svm/svms', '/svm/peers', '/svm/peer-permissions', '/storage/aggregates']) {
      expect((await get(`${path}?fields=**`)).status).toBe(200);
    }
    for (const path of ['/snapmirror/policies', '/storage/snapshot-policies']) {
      expect((await get(`${path}?fields=**`)).status).toBe(200);
    }
  });
});
