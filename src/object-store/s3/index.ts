/** Objects in buckets of S3 and of servers that speak it: `ontap-data-motion/object-store/s3`. Needs `@aws-sdk/client-s3`. */
export { type OpenS3Options, openS3ObjectStore, openS3Url, type S3UrlOptions } from './open.ts';
export { S3ObjectStore, type S3ObjectStoreOptions } from './s3-object-store.ts';
export type { S3ConnectionOptions } from './s3-requests.ts';
export { parseS3Url, type S3Location } from './s3-url.ts';
