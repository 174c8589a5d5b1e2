// A scenario as a lesson: what there is to read, and what the story shows of it.

import { execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { launch, RAFT, serious, start, type Cluster } from './cluster'

describe.skipIf(!RAFT)('the page of a scenario', () => {
  let browser: Browser
  let server: Cluster
  let folder: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'raft-page-'))
    ;[browser, server] = await Promise.all([launch(), start('replay', '--web', 'replication/figure-8')])
  })

  afterAll(async () => {
    await browser?.close()
    await server?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  async function open(address: string, colorScheme: 'light' | 'dark' = 'light', width = 1280, height = 800): Promise<Page> {
    const page = await browser.newPage({ viewport: { width, height }, colorScheme, reducedMotion: 'reduce' })
    page.on('pageerror', (error) => expect.fail(String(error)))
    await page.goto(address)
    return page
  }

  const narration = (page: Page) => page.getByRole('region', { name: 'Narration' })
  const goOn = (page: Page) => narration(page).getByRole('button', { name: 'Continue' })

  test('tells its prose, and goes on when it was read', async () => {
    const page = await open(server.address)
    await narration(page).getByText('This is the paper').waitFor()
    await goOn(page).click()
    await narration(page).getByText('Is it too careful?').waitFor({ timeout: 20_000 })
    await goOn(page).waitFor()
    // The logs were printed before; who was elected silently, comes after.
    await page.locator('.story .said').getByText('n5      1   3').waitFor()
    expect(await page.locator('.story button.line').count()).toBe(0)
    await page.keyboard.press('Space')
    await goOn(page).waitFor({ state: 'detached' })
    await page.keyboard.press('End')
    expect(await narration(page).locator('p').count()).toBeGreaterThan(0)
    expect(await goOn(page).count()).toBe(0)
    await page.close()
  })

  test('shows its script on request, and what silent commands caused', async () => {
    const page = await open(server.address)
    await goOn(page).waitFor()
    await page.keyboard.press('End')
    const lines = () => page.locator('.story button.line').count()
    await expect.poll(lines).toBeGreaterThan(0)
    const folded = await lines()
    expect(await page.locator('.story .command').count()).toBe(0)
    await page.getByLabel('script').check()
    expect(await page.locator('.story .command').last().textContent()).toMatch(/^▸ \w/)
    await expect.poll(lines).toBeGreaterThan(folded)
    await page.keyboard.press('s')
    await page.locator('.story .command').first().waitFor({ state: 'detached' })
    await page.close()
  })

  test('says in red what was violated and what was promised, and that a rule is off, in an exported file too', async () => {
    const file = join(folder, 'without.html')
    execFileSync(RAFT!, ['export', 'without/one-vote-per-term', '-o', file], { stdio: 'ignore' })
    for (const theme of ['light', 'dark'] as const) {
      const page = await open(`file://${file}`, theme)
      await page.keyboard.press('End')
      const violated = page.locator('.story .headline.violated')
      await violated.getByText('VIOLATED: one vote per term').waitFor()
      await violated.getByText('What was promised: A server votes for at most one').waitFor()
      const bad = await page.evaluate(() => getComputedStyle(document.documentElement).getPropertyValue('--bad'))
      expect(await violated.locator('button.line').evaluate((line) => getComputedStyle(line).color)).toBe(rgb(bad))
      await page.getByText('one-vote-per-term is OFF here').click()
      await page.locator('.off').getByText('Without it:').waitFor()
      expect(await serious(page)).toEqual([])
      await page.close()
    }
  })

  test('fills a projector with servers, logs and prose, and remembers it in the address', async () => {
    const page = await open(`${server.address}&projector`, 'dark', 1920, 1080)
    const size = async () => (await page.locator('[data-node="1"] .role').boundingBox())!.height
    await goOn(page).waitFor()
    const large = await size()
    for (const hidden of ['.story', 'footer', '.tools']) expect(await page.locator(hidden).count()).toBe(0)
    const logs = (await page.locator('.logs').boundingBox())!
    expect(logs.y + logs.height).toBeLessThanOrEqual(1080)
    expect(await serious(page)).toEqual([])
    await page.keyboard.press('p')
    await page.locator('.story').waitFor()
    expect(await size()).toBeLessThan(large / 1.1)
    expect(page.url()).not.toContain('projector')
    await page.getByRole('button', { name: 'Projector' }).click()
    await page.locator('.story').waitFor({ state: 'detached' })
    expect(page.url()).toContain('projector')
    await page.close()
  })

  test('saves a picture of the moment that needs nothing else, in the light theme', async () => {
    const page = await open(server.address, 'dark')
    await goOn(page).waitFor()
    await page.keyboard.press('End')
    const waiting = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Save picture' }).click()
    const path = join(folder, 'moment.svg')
    await (await waiting).saveAs(path)
    const svg = await readFile(path, 'utf8')
    expect(/>Figure 8: .*>step 64: n5 leads term 5</.test(svg)).toBe(true)
    expect(svg.includes('fill="rgb(245, 244, 240)"')).toBe(true)
    expect(/var\(|class=|href|color\(/.exec(svg)).toBeNull()
    expect(await page.evaluate(() => document.documentElement.dataset.theme)).toBeUndefined()
    await page.goto(`file://${path}`)
    for (const words of ['n5 ⬢', 'no power', 'commit']) await page.getByText(words).first().waitFor()
    await page.close()
  })

  test('can be read on a phone, with the servers in sight', async () => {
    const page = await open(server.address, 'light', 390, 844)
    const button = (await goOn(page).boundingBox())!
    const bar = (await page.locator('footer').boundingBox())!
    expect(button.y + button.height).toBeLessThan(bar.y)
    const narrated = (await narration(page).boundingBox())!
    for (const id of [1, 2, 3, 4, 5]) {
      const body = (await page.locator(`[data-node="${id}"] .body`).boundingBox())!
      expect(body.y).toBeGreaterThan(0)
      expect(body.y + body.height).toBeLessThan(narrated.y)
    }
    // The last paragraph of a long passage is in sight too.
    await page.goto(`${server.address}#scenario=without/one-vote-per-term`)
    await page.getByText('is OFF here').waitFor()
    await page.keyboard.press('End')
    const last = (await narration(page).locator('p').last().boundingBox())!
    const barThen = (await page.locator('footer').boundingBox())!
    expect(last.y + last.height).toBeLessThan(barThen.y)
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0)
    await page.close()
  })
})

/** A colour such as `#b02a30` as browsers report it. */
function rgb(hex: string): string {
  const [red, green, blue] = [1, 3, 5].map((place) => parseInt(hex.trim().slice(place, place + 2), 16))
  return `rgb(${red}, ${green}, ${blue})`
}
