/** What Ansible's modules do to two clusters: volumes, peers and policies, and the life of a mirror with its bytes. */
import { AnsibleRunner } from './ansible.ts';
import type { UnpackedPackages } from './debian-packages.ts';
import { MIB, mirrorsOf, openScene, pattern, volumesOf } from './scene.ts';
import type { Verdicts } from './verdicts.ts';

/** Returns the modules that were run, and how often. */
export async function tellAnsibleStory(
  packages: UnpackedPackages,
  verdicts: Verdicts,
): Promise<ReadonlyMap<string, number>> {
  const scene = await openScene();
  try {
    const { source, destination } = scene;
    const runner = new AnsibleRunner(packages, scene, verdicts);
    const first = source.createVolume({ svm: 'svm1', name: 'vol1', sizeBytes: 100 * MIB });
    const second = source.createVolume({ svm: 'svm1', name: 'vol2', sizeBytes: 100 * MIB });
    destination.createVolume({ svm: 'svm1_dr', name: 'plain', sizeBytes: 100 * MIB });
    first.write('/data/one', 0, pattern(100_000, 1));
    second.write('/data/two', 0, pattern(50_000, 2));
    const mirror = () => destination.volume('svm1_dr', 'vol1');
    const follows = (what: string) => verdicts.equal(what, mirror().digest(), first.digest());

    await runner.play('volumes');
    const { type, style, state, junctionPath, sizeBytes } = source.volume('svm1', 'ansible2');
    verdicts.equal(
      'the volume is as the last task left it',
      { type, style, state, junctionPath, sizeBytes },
      { type: 'rw', style: 'flexvol', state: 'online', junctionPath: undefined, sizeBytes: 200 * MIB },
    );
    verdicts.equal('it has the snapshot', source.volume('svm1', 'ansible2').snapshots(), ['before-delete']);
    verdicts.equal('the group is one', source.volume('svm1', 'ansiblegroup').style, 'flexgroup');
    verdicts.check('the deleted volume is gone', !(await volumesOf(source)).includes('ansible3'));

    await runner.play('peers');

    await runner.play('mirror-create');
    follows('the mirror holds what the source holds');
    verdicts.equal('and so does the second', destination.volume('svm1_dr', 'vol2').digest(), second.digest());
    verdicts.equal('the destination cannot be written', mirror().type, 'dp');
    verdicts.equal('it is mounted', mirror().junctionPath, '/vol1');

    first.write('/data/one', 50_000, pattern(70_000, 3));
    first.write('/data/later', 0, pattern(10_000, 4));
    const before = mirror().digest();
    verdicts.check('what is written to the source does not show before an update', before !== first.digest());
    await runner.play('mirror-update');
    follows('an update brings it');

    const gathered = await runner.play('raw');
    const info = gathered.get('everything about data motion is gathered')?.ontap_info ?? {};
    verdicts.equal('twelve subsets are gathered', Object.keys(info).length, 12);
    verdicts.equal(
      'among them both mirrors',
      (info.snapmirror_relationships?.records ?? []).map((record: Relationship) => record.destination.path).sort(),
      ['svm1_dr:vol1', 'svm1_dr:vol2'],
    );
    const paged = gathered.get('one page a record gives the same volumes')?.ontap_info?.storage_volumes;
    verdicts.equal('pages of one record are put together', paged?.records?.length, 2);
    const linked = gathered.get('the relationships are read with links')?.response;
    verdicts.check('records have links when asked for', linked?.records?.[0]?._links?.self?.href !== undefined);

    const promised = first.digest();
    await runner.play('mirror-break');
    verdicts.equal('what the mirror held when it broke is what it holds', mirror().digest(), promised);
    mirror().write('/data/written-there', 0, pattern(5_000, 5));
    verdicts.check('it can be written', mirror().digest() !== promised);

    first.write('/data/later', 0, pattern(20_000, 6));
    await runner.play('mirror-resync');
    follows('after a resync it holds what the source holds, and nothing else');
    verdicts.equal('and cannot be written again', mirror().type, 'dp');

    await runner.play('mirror-delete');
    const paths = await mirrorsOf(destination);
    verdicts.equal('one mirror is left', paths, ['svm1_dr:vol2']);
    verdicts.equal('its volume can be written', mirror().type, 'rw');
    follows('and still holds what the source holds');
    verdicts.equal('the source knows of one mirror', await mirrorsOf(source, 'list_destinations_only=true'), [
      'svm1_dr:vol2',
    ]);
    return runner.modules;
  } finally {
    await scene.close();
  }
}

interface Relationship {
  readonly destination: { readonly path: string };
}
