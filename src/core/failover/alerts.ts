/**
 * Core (layer 1): what about a volume's replication deserves attention now. Truthful: an age that is unknown is not zero, a mirror that is
 * idle is not current for that, one that is healthy and has nothing to send is not stale, and a baseline on its way protects nothing.
 */
import type { AlertKind } from './events.ts';
import type { VolumeReplicationState } from './outcome.ts';

/** One alert about one volume at one target. */
export interface Alert {
  readonly alert: AlertKind;
  readonly volume: string;
  readonly target: string;
  readonly message: string;
}

/** @param maxLagSeconds above it a copy is too old; what was written since, where it is known to be nothing, makes it good again */
export function alertsFor(
  state: VolumeReplicationState,
  maxLagSeconds: number,
  writtenSinceBytes: number | undefined,
): readonly Alert[] {
  const { volume, target, phase, authority, unfenced, healthy, lagSeconds, why } = state;
  const alert = (kind: AlertKind, message: string): Alert => ({ alert: kind, volume, target, message });
  const alerts: Alert[] = [];
  if (phase === 'contested') alerts.push(alert('contested', why));
  if (phase === 'unprotected' || phase === 'initializing' || phase === 'failed-over') {
    alerts.push(
      alert('unprotected', phase === 'failed-over' ? 'it was failed over, and nothing protects it now' : why),
    );
  }
  if (unfenced !== undefined && authority !== 'undecided' && phase !== 'unprotected' && phase !== 'initializing') {
    alerts.push(alert('loser-unfenced', `the ${unfenced} can still be written to: what is written there will be lost`));
  }
  const following = phase === 'protected' || phase === 'reversed';
  if (!following) return alerts;
  if (healthy === false) alerts.push(alert('unhealthy', 'ONTAP calls the mirror unhealthy'));
  else if (!state.protected) alerts.push(alert('paused', 'somebody paused the mirror: the copy grows older'));
  const nothingToSend = writtenSinceBytes === 0 && healthy !== false;
  if (lagSeconds === undefined) alerts.push(alert('lag-too-long', 'the age of the copy is unknown'));
  else if (lagSeconds > maxLagSeconds && !nothingToSend) {
    alerts.push(alert('lag-too-long', `the copy is ${Math.round(lagSeconds)} s old, more than ${maxLagSeconds} s`));
  }
  return alerts;
}
