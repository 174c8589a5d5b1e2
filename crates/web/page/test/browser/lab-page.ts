// The page as a lab in one file, as `raft export --lab` writes it: with the engine inside.

import { readFile, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import type { Browser, Page } from 'playwright-core'
import { expect } from 'vitest'
import { pack } from '../../src/time/packed'

const PAGE = new URL('../../dist/index.html', import.meta.url)

/** The engine, gzipped. Without it there is no lab. */
export const ENGINE = process.env.ENGINE ?? new URL('../../dist/engine.wasm.gz', import.meta.url).pathname

export const hasEngine = existsSync(ENGINE)

export type Options = Parameters<Browser['newPage']>[0]

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
  return page
}

export const CLUSTER = (servers: number) => `cluster ${servers} election-timeout=150ms..300ms heartbeat=50ms latency=10ms..20ms seed=7\n---\n`

export const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name, exact: true })
export const standsStill = (page: Page) => page.getByText('Time stands still.')

/** Writes the page to this file; it begins with the link. */
export async function writeLab(file: string, link = ''): Promise<void> {
  const [page, engine] = await Promise.all([readFile(PAGE, 'utf8'), readFile(ENGINE, 'base64')])
  const place = '<script type="application/json" id="raft-embedded"></script>'
  if (!page.includes(place)) throw new Error('the page has no place for what it is made for')
  const embedded = place.replace('></', () => `>${JSON.stringify({ lab: link })}</`)
  const script = `<script type="application/gzip;base64" id="raft-engine">${engine}</script>`
  await writeFile(file, page.replace(place, () => embedded + script))
}
