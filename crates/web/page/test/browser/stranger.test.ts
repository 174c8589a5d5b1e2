// A page of another origin in the same browser must neither see nor change anything.

import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { launch, RAFT, start, type Cluster } from './cluster'

/** What is tried on a server. */
const NODE = [
  ['GET', '/kv'],
  ['GET', '/kv/x'],
  ['PUT', '/kv/x', 'evil'],
  ['DELETE', '/kv/x'],
  ['POST', '/sessions', '{}'],
  ['GET', '/members'],
  ['POST', '/members', '{"add":[[4,"127.0.0.1:4004"]]}'],
  ['POST', '/leader', '{"to":2}'],
  ['GET', '/status'],
  ['GET', '/healthz'],
  ['GET', '/readyz'],
  ['GET', '/metrics'],
  ['GET', '/events'],
  ['GET', '/watch'],
]

/** What is tried on the page's server, even with the right token. */
const PAGE = [
  ['GET', '/'],
  ['GET', '/api/setup'],
  ['GET', '/api/records'],
  ['GET', '/api/story'],
  ['GET', '/api/events'],
  ['GET', '/api/trace'],
  ['GET', '/api/scenarios'],
  ['POST', '/api/action', '{"action":"put","key":"x","value":"evil"}'],
]

describe.skipIf(!RAFT)('a page of another origin', () => {
  let browser: Browser
  let cluster: Cluster
  let other: Server
  let node: string
  let page: URL

  beforeAll(async () => {
    other = createServer((_, answer) => answer.setHeader('content-type', 'text/html').end('<!doctype html><p>other'))
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const rebound = '--host-resolver-rules=MAP evil.example 127.0.0.1'
    ;[browser, cluster] = await Promise.all([launch(rebound), start('up', '--plain', '--nodes', '1')])
    page = new URL(cluster.address)
    node = await expectSome(async () => {
      const told = await (await fetch(new URL('/api/records' + page.search, page))).text()
      return /"address":"([^"]+)"/.exec(told)?.[1]
    })
    await expectSome(async () => ((await put('good')) ? true : undefined))
  })

  afterAll(async () => {
    await browser?.close()
    await cluster?.stop()
    other?.close()
  })

  async function expectSome<T>(ask: () => Promise<T | undefined>): Promise<T> {
    return vi.waitFor(
      async () => {
        const found = await ask()
        if (found === undefined) throw new Error('not yet')
        return found
      },
      { timeout: 30_000 },
    )
  }

  const put = async (value: string) => (await fetch(`http://${node}/kv/x`, { method: 'PUT', body: value })).ok
  const state = async () => {
    const answers = await Promise.all(['/kv', '/members'].map((path) => fetch(`http://${node}${path}`)))
    return Promise.all(answers.map((answer) => answer.text()))
  }

  /** Tries everything from the page at this address, and says what came of it that should not. */
  async function attack(from: string) {
    const opened = await browser.newPage()
    await opened.goto(from)
    const tried = [
      ...NODE.map(([method, path, body]) => ({ method: method!, url: `http://${node}${path}`, body })),
      ...PAGE.map(([method, path, body]) => ({ method: method!, url: page.origin + path + page.search, body })),
    ]
    const seen = await opened.evaluate(async (tried) => {
      const seen: string[] = []
      for (const { method, url, body } of tried) {
        for (const mode of ['cors', 'no-cors'] as const) {
          for (const type of ['text/plain', 'application/json']) {
            try {
              const headers = { 'content-type': type }
              const signal = AbortSignal.timeout(5000)
              const answer = await fetch(url, { method, mode, body, headers, signal })
              const text = answer.type === 'opaque' ? '' : await answer.text()
              if (text || answer.status) seen.push(`${mode} ${method} ${url}: ${answer.status} ${text}`)
            } catch {
              // That is as it should be.
            }
          }
        }
      }
      return seen
    }, tried)
    await opened.close()
    return seen
  }

  test.each(['127.0.0.1', 'localhost', 'evil.example'])('at %s sees nothing and changes nothing', async (host) => {
    const before = await state()
    expect(await attack(`http://${host}:${(other.address() as AddressInfo).port}/`)).toEqual([])
    expect(await state()).toEqual(before)
  })

  test('under a name that was given the address of a server is refused', async () => {
    const before = await state()
    const opened = await browser.newPage()
    for (const path of ['/kv', '/kv/x', '/members', '/status']) {
      const answer = await opened.goto(`http://evil.example:${node.split(':')[1]}${path}`)
      expect(answer!.status()).toBe(403)
    }
    const rebound = await opened.goto(`http://evil.example:${page.port}/${page.search}`)
    expect(rebound!.status()).toBe(403)
    await opened.close()
    expect(await state()).toEqual(before)
  })

  test('that is stored as a value is not run', async () => {
    await put('<!doctype html><script>document.title = "run"</script>')
    const opened = await browser.newPage()
    // What is no page is offered as a file.
    const came = await Promise.allSettled([opened.waitForEvent('download'), opened.goto(`http://${node}/kv/x`)])
    expect(came[0].status).toBe('fulfilled')
    expect(await opened.title()).not.toBe('run')
    await opened.close()
  })
})
