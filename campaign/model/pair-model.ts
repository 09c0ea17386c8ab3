/**
 * A model of one pair, apart from the library and from the simulated clusters: two sides, two orchestrators that decide by what they
 * see, a network that delays and loses whatever it likes, processes that die with a request on its way. `searchPair` goes through
 * every interleaving, breadth first, up to a depth, and holds the safety properties of docs/operations.md against every state.
 */

type Side = 's' | 't';

interface Mark {
  readonly epoch: number;
  readonly here: boolean;
  readonly by: number;
}

interface Place {
  readonly rw: boolean;
  readonly mounted: boolean;
  readonly mark: Mark;
}

type Request =
  | { readonly do: 'mark'; readonly side: Side; readonly mark: Mark }
  | { readonly do: 'mount' | 'unmount'; readonly side: Side }
  | {
      readonly do:
        | 'update'
        | 'break'
        | 'resync'
        | 'relate-back'
        | 'resync-back'
        | 'update-back'
        | 'break-back'
        | 'drop-back';
    };

interface Orchestrator {
  /** What it is at: failing over, failing back, or nothing. */
  readonly goal: 'out' | 'home' | 'none';
  /** Of its operation; a new one for each. */
  readonly id: number;
  /** The epoch that it took; 0: none. */
  readonly claim: number;
  /** The update that it needs before it goes on was seen to end. */
  readonly updated: boolean;
  readonly sent: Request | null;
}

export interface State {
  readonly s: Place;
  readonly t: Place;
  /** From source to target, and back. */
  readonly forward: 'mirrored' | 'broken';
  readonly back: 'none' | 'broken' | 'mirrored';
  /** Writes that each side holds, that hosts were promised, and that somebody agreed to lose: a bit each. */
  readonly held: { readonly s: number; readonly t: number };
  readonly acked: number;
  readonly accepted: number;
  readonly orchestrators: readonly [Orchestrator, Orchestrator];
  /** A request of a dead process that is still on its way. */
  readonly stray: Request | null;
  /** Who holds the lock; -1 nobody. */
  readonly lock: number;
}

export interface SearchOptions {
  readonly from: keyof typeof BEGINNINGS;
  readonly depth: number;
  /** Both ask a lock before every step, and a request does not outlive its holder's lease. */
  readonly lock: boolean;
  /** Stop after so many states (default: none). */
  readonly mostStates?: number;
}

export interface SearchResult {
  readonly states: number;
  /** Every state up to this depth was looked at. */
  readonly depth: number;
  /** The shortest way to a state in which something does not hold, a step a line. */
  readonly counterexample?: readonly string[] | undefined;
  readonly violation?: string | undefined;
}

const MOST_WRITES = 2;
const MOST_OPERATIONS = 3;
const IDLE: Orchestrator = { goal: 'none', id: 0, claim: 0, updated: false, sent: null };
const UNMARKED: Mark = { epoch: 0, here: false, by: 0 };

const MIRRORED: State = {
  s: { rw: true, mounted: true, mark: UNMARKED },
  t: { rw: false, mounted: false, mark: UNMARKED },
  forward: 'mirrored',
  back: 'none',
  held: { s: 1, t: 1 },
  acked: 1,
  accepted: 0,
  orchestrators: [IDLE, IDLE],
  stray: null,
  lock: -1,
};
const mark = (epoch: number, here: boolean): Mark => ({ epoch, here, by: -epoch });

/** Where a search may begin: the phases of a pair, as finished operations leave them. */
export const BEGINNINGS = {
  protected: MIRRORED,
  'failed-over': {
    ...MIRRORED,
    s: { rw: true, mounted: false, mark: mark(1, false) },
    t: { rw: true, mounted: true, mark: mark(1, true) },
    forward: 'broken',
  },
  reversed: {
    ...MIRRORED,
    s: { rw: false, mounted: false, mark: mark(2, false) },
    t: { rw: true, mounted: true, mark: mark(2, true) },
    forward: 'broken',
    back: 'mirrored',
  },
  switched: {
    ...MIRRORED,
    s: { rw: true, mounted: true, mark: mark(3, true) },
    t: { rw: true, mounted: false, mark: mark(3, false) },
    forward: 'broken',
    back: 'broken',
  },
} as const satisfies Readonly<Record<string, State>>;

interface Reached {
  readonly state: State;
  readonly from: Reached | undefined;
  readonly step: string;
}

export function searchPair({ from, depth, lock, mostStates = Number.POSITIVE_INFINITY }: SearchOptions): SearchResult {
  const start: State = BEGINNINGS[from];
  const seen = new Set<string>([JSON.stringify(start)]);
  let frontier: Reached[] = [{ state: start, from: undefined, step: `it begins: ${from}` }];
  for (let level = 1; level <= depth; level++) {
    const next: Reached[] = [];
    for (const reached of frontier) {
      for (const [step, state] of stepsFrom(reached.state, lock)) {
        const key = JSON.stringify(state);
        if (seen.has(key)) continue;
        seen.add(key);
        const there = { state, from: reached, step };
        const violation = violationIn(state) ?? strandedIn(state);
        if (violation !== undefined)
          return { states: seen.size, depth: level, violation, counterexample: wayTo(there) };
        next.push(there);
        if (seen.size >= mostStates) return { states: seen.size, depth: level - 1 };
      }
    }
    if (next.length === 0) return { states: seen.size, depth: Number.POSITIVE_INFINITY };
    frontier = next;
  }
  return { states: seen.size, depth };
}

function wayTo(last: Reached): readonly string[] {
  const steps: string[] = [];
  for (let at: Reached | undefined = last; at !== undefined; at = at.from) steps.unshift(at.step);
  return steps;
}

/** Who counts, as anybody sees it who sees both sides. */
export function countingSide({ s, t, forward, back }: State): Side | undefined {
  if (forward === 'mirrored') return back === 'mirrored' ? undefined : 's';
  if (back === 'mirrored') return 't';
  const outdated = s.mark.here && s.mark.epoch >= t.mark.epoch;
  if (t.mark.here && !outdated) return 't';
  const tied = t.mark.here && t.mark.epoch === s.mark.epoch;
  return s.mark.here && !tied && back === 'broken' ? 's' : undefined;
}

/** The side that counts holds every write that was promised, but those that somebody agreed to lose. */
function violationIn(state: State): string | undefined {
  const side = countingSide(state);
  if (side === undefined) return undefined;
  const lost = state.acked & ~state.accepted & ~state.held[side];
  return lost === 0 ? undefined : `${nameOf(side)} counts, and does not hold writes ${lost.toString(2)}`;
}

/** With one orchestrator and a network that works, every state leads home. */
function strandedIn(state: State): string | undefined {
  let now: State = { ...state, orchestrators: [IDLE, IDLE], stray: null, lock: -1 };
  for (let steps = 0; steps < 60; steps++) {
    const violation = violationIn(now);
    if (violation !== undefined) return `on the way home ${violation}`;
    const home = now.forward === 'mirrored' && now.back === 'none' && now.s.rw && now.s.mounted;
    if (home) return undefined;
    const [one] = now.orchestrators;
    if (one.goal === 'none') {
      const goal = countingSide(now) === undefined ? 'out' : 'home';
      now = withOrchestrator(now, 0, { ...IDLE, goal, id: 90 + steps });
      continue;
    }
    const [thought] = thinkOf(now, 0);
    if (thought === undefined) return 'an orchestrator does not know how to go on';
    now = thought[1];
    const { sent } = now.orchestrators[0];
    if (sent !== null) now = answered(effectOf(now, sent), 0, sent);
  }
  return 'the way home has no end';
}

/** Everything that can happen next. */
function stepsFrom(state: State, lock: boolean): [string, State][] {
  const steps: [string, State][] = [];
  const side = countingSide(state);
  const bit = 2 ** (32 - Math.clz32(state.acked));
  if (side !== undefined && state[side].rw && state[side].mounted && bit <= 2 ** MOST_WRITES) {
    const held = { ...state.held, [side]: state.held[side] | bit };
    steps.push([`a host writes at the ${nameOf(side)}`, { ...state, held, acked: state.acked | bit }]);
  }
  if (state.stray !== null) {
    steps.push(['the request of the dead process arrives', { ...effectOf(state, state.stray), stray: null }]);
    steps.push(['the request of the dead process is lost', { ...state, stray: null }]);
  }
  for (const index of [0, 1] as const) steps.push(...stepsOf(state, index, lock));
  return steps;
}

function stepsOf(state: State, index: 0 | 1, lock: boolean): [string, State][] {
  const me = state.orchestrators[index];
  const who = index === 0 ? 'A' : 'B';
  if (me.goal === 'none') {
    const latest = Math.max(...state.orchestrators.map(({ id }) => id));
    const free = !lock || (state.lock === -1 && state.stray === null);
    if (latest >= MOST_OPERATIONS || !free) return [];
    return (['out', 'home'] as const).map((goal) => {
      const begun = withOrchestrator(state, index, { ...IDLE, goal, id: latest + 1 });
      return [`${who} begins to fail ${goal === 'out' ? 'over' : 'back'}`, lock ? { ...begun, lock: index } : begun];
    });
  }
  const released = (next: State) => (next.lock === index ? { ...next, lock: -1 } : next);
  const dead = released(withOrchestrator(state, index, { ...IDLE, id: me.id }));
  const steps: [string, State][] = [];
  if (me.sent === null) {
    for (const [what, next] of thinkOf(state, index)) {
      const over = next.orchestrators[index].goal === 'none';
      steps.push([`${who} ${what}`, over ? released(next) : next]);
    }
    steps.push([`${who} dies`, dead]);
    return steps;
  }
  const done = effectOf(state, me.sent);
  const unanswered = (next: State) => withOrchestrator(next, index, { ...me, sent: null });
  steps.push([`${who}'s request arrives: ${told(me.sent)}`, answered(done, index, me.sent)]);
  steps.push([`${who}'s request arrives, its answer is lost: ${told(me.sent)}`, unanswered(done)]);
  steps.push([`${who}'s request is lost: ${told(me.sent)}`, unanswered(state)]);
  if (state.stray === null) steps.push([`${who} dies with its request on the way`, { ...dead, stray: me.sent }]);
  return steps;
}

/** What an orchestrator makes of what it sees: the next request, by the rules of docs/operations.md. */
function thinkOf(state: State, index: 0 | 1): [string, State][] {
  const me = state.orchestrators[index];
  const send = (request: Request, more: Partial<Orchestrator> = {}): [string, State] => [
    `sends: ${told(request)}`,
    withOrchestrator(state, index, { ...me, ...more, sent: request }),
  ];
  const stop = (why: string): [string, State][] => [
    [`stops: ${why}`, withOrchestrator(state, index, { ...IDLE, id: me.id })],
  ];
  return me.goal === 'out' ? thinkOut(state, me, send, stop) : thinkHome(state, me, send, stop);
}

type Send = (request: Request, more?: Partial<Orchestrator>) => [string, State];
type Stop = (why: string) => [string, State][];

function thinkOut(state: State, me: Orchestrator, send: Send, stop: Stop): [string, State][] {
  const { s, t, forward } = state;
  if (countingSide(state) === 't') {
    if (!t.mounted && t.rw) return [send({ do: 'mount', side: 't' })];
    if (s.mark.epoch < t.mark.epoch) return [send({ do: 'mark', side: 's', mark: { ...t.mark, here: false } })];
    return stop('failed over');
  }
  if (forward === 'mirrored' && me.claim === 0 && !me.updated) {
    // The last update, or none where somebody accepts what that loses.
    return [send({ do: 'update' }), send(claimOf(state, me, 't', true), { claim: nextEpoch(state), updated: true })];
  }
  if (me.claim === 0) return [send(claimOf(state, me, 't', true), { claim: nextEpoch(state) })];
  if (!isMine(t.mark, me)) return stop('fenced');
  return forward === 'mirrored' ? [send({ do: 'break' })] : stop('contested');
}

function thinkHome(state: State, me: Orchestrator, send: Send, stop: Stop): [string, State][] {
  const { s, t, forward, back } = state;
  const side = countingSide(state);
  if (side === undefined) return stop('nobody counts');
  if (side === 's') {
    if (!s.mounted) return [send({ do: 'mount', side: 's' })];
    if (forward === 'mirrored') return back === 'none' ? stop('home') : [send({ do: 'drop-back' })];
    const claimed = claimBoth(state, me, 's', send, stop);
    return claimed ?? [send({ do: 'resync' })];
  }
  const claimed = claimBoth(state, me, 't', send, stop);
  if (back !== 'mirrored') {
    if (claimed !== undefined) return claimed;
    if (s.mounted) return [send({ do: 'unmount', side: 's' })];
    return [send({ do: back === 'none' ? 'relate-back' : 'resync-back' })];
  }
  // The switch: unmount, carry over the rest, give the authority over, break.
  const switching = t.mark.by === me.id && !t.mark.here && me.claim === t.mark.epoch;
  if (!switching) {
    if (claimed !== undefined) return claimed;
    if (t.mounted) return [send({ do: 'unmount', side: 't' }, { updated: false })];
    if (!me.updated) return [send({ do: 'update-back' })];
    const epoch = nextEpoch(state);
    return [send({ do: 'mark', side: 't', mark: { epoch, here: false, by: me.id } }, { claim: epoch })];
  }
  if (!isMine(s.mark, me)) return [send({ do: 'mark', side: 's', mark: { epoch: me.claim, here: true, by: me.id } })];
  return [send({ do: 'break-back' })];
}

/** A mark of one's own on both sides, the loser's first; undefined once both are there. */
function claimBoth(
  state: State,
  me: Orchestrator,
  winner: Side,
  send: Send,
  stop: Stop,
): [string, State][] | undefined {
  const loser = winner === 's' ? 't' : 's';
  const switched = winner === 's' && isMine(state.s.mark, me) && isMine(state.t.mark, me);
  if (switched) return undefined;
  if (me.claim === 0) return [send(claimOf(state, me, loser, false), { claim: nextEpoch(state) })];
  if (!isMine(state[loser].mark, me)) return stop('fenced');
  if (isMine(state[winner].mark, me)) return undefined;
  if (state[winner].mark.epoch > me.claim) return stop('fenced');
  return [send({ do: 'mark', side: winner, mark: { epoch: me.claim, here: true, by: me.id } })];
}

function claimOf(state: State, { id }: Orchestrator, side: Side, here: boolean): Request {
  return { do: 'mark', side, mark: { epoch: nextEpoch(state), here, by: id } };
}

function nextEpoch({ s, t }: State): number {
  return Math.max(s.mark.epoch, t.mark.epoch) + 1;
}

function isMine(mark: Mark, { claim, id }: Orchestrator): boolean {
  return mark.by === id && mark.epoch === claim;
}

/** What a cluster does with a request: it refuses what does not fit the state that it is in. */
function effectOf(state: State, request: Request): State {
  const { s, t, forward, back, held } = state;
  switch (request.do) {
    case 'mark': {
      // A target that is chosen while both sides could be written to: what only the source holds is accepted as lost.
      const chosen = request.side === 't' && request.mark.here && countingSide(state) !== 't' && forward === 'broken';
      const accepted = chosen ? state.accepted | (held.s & ~held.t) : state.accepted;
      return { ...state, accepted, [request.side]: { ...state[request.side], mark: request.mark } };
    }
    case 'mount':
    case 'unmount':
      return { ...state, [request.side]: { ...state[request.side], mounted: request.do === 'mount' } };
    case 'update':
      return forward === 'mirrored' && s.rw ? { ...state, held: { ...held, t: held.s } } : state;
    case 'break': {
      if (forward !== 'mirrored') return state;
      // What is written between the last update and the break is left behind, as the documentation says.
      const accepted = state.accepted | (held.s & ~held.t);
      return { ...state, forward: 'broken', t: { ...t, rw: true }, accepted };
    }
    case 'resync':
      if (forward !== 'broken' || !s.rw) return state;
      return { ...state, forward: 'mirrored', t: { ...t, rw: false, mounted: false }, held: { ...held, t: held.s } };
    case 'relate-back':
      return back === 'none' && t.rw ? { ...state, back: 'broken' } : state;
    case 'resync-back':
      if (back !== 'broken' || !t.rw) return state;
      return { ...state, back: 'mirrored', s: { ...s, rw: false, mounted: false }, held: { ...held, s: held.t } };
    case 'update-back':
      return back === 'mirrored' && t.rw ? { ...state, held: { ...held, s: held.t } } : state;
    case 'break-back':
      return back === 'mirrored' ? { ...state, back: 'broken', s: { ...s, rw: true } } : state;
    case 'drop-back':
      return { ...state, back: 'none' };
  }
}

function answered(state: State, index: 0 | 1, request: Request): State {
  const me = state.orchestrators[index];
  const updated = me.updated || request.do === 'update' || request.do === 'update-back';
  return withOrchestrator(state, index, { ...me, updated, sent: null });
}

function withOrchestrator(state: State, index: 0 | 1, orchestrator: Orchestrator): State {
  const [one, other] = state.orchestrators;
  return { ...state, orchestrators: index === 0 ? [orchestrator, other] : [one, orchestrator] };
}

function nameOf(side: Side): string {
  return side === 's' ? 'source' : 'target';
}

function told(request: Request): string {
  if (request.do === 'mark') {
    const { epoch, here } = request.mark;
    return `mark the ${nameOf(request.side)}: epoch ${epoch}, ${here ? 'counts' : 'does not count'}`;
  }
  return 'side' in request ? `${request.do} the ${nameOf(request.side)}` : request.do;
}
