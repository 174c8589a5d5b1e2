// Links name what is on show and the moment of it: `#scenario=elections/first-election&at=n2.3:117`. The moment is an event,
// or a time in seconds. A recorded or live run is named by its title, `#run=3 servers&at=12.345`. A simulated run is in the
// link itself, as the packed script that plays it; its moments are numbers of records: `#lab=VZDBasM…&at=117`. A place in the
// course is `#learn=05-two-leaders/who-leads`. `#logs=1.1.3,1.2&servers=3` asks whether a run leads to logs.

import type { Session } from '../source/session.svelte'
import { nameOf, type EventId } from '../trace/record'
import { pack } from './packed'

export type Link = {
  readonly scenario: string | null
  readonly run: string | null
  /** The packed script of a simulated run; empty for a new cluster. */
  readonly lab: string | null
  /** How many servers a new cluster should have, or there are beside these logs. */
  readonly servers: string | null
  readonly at: string | null
  /** A place in the course; empty for the list of its chapters. */
  readonly learn: string | null
  /** The logs that a run is asked for; empty for those of an example. */
  readonly logs: string | null
}

/** A packed script that is longer than this, in characters, is no link any longer: mail programs and chats cut it. */
export const LONGEST_LAB = 6_000

export function readLink(fragment: string): Link {
  const fields = new URLSearchParams(fragment.replace(/^#/, ''))
  const field = (name: keyof Link) => fields.get(name)
  return { scenario: field('scenario'), run: field('run'), lab: field('lab'), servers: field('servers'), at: field('at'), learn: field('learn'), logs: field('logs') }
}

/** The fragment that links to this moment of a simulated run; null if its script is too long for a link. */
export async function linkToLab(script: string, position: number): Promise<string | null> {
  const packed = await pack(script)
  return packed.length > LONGEST_LAB ? null : `#lab=${packed}&at=${position}`
}

/** The fragment that links to what is on show: to the question, if it was constructed for one. */
export function linkTo(session: Session): string {
  if (session.question !== null) return session.question
  const { scenario, title } = session.setup
  const name = session.asked && nameOf(session.asked.record)
  const at = name ?? (session.player.moment.t / 1e6).toFixed(6)
  return `#${linkToRun(scenario, title)}&at=${at}`
}

/** The fragment that links to the beginning of a scenario. */
export function linkToScenario(name: string): string {
  return `#${linkToRun(name, '')}`
}

function linkToRun(scenario: string | null, title: string): string {
  return scenario === null ? `run=${encodeURIComponent(title)}` : `scenario=${scenario}`
}

/** Does the link lead to what is on show? A link without a name does. */
export function isOf(link: Link, session: Session): boolean {
  const { scenario, title } = session.setup
  if (link.scenario !== null) return link.scenario === scenario
  return link.run === null || (scenario === null && link.run === title)
}

/** Shows the moment that a link names. False if there is no such moment here. */
export async function goTo(session: Session, at: string): Promise<boolean> {
  return /^\d+(\.\d+)?$/.test(at) ? goToTime(session, Number(at) * 1e6) : goToEvent(session, at)
}

async function goToTime(session: Session, t: number): Promise<boolean> {
  const { history, player } = session
  await session.loadEarlier(() => history.firstTime <= t)
  player.seek(t)
  // Links give times with six digits.
  return history.firstTime <= t + 1
}

async function goToEvent(session: Session, name: string): Promise<boolean> {
  const id = eventId(name)
  if (!id) return false
  await session.loadEarlier(() => session.history.find(id) !== undefined)
  const entry = session.history.find(id)
  if (entry) session.ask(entry)
  return entry !== undefined
}

function eventId(name: string): EventId | undefined {
  const parts = /^n(\d+)(?:\.(\d+))?:(\d+)$/.exec(name)
  if (!parts) return undefined
  return { node: Number(parts[1]), life: Number(parts[2] ?? 1), seq: Number(parts[3]) }
}
