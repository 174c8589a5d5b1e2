import type { Session } from '../source/session.svelte'
import { faultsOf } from '../trace/network'
import { milliseconds } from '../trace/words'

/** Why elections can't end as the dials stand now (the rule `timeout-above-broadcast`), if they can't. */
export function hintFor(session: Session, _position: number): string | null {
  const { timing, servers, latency_us } = session.setup
  if (!timing) return null
  const { network, servers: views } = session.history.latest
  const slow = Object.entries(views).flatMap(([id, view]) => (view.slow_disk ? [{ id, ...view.slow_disk }] : []))
  const [first] = slow
  if (first) {
    const names = slow.map(({ id }) => `n${id}`).join(', ')
    const { save_us: save, election_timeout_min_us: shortest } = first
    return `The disk of ${names} is slow: a save takes ${milliseconds(save)}, and an election waits for two, with timers that run out after ${milliseconds(shortest)} at the earliest. Give all servers a longer --election-timeout, or those a faster disk.`
  }
  const links = servers.flatMap((from) =>
    servers.filter((to) => to !== from).map((to) => faultsOf(network, from, to)),
  )
  const whole = links.filter((link) => !link.cut)
  if (whole.length === 0) return null
  const delay = latency_us + median(whole.map((link) => link.delay_us))
  const loss = median(whole.map((link) => link.loss_percent))
  const { heartbeat_us, election_timeout_min_us: shortest, election_timeout_max_us: longest } = timing
  const range = `${milliseconds(shortest)} to ${milliseconds(longest)}`
  if (loss >= 60) {
    return `${loss} of 100 messages are lost: requests for votes and heartbeats seldom get through before a timer runs out.`
  }
  if (2 * delay >= shortest) {
    return `A request for a vote and its answer take ${milliseconds(2 * delay)}, and timers run out after ${range}: the next election begins before the last one has ended. Timeouts must be far above the time that messages take.`
  }
  if (heartbeat_us + delay >= shortest) {
    return `A heartbeat is heard ${milliseconds(heartbeat_us + delay)} after the last one, and timers run out after ${range}: healthy leaders are deposed.`
  }
  return null
}

function median(numbers: number[]): number {
  return numbers.sort((one, other) => one - other)[numbers.length >> 1] ?? 0
}
