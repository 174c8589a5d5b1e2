// What the servers hold and what clients are told: of a living cluster, a scenario, and its exported file.

import { execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { launch, newLeader, RAFT, serious, start, type Cluster } from './cluster'

const LOST = 'clients/an-uncommitted-entry-is-lost'

const strip = (page: Page, id: number) => page.locator('.strip').nth(id - 1)
const store = async (page: Page, id: number) => (await strip(page, id).locator('.store').innerText()).replace(/^store\s+/, '').trim()
const stores = (page: Page) => Promise.all([1, 2, 3].map((id) => store(page, id)))
const commands = (page: Page, id: number) => strip(page, id).locator('.present small').allInnerTexts()
const requests = (page: Page) => page.getByRole('list', { name: 'Clients' }).getByRole('listitem')

describe.skipIf(!RAFT)('stores and clients', () => {
  let browser: Browser
  let folder: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'raft-page-'))
    browser = await launch()
  })

  afterAll(async () => {
    await browser?.close()
    await rm(folder, { recursive: true, force: true })
  })

  async function open(address: string, width = 1280, height = 800, colorScheme: 'light' | 'dark' = 'light'): Promise<Page> {
    const page = await browser.newPage({ viewport: { width, height }, colorScheme, reducedMotion: 'reduce' })
    page.on('pageerror', (error) => expect.fail(String(error)))
    await page.goto(address)
    return page
  }

  describe('of a living cluster', () => {
    let cluster: Cluster
    let page: Page

    beforeAll(async () => {
      // On a busy machine, too, the leader stays.
      cluster = await start('up', '--plain', '--nodes', '3', '--heartbeat', '50ms', '--election-timeout', '1s..2s')
      page = await open(cluster.address)
    })

    afterAll(() => cluster?.stop())

    async function put(key: string, value: string) {
      const hands = page.locator('.hands-panel')
      await hands.getByLabel('Key').fill(key)
      await hands.getByLabel('Value').fill(value)
      await hands.getByRole('button', { name: 'Put' }).click()
    }

    test('show what was put, and what is left of it without the leader', async () => {
      const leader = await newLeader(page)
      await put('x', '3')
      await requests(page).filter({ hasText: /x = 3\s*✓ done/ }).waitFor()
      await expect.poll(() => stores(page), { timeout: 20_000 }).toEqual(['x = 3', 'x = 3', 'x = 3'])
      expect(await commands(page, leader)).toContain('x = 3')
      await page.getByRole('button', { name: 'Kill the leader', exact: true }).click()
      await newLeader(page, leader)
      await expect.poll(() => store(page, leader)).toBe('–')
      expect(await commands(page, leader)).toContain('x = 3')
      await page.getByRole('button', { name: 'Restart dead servers' }).click()
      await expect.poll(() => stores(page), { timeout: 20_000 }).toEqual(['x = 3', 'x = 3', 'x = 3'])
    })

    test('tell that a client does not know when its leader dies', async () => {
      const leader = await newLeader(page)
      for (const follower of [1, 2, 3].filter((id) => id !== leader)) {
        await page.locator(`[data-node="${follower}"]`).click()
        await page.getByRole('button', { name: 'Kill', exact: true }).click()
        await page.locator(`[data-node="${follower}"].dead`).waitFor()
        await page.keyboard.press('Escape')
      }
      await put('x', '9')
      await requests(page).filter({ hasText: /x = 9\s*… waits/ }).waitFor()
      await page.getByRole('button', { name: 'Kill the leader', exact: true }).click()
      const unknown = requests(page).filter({ hasText: /x = 9\s*\? unknown/ })
      await unknown.waitFor()
      expect(await unknown.locator('.heard.unknown').count()).toBe(1)
      expect(await stores(page)).toEqual(['–', '–', '–'])
    })
  })

  test('of a scenario are those of the moment on show', async () => {
    const server = await start('replay', '--web', LOST)
    const page = await open(server.address)
    await page.getByText('c1 puts 9 into x').waitFor()
    await page.keyboard.press('End')
    await requests(page).filter({ hasText: /x = 9\s*\? unknown\s*n1 died before it replied/ }).waitFor()
    expect(await stores(page)).toEqual(['x = 2', 'x = 2', 'x = 2'])
    for (const id of [1, 2, 3]) expect(await commands(page, id)).toEqual(['no-op', 'x = 1', 'no-op', 'x = 2'])
    await page.keyboard.press('Home')
    expect(await requests(page).count()).toBe(0)
    expect(await stores(page)).toEqual(['empty', 'empty', 'empty'])
    await page.close()
    await server.stop()
  })

  test('of an exported file have room on a phone', async () => {
    const file = join(folder, 'lost.html')
    execFileSync(RAFT!, ['export', LOST, '-o', file])
    const page = await open(`file://${file}`, 390, 844, 'dark')
    await page.keyboard.press('End')
    await requests(page).filter({ hasText: /x = 9\s*\? unknown/ }).waitFor()
    expect(await stores(page)).toEqual(['x = 2', 'x = 2', 'x = 2'])
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390)
    expect(await serious(page)).toEqual([])
    await page.close()
  })
})
