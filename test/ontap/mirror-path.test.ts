import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseMirrorPath, volumePath } from '../../src/ontap/mirror-path.ts';

describe('SnapMirror paths', () => {
  it('defect 36: only svm:volume names a volume; every other form is told apart instead of split on the colon', () => {
    expect(parseMirrorPath('vs1:vol1')).toEqual({ kind: 'volume', svm: 'vs1', volume: 'vol1' });
    expect(parseMirrorPath('vs1:')).toEqual({ kind: 'svm', svm: 'vs1' });
    expect(parseMirrorPath('vs1:/cg/parent/child')).toEqual({
      kind: 'consistency-group',
      svm: 'vs1',
      group: 'parent/child',
    });
    for (const path of ['vs1:/bucket/b', 'store:/objstore/vol_dst', 'store:/objstore', 'a:b:c', ':x', 'plain', '']) {
      expect(parseMirrorPath(path)).toEqual({ kind: 'other', path });
    }
  });

  it('any text is read without an error, and a volume path reads back as it was written', () => {
    const name = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_.-]{0,20}$/);
    fc.assert(
      fc.property(name, name, (svm, volume) => {
        expect(parseMirrorPath(volumePath(svm, volume))).toEqual({ kind: 'volume', svm, volume });
      }),
    );
    fc.assert(fc.property(fc.string(), (text) => parseMirrorPath(text).kind.length > 0));
  });
});
