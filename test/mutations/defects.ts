/** The defects of the original (rest-facts section 7) that the verbs on mirrors could repeat, put in again one at a time. */
import { byTest, type Mutation } from './mutation.ts';

const VERBS = 'src/run/mirror/verbs.ts';
const REACH = 'src/run/mirror/reach.ts';
const RELEASE = 'src/run/mirror/release.ts';
const SVM = 'src/ontap/rest-ontap-svm.ts';
const RECORDS = 'src/ontap/records.ts';
const PEER = 'src/run/svm-peer.ts';

const defects = (name: string) => byTest('test/data-motion/defects.test.ts', name);
const ofMany = (name: string) => byTest('test/data-motion/defects-of-many.test.ts', name);
const peering = byTest('test/data-motion/svm-peer.test.ts', 'defect 14:');
const geometry = byTest('test/data-motion/geometry.test.ts', 'defect 27:');

export const DEFECTS: readonly Mutation[] = [
  {
    name: 'defect 1: days of a lag are not read',
    file: RECORDS,
    find: '(?:(\\d+)D)?(?:T',
    replace: '(?:(\\d+)X)?(?:T',
    ...defects('defect 1:'),
  },
  {
    name: 'defect 2: break insists on a successful last transfer',
    file: VERBS,
    find: "  const outcome = allowed(context, { event: 'break', attempted }, before);\n",
    replace:
      "  const outcome = allowed(context, { event: 'break', attempted }, before);\n" +
      "  if (before?.transfer?.state !== 'success') throw new MirrorError('MIRROR_TIMEOUT', 'not yet');\n",
    ...defects('defect 2:'),
  },
  {
    name: 'defect 3: the abort after a quiesce never comes',
    file: VERBS,
    find: '    if (!isDrainTimeout(error)) throw error;\n',
    replace: '    throw error;\n',
    ...defects('defect 3:'),
  },
  {
    name: 'defect 4: create resyncs what somebody broke off',
    file: VERBS,
    find: '    if (options.repair !== false) return repair(context, relationship, options.repair, options.waitForBaseline);\n',
    replace: '    return repair(context, relationship, true, options.waitForBaseline);\n',
    ...defects('defect 4:'),
  },
  {
    name: 'defect 10: encryption goes by a name that ONTAP does not know',
    file: SVM,
    find: '...(encrypted === true ? { encryption: { enabled: true } } : {}),',
    replace: "...(encrypted === true ? { encrypt: 'true' } : {}),",
    ...defects('defect 10:'),
  },
  {
    name: 'defect 14: a peering without its peer cluster',
    file: SVM,
    find: 'peer: { svm: { name: peerSvm }, ...(peerCluster === undefined ? {} : { cluster: { name: peerCluster } }) },',
    replace: 'peer: { svm: { name: peerSvm } },',
    ...peering,
  },
  {
    name: 'defect 14: a peering that is not accepted',
    file: PEER,
    find: "    if (half?.state !== 'pending') continue;\n",
    replace: '    continue;\n',
    ...peering,
  },
  {
    name: 'defect 14: a peering that is not waited for',
    file: PEER,
    find: "half?.state === 'peered' && lacking(half, applications).length === 0",
    replace: 'half !== undefined',
    ...peering,
  },
  {
    name: 'defect 15: an absent lag ends the listing',
    file: RECORDS,
    find: "record.lag_time === undefined || record.state === 'uninitialized' ? undefined : parseDuration(record.lag_time)",
    replace: "parseDuration(record.lag_time ?? '')",
    ...ofMany('defect 15:'),
  },
  {
    name: 'defect 16: health does not count',
    file: 'src/core/mirror/protection.ts',
    find: "      return facts.healthy === false ? 'unhealthy' : 'protected';\n",
    replace: "      return 'protected';\n",
    ...ofMany('defect 16:'),
  },
  {
    name: 'defect 17: a break of every target',
    file: 'src/data-motion.ts',
    find: 'const targets = selection.target === undefined ? await this.getReplicationBackendNames(source) : [selection.target];',
    replace: 'const targets = await this.getReplicationBackendNames(source);',
    ...ofMany('defect 17:'),
  },
  {
    name: 'defect 18: a relationship that is gone is an error',
    file: REACH,
    find: '        if (looked !== undefined && goal.reached(looked.seen)) return { relationship: looked.seen, actions };\n',
    replace: '',
    ...defects('defect 18:'),
  },
  {
    name: 'defect 18: a half of the source that is gone is an error',
    file: RELEASE,
    find: "const already = error instanceof OntapError && error.code === 'ONTAP_NOT_FOUND';",
    replace: 'const already = false;',
    ...defects('defect 18:'),
  },
  {
    name: 'defect 19: nothing left to abort is an error',
    file: REACH,
    find: "const gone = error instanceof OntapError && (error.code === 'ONTAP_NOT_FOUND' || error.ontapCode === '13303849');",
    replace: 'const gone = false;',
    ...defects('nor when the transfer does that was to be aborted first'),
  },
  {
    name: 'defect 19: a queued transfer is not aborted',
    file: REACH,
    find: 'new Set([...running, transfer].map(',
    replace: 'new Set([...running].map(',
    ...defects('defect 19:'),
  },
  {
    name: 'defect 19: a timeout of nothing is no timeout',
    file: VERBS,
    find: 'const timeoutMs = options.quiesceTimeoutMs ?? timing.quiesceTimeoutMs;',
    replace: 'const timeoutMs = options.quiesceTimeoutMs || timing.quiesceTimeoutMs;',
    ...defects('defect 19:'),
  },
  {
    name: 'defect 20: the aggregate map is taken out of the configuration',
    file: 'src/core/replication/targets.ts',
    find: '  return targetOf(configuration, source, target).aggregateMap;\n',
    replace:
      '  const map = targetOf(configuration, source, target).aggregateMap as Record<string, string>;\n' +
      '  const taken = { ...map };\n  for (const name of Object.keys(map)) delete map[name];\n  return taken;\n',
    ...defects('defect 20:'),
  },
  {
    name: 'defect 21: one failure ends it for all',
    file: 'src/run/mirror/many.ts',
    find: '      const known = error instanceof DataMotionError;\n',
    replace: '      throw error;\n      const known = error instanceof DataMotionError;\n',
    ...byTest('test/scenarios/whole-backend.test.ts', 'defect 21:'),
  },
  {
    name: 'defect 22: the schedule is dropped',
    file: SVM,
    find: '...(transferSchedule === undefined ? {} : { transfer_schedule: { name: transferSchedule } }),',
    replace: '',
    ...defects('defect 22:'),
  },
  {
    name: 'defect 23: a synchronous mirror is never initialised',
    file: VERBS,
    find: '  const baseline = (now: Relationship | undefined) => now !== undefined && isMirrored(now);\n',
    replace:
      "  if (policyKindOf(relationship) === 'sync') return { pair, actions, relationship };\n" +
      '  const baseline = (now: Relationship | undefined) => now !== undefined && isMirrored(now);\n',
    ...ofMany('defect 23:'),
  },
  {
    name: 'defect 27: nobody looks at the job of the baseline',
    file: REACH,
    find: '        const record = await context.destination.job(job, { signal });\n',
    replace: "        const record = { state: 'success', error: undefined } as const;\n",
    ...geometry,
  },
  {
    name: 'defect 27: a changed geometry is not known for what it is',
    file: REACH,
    find: "    said.includes('Geometry of the destination') &&\n",
    replace: "    said.includes('ZAPI') &&\n",
    ...geometry,
  },
  {
    name: 'defect 28: the create job is not looked at',
    file: 'src/run/mirror/destination-flexvol.ts',
    find: '    await destination.finish(change, {\n',
    replace: '    if (change === undefined) await destination.finish(change, {\n',
    ...defects('defect 28:'),
  },
  {
    name: 'defect 29: the source is asked for mirrors that end there',
    file: SVM,
    find: 'list_destinations_only: true, ',
    replace: '',
    ...byTest('test/data-motion/readiness.test.ts', 'defect 29:'),
  },
  {
    name: 'defect 30: names are joined by commas',
    file: 'src/netapp-ontap-rest-client/query.ts',
    find: "values.map(operand).join('|')",
    replace: "values.map(operand).join(',')",
    ...ofMany('defect 30:'),
  },
  {
    name: 'defect 33: what was asked for is reported as done',
    file: REACH,
    find: '      if (goal.reached(now)) return { relationship: now, actions };\n',
    replace: '      if (acted || goal.reached(now)) return { relationship: now, actions };\n',
    ...ofMany('defect 33:'),
  },
  {
    name: 'defect 35: a failed job without an error object is a crash',
    file: 'src/netapp-ontap-rest-client/failures.ts',
    find: "const code = job.error?.code ?? (job.code === '0' ? undefined : job.code);",
    replace: 'const { code } = job.error as { code?: string };',
    ...defects('defect 35:'),
  },
  {
    name: 'defect 36: paths are split on the colon',
    file: 'src/ontap/mirror-path.ts',
    find: "  if (rest.startsWith('/') || rest.includes(':')) return { kind: 'other', path };\n",
    replace: '',
    ...byTest('test/ontap/mirror-path.test.ts', 'defect 36:'),
  },
  {
    name: 'defect 36: a source without an SVM ends the listing',
    file: RECORDS,
    find: "    svm: end?.svm?.name ?? ('svm' in parsed ? parsed.svm : undefined),\n",
    replace: "    svm: needed(end?.svm?.name, 'svm.name', record),\n",
    ...byTest('test/data-motion/mirrors.test.ts', 'defect 36:'),
  },
  {
    name: 'defect 36: a record without its health ends the listing',
    file: RECORDS,
    find: '    healthy: record.healthy,\n',
    replace: "    healthy: needed(record.healthy, 'healthy', record),\n",
    ...byTest('test/data-motion/mirrors.test.ts', 'defect 36:'),
  },
  {
    name: 'defect 37: the HTTP status is not looked at',
    file: 'src/netapp-ontap-rest-client/connection.ts',
    find: '      if (!response.ok) {\n',
    replace: '      if (response.type === undefined) {\n',
    ...defects('defect 37:'),
  },
  {
    name: 'defect 37: values are not encoded',
    file: 'src/netapp-ontap-rest-client/query.ts',
    find: '    return encodeURIComponent(literal(value));\n',
    replace: '    return literal(value);\n',
    ...defects('defect 37:'),
  },
  {
    name: 'defect 37: a session of its own for every backend',
    file: 'src/index.ts',
    find: 'const key = JSON.stringify([scheme, host, port, credentials, tls]);',
    replace: 'const key = JSON.stringify([scheme, host, port, credentials, tls, backend.name]);',
    ...defects('one connection pool serves a cluster'),
  },
  {
    name: 'defect 44: what a release fails with is swallowed',
    file: RELEASE,
    find: '      if (!already) throw error;\n',
    replace: '',
    ...ofMany('defect 44:'),
  },
];
