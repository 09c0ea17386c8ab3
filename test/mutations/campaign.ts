/**
 * Deliberate bugs in failover and failback, in the rules and in what carries them out: the campaign of random disasters has to find each
 * within 2,000 seeds.
 */
import type { Mutation } from './mutation.ts';

const APPLY = 'src/run/failover/apply-failover.ts';
const BACK = 'src/run/failover/volume-failback.ts';
const WHO = 'src/core/failover/authority.ts';
const FACTS = 'src/core/failover/facts.ts';
const VERBS = 'src/run/mirror/verbs.ts';

const DATA = 'no acknowledged write is lost';
const ONE = 'one side counts';
const COMPLETE = 'done is done, or owed';
const CONVERGES = 'it comes to an end';
const LEAKS = 'nothing leaks';

interface Planted {
  readonly breaks: string;
  readonly name: string;
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  /** One that finds it; absent: it is looked for among the first 2,000. */
  readonly seed?: number;
}

const PLANTED: readonly Planted[] = [
  // ---- no acknowledged write is lost
  {
    breaks: DATA,
    name: 'the last update is left out, and nobody is asked',
    file: APPLY,
    find: '    const timeoutMs = options.lastUpdateTimeoutMs ?? DEFAULT_LAST_UPDATE_TIMEOUT_MS;\n    this.#attempted = true;\n',
    replace:
      '    const timeoutMs = options.lastUpdateTimeoutMs ?? DEFAULT_LAST_UPDATE_TIMEOUT_MS;\n    if (timeoutMs > 0) return pair;\n    this.#attempted = true;\n',
    seed: 1,
  },
  {
    breaks: DATA,
    name: 'the last update is begun, and not waited for',
    file: APPLY,
    find: 'await updateSnapmirror(context, { wait: true });',
    replace: 'await updateSnapmirror(context, { wait: false });',
  },
  {
    breaks: DATA,
    name: 'a last update that failed is no loss',
    file: APPLY,
    find: "      await operation.requireAccepted(this.#lossOf(pair, 'if-update-fails'));\n",
    replace: '',
  },
  {
    breaks: DATA,
    name: 'a failover without the source asks for nothing',
    file: APPLY,
    find: "      await operation.requireAccepted(this.#lossOf(pair, 'always'));\n      return pair;\n",
    replace: '      return pair;\n',
    seed: 14,
  },
  {
    breaks: DATA,
    name: 'the failback does not carry over the rest',
    file: BACK,
    find: "      await this.#step('final-update', () => this.#finalUpdate());\n",
    replace: '',
  },
  {
    breaks: DATA,
    name: 'the rest is carried over, and not waited for',
    file: BACK,
    find: 'signal, ...this.#progress() });\n        await updateSnapmirror(context, { wait: true });',
    replace: 'signal, ...this.#progress() });\n        await updateSnapmirror(context, { wait: false });',
  },
  {
    breaks: DATA,
    name: 'hosts go on writing at the target during the last update',
    file: BACK,
    find: "      await this.#step('fence-target', () => this.#unmountTarget(pair));\n",
    replace: '',
  },
  {
    breaks: DATA,
    name: 'a failback discards without a word (defect 4)',
    file: BACK,
    find: '    await operation.requireAccepted(lossAt(position, subject, operation.env.clock.now()));\n',
    replace: '    lossAt(position, subject, operation.env.clock.now());\n',
  },
  {
    breaks: DATA,
    name: 'a failback from a target that does not count',
    file: 'src/run/failover/plan-failback.ts',
    find: 'failedOverTo: countsElsewhere(seen, at.route.target, pair.volume)',
    replace: 'failedOverTo: undefined',
    seed: 9,
  },
  {
    breaks: DATA,
    name: 'a failback moves no data: it only mirrors again (defect 6)',
    file: 'src/core/failover/failback-position.ts',
    find: "    case 'reversed':\n      return onlineSource(pair, 'catch-up');",
    replace: "    case 'reversed':\n      return onlineSource(pair, 'take-over');",
    seed: 1,
  },
  {
    breaks: DATA,
    name: 'an update is over as soon as it is asked for',
    file: VERBS,
    find: '    reached: options.wait ? finished : (now) => isActive(now) || finished(now),',
    replace: '    reached: (now) => isActive(now) || finished(now),',
  },
  // ---- one side counts
  {
    breaks: ONE,
    name: 'every target that bears a claim counts',
    file: 'src/run/failover/plan-failover.ts',
    find: 'if (own === undefined || outranked(own, pair)) return other.route.target;',
    replace: 'if (own === undefined) return other.route.target;',
  },
  {
    breaks: ONE,
    name: 'a target is asked alone, whatever the others claim',
    file: 'src/run/failover/replication-state.ts',
    find: '    elsewhere === undefined\n      ? own',
    replace: "    elsewhere === undefined || own.authority === 'target'\n      ? own",
  },
  {
    breaks: ONE,
    name: 'a source that became the copy still counts',
    file: WHO,
    find: "if (follows(reverse)) return { authority: 'target', phase: 'reversed', why: 'the source follows the target' };",
    replace:
      "if (follows(reverse)) return { authority: 'source', phase: 'reversed', why: 'the source follows the target' };",
  },
  {
    breaks: ONE,
    name: 'a mirror that is broken off still follows',
    file: FACTS,
    find: "  return !['absent', 'uninitialized', 'broken_off'].includes(mirror.state);",
    replace: "  return !['absent', 'uninitialized'].includes(mirror.state);",
    seed: 1,
  },
  {
    breaks: ONE,
    name: 'an old claim of the target outlives the switch back',
    file: WHO,
    find: "const outdated = there?.authority === 'here' && there.epoch >= (here?.epoch ?? 0);",
    replace: "const outdated = there?.authority === 'here' && there.epoch > 1000;",
  },
  {
    breaks: ONE,
    name: 'a claim of the target is not looked at',
    file: WHO,
    find: "if (here?.authority === 'here' && !outdated) {",
    replace: "if (here?.authority === 'here' && outdated) {",
    seed: 1,
  },
  {
    breaks: ONE,
    name: 'a switch that is being mirrored again counts at the target',
    file: WHO,
    find: "return { authority: 'source', phase: 'switched', why: 'the target is being made a copy of the source' };",
    replace:
      "return { authority: 'target', phase: 'failed-over', why: 'the target is being made a copy of the source' };",
  },
  {
    breaks: ONE,
    name: 'the switch does not tell the source that it counts',
    file: BACK,
    find: "        await writeMark(route, 'source', pair.source.found, { ...claim, authority: 'here' });\n        this.#claim = claim;\n        const context",
    replace: '        this.#claim = claim;\n        const context',
    seed: 1,
  },
  // ---- done is done, or owed
  {
    breaks: COMPLETE,
    name: 'the target is not mounted',
    file: APPLY,
    find: '    if (junctionPath === undefined) return;\n',
    replace: '    if (junctionPath !== undefined) return;\n',
  },
  {
    breaks: COMPLETE,
    name: 'a source that can be written to is not owed',
    file: APPLY,
    find: "if (plan.fence === 'none' && unfencedSide(pair, standingOf(pair)) === 'source') {",
    replace: "if (plan.fence === 'offline' && unfencedSide(pair, standingOf(pair)) === 'source') {",
  },
  {
    breaks: COMPLETE,
    name: 'a fence that only marks',
    file: 'src/run/failover/fence.ts',
    find: '  if (found.junctionPath !== undefined) {\n    const change = await svm.changeVolume(found.uuid, { junctionPath: null }, { signal });',
    replace:
      "  if (found.junctionPath === '') {\n    const change = await svm.changeVolume(found.uuid, { junctionPath: null }, { signal });",
  },
  {
    breaks: COMPLETE,
    name: 'the source is not mounted after the way back',
    file: BACK,
    find: "if (junctionPath === undefined || source.found?.type !== 'rw' || source.found.junctionPath !== undefined) return;",
    replace:
      "if (junctionPath === undefined || source.found?.type !== 'dp' || source.found.junctionPath !== undefined) return;",
  },
  {
    breaks: COMPLETE,
    name: 'a failback is done once it has switched, mirrored again or not',
    file: BACK,
    find: "      if (position === 'reprotect') {\n        await this.#mountSource(pair);\n        await this.#resyncForward(pair);\n",
    replace: "      if (position === 'reprotect') {\n        await this.#mountSource(pair);\n        return;\n",
  },
  // ---- it comes to an end
  {
    breaks: CONVERGES,
    name: 'no claim is written',
    file: APPLY,
    find: "        await writeMark(route, 'target', pair.target.found, { ...claim, authority: 'here' });\n",
    replace: '',
  },
  {
    breaks: CONVERGES,
    name: 'a volume that was taken offline to fence it stays offline',
    file: BACK,
    find: "    const change = await svm.changeVolume(found.uuid, { state: 'online' }, { signal: route.signal });",
    replace: "    const change = await svm.changeVolume(found.uuid, { state: 'offline' }, { signal: route.signal });",
  },
  {
    breaks: CONVERGES,
    name: 'a mirror that is paused is not resumed on the way back',
    file: BACK,
    find: "      if (this.#here.reverse?.state === 'paused') await resumeSnapmirror(context);\n",
    replace: '',
  },
  {
    breaks: CONVERGES,
    name: 'the epoch never grows',
    file: 'src/core/failover/mark.ts',
    find: '  return Math.max(0, ...marks.map((mark) => mark?.epoch ?? 0)) + 1;',
    replace: '  return Math.min(1, marks.length + 1);',
  },
  // ---- nothing leaks
  {
    breaks: LEAKS,
    name: 'the mirror of the way back is left',
    file: BACK,
    find: "} else if (position === 'drop-reverse') await this.#dropReverse(pair);",
    replace: "} else if (position === 'drop-reverse') return;",
  },
  {
    breaks: LEAKS,
    name: 'the target keeps what it held for the way back',
    file: BACK,
    find: "sourceSvm.deleteRelationship(reverse.uuid, 'both', { signal })",
    replace: "sourceSvm.deleteRelationship(reverse.uuid, 'destination', { signal })",
  },
  {
    breaks: LEAKS,
    name: 'a drill leaves its clones',
    file: 'src/run/failover/drill.ts',
    find: '        await svm.finish(await svm.deleteVolume(uuid, { signal }), { signal, look: gone });\n',
    replace: '        await gone();\n',
  },
  {
    breaks: LEAKS,
    name: 'clones of killed drills are not found',
    file: 'src/core/failover/drill-plan.ts',
    find: 'return /^dmdrill_[0-9a-zA-Z]{1,8}_/.test(name);',
    replace: 'return /^drill_[0-9a-zA-Z]{1,8}_/.test(name);',
  },
];

export const MUTATIONS: readonly Mutation[] = PLANTED.map(({ seed, ...planted }) => {
  const range = seed === undefined ? ['--start', '1', '--seeds', '2000'] : ['--start', `${seed}`, '--seeds', '1'];
  return { ...planted, command: ['node', 'campaign/main.ts', '--quick', ...range], found: /FAILED seed \d+: / };
});
