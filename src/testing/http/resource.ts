/** What the HTTP layer needs to know of a resource; the rules of ONTAP's objects are behind these methods. */
import type { ClusterState, JobOrder, User } from '../cluster-state.ts';
import type { Job } from '../jobs.ts';
import type { SnapMirror } from '../snapmirror/snapmirror.ts';
import type { Svm } from '../svm.ts';
import type { Body } from './body.ts';
import type { FieldRules } from './fields.ts';
import type { JsonTree } from './json-tree.ts';
import type { Arguments } from './query.ts';

/** One request, understood as far as the conventions go. */
export interface RequestContext extends JobOrder {
  readonly cluster: ClusterState;
  readonly snapmirror: SnapMirror;
  readonly user: User;
  /** The SVM in whose name the request acts: the user's own, or the one tunnelled to. */
  readonly svm: Svm | undefined;
  readonly tunnelled: boolean;
  /** Bytes that came as multipart/form-data. */
  readonly upload: Uint8Array | undefined;
  readonly arguments: Arguments;
  /** Values of `{...}` in the resource's path. */
  readonly path: Readonly<Record<string, string>>;
  /** Reads show the world as it was this many milliseconds ago. */
  readonly staleMs: number;
}

/** A change is done, or a job carries it on. `location` names the object below /api. */
export type Outcome<R> =
  | {
      readonly done: true;
      readonly record?: R;
      readonly location?: string;
      /** What is answered this once and never again: a secret that was made up. */
      readonly once?: JsonTree;
    }
  | { readonly done: false; readonly job: Job; readonly record?: () => R | undefined; readonly location?: string };

export interface Resource<R> extends FieldRules {
  /** Below /api: `/storage/volumes/{volume.uuid}/snapshots`. */
  readonly path: string;
  /** How many parts of an instance's path are its key, joined by slashes; default 1. */
  readonly keyParts?: number;
  /** The collection is one object, as /cluster. */
  readonly single?: true;
  /** Something to be done, not something that is: it cannot be read. */
  readonly postOnly?: true;
  /** Refused to users of an SVM and to tunnelled requests. */
  readonly clusterOnly?: (context: RequestContext) => boolean;
  /** Arguments of its own, beside fields and the common ones, by method. */
  readonly arguments?: Partial<Record<'GET' | 'POST' | 'PATCH' | 'DELETE', readonly string[]>>;
  readonly postable?: readonly string[];
  readonly patchable?: readonly string[];
  readonly valuesLeftToResource?: readonly string[];

  /** Everything that the request may see, in the order of keys. */
  records(context: RequestContext): readonly R[];
  /** By the last part of an instance's path; the default looks through `records`. */
  find?(context: RequestContext, key: string): R | undefined;
  /** The path of the collection names an object too, which PATCH and DELETE change: GET lists what is in it. */
  itself?(context: RequestContext): R;
  /** What a GET answers that accepts multipart/form-data; and POST and PATCH may carry bytes. */
  bytes?(context: RequestContext): Uint8Array;
  /** Below /api, where it is not the collection's path and the key. */
  href?(record: R, context: RequestContext): string;
  key(record: R): string;
  view(record: R, context: RequestContext): JsonTree;
  /**
   * What `view` has for a field, where that is known without making the view; undefined where it is not. Filters and orders
   * over thousands of records are fast by it.
   */
  quick?(record: R, field: string, context: RequestContext): readonly unknown[] | undefined;
  /** The time that a GET takes beside the usual, by the world's clock. */
  hangMs?(context: RequestContext): number;

  post?(context: RequestContext, body: Body): Outcome<R>;
  patch?(context: RequestContext, record: R, body: Body): Outcome<R>;
  remove?(context: RequestContext, record: R): Outcome<R>;
}
