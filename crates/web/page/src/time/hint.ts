import type { Session } from '../source/session.svelte'
import { faultsOf } from '../trace/network'
import { milliseconds } from '../trace/words'

/** Why elections can hardly succeed with the present settings (the rule `timeout-above-broadcast`), or null if they can. */
export function hintFor(session: Session, _position: number): string | null {
  const { timing, servers, latency_us } = session.setup
  if (!timing) return null
  const { network, servers: views } = session.history.latest
  const slow = Object.entries(views).flatMap(([id, view]) => (view.slow_disk ? [{ id, ...view.slow_disk }] : []))
  const [first] = slow
  if (first) {
    const names = slow.map(({ id }) => `n${id}`).join(', ')
    const { save_us: save, election_timeout_min_us: shortest } = first
    return `The disk of ${names} is slow: a save takes ${milliseconds(save)}, an election waits for two saves, and election timers run out after ${milliseconds(shortest)} or more. Use a longer --election-timeout for all servers, or a faster disk.`
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
    return `${loss} % of the messages are lost: vote requests and heartbeats seldom get through before an election timer runs out.`
  }
  if (2 * delay >= shortest) {
    return `A vote request and its reply take ${milliseconds(2 * delay)}, but election timers run out after ${range}: the next election starts before the last one can finish. Election timeouts must be much longer than messages take.`
  }
  if (heartbeat_us + delay >= shortest) {
    return `Heartbeats come every ${milliseconds(heartbeat_us)} and take ${milliseconds(delay)} to arrive, but election timers run out after ${range}: one late heartbeat is enough to depose a healthy leader.`
  }
  return null
}

function median(numbers: number[]): number {
  return numbers.sort((one, other) => one - other)[numbers.length >> 1] ?? 0
}
