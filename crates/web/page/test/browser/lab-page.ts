// The page as a lab: in one file, or with the engine beside it, as a folder is served.

import { execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect } from 'vitest'
import { pack } from '../../src/time/packed'
import { RAFT, launch } from './cluster'

const PAGE = new URL('../../dist/index.html', import.meta.url)

/** The engine, gzipped. */
const ENGINE = new URL('../../dist/engine.wasm.gz', import.meta.url)

export type Options = Parameters<Browser['newPage']>[0]

export const PHONE: Options = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }

/** A browser, and the lab as a file in a folder, for as long as the tests take that are declared beside this. */
export function labInFile(): { readonly browser: Browser; readonly folder: string; readonly address: string } {
  const lab = {} as { browser: Browser; folder: string; address: string }
  beforeAll(async () => {
    lab.folder = await mkdtemp(join(tmpdir(), 'raft-page-'))
    await writeLab(join(lab.folder, 'lab.html'))
    lab.address = `file://${join(lab.folder, 'lab.html')}`
    lab.browser = await launch()
  })
  afterAll(async () => {
    await lab.browser?.close()
    await rm(lab.folder, { recursive: true, force: true })
  })
  return lab
}

/** Opens a lab. Any error in it fails the test. */
export async function openLab(browser: Browser, address: string, options: Options = {}): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce', ...options })
  page.on('pageerror', (error) => expect.fail(String(error)))
  await page.goto(address)
  await button(page, 'Pause').or(button(page, 'Play')).waitFor()
  return page
}

/** Opens a cluster that does not change from test to test, and stands still. */
export async function openStill(browser: Browser, address: string, servers: number, options: Options = {}): Promise<Page> {
  const page = await openLab(browser, `${address}#lab=${await pack(CLUSTER(servers))}`, options)
  await page.keyboard.press(' ')
  await standsStill(page).waitFor()
  // What the engine was asked to do before may still come.
  let before = ''
  const hasMoved = async () => before !== (before = await page.getByLabel('Moment').inputValue())
  await expect.poll(hasMoved).toBe(false)
  return page
}

export const CLUSTER = (servers: number) => `cluster ${servers} election-timeout=150ms..300ms heartbeat=50ms latency=10ms..20ms seed=7\n---\n`

export const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name, exact: true })
export const standsStill = (page: Page) => page.getByText('Time stands still.')

/** Writes the lab as one file: as the program does it or, without that, the built page with the engine inside. */
export async function writeLab(file: string): Promise<void> {
  if (RAFT) return void execFileSync(RAFT, ['export', '--lab', '-o', file], { stdio: 'ignore' })
  const engine = await readFile(ENGINE, 'base64')
  await writeFile(file, await page(`<script>raftEngine = Uint8Array.from(atob('${engine}'), (letter) => letter.charCodeAt(0))</script>`))
}

/** The page as a lab that begins with this link, with this in it. */
async function page(engine: string, start = ''): Promise<string> {
  const page = await readFile(PAGE, 'utf8')
  const place = '<script type="application/json" id="raft-embedded"></script>'
  if (!page.includes(place)) throw new Error('the page has no place for what it is made for')
  return page.replace(place, () => place.replace('></', `>${JSON.stringify({ lab: start })}</`) + engine)
}

/** The content policy with which `raft lab` serves the page. */
const POLICY =
  "default-src 'none'; script-src 'unsafe-inline' 'wasm-unsafe-eval'; worker-src blob:; style-src 'unsafe-inline'; img-src data: blob:; connect-src 'self'"

/** Serves the page with the engine beside it, as a folder of files. */
export async function serveLab(start = ''): Promise<{ address: string; stop: () => void }> {
  const [html, engine] = await Promise.all([page('', start), readFile(ENGINE)])
  const server = createServer((request, response) => {
    response.setHeader('content-security-policy', POLICY)
    if (request.url === '/') response.setHeader('content-type', 'text/html').end(html)
    else if (request.url === '/engine.wasm.gz') response.setHeader('content-type', 'application/gzip').end(engine)
    else response.writeHead(404).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { address: `http://127.0.0.1:${port}/`, stop: () => server.close() }
}
