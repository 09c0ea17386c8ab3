/** Buckets of the tests, and what lies in them as the server itself tells. */
import {
  CreateBucketCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { CREDENTIALS } from './gateway.ts';

export async function createBucket(endpoint: string, bucket: string, { versioned = false } = {}): Promise<void> {
  await asOperator(endpoint, async (client) => {
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
    if (!versioned) return;
    const VersioningConfiguration = { Status: 'Enabled' } as const;
    await client.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration }));
  });
}

/** Versions, markers and uploads under way of a bucket that has at most 1,000 of them. */
export function contentOf(
  endpoint: string,
  bucket: string,
): Promise<{ readonly versions: number; readonly markers: number; readonly uploads: number }> {
  return asOperator(endpoint, async (client) => {
    const { Versions = [], DeleteMarkers = [] } = await client.send(new ListObjectVersionsCommand({ Bucket: bucket }));
    const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
    return { versions: Versions.length, markers: DeleteMarkers.length, uploads: Uploads.length };
  });
}

async function asOperator<T>(endpoint: string, act: (client: S3Client) => Promise<T>): Promise<T> {
  const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials: CREDENTIALS });
  try {
    return await act(client);
  } finally {
    client.destroy();
  }
}
