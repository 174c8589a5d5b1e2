// What happens by itself is over before it is seen: an election takes a few milliseconds. It is shown again, slowly.

import type { Session } from '../source/session.svelte'
import type { Headline } from '../trace/headlines'
import type { Rerun } from './player.svelte'

/** How fast the servers' clocks seem to run then, as in slow motion. */
const SLOW = 0.05
/** All in microseconds of the servers' own time: how much of the time before the election is shown, and before what led to it; */
const BEFORE_ELECTION = 150_000
const BEFORE_DEED = 20_000
/** how much at most of an election that takes long; */
const LONGEST = 600_000
/** and how much of the time after it. */
const AFTERWARDS = 60_000
/** It begins when the new leader has led for this long. */
const WAIT = 700_000

/**
 * The part of the past in which an election happened; 'later' if that is not over yet; null if it was slow anyway, or is not
 * known.
 */
export function rerunFrom(session: Session, headline: Headline): Rerun | 'later' | null {
  const { history, player, serversTime } = session
  const won = history.before(headline.after)?.record.t
  if (won === undefined) return null
  if (player.newest < won + WAIT) return 'later'
  const pace = serversTime.speedAt(won)
  const first = history.before(headline.first)?.record
  if (pace <= 2 * SLOW || first === undefined) return null
  const before = first.seq == null ? BEFORE_DEED : BEFORE_ELECTION
  const from = Math.max(first.t - before / pace, won - LONGEST / pace)
  return { from, until: won + AFTERWARDS / pace, speed: SLOW }
}
