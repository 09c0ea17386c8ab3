/** The contract of object stores against the real server: a bucket, a prefix of one, and a bucket that keeps versions. */
import assert from 'node:assert/strict';
import { openS3ObjectStore, openS3Url } from '../../src/object-store/s3/index.ts';
import { missingNeeds, objectStoreContract } from '../../src/testing/object-store-contract.ts';
import { contentOf, createBucket } from './buckets.ts';
import { CREDENTIALS } from './gateway.ts';
import type { Verdicts } from './verdicts.ts';

const MIB = 1024 * 1024;

export async function contractCases(endpoint: string, verdicts: Verdicts): Promise<void> {
  for (const subject of SUBJECTS) {
    const { bucket, versioned = false } = subject;
    await createBucket(endpoint, bucket, { versioned });
    const open = () => openS3ObjectStore({ ...subject, endpoint, credentials: CREDENTIALS, ...SMALL_PARTS });
    const store = await open();
    // This release of Ceph ignores If-None-Match in a bucket that keeps versions. The probe has to notice.
    await verdicts.judge(`${bucket}: conditional puts are ${versioned ? 'known to be ignored' : 'found'}`, async () => {
      assert.equal(store.capabilities.conditionalPut, !versioned);
    });
    for (const [number, contractCase] of objectStoreContract.entries()) {
      if (missingNeeds(contractCase, store.capabilities) !== undefined) continue;
      await verdicts.judge(`${bucket}: ${contractCase.name}`, () =>
        contractCase.run({ store, prefix: `case-${number}/`, reopen: open }),
      );
    }
    await verdicts.judge(`${bucket}: nothing is left when all is deleted and swept`, async () => {
      const keys: string[] = [];
      for await (const { key } of store.list('')) keys.push(key);
      await store.deleteMany(keys);
      await store.sweep({ olderThanMs: -60_000 });
      // The probe of a server that keeps the condition stays, for the next one to find.
      assert.deepEqual(await contentOf(endpoint, bucket), { versions: versioned ? 0 : 1, markers: 0, uploads: 0 });
    });
    store.close();
  }
  await verdicts.judge('credentials that are wrong are refused as such, and are not in the error', async () => {
    const credentials = { accessKeyId: 'test', secretAccessKey: 'not-the-secret' };
    await assert.rejects(
      openS3ObjectStore({ bucket: 'plain', endpoint, credentials }),
      (error: Error & { code?: string }) => {
        assert.equal(error.code, 'OBJECT_STORE_DENIED');
        assert.doesNotMatch(JSON.stringify(error), /not-the-secret|Signature=/);
        return true;
      },
    );
  });
  await verdicts.judge('a bucket that is not there is refused as such', async () => {
    await assert.rejects(openS3Url(`s3://not-there?endpoint=${endpoint}`, { credentials: CREDENTIALS }), /Bucket/);
  });
}

const SUBJECTS: readonly { readonly bucket: string; readonly prefix?: string; readonly versioned?: boolean }[] = [
  { bucket: 'plain' },
  { bucket: 'prefixed', prefix: 'some/prefix of ours' },
  { bucket: 'versioned', versioned: true },
];

/** The 8 MiB bodies of the contract go in parts. */
const SMALL_PARTS = { multipartFromBytes: 5 * MIB, partBytes: 5 * MIB };
