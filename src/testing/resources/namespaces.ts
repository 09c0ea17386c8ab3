/** /storage/namespaces: NVMe namespaces made, cloned and renamed within their volume. */
import type { RequestContext, Resource } from '../http/resource.ts';
import { schema } from '../http/schema.ts';
import { Refusal } from '../refusals.ts';
import type { StorageUnit } from '../storage-unit.ts';
import { unitAt, unitsOf } from '../storage-unit.ts';
import { NAMESPACE } from './storage-unit-fields.ts';
import {
  bySvm,
  cloneUnit,
  findUnit,
  makeUnit,
  namedPlace,
  removeUnit,
  renameUnit,
  resizeUnit,
  sizeFromBody,
  svmOfUnit,
  unitView,
} from './storage-units.ts';

export const namespaceResource: Resource<StorageUnit> = {
  path: '/storage/namespaces',
  schema: schema(NAMESPACE),
  keys: ['uuid', 'name'],
  arguments: { DELETE: ['allow_delete_while_mapped'] },
  patchable: ['name', 'comment', 'space', 'location'],
  records: (context) => bySvm(context, unitsOf(context.cluster, 'namespace')),
  find: (context, key) => findUnit(context, 'namespace', key),
  key: ({ uuid }) => uuid,
  view: (unit, context: RequestContext) => ({
    ...unitView(unit, context),
    enabled: unit.enabled,
    location: { namespace: unit.path.slice(1), volume: { name: unit.volume.name, uuid: unit.volume.uuid } },
    ...(unit.comment === undefined ? {} : { comment: unit.comment }),
  }),

  post(context, body) {
    const { cluster } = context;
    const svm = svmOfUnit(context, body);
    const place = namedPlace(cluster, svm, body, 'namespace');
    if (unitAt(cluster, place.volume, place.path)) throw new Refusal('lunExists', { name: place.name, svm: svm.name });
    const source = body.text('clone.source.name') ?? body.text('clone.source.uuid');
    if (source !== undefined) {
      const clone = cloneUnit(context, { kind: 'namespace', svm, source, place });
      return { done: true, record: clone, location: `/storage/namespaces/${clone.uuid}` };
    }
    body.require('os_type');
    const unit = makeUnit(cluster, {
      kind: 'namespace',
      ...place,
      osType: body.text('os_type') ?? '',
      sizeBytes: sizeFromBody(body),
      comment: body.text('comment'),
    });
    return { done: true, record: unit, location: `/storage/namespaces/${unit.uuid}` };
  },

  patch({ cluster }, unit, body) {
    if (body.has('space.size')) resizeUnit(unit, body);
    if (body.has('comment')) unit.comment = body.text('comment');
    if (body.has('name')) {
      const place = namedPlace(cluster, unit.volume.svm, body, 'namespace');
      if (place.volume !== unit.volume)
        throw new Refusal('cloneAcrossVolumes', { source: unit.name, destination: place.name });
      if (place.path === unit.path) return { done: true };
      if (unitAt(cluster, place.volume, place.path)) {
        throw new Refusal('lunExists', { name: place.name, svm: unit.volume.svm.name });
      }
      renameUnit(unit, place.path);
    }
    return { done: true };
  },

  remove({ cluster }, unit) {
    removeUnit(cluster, unit);
    return { done: true };
  },
};
