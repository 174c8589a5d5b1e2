// The server that serves this page: records come in, actions go out.

import type { TraceRecord } from '../trace/record'
import type { Headline } from '../types/Headline'
import type { SlowMotionState } from '../types/SlowMotionState'
import type { Snapshot } from '../types/Snapshot'
import type { Action, Embedded, Library, Part, Scenario, Setup, Stretch, WhyNot } from './contract'
import type { WhyNotTold } from '../types/WhyNotTold'
import { parse, replay } from './file'
import { Elsewhere } from '../time/present'
import { Session } from './session.svelte'

const token = new URLSearchParams(location.search).get('token') ?? ''

/** Shows what the server has: a running cluster, or a replay. */
export async function connect(): Promise<Session> {
  const [setup, newest] = (await Promise.all([request('api/setup'), request('api/records')])) as [Setup, Stretch]
  const { snapshot, records } = newest
  const headlines = (await request(`api/headlines?up_to=${snapshot.after + records.length}`)) as Headline[]
  const isLive = setup.mode === 'live'
  const session = isLive ? follow(setup, newest, headlines) : replay({ setup, records: parse(await trace()), headlines })
  session.whyNot = whyNot('')
  return session
}

/** The scenarios that the server can play. */
export const served: Library = {
  list: async () => {
    const listed = (await request('api/scenarios')) as (Scenario & { name?: string })[]
    return listed.map(({ name, ...scenario }) => ({ ...scenario, path: scenario.path ?? name }))
  },
  play: async (path) => {
    const session = replay((await request(`api/scenarios/${path}`)) as Embedded)
    session.whyNot = whyNot(`&scenario=${path}`)
    return session
  },
}

/** Asks about what the page was opened for, or about a scenario. */
function whyNot(scenario: string): WhyNot {
  return async (server, what, position) =>
    (await request(`api/why-not?server=${server}&what=${what}&up_to=${position}${scenario}`)) as WhyNotTold
}

/** The address of the whole trace as a file. */
export function traceAddress(): string {
  return `api/trace?token=${token}`
}

async function trace(): Promise<string> {
  return (await fetch(traceAddress())).text()
}

async function act(action: Action): Promise<string> {
  const { ok } = (await request('api/action', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(action),
  })) as { ok: string }
  return ok
}

async function request(path: string, init: RequestInit = {}): Promise<unknown> {
  const answer = await fetch(path, { ...init, headers: { ...init.headers, 'x-raft-token': token } })
  const body = await answer.json()
  if (!answer.ok) throw Object.assign(new Error(body.error), { help: body.help })
  return body
}

/** Shows a running cluster: the latest stretch at once, new records as they come, the story before, and its routine on demand. */
function follow(setup: Setup, { snapshot, records }: Stretch, headlines: Headline[]): Session {
  const earlier = async (upTo: number) => (await request(`api/records?up_to=${upTo}`)) as Stretch
  const story = async (upTo: number) => (await request(`api/story?up_to=${upTo}`)) as Part[]
  const present = new Elsewhere()
  const session = new Session(setup, { present, act, story, earlier, step: null })
  session.resume(snapshot)
  for (const record of records) session.add(record)
  session.hasHeadlines = true
  for (const headline of headlines) session.headlines.add(headline)
  session.connection = 'connected'
  present.heard(session.history.lastTime, performance.now())
  session.player.goLive()
  listen(session, present)
  if (snapshot.after > 0) void session.loadStory()
  return session
}

function listen(session: Session, present: Elsewhere): void {
  const { player, history } = session
  const source = new EventSource(`api/events?token=${token}&after=${history.end}`)
  const data = (event: Event) => JSON.parse((event as MessageEvent<string>).data)
  source.onopen = () => {
    session.connection = 'connected'
    present.end()
  }
  source.onmessage = (event) => {
    const record = data(event) as TraceRecord
    session.add(record)
    present.heard(record.t, performance.now())
  }
  source.addEventListener('headline', (event) => session.hear(data(event) as Headline))
  source.addEventListener('slow_motion', (event) => (session.slowMotion = data(event) as SlowMotionState))
  source.addEventListener('snapshot', (event) => session.resume(data(event) as Snapshot))
  source.addEventListener('missed', (event) => {
    const { first, last } = data(event) as { first: number; last: number }
    session.notice = { text: `${last - first + 1} events are missing here: they came faster than this page could read them.`, isBad: true }
  })
  source.addEventListener('live', () => {
    present.heard(history.lastTime, performance.now())
    if (player.wasLive) player.goLive()
  })
  source.onerror = () => session.disconnect()
}
