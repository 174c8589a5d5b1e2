// The cluster that the page's own server runs: records come in, actions go out.

import type { TraceRecord } from '../trace/record'
import { clusterFrom } from '../trace/view'
import type { Action, Setup } from './contract'
import { goToLink } from '../time/links'
import { fill } from './file'
import { Session } from './session.svelte'

const token = new URLSearchParams(location.search).get('token') ?? ''

/** Asks the server what is on show, and follows it. */
export async function connect(): Promise<Session> {
  const setup = (await request('api/setup')) as Setup
  const isLive = setup.mode === 'live'
  const session = new Session(setup, isLive ? act : null)
  listen(session)
  return session
}

/** Where the whole trace can be had as a file. */
export function traceAddress(): string {
  return `api/trace?token=${token}`
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

function listen(session: Session): void {
  const { player } = session
  const source = new EventSource(`api/events?token=${token}`)
  const isReplay = session.setup.mode === 'replay'
  const replayed: TraceRecord[] = []
  let isPresent = false
  const data = (event: Event) => JSON.parse((event as MessageEvent<string>).data)
  source.onopen = () => {
    if (isPresent) session.connection = 'connected'
    player.forgetClock()
  }
  source.onmessage = (event) => {
    const record = data(event) as TraceRecord
    if (isReplay) return void replayed.push(record)
    session.add(record)
    if (isPresent) player.heard(record.t, performance.now())
  }
  source.addEventListener('snapshot', (event) => session.resume(clusterFrom(data(event).view)))
  source.addEventListener('missed', (event) => {
    const { first, last } = data(event) as { first: number; last: number }
    session.notice = { text: `${last - first + 1} events are missing here: they came faster than the page read them`, isBad: true }
  })
  source.addEventListener('live', () => {
    const isFirst = !isPresent
    isPresent = true
    session.connection = 'connected'
    player.heard(session.history.lastTime, performance.now())
    if (isFirst) player.goLive()
  })
  source.addEventListener('end', () => {
    source.close()
    fill(session, replayed)
    goToLink(session, location.hash)
  })
  source.onerror = () => {
    session.connection = 'broken'
  }
}
