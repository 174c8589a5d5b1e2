// Runs of scripts, to be watched: which part of them, and how fast.

import { reducedMotion } from '../looks/motion.svelte'
import { nearestSpeed } from '../time/speed'
import { beginsStep } from '../trace/feed'
import type { Engine } from './engine'
import { replay } from './file'
import type { Session } from './session.svelte'

/** About how long it takes to play an answer, in seconds: between these, half a second for each step. */
const SHORTEST = 3
const LONGEST = 14

/** What a step in which nothing is told takes of the time of another one. */
const ROUTINE = 0.01

/** A script, and how many of its scenes come before what is to be watched. */
export type Watched = { readonly script: string; readonly begin: number }

/** Plays these commands in a world, to be watched after it, or with it. Those that start a cluster of their own leave another one alone. */
export function scenarioOf(world: readonly string[], commands: readonly string[], withWorld = false): Watched {
  const before = startsCluster(commands) && startsCluster(world) ? [] : world
  const lines = [...before, ...commands]
  const start = lines.findLastIndex(isCluster) + 1
  return { script: linesOf(lines), begin: withWorld ? start : Math.max(before.length, start) }
}

export function isExpectation(line: string): boolean {
  return /^!?\(?expect\b/.test(line)
}

export function isCluster(line: string): boolean {
  return /^\(?cluster\b/.test(line)
}

export function startsCluster(lines: readonly string[]): boolean {
  return lines.some(isCluster)
}

/** The usual cluster with as many servers as the first one in these lines. */
export function clusterIn(lines: readonly string[]): string {
  const sizes = lines.map((line) => /^!?\(?(cluster \d+)/.exec(line)?.[1])
  return sizes.find(Boolean) ?? 'cluster 3'
}

export function linesOf(commands: readonly string[]): string {
  return [...commands, '---', ''].join('\n')
}

/** Plays a script, and shows what is to be watched; where no cluster starts, returns what the simulator says instead. */
export async function film(engine: Engine, { script, begin }: Watched): Promise<Session | string> {
  const played = await engine.ask('film', { script })
  const { scenes } = played.setup
  if (played.records.length === 0) return scenes.map(({ said }) => said).join('')
  const session = replay(played, ROUTINE)
  session.showsScript = true
  const from = scenes[begin] ? scenes[begin].before - 1 : session.history.end
  if (begin < scenes.length) playFrom(session, from)
  else session.player.showPosition(session.history.end)
  return session
}

/** Plays a run from a position on, slowly enough to follow. Where nothing should move, its end is shown. */
export function playFrom(session: Session, position: number): void {
  const { player, history } = session
  const steps = history.between(position, history.end, false).filter(({ record }) => beginsStep(record)).length
  player.showPosition(position)
  const left = history.lastTime - player.moment.t
  if (reducedMotion.current || left <= 0) return player.showPosition(history.end)
  const wanted = session.isTimeless ? left / 1e6 : Math.max(SHORTEST, steps / 2)
  const speed = left / 1e6 / Math.min(LONGEST, wanted)
  // Endless elections are faster than any speed on offer.
  player.speed = Math.max(nearestSpeed(speed), Math.round(speed / 2))
  player.play()
}
