/** Edge: what a compute thread runs. It answers in the order of the requests, and ends with its pool. */
import { decodeGroup, encodeObject } from '../../core/cloud/format/object.ts';
import { operationsOver } from '../operations.ts';
import { serveThePool } from '../worker-service.ts';

serveThePool(operationsOver({ encodeObject, decodeGroup }));
