import { describe, expect, it } from 'vitest';
import { ObjectStoreError } from '../../../src/errors.ts';
import { parseS3Url } from '../../../src/object-store/s3/index.ts';
import { storeOn } from './opened.ts';
import { S3StandIn } from './stand-in.ts';

describe('an s3:// URL', () => {
  it('names a bucket of AWS and a prefix, with nothing else said', () => {
    expect(parseS3Url('s3://backups/east/volumes/')).toEqual({
      bucket: 'backups',
      prefix: 'east/volumes',
      endpoint: undefined,
      region: undefined,
      pathStyle: false,
      storageClasses: {},
      conditionalPut: undefined,
      checksumHeaders: true,
    });
    expect(parseS3Url('s3://backups').prefix).toBe('');
    expect(parseS3Url('s3://backups/a%20b/%C3%A9').prefix).toBe('a b/é');
  });

  it('names another server, how to ask it, and where which objects are to lie', () => {
    const url =
      's3://b1/p?endpoint=https://s3.example.com:9000&region=eu-1&pathStyle=no&conditionalPut=no&checksumHeaders=no' +
      '&storageClass=STANDARD&storageClass.objects=STANDARD_IA';
    expect(parseS3Url(url)).toMatchObject({
      endpoint: 'https://s3.example.com:9000',
      region: 'eu-1',
      pathStyle: false,
      conditionalPut: false,
      checksumHeaders: false,
      storageClasses: { '*': 'STANDARD', objects: 'STANDARD_IA' },
    });
    expect(parseS3Url('s3://b1?endpoint=http://127.0.0.1:9000').pathStyle).toBe(true);
  });

  it('is refused with what is wrong, and without the secrets in it', () => {
    for (const [url, why] of [
      ['s3://', 'bucket'],
      ['s3://-b', 'bucket'],
      ['s3://bb:99/x', 'form'],
      ['s3://key:hunter2@bb/x', 'credentials'],
      ['s3://:hunter2@bb/x', 'credentials'],
      ['s3://bb/x#y', 'fragment'],
      ['s3://bb/x//y', 'prefix'],
      ['s3://bb/x/%00', 'prefix'],
      ['s3://bb?secret=hunter2', 'parameter'],
      ['s3://bb?region=', 'empty'],
      ['s3://bb?region=a&region=b', 'twice'],
      ['s3://bb?endpoint=ftp://x', 'endpoint'],
      ['s3://bb?endpoint=http://u:hunter2@x', 'endpoint'],
      ['s3://bb?endpoint=http://:hunter2@x', 'endpoint'],
      ['s3://bb?endpoint=http://hunter2@x', 'endpoint'],
      ['s3://bb?endpoint=http%3A%2F%2Fu%3Ahunter2%40x', 'endpoint'],
      ['s3://bb?region=a&region=b&endpoint=http://:hunter2@x', 'twice'],
      ['s3://bb?endpoint=http://x%23hunter2', 'endpoint'],
      ['s3://bb?pathStyle=maybe', 'yes nor no'],
      ['s3://bb?storageClass.objects=DEEP_ARCHIVE', 'at once'],
      ['s3://bb?storageClass.other=STANDARD', 'parameter'],
    ] as const) {
      let error: unknown;
      try {
        parseS3Url(url);
      } catch (thrown) {
        error = thrown;
      }
      expect(error, url).toBeInstanceOf(ObjectStoreError);
      expect(error, url).toMatchObject({ code: 'OBJECT_STORE_UNSUPPORTED', message: expect.stringContaining(why) });
      expect(JSON.stringify(error), url).not.toContain('hunter2');
    }
  });

  it('is what the place of a store reads like', () => {
    const { place } = storeOn(new S3StandIn(), { prefix: 'a b/c' });
    expect(place).toBe('s3://bucket/a%20b/c?endpoint=http://s3.test:9000');
    expect(parseS3Url(place)).toMatchObject({ bucket: 'bucket', prefix: 'a b/c', endpoint: 'http://s3.test:9000' });
  });
});
