/** Edge (layer 8): the peering of the SVMs of two backends. */
import type { SvmPeerApplication } from '../../ontap/ontap-svm.ts';
import { openDataMotion } from '../session.ts';
import type { ExitCode, Terminal } from '../terminal.ts';
import { EXIT } from '../terminal.ts';

/** What the options of the command select. */
export interface Peering {
  readonly config: string;
  readonly backend: string;
  readonly target: string;
  readonly application: readonly SvmPeerApplication[];
}

export async function peer(terminal: Terminal, selection: Peering): Promise<ExitCode> {
  await using dataMotion = await openDataMotion(terminal, selection);
  const { backend: source, target, application: applications } = selection;
  const result = await dataMotion.createSvmPeer({ source, target }, { applications, signal: terminal.signal });
  terminal.document(result);
  const did = result.actions.length > 0 ? result.actions.join(', ') : 'nothing to do';
  const half = result.destination;
  const state = half === undefined ? 'one SVM, no peering needed' : `${half.state} for ${half.applications.join(', ')}`;
  terminal.say(`${source} <-> ${target}: ${state} (${did})`);
  return EXIT.done;
}
