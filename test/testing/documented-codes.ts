/**
 * Every code that NetApp documents, or that others have recorded, for what this library does with ONTAP (rest-facts
 * sections 2.2 and 5; addendum): what it is about, and why the simulated ONTAP never answers with it, if it does not.
 * A code without a reason has a row in REFUSALS, and with it a test that provokes it.
 */
import { type RefusalRow, SWITCHES } from '../../src/testing/index.ts';

interface CodeGroup {
  /** Absent where each code has a row. */
  readonly why?: string;
  readonly codes: Readonly<Record<string, string>>;
}

const GROUPS: readonly CodeGroup[] = [
  // ---- any request
  {
    codes: {
      '1': 'there is one already',
      '2': 'fields that exclude each other',
      '3': 'no such path, or not this method of it',
      '4': 'the object is not there',
      '6': 'the account may not',
      '8': 'in use',
      '262160': 'too many requests',
      '262179': 'unexpected argument',
      '262188': 'given twice',
      '262190': 'no values given',
      '262196': 'cannot be set',
      '262197': 'invalid value',
      '262198': 'body where none belongs',
      '262199': 'broken JSON',
      '262200': 'JSON that is no object',
      '262202': 'secret in the URL',
      '262203': 'cannot be modified',
      '262211': 'filter on a POST',
      '262212': 'required field missing',
      '262224': 'the peer cluster cannot be contacted',
      '262245': 'body and tunnelling header name different SVMs',
      '262268': 'not sortable',
      '262286': 'unbalanced braces',
      '39387137': 'malformed URL',
    },
  },
  {
    why: 'trouble inside a cluster, which no request provokes: the fault `http` answers it on demand',
    codes: {
      '7': 'a limit of the cluster is reached',
      '65541': 'an internal call timed out',
      '65552': 'internal error',
      '65562': 'internal error',
      '262145': 'internal error',
    },
  },
  { why: 'sorting is done in memory and always in time', codes: { '262210': 'order_by takes too long' } },
  {
    why: 'broken JSON is answered with 262199, what is no object with 262200',
    codes: { '262201': 'JSON that cannot be read' },
  },
  {
    why: 'bodies of many `records` at once are not simulated: the field is refused with 262179',
    codes: Object.fromEntries(
      ['262287', '262288', '262289', '262290', '262291', '262292', '262293', '262294'].map((code) => [
        code,
        'bulk records',
      ]),
    ),
  },
  { why: 'paths below /private/cli are not simulated', codes: { '262220': 'fields=* asked of the command line' } },
  {
    why: 'known by number alone: what provokes it on ONTAP is not documented further',
    codes: {
      '262177': 'unsuitable request',
      '262185': 'unsuitable request',
      '262186': 'unsuitable request',
      '262194': 'unsuitable request',
      '262222': 'unsuitable request',
      '262247': 'unsuitable request',
      '262248': 'unsuitable request',
      '262249': 'unsuitable request',
      '262250': 'unsuitable request',
      '262254': 'unsuitable request',
      '262255': 'unsuitable request',
      '262282': 'unsuitable request',
      '263149': 'unsuitable request',
      '6691623': 'the account may not, in answers with 400; the usual code for it is 6',
      '8586226': 'no object of that uuid, in answers with 400; the usual code for it is 4',
      '655446': 'invalid entry; the usual code for it is 262197',
      '13303825': 'policy of a new or changed relationship',
      '13303865': 'policy of a changed relationship',
      '13303895': 'provisioning of a destination',
      '7012380': 'file copy',
    },
  },
  {
    why: 'a code of ZAPI, which REST does not answer with',
    codes: {
      '13001': 'general failure',
      '13003': 'no privilege',
      '13005': 'no such API',
      '15661': 'not found',
      '17105': 'another source',
      '17122': 'relationship exists',
      '17127': 'not quiesced',
      '17130': 'no transfer',
      '17131': 'another operation is active',
      '17137': 'transfer in progress',
    },
  },

  // ---- relationships
  {
    codes: {
      '6619441': 'source and destination are one volume',
      '6619546': 'the destination is not of type dp',
      '6619637': 'the relationship exists',
      '6619699': 'no such schedule, on POST',
      '6619715': 'a modification is in progress',
      '6619720': 'the state is being propagated',
      '6621470': 'unmap_namespace without NVMe',
      '13303808': 'break failed, or impossible',
      '13303809': 'pause failed',
      '13303810': 'resync failed',
      '13303811': 'resume failed',
      '13303812': 'initialise failed, or a transfer is in its way',
      '13303817': 'unknown state',
      '13303818': 'state not possible',
      '13303819': 'no such policy, by name',
      '13303820': 'attributes changed, state not',
      '13303821': 'no such policy, by uuid',
      '13303822': 'release failed',
      '13303823': 'pause timed out',
      '13303829': 'state invalid',
      '13303830': 'state is transient',
      '13303831': 'state invalid for async',
      '13303832': 'initialised already',
      '13303833': 'state not reachable',
      '13303835': 'flag of a break without a break',
      '13303836': 'flag of a resync without a resync',
      '13303837': 'flag without a state',
      '13303844': 'update failed',
      '13303848': 'abort with a sync policy',
      '13303849': 'transfer state invalid',
      '13303852': 'path without a colon',
      '13303866': 'policy not usable here',
      '13303867': 'policy cannot be changed',
      '13303868': 'destination cannot be provisioned',
      '13303873': 'state without create_destination',
      '13303874': 'state not allowed on create',
      '13303875': 'no space for the destination',
      '13303886': 'SVMs not peered for SnapMirror',
      '13303894': 'name of the destination to provision',
      '13304040': 'throttle with a sync policy',
      '13304108': 'no such schedule, on PATCH',
    },
  },
  {
    why: 'its neighbour is answered in the same situation, and nothing tells the two apart: 13303809 for 13303824, 6619720 for 13303816 and 13304159, 13303886 for 13303939',
    codes: {
      '13303816': 'the state cannot be read now',
      '13303824': 'quiesce failed',
      '13303939': 'SVMs not peered',
      '13304159': 'the state cannot be read now',
    },
  },
  {
    why: 'the simulated halves of a relationship know each other: a release that cannot reach the source is 13303822, and once it is released nothing is left that could fail',
    codes: {
      '13303813': 'released, but not deleted',
      '13303814': 'uuid of the source SVM cannot be looked up',
      '13303815': 'peer cluster cannot be looked up',
    },
  },
  {
    why: 'shown in error_info of an aborted transfer and in unhealthy_reason, as on ONTAP: no request is refused with it',
    codes: { '6620046': 'transfer aborted' },
  },
  {
    why: 'relationships of whole SVMs are not simulated: an end without a volume, failover and failback are refused as a limit of the simulator',
    codes: {
      '13303828': 'state not for SVMs',
      '13303856': 'failover of an SVM',
      '13303857': 'failover of an SVM without network',
      '13303859': 'failover of an SVM',
      '13303884': 'failback of an SVM',
      '13304156': 'failback of an SVM',
    },
  },
  {
    why: 'restore relationships are not simulated: `restore` is refused as a limit of the simulator, `files` with 262196',
    codes: {
      '13303845': 'restore failed',
      '13303846': 'empty list of files',
      '13303847': 'files of a transfer',
      '13303851': 'modification of a restore',
      '13303853': 'restore of an SVM',
      '13303854': 'restore',
      '13303855': 'flags on the deletion of a restore',
      '13304112': 'restore',
      '13304134': 'transfer of files',
      '13304160': 'restore: endpoint',
      '13304161': 'restore',
    },
  },
  {
    why: 'relationships with object stores are not simulated: such an end is refused as a limit of the simulator',
    codes: {
      '6621834': 'no object store for the SVM',
      '13303949': 'policy for object stores only',
      '13303969': 'SVM to an object store',
      '13303971': 'consistency group to an object store',
    },
  },
  {
    why: 'consistency groups are not simulated: such an end is refused as a limit of the simulator',
    codes: {
      '6620654': 'name of a consistency group',
      '6621444': 'update of a group failed',
      '6621445': 'update of a group failed',
      '6622077': 'expansion of a group',
      '13303966': 'end is a consistency group',
      '13303977': 'lists of volumes of a group',
      '13303978': 'lists of volumes of a group',
      '13303979': 'lists of volumes of a group',
      '13303980': 'lists of volumes of a group',
      '13304111': 'nested consistency group',
      '13304155': 'name of a consistency group',
      '53411842': 'consistency group not found',
      '53411843': 'consistency group not found',
      '53411844': 'consistency group not found',
      '53411845': 'name and uuid differ',
      '53411852': 'duplicate, on PATCH',
      '53411853': 'consistency group',
      '53411860': 'duplicate, on POST',
      '53411864': 'not enough given',
      '53411865': 'the volume is in another group',
      '53411897': 'name of a consistency group',
      '53411921': 'snapshot of a group exists',
      '262285': 'no removal from a group by PATCH',
    },
  },
  {
    why: 'reversal of a relationship by PATCH is not simulated: it is refused as a limit of the simulator',
    codes: {
      '13304003': 'reversal within a cluster',
      '13304062': 'reversal',
      '13304070': 'reversal',
      '13304086': 'reversal',
      '13304120': 'paths of a reversal do not match',
    },
  },
  {
    why: 'chains of relationships are not checked: what of them ONTAP refuses with this code is not known to us',
    codes: { '6621458': 'a source that is under a synchronous relationship' },
  },

  // ---- volumes, snapshots, files
  {
    codes: {
      '524486': 'volume is busy',
      '524615': 'volume has clones',
      '542797': 'snapshot not found',
      '917526': 'volume name in use',
      '917533': 'volume is offline',
      '917534': 'size too small',
      '917536': 'job of a volume failed',
      '917617': 'snapshot policy on dp',
      '917628': 'not for this type of volume',
      '917812': 'clone of a file: source',
      '917864': 'clone of a file: destination',
      '917898': 'clone of a file: flags',
      '917927': 'no such volume',
      '918235': 'no such volume',
      '918236': 'uuid and name of a volume differ',
      '918265': 'move to the same aggregate',
      '918266': 'move and state at once',
      '918267': 'move without an aggregate',
      '918786': 'state of a move',
      '1260121': 'clone of a LUN across volumes',
      '1260136': 'target of a clone exists',
      '1638515': 'snapshot not given',
      '1638555': 'snapshot is locked',
      '13107406': 'another operation on the volume',
      '13565952': 'clone could not be started',
    },
  },
  {
    why: 'a missing volume has 4, 917927 or 918235 here, by the request',
    codes: { '917506': 'no such volume' },
  },
  {
    why: 'moves of volumes by ONTAP itself are not simulated',
    codes: { '144182225': 'an internal move is under way' },
  },
  { codes: { '1115127': 'licence missing', '6684674': 'no such file' } },
  {
    why: 'ranges, backups and autodelete of clones of files are not simulated',
    codes: { '13565988': 'clone of a range', '13565998': 'autodelete of a clone' },
  },
  {
    codes: {
      '7012352': 'copy of files of several volumes',
      '7012358': 'source of a file copy',
      '7012359': 'destination of a file copy',
      '7012362': 'SVMs not peered yet',
      '7012363': 'not asked as the destination SVM',
      '7012365': 'copy between clusters',
      '7012376': 'copy in a synchronous relationship',
      '7013360': 'peering lacks file_copy',
      '7018866': 'destination is read-only',
      '7018877': 'more than 50 copies and moves',
      '7018919': 'the same job is under way',
      '13107223': 'file copy of a FlexGroup',
    },
  },
  {
    why: 'what of a file copy provokes it is not known to us, or does not exist here (conversions, secure purge, homes of clusters)',
    codes: {
      '7012353': 'too many files',
      '7012354': 'files do not pair',
      '7012357': 'file copy',
      '7012366': 'file copy',
      '7012367': 'file copy',
      '7012368': 'file copy',
      '7012371': 'file copy',
      '7012377': 'a conversion is under way',
      '7013361': 'not within a cluster; 7012365 is answered',
      '196608143': 'secure purge',
    },
  },

  // ---- LUNs
  {
    codes: {
      '5374242': 'LUN exists',
      '5374875': 'source of a clone',
      '5374883': 'source of a copy',
      '5374889': 'state of a movement',
      '5374904': 'destination is offline',
      '5375054': 'no such LUN',
      '26345672': 'copy: peer',
      '26345673': 'copy: peer',
      '26345674': 'copy: peer',
    },
  },
  {
    why: 'its neighbour is answered in the same situation, and nothing tells them apart',
    codes: {
      '1254196': 'LUN exists; 5374242 is answered',
      '5440688': 'exists; 5374242 is answered',
      '5374876': 'source of a clone',
      '5374884': 'source of a copy',
      '5374942': 'source of a copy',
      '5374943': 'source of a copy',
      '26345675': 'copy: peer',
    },
  },
  {
    why: 'a LUN is made whole or not at all here',
    codes: {
      '5374863': 'partly done',
      '5374864': 'partly done',
      '5374886': 'partly done',
      '5702832': 'one of that name is being made',
    },
  },
  { why: 'maps of LUNs are not simulated', codes: { '5374922': 'map of a LUN' } },

  // ---- SVMs and peers
  {
    codes: {
      '9895996': 'lun_copy between clusters',
      '9896086': 'name of the peer is taken',
      '26345575': 'cluster is no peer',
      '26345576': 'state of a peering',
      '26345577': 'peering is in use',
    },
  },
  {
    why: 'its neighbour is answered in the same situation, and nothing tells them apart',
    codes: {
      '9895956': 'SVM peer',
      '9896088': 'name of the peer is taken',
      '26345578': 'SVM peer',
      '26345579': 'SVM peer',
      '26345580': 'SVM peer',
    },
  },
  {
    why: 'SVMs are neither made nor migrated by request here',
    codes: {
      '13172746': 'migration of an SVM',
      '13172783': 'migration of an SVM',
      '13172940': 'migration of an SVM: NFSv4.0',
      '13172984': 'migration of an SVM: not all flash',
      '13173737': 'migration of an SVM: asked of the source',
      '13434908': 'name of an SVM in use',
      '13434920': 'no such SVM',
    },
  },
];

/** What a code is about, and why it does not occur here when it does not. */
export interface DocumentedCode {
  readonly code: string;
  readonly about: string;
  readonly why: string | undefined;
}

/** In the order of numbers. */
export const DOCUMENTED_CODES: readonly DocumentedCode[] = GROUPS.flatMap(({ why, codes }) =>
  Object.entries(codes).map(([code, about]) => ({ code, about, why })),
).sort((a, b) => Number(a.code) - Number(b.code));

/** The codes that a refusal may be answered with: one, or those of the switch that decides it. */
export function codesOf({ code, switch: name }: RefusalRow): readonly string[] {
  if (!code.startsWith('{')) return [code];
  const decided = name === undefined ? undefined : SWITCHES[name];
  return decided !== undefined && 'values' in decided ? decided.values : [];
}
