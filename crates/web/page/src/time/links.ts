// Links that name a position: `#n2.3:117` is an event, `#t=12.345` a time in seconds.

import type { Session } from '../source/session.svelte'
import { nameOf, type EventId } from '../trace/record'

/** Shows the position that an address' fragment names. False if it names none that is known. */
export function goToLink(session: Session, fragment: string): boolean {
  const time = /^#t=(\d+(?:\.\d+)?)$/.exec(fragment)
  if (time) {
    session.player.seek(Number(time[1]) * 1e6)
    return true
  }
  const id = eventId(fragment.slice(1))
  const entry = id && session.history.find(id)
  if (entry) session.ask(entry)
  return entry !== undefined
}

/** The fragment that names the position on show. */
export function linkTo(session: Session): string {
  const name = session.asked && nameOf(session.asked.record)
  return name ? `#${name}` : `#t=${(session.player.moment.t / 1e6).toFixed(6)}`
}

function eventId(name: string): EventId | undefined {
  const parts = /^n(\d+)(?:\.(\d+))?:(\d+)$/.exec(name)
  if (!parts) return undefined
  return { node: Number(parts[1]), life: Number(parts[2] ?? 1), seq: Number(parts[3]) }
}
