/** What was met: the situations that clusters showed (the cells of the state machine's grid), and the refusals that they gave. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { ANSWERS_CHANNEL, type ObservedAnswer } from '../../src/testing/index.ts';
import type { Counts } from './orchestrator.ts';

export function coverageOf(counts: Counts): { end(): void } {
  const count = (what: string) => {
    counts[what] = (counts[what] ?? 0) + 1;
  };
  const onAnswer = (message: unknown) => {
    const { request, response, distortedBy } = message as ObservedAnswer;
    const text = response.body.toString();
    const code = response.status >= 400 && distortedBy === undefined ? /"code": ?"?(\d+)/.exec(text)?.[1] : undefined;
    if (code !== undefined) count(`ontap ${code}`);
    if (request.method !== 'GET' || !request.path.endsWith('/snapmirror/relationships') || distortedBy !== undefined)
      return;
    for (const { state, transfer, policy } of recordsOf(text)) {
      if (state !== undefined) count(`cell ${state}/${transfer?.state ?? 'none'}/${policy?.type ?? 'async'}`);
    }
  };
  subscribe(ANSWERS_CHANNEL, onAnswer);
  return { end: () => unsubscribe(ANSWERS_CHANNEL, onAnswer) };
}

interface Shown {
  readonly state?: string;
  readonly transfer?: { readonly state?: string };
  readonly policy?: { readonly type?: string };
}

function recordsOf(text: string): readonly Shown[] {
  try {
    return (JSON.parse(text) as { records?: Shown[] }).records ?? [];
  } catch {
    return [];
  }
}
