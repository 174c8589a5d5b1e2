// The picture in README.md: a simulated run, shown as if it were running now, at the moment of an election.

import { execFileSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Browser } from 'playwright-core'
import type { Embedded, Setup } from '../../src/source/contract'
import { nameOf, type TraceRecord } from '../../src/trace/record'
import { newCluster } from '../../src/trace/view'
import { launch, RAFT, sentence } from './cluster'

const PICTURE = new URL('../../../../../docs/page.png', import.meta.url).pathname
const SCRIPT = new URL('picture.txt', import.meta.url).pathname
const PAGE = new URL('../../dist/index.html', import.meta.url)

describe.skipIf(!RAFT)('the picture of the page', () => {
  let browser: Browser
  let server: Server
  let records: TraceRecord[]

  beforeAll(async () => {
    const exported = execFileSync(RAFT!, ['export', SCRIPT], { encoding: 'utf8' })
    const [, json] = /id="raft-embedded">(.+)<\/script>/.exec(exported)!
    const embedded = JSON.parse(json!) as Embedded
    records = embedded.records
    server = await serve(embedded)
    browser = await launch()
  })

  afterAll(async () => {
    await browser?.close()
    server?.closeAllConnections()
    server?.close()
  })

  test('shows an election, why it was won, and the logs', async () => {
    const elected = records.findLast(({ event, rule }) => event === 'role' && rule === 'majority-wins')!
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, deviceScaleFactor: 1, colorScheme: 'light' })
    // The clock stands still, so that the picture is the same each time.
    await page.clock.install({ time: 0 })
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/#at=${nameOf(elected)}`)
    await page.clock.runFor(1000)

    expect(await sentence(page).textContent()).toBe(`n${elected.node} leads term ${elected.term}`)
    expect(await page.locator('[data-node].leader').getAttribute('data-node')).toBe(String(elected.node))
    expect(await page.locator('[data-node].dead').getAttribute('data-node')).toBe('2')
    expect(await page.locator('.flight').count()).toBeGreaterThan(0)
    const why = page.getByRole('region', { name: 'Why?' })
    await why.getByText('majority-wins').waitFor()
    expect(await why.locator('li').count()).toBeGreaterThan(3)
    await page.getByText('You are looking at the past (paused)').waitFor()
    // The dead leader has an entry that no other server has, and that is not committed.
    expect(await page.locator('.cell.present', { hasText: 'x = 3' }).count()).toBe(1)
    expect(await page.locator('.cell.committed', { hasText: 'y = 2' }).count()).toBeGreaterThan(0)
    if (process.env.UPDATE_GOLDEN) await page.screenshot({ path: PICTURE })
    expect((await readFile(PICTURE)).length).toBeLessThan(200_000)
  })
})

/** Serves the page with these records, as `raft up` would if they were all that has happened. */
async function serve({ records, headlines }: Embedded): Promise<Server> {
  const page = await readFile(PAGE)
  const ids = [1, 2, 3]
  const setup: Partial<Setup> = { mode: 'live', title: '3 servers', scenario: null, servers: ids, timing: null, speed: 1, latency_us: 0, history: 50_000, scenes: [], without: null }
  const answers: Record<string, unknown> = { '/api/setup': setup, '/api/records': { snapshot: { after: 0, view: newCluster(ids) }, records }, '/api/headlines': headlines }
  const server = createServer(({ url }, response) => {
    const { pathname } = new URL(url!, 'http://page')
    if (pathname === '/api/events') response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
    else if (pathname in answers) response.end(JSON.stringify(answers[pathname]))
    else response.setHeader('content-type', 'text/html').end(page)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}
