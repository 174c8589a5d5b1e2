import type { Session } from '../source/session.svelte'
import { SPEEDS } from './player.svelte'

/** How fast the servers' clocks run, or seem to run where the past is on show. */
export function speedOf(session: Session): number {
  const { player, serversTime } = session
  return isOfCluster(session) ? (session.wishedSpeed ?? serversTime.speedAt(player.newest)) : player.speed
}

/** Sets the speed of the cluster itself, or while the past is on show, only of the replay. */
export function setSpeed(session: Session, speed: number): void {
  if (!isOfCluster(session)) session.player.speed = speed
  else if (session.canAct) {
    session.wishedSpeed = speed
    void session.act({ action: 'set_speed', multiple: speed })
  }
}

/** Is it the speed of a cluster that runs elsewhere, rather than that of what this page shows? */
function isOfCluster({ player }: Session): boolean {
  return player.isLive && !player.present.isHere
}

/** The one of the speeds on offer that is nearest to this one. */
export function nearestSpeed(wanted: number): number {
  const distance = (speed: number) => Math.abs(Math.log(speed / wanted))
  return SPEEDS.reduce((best, speed) => (distance(speed) < distance(best) ? speed : best))
}
