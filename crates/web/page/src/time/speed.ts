import type { Session } from '../source/session.svelte'

/** How fast the servers' clocks run, or seem to run where the past is on show. */
export function speedOf(session: Session): number {
  const { player, serversTime } = session
  return player.isLive ? (session.wishedSpeed ?? serversTime.speedAt(player.newest)) : player.speed
}

/** Sets the speed of the cluster itself, or while the past is on show, only of the replay. */
export function setSpeed(session: Session, speed: number): void {
  if (!session.player.isLive) session.player.speed = speed
  else if (session.canAct) {
    session.wishedSpeed = speed
    void session.act({ action: 'set_speed', multiple: speed })
  }
}
